"""The beginning of a replay: everything is checked and fixed before the first record is read."""

import shutil
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple, cast

import msgspec

from jobs.config import Config, SourceFormat
from jobs.flink.settings import local_path
from jobs.flink.submit import checkpoint_folder, savepoint_folder
from jobs.fold.replay import make_plan, planned_range
from jobs.learning.trust import signer_of
from jobs.mapping_file import read_mapping
from log.archive.restoring import Restored
from log.kafka import partition_count
from log.range import LogRange
from schemas.control import Control
from schemas.counted import counted
from schemas.errors import ConfigError
from schemas.policy import RANKER
from schemas.topics import CONTROL, EVENTS, topics
from scripts.ops.archive import opened
from scripts.policy.policy_file import PolicyMistakes, check_policy, payload_of
from scripts.policy.policy_versions import version_of
from scripts.progress import Watched
from scripts.replay.replay_run import FOLDER, Asked, Manner, Progress, Run, RunFolder
from scripts.replay.replay_topics import check_free, write_controls
from scripts.times import utc
from scripts.training.model_versions import control_of, find_artefact

BYTES_PER_RECORD: Final = 4_000
"""Of what a replay writes for one of the log, at the most: a trace of 24 candidates with every feature is some 12 kB (else
less than 2: KAIROS_TRACE_SHARE), of three in ten events.
"""


class Wish(NamedTuple):
    """What somebody asks for: times of the log, a policy's file and a model in the place of the log's own.

    `then_live`: it goes on live behind the end; `archive` stands before what Kafka still holds.
    """

    from_ms: int | None = None
    to_ms: int | None = None
    policy: Path | None = None
    model: str | None = None
    then_live: bool = False
    archive: str | None = None


class Instead(NamedTuple):
    """What decides instead of the log's own: a policy and a model in force since ever."""

    policy: Control | None = None
    model: Control | None = None

    @property
    def controls(self) -> list[Control]:
        """Those that there are."""
        return [one for one in self if one is not None]


def instead(config: Config, policy: Path | None, model: str | None) -> Instead:
    """The controls of a what-if; raises ConfigError where file or artefact cannot be used."""
    return Instead(
        _policy(policy) if policy is not None else None,
        control_of(RANKER, find_artefact(model, config), 0) if model is not None else None,
    )


def asked(config: Config, wish: Wish, what_if: Instead) -> Asked:
    """What is asked for; raises ConfigError where it makes no sense."""
    from_ms, to_ms, archive = wish.from_ms, wish.to_ms, wish.archive
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise ConfigError(
            f"--from {utc(from_ms)} is not before --to {utc(to_ms)}: exchange the two"
        )
    if wish.then_live and what_if.controls:
        raise ConfigError(
            "--then-live goes on with the log's own policy and model: publish this one first "
            "(`kairos policy publish`, `kairos model publish`), or leave out --then-live"
        )
    if wish.then_live and archive is not None:
        raise ConfigError(
            "--then-live goes on in the log's own topic, and --archive replays a copy of it: leave one out"
        )
    return Asked(
        from_ms=from_ms,
        to_ms=to_ms,
        policy=what_if.policy.version if what_if.policy else None,
        model=what_if.model.version if what_if.model else None,
        then_live=wish.then_live,
        source_prefix=config.topic_prefix,
        source_format=config.source_format,
        lateness_ms=config.lateness_ms,
        seed=config.seed,
        archive=archive,
        session_events_per_s=config.session_events_per_s,
        session_burst=config.session_burst,
        uncatalogued=config.uncatalogued,
        consent=config.consent,
        mapping=digest_of(config.mapping) if config.mapping is not None else None,
        keeps_raw=config.dead_letter_raw,
    )


def digest_of(mapping: Path) -> str:
    """Of a mapping's file; raises ConfigError where it is none."""
    read_mapping(mapping)
    return sha256(mapping.read_bytes()).hexdigest()


def fixed(config: Config, one: Asked) -> Config:
    """The configuration with the settings that decisions depend on, as they were when the replay began."""
    return config._replace(
        topic_prefix=one.source_prefix,
        source_format=cast(SourceFormat, one.source_format),
        lateness_ms=one.lateness_ms,
        seed=one.seed,
        session_events_per_s=one.session_events_per_s,
        session_burst=one.session_burst,
        uncatalogued=one.uncatalogued,
        consent=one.consent,
        dead_letter_raw=one.keeps_raw,
    )


def check_prefix(config: Config, prefix: str) -> None:
    """Raises ConfigError where the prefix cannot be one of a replay."""
    if not prefix.strip(".") or not all(
        c.isascii() and (c.isalnum() or c in "._-") for c in prefix
    ):
        raise ConfigError(
            f"--prefix {prefix!r}: letters, digits, dots, underscores and hyphens are wanted, "
            "such as `may.`"
        )
    if prefix.strip(".") == config.topic_prefix.strip("."):
        raise ConfigError(
            f"--prefix {prefix} is that of the live topics (KAIROS_TOPIC_PREFIX), but for dots at most: "
            "take another"
        )


