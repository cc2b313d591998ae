"""`kairos retention`: how long everything is kept, where that is set, and by what."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from jobs.config import Config
from jobs.flink.settings import CHECKPOINTS_KEPT
from log.topic_settings import retention_ms_of
from schemas.errors import ConfigError
from schemas.limits import DAY_MS, DEDUP_MS, ERASED_KEPT_MS, PERSON_EXPIRY_MS
from schemas.topics import EVER, SEGMENT_DAYS, TABLE, retention_from
from scripts.console import say, show, show_json, show_table
from scripts.ops.archive import FOLDER
from scripts.ops.status import running_kafka

SETTING: Final = "KAIROS_RETENTION_DAYS"


class Kept(NamedTuple):
    """One place or class of data: days that it is kept (None = for ever, or until somebody acts), and what says so."""

    what: str
    kind: str
    days: float | None
    held_days: float | None
    set_by: str


def kept(config: Config, kafka: str | None) -> list[Kept]:
    """All of it; `held_days` of a topic are those that Kafka has, None where it is not asked or keeps for ever."""
    return [*_topics(config, kafka), *_folders(config), *_classes()]


def _topics(config: Config, kafka: str | None) -> Iterator[Kept]:
    given = retention_from(config.retention)
    names = [config.topic_prefix + one.name for one in TABLE]
    held = retention_ms_of(kafka, names) if kafka is not None else {}
    for one in TABLE:
        name = config.topic_prefix + one.name
        days = given.get(one.name, one.days)
        held_ms = held.get(name)
        if one.why_for_ever:
            set_by = f"for ever: {one.why_for_ever}"
        else:
            set_by = f"{SETTING}={one.name}=DAYS, at the next `kairos up`" if one.name in given else f"the default; {SETTING}={one.name}=DAYS"  # fmt: skip
        yield Kept(
            f"topic {name}", "topic", days, None if held_ms is None else held_ms / DAY_MS, set_by
        )


def _folders(config: Config) -> Iterator[Kept]:
    home = config.home
    yield Kept(
        f"{home / FOLDER}",
        "folder",
        None,
        None,
        "until you delete it; `kairos forget` takes people out",
    )
    yield Kept(
        f"{config.checkpoints or home / 'checkpoints'}",
        "folder",
        0,
        None,
        f"the newest {CHECKPOINTS_KEPT} of each job, one every KAIROS_CHECKPOINT_MS",
    )
    yield Kept(
        f"{home / 'savepoints'}",
        "folder",
        None,
        None,
        "until you delete them; `kairos forget --delete-savepoints`",
    )
    yield Kept(
        f"{home / 'models'}", "folder", None, None, "until you delete them; they name no person"
    )
    yield Kept("examples", "folder", 0, None, "training makes and removes them")
    yield Kept(
        f"{home / 'logs'}", "folder", None, None, "the newest of each service; they name no person"
    )
    yield Kept(
        f"{home / 'audit.jsonl'}",
        "folder",
        None,
        None,
        "for ever; people stand there under a keyed hash",
    )


def _classes() -> Iterator[Kept]:
    yield Kept(
        "profile of a person",
        "class",
        PERSON_EXPIRY_MS / DAY_MS,
        None,
        "PERSON_EXPIRY_MS after their last event",
    )
    yield Kept(
        "ids of a session's events",
        "class",
        DEDUP_MS / DAY_MS,
        None,
        "DEDUP_MS after its last event",
    )
    yield Kept(
        "what is left of an erased person",
        "class",
        ERASED_KEPT_MS / DAY_MS,
        None,
        "ERASED_KEPT_MS; nothing where `kairos forget` erased them",
    )
    yield Kept(
        "decisions in the store",
        "class",
        None,
        None,
        "until they are valid no more: `valid_ms` of the policy",
    )
    yield Kept("list of the erased", "class", None, None, "as long as `control`, by keyed hash")


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
    rows = [(one.what, _days(one.days), _held(one, kafka), one.set_by) for one in found]
    show_table("", ("what", "days", "in Kafka", "set by"), rows)
    show(
        f"Kafka deletes whole segments: records may lie {SEGMENT_DAYS} days longer. To set: {SETTING}=decisions=30,traces=7 and `kairos up`"
    )


def _days(days: float | None) -> str:
    return EVER if days is None else "only the newest" if not days else f"{days:g}"


def _held(one: Kept, kafka: str | None) -> str:
    if one.kind != "topic" or kafka is None:
        return ""
    return EVER if one.held_days is None else f"{one.held_days:g}"
