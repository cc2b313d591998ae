"""Progress: a line now and then where nobody looks at a bar, and none for what is done in a moment."""

import ast
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from jobs.config import PROJECT
from scripts import progress
from scripts.progress import Watched

SPEAKING = frozenset(
    {"say", "show", "complain", "ConfigError", "UnusableInput", "InvalidEvent", "HTTPException"}
)
FOLDERS = ("schemas", "models", "log", "udfs", "jobs", "channels", "scripts")


def test_what_takes_long_says_how_far_it_is_and_how_fast(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    seconds = iter(range(0, 10_000, 7))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(seconds)))
    assert list(Watched("replaying", range(6), 6)) == list(range(6))
    assert capfd.readouterr().err.splitlines() == [
        "replaying: 3 of 6, 0/s",
        "replaying: 6 of 6, 0/s",
        "replaying: 6 in 49.0 s",
    ]


def test_what_is_done_in_a_moment_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(Watched("reading", range(10_000))) == list(range(10_000))
    assert capfd.readouterr().err == ""


def test_things_within_things_are_watched_on_a_terminal_as_well(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "stderr", lambda: Console(stderr=True, force_terminal=True))
    inner = Watched("reading", range(3))
    assert list(Watched("importing", (one for one in inner))) == [0, 1, 2]
    assert "importing" in capfd.readouterr().err
    assert not progress.BARS


def raw_times(path: Path) -> Iterator[str]:
    """Places where a message for a person holds a number of epoch milliseconds, or may."""
    for call in ast.walk(ast.parse(path.read_text())):
        called = getattr(call, "func", None)
        name = getattr(called, "id", None) or getattr(called, "attr", "").lstrip("_")
        if not isinstance(call, ast.Call) or name not in SPEAKING:
            continue
        for text in (one for part in call.args for one in ast.walk(part)):
            if isinstance(text, ast.JoinedStr):
                yield from (f"{path.name}:{text.lineno} {one}" for one in shown_raw(text))


def shown_raw(text: ast.JoinedStr) -> Iterator[str]:
    for part, after in zip(text.values, [*text.values[1:], None], strict=True):
        value = getattr(part, "value", None)
        named = getattr(value, "attr", None) or getattr(value, "id", None) or ""
        has_unit = isinstance(after, ast.Constant) and str(after.value).startswith(" ms")
        if isinstance(part, ast.FormattedValue) and named.endswith("_ms") and not has_unit:
            yield named


def test_messages_have_times_as_people_read_them() -> None:
    found = [
        one
        for folder in FOLDERS
        for path in sorted((PROJECT / folder).rglob("*.py"))
        for one in raw_times(path)
    ]
    assert found == [], "scripts.times.utc says a time"


def test_a_raw_time_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "one.py"
    path.write_text(
        'say(f"at {at_ms}")\nsay(f"{x.took_ms} ms")\nraise ConfigError(f"{utc(to_ms)}")'
    )
    assert list(raw_times(path)) == ["one.py:1 at_ms"]