def twin(config: Config, prefix: str) -> str | None:
    """The prefix of another replay whose job would have the same name and state: but for dots it is this."""
    places = sorted((config.home / FOLDER).glob("*/run.json"))
    others = (place.parent.name for place in places if place.parent.name != prefix)
    return next((one for one in others if one.strip(".") == prefix.strip(".")), None)


def check_twin(config: Config, prefix: str) -> None:
    """Raises ConfigError where another replay keeps its state where this one would."""
    other = twin(config, prefix)
    if other is not None:
        raise ConfigError(
            f"--prefix {prefix} is that of the replay {other} but for dots, and they would share their "
            f"state: take another, or remove that one: `kairos replay drop {other}`"
        )


def begin(
    kafka: str, config: Config, folder: RunFolder, wanted: Asked, what_if: Instead, manner: Manner
) -> Run:
    """The run in this folder, which goes on, or a new one; raises ConfigError where it is another's."""
    prefix = folder.path.name
    run = folder.read()
    if run is None:
        if wanted.archive is None:
            partition_count(
                kafka, config.topic_prefix + EVENTS
            )  # raises where there is no such topic
        check_free(kafka, prefix)
        run = Run(prefix, wanted, manner)
        forget_state(config, prefix)
    elif run.asked != wanted:
        raise ConfigError(
            f"the prefix {prefix} is in use by a replay of {span(run.asked)}{differs(run, wanted)}; "
            f"take another, or remove that one: `kairos replay drop {prefix}`"
        )
    run.manner = manner
    if run.plan is None:
        own = (CONTROL,) if what_if.controls else ()
        events = config.topic_prefix + EVENTS
        if wanted.archive is not None:
            folder.write(run)  # what is restored before a crash is this run's
            _restore(kafka, config, prefix, wanted)
            own, events = (EVENTS, *own), prefix + EVENTS
        found = planned_range(kafka, events, wanted.from_ms, wanted.to_ms)
        check_space(config, found.count)
        if what_if.controls:
            folder.write(run)  # as above
            write_controls(kafka, config.topic_prefix, prefix, what_if.controls, signer_of(config))
        plan = make_plan(kafka, config.topic_prefix, prefix, found, own)
        held = msgspec.structs.replace(plan.range, is_held=wanted.then_live)
        run.plan = msgspec.structs.replace(plan, range=held)
        run.progress = Progress(total=plan.range.count)
    folder.write(run)
    return run


def forget_state(config: Config, prefix: str) -> None:
    """Removes the checkpoints and savepoints of whatever ran under this prefix; not what another replay keeps."""
    if twin(config, prefix) is not None:
        return
    for kind in ("replay", "decide"):
        name = f"{kind}.{prefix.strip('.')}"
        for uri in (checkpoint_folder(config, name), savepoint_folder(config, name)):
            folder = local_path(uri)
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)


def check_space(config: Config, count: int) -> None:
    """Raises ConfigError where our own Kafka's disk is too small for what so many records lead to."""
    need, left = BYTES_PER_RECORD * count, shutil.disk_usage(config.home).free
    if config.kafka is None and need > left:
        raise ConfigError(
            f"a replay of {count:,} records writes some {need / 1e9:,.1f} GB, {left / 1e9:,.1f} GB are "
            f"left for {config.home}: free some space, or replay a shorter time"
        )


def span(one: Asked) -> str:
    """The time that is replayed, in words."""
    since = utc(one.from_ms) if one.from_ms is not None else "the beginning of the log"
    until = utc(one.to_ms) if one.to_ms is not None else "its end"
    return f"{since} to {until}"


def differs(run: Run, wanted: Asked) -> str:
    """What else is different, in words; nothing where only the times are."""
    names = [
        name
        for name in Asked.__struct_fields__
        if name not in ("from_ms", "to_ms") and getattr(run.asked, name) != getattr(wanted, name)
    ]
    values = (f"{name} {getattr(run.asked, name) or 'none'}" for name in names)
    return f" with {', '.join(values)}" if names else ""


def _restore(kafka: str, config: Config, prefix: str, wanted: Asked) -> None:
    """The events of the archive, and what came after them, under the prefix: Flink reads Kafka only."""
    archived = opened(wanted.archive, config, EVENTS)
    assert archived is not None, "one is named"
    name = config.topic_prefix + EVENTS
    source = LogRange(kafka, name, wanted.from_ms, wanted.to_ms, archived)
    check_space(config, len(source))
    spec = next(one for one in topics(prefix) if one.name == prefix + EVENTS)
    restored = Restored(kafka, source, archived, spec)
    for _ in Watched(f"restoring {name} to {spec.name}", restored, len(restored)):
        pass


def _policy(file: Path) -> Control:
    try:
        policy = check_policy(file).policy
    except PolicyMistakes as error:
        count = len(error.mistakes)
        raise ConfigError(
            f"{file} has {counted(count, 'mistake')}, the first: {error.mistakes[0]}; "
            f"`kairos policy check {file}` names all"
        ) from error
    return Control("policy", "default", version_of(policy), 0, payload=payload_of(policy))
