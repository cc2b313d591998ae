"""`kairos kpi` and `outcomes`: over files by the fold, over records of the topic, and as a file for others."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from jobs.config import PROJECT, Config, config_from
from schemas.codec import OUTCOME
from schemas.errors import ConfigError
from schemas.events import Event
from schemas.kpis import KPIS
from schemas.limits import DAY_MS, MINUTE_MS
from schemas.outcomes import Outcome
from schemas.policy import DEFAULT_POLICY
from scripts.outcomes import kpi_here
from scripts.outcomes.kpi import count, in_words, kpis_json, show_kpis
from scripts.outcomes.kpi_here import outcomes_of, shown_dimension
from scripts.outcomes.parquet import SCHEMA, write_outcomes
from scripts.outcomes.reading import decoded, of_files, once
from tests.builders import NOON, make_event
from tests.examples.write import CONVERTED
from udfs.draw import identify_decision
from udfs.knowledge.erasures import Erasures

NO_SPAN = (None, None)


def said(number: int, event_type: str, who: str, **fields: Any) -> Event:
    return make_event(
        event_id=f"{who}{number}", event_type=event_type, event_time_ms=NOON + number * MINUTE_MS,
        session_id=f"s-{who}", anonymous_id=who, **fields,
    )  # fmt: skip


def shopping() -> Iterator[Event]:
    """Three people see a list, one clicks, one buys, one says what they think of it; all visits end."""
    for who in ("ann", "bob", "cid"):
        yield said(0, "page_viewed", who, placements=["home"])
        response = {
            "decision_id": identify_decision(who, f"s-{who}", f"{who}0", "home"), "item_ids": ["i1"],
            "properties": {"action_id": "recommend_items", "placement": "home"},
        }  # fmt: skip
        yield said(1, "decision_exposed", who, **response)
        if who == "ann":
            yield said(2, "decision_clicked", who, **response)
            yield said(3, "purchase_completed", who, value_amount=40.0, currency="EUR", item_ids=["i1"])  # fmt: skip
        if who == "bob":
            yield said(4, "feedback_given", who, value_amount=-1.0)
        yield said(5, "session_ended", who)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_from({"KAIROS_HOME": str(tmp_path / "home"), "KAIROS_CONSENT": "all"})


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(msgspec.json.encode(one) for one in shopping()))
    return path


def folded(events: Path, config: Config) -> list[Outcome]:
    return list(of_files([events], None, DEFAULT_POLICY, config))


def test_files_are_folded_and_added_up(
    config: Config, events: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counter = count(folded(events, config), "EUR")
    found = kpis_json(counter, "EUR", None, daily=True)
    whole = next(one for one in found["cells"] if one["by"] == "all" and one["day"] is None)
    values = {name: one["value"] for name, one in whole["kpis"].items()}
    assert values == pytest.approx(
        values | {"click_rate": 1 / 3, "conversion": 1 / 3, "order_value": 40.0, "satisfaction": -1.0, "bounce": 2 / 3}
    )  # fmt: skip
    assert {one["by"] for one in found["cells"]} == {"all", "holdout", "placement", "action", "segment"}  # fmt: skip
    assert {one["day"] for one in found["cells"]} == {None, "2023-11-14"}
    assert {one["name"] for one in found["kpis"]} == whole["kpis"].keys()
    show_kpis(counter, "EUR", None, daily=True, is_json=False)
    told = capsys.readouterr().out
    assert "33.33" in told
    assert "by placement" in told
    assert "2023-11-14" in told
    show_kpis(counter, "EUR", "holdout", daily=False, is_json=True)
    only = json.loads(capsys.readouterr().out)
    assert {one["by"] for one in only["cells"]} == {"all", "holdout"}


def test_a_record_of_the_topic_counts_once_and_not_of_who_was_erased(
    config: Config, events: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = folded(events, config)
    records = [OUTCOME.encode(one) for one in (*outcomes, *outcomes[2:])]

    class Ann(Erasures):
        def is_erased(self, kind: str, name: str, time_ms: int) -> bool:
            return (kind, name) == ("person", "ann")

    def read(erased: Erasures) -> list[Outcome]:
        return list(once(decoded(iter([b"junk", *records])), erased))

    assert read(Erasures()) == outcomes
    assert "no outcomes, left out: 1" in capsys.readouterr().err
    assert {one.person for one in read(Ann())} == {"bob", "cid"}
    live, replayed = (kpis_json(count(one, "EUR"), "EUR", None, daily=True) for one in (read(Erasures()), outcomes))  # fmt: skip
    assert live == replayed


def test_a_parquet_file_holds_every_field(config: Config, events: Path, tmp_path: Path) -> None:
    outcomes = [*folded(events, config), CONVERTED]
    path = tmp_path / "outcomes.parquet"
    assert write_outcomes(outcomes, path) == len(outcomes)
    assert set(SCHEMA.names) == set(Outcome.__struct_fields__)
    rows = pq.read_table(path).to_pylist()
    for row, one in zip(rows, outcomes, strict=True):
        read = row | {name: dict(row[name]) for name in ("arm", "measures")}
        assert msgspec.convert(read, Outcome) == one
    with pytest.raises(ConfigError, match="cannot be written"):
        write_outcomes(outcomes, tmp_path / "gone" / "outcomes.parquet")


def test_what_does_not_go_together_is_refused(config: Config, events: Path) -> None:
    with pytest.raises(ConfigError, match="of the topic"):
        outcomes_of(config, [events], None, None, (1, None))
    with pytest.raises(ConfigError, match="are of files"):
        outcomes_of(config, [], None, Path("policy.yaml"), NO_SPAN)
    with pytest.raises(ConfigError, match="one of arm, holdout"):
        shown_dimension("colour")
    assert shown_dimension("arm") == "arm"


def test_amounts_are_in_the_currency_of_the_policy(
    config: Config, events: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("currency: USD\nplacements: [{name: home}]\n")
    found, currency = outcomes_of(config, [events], None, policy, NO_SPAN)
    counter = count(found, currency)
    show_kpis(counter, currency, None, daily=False, is_json=False)
    assert "in other currencies than USD, left out: 1" in capsys.readouterr().err
    (one,) = (one for one in counter.ratios() if one.kpi.name == "revenue_per_visit")
    assert in_words(one, currency).startswith("0.00")


def test_where_nothing_runs_the_topic_is_not_read(config: Config) -> None:
    with pytest.raises(ConfigError):
        kpi_here.outcomes_of(config, [], None, None, NO_SPAN)


def test_what_is_left_out_or_scaled_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    one, other = (
        replace(CONVERTED, kind="visited", sign=1, outcome_id=arm, arm={"price": arm}, outcome_ms=NOON + day * DAY_MS)
        for day, arm in enumerate(("bold", "shy"))
    )  # fmt: skip
    show_kpis(count([one, other], "EUR"), "EUR", None, daily=False, is_json=False)
    assert "two arms of one experiment, and count in both: 1" in capsys.readouterr().err


def test_the_page_tells_of_each_kpi_how_it_is_made() -> None:
    page = (PROJECT / "docs" / "outcomes.md").read_text()
    for one in KPIS:
        better = one.better + (", guardrail" if one.is_guardrail else "")
        row = f"| `{one.name}` | {one.says} | `{one.numerator}` / `{one.denominator}` | {better} | {one.window} |"
        assert row in page
