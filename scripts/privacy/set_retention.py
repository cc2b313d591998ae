"""`kairos retention set`: how long a topic is kept, in Kafka and in the home, and who said so."""

from typing import Final

from msgspec import Struct

from jobs.config import Config
from jobs.kept_days import days_of, note_days
from jobs.publish import now_ms
from log.topic_settings import Difference, bring_to, differences, retention_ms_of
from schemas.errors import ConfigError
from schemas.limits import DAY_MS
from schemas.topics import (
    COMPACTION_LAG_MS,
    EVENTS,
    EVER,
    RETENTION_MS,
    TABLE,
    Topic,
    TopicSpec,
    retention_from,
    topics,
)
from scripts.console import complain, say, show, show_json
from scripts.exit_codes import passed
from scripts.ops.local_audit import audit_log_of, local_actor
from scripts.ops.status import running_kafka
from scripts.privacy.places import PLACES
from scripts.privacy.retention import SETTING

ONLY: Final = (RETENTION_MS, COMPACTION_LAG_MS)
"""Whatever else of a topic is not as the table has it is not what was asked for."""


class Set(Struct, frozen=True):
    """What was set: days, and what they were (None = for ever), what was changed in Kafka, and what has to wait."""

    topic: str
    days: int | None
    was_days: float | None
    changed: list[Difference]
    waiting: list[Difference]


def set_retention(config: Config, place: str, days: str, *, is_json: bool) -> int:
    """Sets and shows it; the exit code, 1 where it has to wait. Raises ConfigError where it cannot be set."""
    topic = topic_of(config, place)
    wanted = _days_of(topic, days)
    if topic.name in retention_from(config.retention):
        raise ConfigError(
            f"{SETTING} says how long {topic.name} is kept here: change it there, then `kairos up`"
        )
    kafka, name = running_kafka(config), config.topic_prefix + topic.name
    held = retention_ms_of(kafka, [name])
    if name not in held:
        raise ConfigError(f"there is no topic {name}: `kairos up` makes it")
    was_ms = held[name]
    was = None if was_ms is None else was_ms / DAY_MS
    details = {"topic": name, "days": _in_words(wanted), "was": _in_words(was)}
    with audit_log_of(config).recording(local_actor(), "retention set", details):
        note_days(config, topic.name, wanted)
        done = _bring(config, kafka, Set(name, wanted, was, [], []), topic)
        if done.waiting:
            details["waits"] = ", ".join(one.topic for one in done.waiting)
    _show(done, topic, is_json=is_json)
    return passed(not done.waiting)


def topic_of(config: Config, place: str) -> Topic:
    """The topic that is meant; raises ConfigError where its days cannot be set, and says whose can."""
    name = place.removeprefix("topic ").removeprefix(config.topic_prefix)
    found = next((one for one in TABLE if one.name == name), None)
    settable = ", ".join(one.name for one in TABLE if not one.why_for_ever)
    if found is not None and not found.why_for_ever:
        return found
    if found is not None:
        why = f"it is kept for ever: {found.why_for_ever}"
    elif name in PLACES:
        why = f"what ends it: {PLACES[name].until}"
    else:
        why = "`kairos retention` shows no such place"
    raise ConfigError(f"no days can be set of {place!r}, {why}; they can of {settable}")


def _days_of(topic: Topic, days: str) -> int | None:
    try:
        if "," in days:
            raise ValueError(f"one number of days is wanted, or {EVER}: {days!r}")
        return retention_from(f"{topic.name}={days}")[topic.name]
    except ValueError as error:
        raise ConfigError(f"DAYS: {error}") from error


def _bring(config: Config, kafka: str, asked: Set, topic: Topic) -> Set:
    """In Kafka, with the topics whose records it names."""
    concerned = (one.name for one in TABLE if topic.name in (one.name, *one.named_in))
    names = {config.topic_prefix + one for one in concerned}
    specs: list[TopicSpec] = [
        one for one in topics(config.topic_prefix, days_of(config)) if one.name in names
    ]
    wanted = [one for one in differences(kafka, specs) if one.setting in ONLY]
    changed = bring_to(kafka, specs, now_ms(), ONLY)
    waiting = [one for one in wanted if one not in changed]
    return Set(asked.topic, asked.days, asked.was_days, changed, waiting)


def _show(done: Set, topic: Topic, *, is_json: bool) -> None:
    if is_json:
        told = {name: getattr(done, name) for name in done.__struct_fields__}
        told |= {name: [one._asdict() for one in told[name]] for name in ("changed", "waiting")}
        show_json(told)
    else:
        show(f"{done.topic}: {_in_words(done.days)}, was {_in_words(done.was_days)}")
        for one in done.changed:
            if one.topic != done.topic:
                show(f"{one.topic}: {one.setting} is {one.wanted} now, as its records are named there")  # fmt: skip
    if topic.name == EVENTS and done.days is not None:
        say("days of events count from the time of each event: what is imported and older goes at once")  # fmt: skip
    for one in done.waiting:
        complain(
            f"kairos: {one.topic} has to wait: records that have just come bear the time of older events, and would be gone; "
            "`kairos up` sets it once they may go"
        )


def _in_words(days: float | None) -> str:
    return EVER if days is None else f"{days:g} days"
