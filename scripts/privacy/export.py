"""`kairos export`: all that is held of a person, made from the log as the engine makes it, and as the log has it."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from jobs.config import Config
from jobs.empty_knowledge import empty_knowledge
from jobs.fold.fold import Fold
from jobs.knowledge_feed import KnowledgeFeed
from jobs.learning.trust import trust_of
from jobs.publish import now_ms
from jobs.stack.private import written_privately
from schemas.counted import counted
from schemas.errors import ConfigError
from schemas.events import Event
from schemas.records import LogRecord
from schemas.state.person import PersonState
from schemas.topics import CONTROL, EVENTS, ITEMS
from scripts.audit.deployed_log import Log
from scripts.console import say, show, show_json, show_table
from scripts.ops.audit_view import changes_of
from scripts.ops.local_audit import note_look, read_log_of
from scripts.ops.status import running_kafka
from scripts.privacy.holdings import find_holdings
from scripts.privacy.trails import Trail, events_in, find_trail
from scripts.times import utc
from udfs.facts.rooms import ROOMS

LOOKS_MAX: Final = 10_000
SHOWN: Final = 200
"""Letters of a value in the readable form."""
REACTIONS: Final = ("decision_", "not_interested")


def export(
    config: Config,
    person: str,
    anonymous_ids: Sequence[str],
    archive: str | None,
    out: Path | None,
    *,
    is_json: bool,
) -> None:
    """Shows or writes it; raises ConfigError where nothing is held of the person."""
    kafka = running_kafka(config)
    note_look(config, "read everything", [person], {})
    found = everything(config, person, anonymous_ids, Log(kafka, config, archive))
    if out is not None:
        with written_privately():
            part = out.with_name(f"{out.name}.{os.getpid()}")
            part.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
            part.replace(out)
        say(f"{out} holds all of it, as JSON; only its user may read it")
    elif is_json:
        show_json(found)
    else:
        show_everything(found)


def everything(
    config: Config, person: str, anonymous_ids: Sequence[str], log: Log
) -> dict[str, Any]:
    """All of it as builtins; raises ConfigError where there is nothing."""
    trail = find_trail(person, anonymous_ids, log.records(EVENTS), log.rules.decode)
    holdings = find_holdings(trail, log, keeps_decisions=True)
    if not trail.events.records and not holdings.count:
        raise ConfigError(
            f"nothing is held of {person!r}: neither events nor decisions name them; "
            "is it a person's id, or an anonymous one?"
        )
    theirs = [one for one in events_in(log.records(EVENTS), log.rules.decode) if trail.is_theirs(one)]  # fmt: skip
    states = states_of(trail, log, config)
    looks = changes_of(read_log_of(config).looks_at(person, LOOKS_MAX))
    return {
        "person": person,
        "as_of_ms": now_ms(),
        "ids": sorted(trail.names),
        "shared_devices": sorted(trail.shared),
        "state": {name: rooms_of(state) for name, state in states.items()},
        "consent": {name: msgspec.to_builtins(_consent(state)) for name, state in states.items()},
        "decisions": [msgspec.to_builtins(one) for one in holdings.decisions],
        "reactions": [_plain(one) for one in theirs if one.event_type.startswith(REACTIONS)],
        "looks": looks,
        "held_in": {name: msgspec.to_builtins(one) for name, one in holdings.topics(trail).items()},
        "events": [_plain(one) for one in theirs],
    }


def states_of(trail: Trail, log: Log, config: Config) -> dict[str, PersonState]:
    """The profiles as of the end of the log, folded from the sessions in which anything is theirs.

    Nothing is decided on the way: what was decided and offered is in `decisions`.
    """
    feed = KnowledgeFeed(
        empty_knowledge(config), lambda _: None, trust_of(config), takes_models=False
    )
    for topic in (CONTROL, ITEMS):
        for record in log.records(topic):
            feed.apply(record.value, record.offset, record.timestamp_ms)
    fold = Fold(feed.knowledge, log.rules)
    for _ in fold.run(_of_sessions(log.records(EVENTS), trail.sessions)):
        pass
    return {name: fold.persons[name] for name in sorted(trail.names) if name in fold.persons}


def _of_sessions(records: Iterable[LogRecord], sessions: Iterable[str]) -> Iterable[LogRecord]:
    wanted = frozenset(sessions)
    return (record for record in records if record.key in wanted)


def rooms_of(state: PersonState) -> dict[str, Any]:
    """By room: for what purpose each field is kept, what it holds, and what is made of it, in words."""
    found = {}
    for room in ROOMS:
        if room.person:
            found[room.name] = {
                "fields": {
                    name: {"purpose": kept.purpose, "value": _builtin(getattr(state, name))}
                    for name, kept in room.person.items()
                },
                "used_as": {fact.attribute or fact.feature: fact.meaning for fact in room.facts},
            }
    return found


def _consent(state: PersonState) -> dict[str, Any]:
    return msgspec.structs.asdict(state.consent)


def _builtin(value: Any) -> Any:
    """As JSON has it: hashes in hex, structs with the names of their fields."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, msgspec.Struct):
        return {name: _builtin(one) for name, one in msgspec.structs.asdict(value).items()}
    if isinstance(value, dict):
        return {name: _builtin(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_builtin(one) for one in value]
    return value


def _plain(event: Event) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(event)
    return {name: value for name, value in plain.items() if value not in (None, [], {}, False)}


def show_everything(found: dict[str, Any]) -> None:
    """The readable form: what is kept by room, then how much of what there is, and where."""
    show(f"{found['person']}, as of {utc(found['as_of_ms'])}; ids: {', '.join(found['ids'])}")
    for name, rooms in found["state"].items():
        rows = [
            (room, field, one["purpose"], _short(one["value"]))
            for room, kept in rooms.items()
            for field, one in kept["fields"].items()
            if one["value"] not in (None, "", [], {}, 0, False)
        ]
        show_table(f"profile of {name}", ("room", "what", "purpose", "value"), rows)
    held = [
        (topic, one["records"], utc(one["first_ms"]), utc(one["last_ms"]))
        for topic, one in found["held_in"].items()
    ]
    show_table("records", ("topic", "records", "first", "last"), held)
    show_table(
        "decisions", ("when", "placement", "action", "why"),
        [(utc(one["event_time_ms"]), one["placement"], one["action_id"], one["explanation"]) for one in found["decisions"]],
    )  # fmt: skip
    show_table(
        "who looked", ("when", "who", "what"),
        [(utc(one["at_ms"]), one["who"], one["what"]) for one in found["looks"]],
    )  # fmt: skip
    events, reactions = (counted(len(found[f"{one}s"]), one) for one in ("event", "reaction"))
    show(f"{events} and {reactions}: --json or --out shows each")


def _short(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
