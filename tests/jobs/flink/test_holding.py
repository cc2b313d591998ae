"""Whoever has just signed in waits for what their visitor gives: live takes it in the order of a replay, whatever comes first."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.flink import holding
from jobs.flink.holding import Holding
from schemas.events import TRUE, UNMERGE
from schemas.state.inputs import Claim, Transfer
from schemas.state.session import SessionNews
from tests.builders import NOON, make_event, track
from udfs.inputs import PersonInput, decode_input, is_for_member
from udfs.knowledge.knowledge import Knowledge
from udfs.merge_visitors import give_state


class Values:
    """Flink's state of one key: what `value` and `map` hold stays, whoever asks for it next."""

    def __init__(self) -> None:
        self.cells: dict[str, Cell] = {}

    def get_state(self, descriptor: Any) -> "Cell":
        return self.cells.setdefault("value", Cell())

    def get_map_state(self, descriptor: Any) -> "Cell":
        return self.cells.setdefault("map", Cell())


class Cell:
    """One value, and values by number."""

    def __init__(self) -> None:
        self.data: bytes | None = None
        self.by_number: dict[int, bytes] = {}

    def value(self) -> bytes | None:
        return self.data

    def update(self, data: bytes) -> None:
        self.data = data

    def clear(self) -> None:
        self.data = None

    def get(self, number: int) -> bytes | None:
        return self.by_number.get(number)

    def put(self, number: int, data: bytes) -> None:
        self.by_number[number] = data

    def remove(self, number: int) -> None:
        del self.by_number[number]


class Member:
    """One person's side of the operator, which may be restarted from its state at any time."""

    def __init__(self) -> None:
        self.kept = Values()
        self.taken: list[PersonInput] = []
        self._is_busy = False
        self.restart()

    def restart(self) -> None:
        self._holding, self._is_busy = Holding(self.kept, decode_input), False

    def take(self, given: PersonInput) -> None:
        found = self._holding.admit(given, is_busy=self._is_busy)
        self.taken += found
        self._is_busy = self._is_busy or bool(found)

    def is_empty(self) -> bool:
        return not any(one.data or one.by_number for one in self.kept.cells.values())


def inputs(session: str, count: int = 3) -> tuple[list[PersonInput], list[PersonInput]]:
    """What a person is told by a session in which they sign in, and what their visitor and they themselves of before give."""
    events = [
        make_event(event_id=f"{session}{n}", event_time_ms=NOON + n, session_id=session, anonymous_id=session)
        for n in range(count)
    ]  # fmt: skip
    signed = make_event(
        event_id=f"{session}in", event_type="identified", person_id="ada", event_time_ms=NOON + 1,
        session_id=session, anonymous_id=session,
    )  # fmt: skip
    state = None
    told: list[PersonInput] = []
    for event in (events[0], signed, *events[1:]):
        result = track(state, event)
        state, told = result.state, [*told, *result.told]
    answers: list[PersonInput] = []
    for one in told:
        if isinstance(one, Claim):
            answers += give_state(None, one, Knowledge(), "seed").told
    return [one for one in told if is_for_member(one)], answers


def in_order(told: list[PersonInput], answers: list[PersonInput]) -> list[PersonInput]:
    return sorted([*told, *answers], key=lambda one: (one.order_ms, one.session_id, one.position))


ONE, OTHER = inputs("s1"), inputs("s2")


def split_inputs() -> tuple[list[PersonInput], list[PersonInput]]:
    """What a person is told by a session in which they are signed in and then split, and by a server that says so once more; and what comes back."""
    says = {"event_type": "signed_out", "anonymous_id": "s1", "properties": {UNMERGE: TRUE}}
    steps: dict[str, list[dict[str, Any]]] = {
        "s1": [{"event_type": "identified", "person_id": "ada"}, says, {}],
        "s2": [says | {"person_id": "ada"}],
    }
    told: list[PersonInput] = []
    for session, fields in steps.items():
        state = None
        for n, one in enumerate(fields):
            event = make_event(
                **{"event_id": f"{session}{n}", "event_time_ms": NOON + n, "session_id": session, "anonymous_id": "s1"} | one
            )  # fmt: skip
            result = track(state, event)
            state, told = result.state, [*told, *result.told]
    claims = [one for one in told if isinstance(one, Claim)]
    answers: list[PersonInput] = [
        answer for one in claims for answer in give_state(None, one, Knowledge(), "seed").told
    ]
    return [one for one in told if is_for_member(one)], answers


