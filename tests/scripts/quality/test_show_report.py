"""`kairos status --quality`: findings first, then figures, in words and as JSON; and an answer where nothing can be read."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.limits import HOUR_MS
from scripts.cli import app
from scripts.exit_codes import NOT_UP
from scripts.quality.report import report_of
from scripts.quality.show_report import show_quality
from scripts.quality.volume import Volume
from tests.builders import NOON, make_record
from tests.scripts.quality.made import changed, sample, visits

HOUR = Volume(NOON, NOON + HOUR_MS, False, 3, (900, 1_000, 1_100, None), 1_000.0, 0.003, True)
RUNNING = Volume(NOON + HOUR_MS, NOON + HOUR_MS, True, 0, (None,) * 4, None, None, False)


def test_what_wants_looking_at_comes_first_then_each_figure(capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    new = [make_record(one) for one in visits(40, change=changed("product_viewed", price=None))]
    new += [one._replace(value=b"junk") for one in new[:20]]
    show_quality(report_of(NOON, [HOUR, RUNNING], sample(new), sample(visits(40, name="old")), "week_before"))  # fmt: skip
    out = capsys.readouterr().out
    heads = ["quality: 3 things want looking at", "  volume: 3 records", "  invalid: 11.1% of", "  null_share: price is missing", "0.00 unusual", "180 records of"]  # fmt: skip
    assert sorted(heads, key=out.index) == heads
    assert "900, 1,000, 1,100, not held" in out
    assert "held against 160 records" in out
    (price,) = [one for one in out.splitlines() if "price" in one and "null_share" not in one]
    cells = [one.strip() for one in price.strip("│┃ ").split("│")]
    assert cells == ["price", "120", "33.3%", "0.0%", "", "product_viewed"]
    (device,) = [one for one in out.splitlines() if "context.device" in one]
    assert [one.strip() for one in device.strip("│┃ ").split("│")][1:5] == ["160", "0.0%", "0.0%", "1"]  # fmt: skip


def test_where_all_is_as_it_was_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    show_quality(report_of(NOON, [], sample(visits(3)), None, None))
    out = capsys.readouterr().out
    assert "quality: nothing wants looking at" in out
    assert "12 records of 2023-11-14T22:13:20.000+00:00 to" in out
    assert "there is nothing to hold them against" in out
    assert "1 source left out: smaller than these, or of fewer than 5 sessions" in out


def test_without_a_kafka_it_says_why_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path))
    alone, both = (CliRunner().invoke(app, ["status", *words, "--json"], standalone_mode=False) for words in ((), ("--quality",)))  # fmt: skip
    assert (alone.return_value, both.return_value) == (NOT_UP, NOT_UP)
    told = json.loads(both.stdout)
    assert told.pop("quality")["unknown"].startswith("Kafka does not answer: `kairos up` starts it")
    assert told == json.loads(alone.stdout)
    words = CliRunner().invoke(app, ["status", "--quality"], standalone_mode=False)
    assert "quality: nothing is known of it: Kafka does not answer" in words.stdout
