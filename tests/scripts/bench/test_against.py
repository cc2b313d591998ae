"""Two checkouts in turns: here scripts stand for them, which print what a benchmark prints."""

import json
from pathlib import Path

import pytest

from schemas.errors import ConfigError
from scripts.bench import against as bench_against
from scripts.bench.against import against


def checkout(folder: Path, per_s: float, code: int = 0) -> Path:
    rate = {"events_per_s": per_s, "events_per_cpu_s": per_s * 2}
    said = json.dumps({"Flink job": rate, "bare loop": rate})
    folder.mkdir()
    script = folder / "kairos"
    script.write_text(
        f"#!/bin/sh\necho \"$@\" >>words\necho a line of progress\necho '{said}'\nexit {code}\n"
    )
    script.chmod(0o755)
    return folder


def test_both_run_in_turns_and_their_ratio_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here, there = checkout(tmp_path / "here", 95.0), checkout(tmp_path / "there", 100.0)
    monkeypatch.setattr(bench_against, "PROJECT", here)
    against(("bench", "throughput"), there, 3, True)
    found = json.loads(capsys.readouterr().out)
    assert found["figures"]["job, events/s"] == {
        "here": 95.0, "there": 100.0, "ratio": 0.95, "ratio_min": 0.95, "ratio_max": 0.95,
    }  # fmt: skip
    for folder in (here, there):
        assert (folder / "words").read_text() == "bench throughput --json\n" * 3
    against(("bench", "throughput"), there, 1, False)
    assert "0.950" in capsys.readouterr().out


def test_what_is_no_checkout_or_fails_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_against, "PROJECT", checkout(tmp_path / "here", 1.0))
    with pytest.raises(ConfigError, match="no checkout"):
        against(("bench",), tmp_path, 1, True)
    with pytest.raises(ConfigError, match="code 3"):
        against(("bench",), checkout(tmp_path / "bad", 1.0, code=3), 1, True)