@given(st.data())
def test_what_is_split_off_is_waited_for_like_what_is_joined(data: st.DataObject) -> None:
    told, answers = split_inputs()
    assert sum(isinstance(one, Transfer) and one.is_undone for one in answers) == 2
    sessions = [[one for one in told if one.session_id == name] for name in ("s1", "s2")]
    member = Member()
    for one in merged(data, *sessions, *([answer] for answer in answers)):
        if data.draw(st.booleans()):
            member.restart()
        member.take(one)
    for mine in sessions:
        ours = [one for one in answers if one.session_id == mine[0].session_id]
        assert [one for one in member.taken if one in [*mine, *ours]] == in_order(mine, ours)
    assert member.is_empty()


def merged(chance: Any, *lines: list[PersonInput]) -> list[PersonInput]:
    """The lines mixed, each in its order."""
    left, found = [list(line) for line in lines], []
    while any(left):
        found.append(chance.draw(st.sampled_from([one for one in left if one])).pop(0))
    return found


@given(st.data())
def test_whatever_comes_first_the_order_is_that_of_a_replay(data: st.DataObject) -> None:
    told, answers = ONE
    member = Member()
    for one in merged(data, told, answers[:1], answers[1:]):
        if data.draw(st.booleans()):
            member.restart()
        member.take(one)
    assert member.taken == in_order(told, answers)
    assert member.is_empty()


@given(st.data())
def test_of_two_sessions_each_keeps_its_order_and_nothing_is_lost(data: st.DataObject) -> None:
    member = Member()
    for one in merged(data, ONE[0], ONE[1][:1], ONE[1][1:], OTHER[0], OTHER[1][:1], OTHER[1][1:]):
        if data.draw(st.booleans()):
            member.restart()
        member.take(one)
    for session, told, answers in (("s1", *ONE), ("s2", *OTHER)):
        mine = [one for one in member.taken if one.session_id == session]
        assert mine == in_order(told, answers)
    assert len(member.taken) == sum(map(len, (*ONE, *OTHER)))
    assert member.is_empty()


def test_nothing_is_asked_of_the_state_for_who_waits_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    member = Member()
    for one in (*ONE[1], *ONE[0][:1]):
        member.take(one)
    asked: list[str] = []
    monkeypatch.setattr(Cell, "value", lambda _: asked.append("value"))
    member.take(ONE[0][1])
    assert (asked, member.taken[-1]) == ([], ONE[0][1])


def test_what_waits_has_a_bound_and_what_goes_on_without_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(holding, "HELD_MAX", 2)
    told, answers = inputs("s1", count=6)
    member = Member()
    for one in told[:2]:
        member.take(one)
    assert member.taken == [], "two may wait"
    for one in told[2:-1]:
        member.take(one)
    assert [one.is_merging for one in member.taken if isinstance(one, SessionNews)] == [True] * len(told[:-1])  # fmt: skip
    member.restart()
    for one in (*answers, told[-1]):
        member.take(one)
    *_, first, second, last = member.taken
    assert [first, second] == answers
    assert isinstance(last, SessionNews)
    assert not last.is_merging
    assert member.is_empty()


def test_who_signs_in_with_nothing_before_is_told_so_and_goes_on() -> None:
    told, answers = ONE
    assert [one.state for one in answers if isinstance(one, Transfer)] == [b"", b""]
    assert [len(one.awaits) for one in told if isinstance(one, SessionNews)][:2] == [2, 0]
