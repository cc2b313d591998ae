"""The demos' scenarios, played through the fold: with one event left out, and under other names."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Final

import msgspec
import yaml

from jobs.fold.fold import Fold, FoldRules
from schemas.codec import EVENT
from schemas.decisions import Decision, DecisionTrace
from schemas.events import Event
from schemas.formats.json_lines import event_from_json
from schemas.items import Item
from schemas.records import LogRecord
from scripts.demo import make_catalogue
from scripts.files.item_files import read_items
from scripts.policy.policy_file import read_policy
from udfs.draw import identify_decision
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy
from udfs.policy.compiled_policy import CompiledPolicy

FOLDER: Final = make_catalogue.DEMO_DATA


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events, the one whose decisions are looked at, and what they must be; see scenarios.yaml."""

    name: str
    demo: str
    file: str
    asked: str
    expected: dict[str, str]
    left_out: str
    counter_expected: dict[str, str]
    slate: dict[str, list[str]] = {}

    def events(self) -> list[Event]:
        """All of its events, in their order."""
        lines = (FOLDER / self.demo / self.file).read_bytes().splitlines()
        return [event_from_json(line) for line in lines]

    def items(self) -> list[Item]:
        """The catalogue of its demo."""
        return list(read_items(FOLDER / self.demo / "items.jsonl"))


def scenarios() -> list[Scenario]:
    """All of them, of all demos."""
    found = yaml.safe_load((FOLDER / "scenarios.yaml").read_text())["scenarios"]
    return msgspec.convert(found, list[Scenario])


@cache
def policy_of(demo: str) -> CompiledPolicy:
    """The policy of a demo, as its file says."""
    return compile_policy(read_policy(FOLDER / demo / "policy.yaml"))


Made = dict[tuple[str, str], tuple[Decision, DecisionTrace]]
"""Decisions by event and placement."""


def play(demo: str, events: Iterable[Event], items: Iterable[Item]) -> Made:
    """What is decided on the events, in one process."""
    knowledge = Knowledge()
    knowledge.add_policy("demo", 0, 0, policy_of(demo))
    for position, item in enumerate(items):
        knowledge.add_item(item, position)
    made: Made = {}
    for one in Fold(knowledge, FoldRules(EVENT.decode, "kairos")).run(records_of(list(events))):
        assert not one.dead_letters
        for decision, trace in one.decisions:
            made[decision.event_id, decision.placement] = decision, trace
    return made


def records_of(events: list[Event]) -> list[LogRecord]:
    """The log; a decision that an event reacts to (EVENT/PLACEMENT) has its real id."""
    causes = {event.event_id: event for event in events}
    return [
        LogRecord("events", 0, at, one.event_time_ms, one.session_id, EVENT.encode(_reacting(one, causes)))
        for at, one in enumerate(events)
    ]  # fmt: skip


def _reacting(event: Event, causes: dict[str, Event]) -> Event:
    name, _, placement = (event.decision_id or "").partition("/")
    cause = causes.get(name)
    if cause is None:
        return event
    person = cause.person_id or cause.anonymous_id
    decision_id = identify_decision(person, cause.session_id, name, placement)
    return msgspec.structs.replace(event, decision_id=decision_id)


def renamed(events: Iterable[Event], rename: Callable[[str], str]) -> list[Event]:
    """The same events of other people, sessions and items."""
    return [
        msgspec.structs.replace(
            one,
            event_id=rename(one.event_id),
            session_id=rename(one.session_id),
            anonymous_id=rename(one.anonymous_id),
            person_id=rename(one.person_id) if one.person_id else None,
            decision_id=rename(one.decision_id) if one.decision_id else None,
            item_ids=tuple(map(rename, one.item_ids)),
        )
        for one in events
    ]


def renamed_items(items: Iterable[Item], rename: Callable[[str], str]) -> list[Item]:
    """The same items under other ids."""
    return [msgspec.structs.replace(one, item_id=rename(one.item_id)) for one in items]
