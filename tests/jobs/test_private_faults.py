"""A step that fails in an operator leaves it as a fault that says nothing of whose data it failed on: Flink logs what leaves an operator."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from jobs import learn_operators, operators, person_operators
from log.private_lines import Fault

CANARY = "anna.canary@example.com"


def fail(*_: object, **__: object) -> Any:
    raise KeyError(CANARY)


def blank(kind: type, **attributes: object) -> Any:
    """An operator's part without Flink: what a test does not give stands for itself."""
    made: Any = object.__new__(kind)
    for name in ("_settings", "_state", "_counts", "_tracing", "_memory", "feed"):
        setattr(made, name, MagicMock())
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def test_a_session_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operators, "track_session", fail)
    step = blank(operators.SessionStep, _pace=None, _topic="events", _decode=None)
    with pytest.raises(Fault) as raised:
        step.take((b"", 0, 0, CANARY), MagicMock())
    assert CANARY not in str(raised.value)


def test_a_person_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person_operators, "INPUTS", {"news": SimpleNamespace(step=fail)})
    step = blank(person_operators.PersonStep)
    given = SimpleNamespace(person=CANARY, order_ms=0, kind="news")
    with pytest.raises(Fault) as raised:
        list(step.act(given, MagicMock()))
    assert CANARY not in str(raised.value)


def test_a_lesson(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learn_operators, "take_lesson", fail)
    operator = blank(learn_operators.LessonOperator)
    with pytest.raises(Fault) as raised:
        list(operator._take(SimpleNamespace(person=CANARY), MagicMock()))
    assert CANARY not in str(raised.value)
