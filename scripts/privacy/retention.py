"""`kairos retention`: how long everything is kept, where that is set, and by what."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from jobs.config import Config
from jobs.kept_days import days_noted, days_of
from log.topic_settings import retention_ms_of
from schemas.errors import ConfigError
from schemas.limits import DAY_MS
from schemas.topics import EVER, SEGMENT_DAYS, TABLE, Topic, retention_from
from scripts.console import say, show, show_json, show_table
from scripts.ops.status import running_kafka
from scripts.privacy.places import PLACES, Kind

SETTING: Final = "KAIROS_RETENTION_DAYS"
DAY_MINUTES: Final = 24 * 60


class Kept(NamedTuple):
    """One place or class of data: days that it is kept (None = for ever, or until somebody acts), and what says so."""

    place: str
    what: str
    kind: Kind
    days: float | None
    held_days: float | None
    set_by: str


def kept(config: Config, kafka: str | None) -> list[Kept]:
    """All of it; `held_days` of a topic are those that Kafka has, None where it is not asked or keeps for ever."""
    return [*_topics(config, kafka), *_others(config)]


def _topics(config: Config, kafka: str | None) -> Iterator[Kept]:
    given = days_of(config)
    names = [config.topic_prefix + one.name for one in TABLE]
    held = retention_ms_of(kafka, names) if kafka is not None else {}
    for one in TABLE:
        name = config.topic_prefix + one.name
        held_ms = held.get(name)
        held_days = None if held_ms is None else held_ms / DAY_MS
        days = given.get(one.name, one.days)
        yield Kept(one.name, f"topic {name}", "topic", days, held_days, _set_by(config, one))


def _set_by(config: Config, topic: Topic) -> str:
    """What says how long a topic is kept."""
    if topic.why_for_ever:
        return f"for ever: {topic.why_for_ever}"
    if topic.name in retention_from(config.retention):
        return f"{SETTING}={topic.name}=DAYS, at the next `kairos up`"
    command = f"`kairos retention set {topic.name} DAYS`"
    return command if topic.name in days_noted(config) else f"the default; {command}"


def _others(config: Config) -> Iterator[Kept]:
    for name, one in PLACES.items():
        what = name if one.where is None else str(one.where(config))
        yield Kept(name, what, one.kind, one.days, None, one.until)


def show_retention(config: Config, *, is_json: bool) -> None:
    """Shows all of it; without Kafka as it is set."""
    try:
        kafka: str | None = running_kafka(config)
    except ConfigError as error:
        say(f"as it is set, for Kafka was not asked: {error}")
        kafka = None
    found = kept(config, kafka)
    if is_json:
        show_json([one._asdict() for one in found])
        return
    rows = [(one.what, days_in_words(one.days), _held(one, kafka), one.set_by) for one in found]
    show_table("", ("what", "days", "in Kafka", "set by"), rows)
    show(
        f"Kafka deletes whole segments: records may lie {SEGMENT_DAYS} days longer. To set a topic's: `kairos retention set decisions 30`"
    )


def days_in_words(days: float | None) -> str:
    """How many; of less than one, minutes."""
    if days is None:
        return EVER
    if not days:
        return "only the newest"
    return f"{days:g}" if days >= 1 else f"{days * DAY_MINUTES:g} minutes"


def _held(one: Kept, kafka: str | None) -> str:
    if one.kind != "topic" or kafka is None:
        return ""
    return EVER if one.held_days is None else f"{one.held_days:g}"
