"""Outcomes as commands read them: from the topic of a deployment, or by folding files of events."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from jobs.config import Config
from jobs.fold.fold import Fold
from jobs.fold.learner import Learner
from log.range import LogRange
from schemas.codec import OUTCOME
from schemas.errors import InvalidEvent
from schemas.outcomes import Outcome
from schemas.policy import Policy
from schemas.topics import OUTCOMES
from scripts.console import say
from scripts.ops.status import running_kafka
from scripts.privacy.list_of_erased import list_here, list_of_erased
from scripts.progress import Watched
from scripts.training.training import from_files
from udfs.knowledge.erasures import Erasures

REPEATS_MAX: Final = 1_000_000
"""Outcomes whose ids are remembered, the newest: what a job writes again after a restart is not so far behind."""
ID_BYTES: Final = 8


def of_topic(config: Config, from_ms: int | None, to_ms: int | None) -> Iterator[Outcome]:
    """Those that arrived between two times, each once, without those of before their person was erased."""
    kafka = running_kafka(config)
    erased = list_of_erased(kafka, config)
    records = LogRange(kafka, config.topic_prefix + OUTCOMES, from_ms, to_ms)
    found = (record.value for record in Watched("reading outcomes", records, len(records)))
    return once(decoded(found), erased)


def of_files(
    files: Sequence[Path], items: Path | None, policy: Policy, config: Config
) -> Iterator[Outcome]:
    """What the fold makes of these events, under one policy."""
    source = from_files(files, items, config, list_here, policy)
    rules = source.rules._replace(decides=lambda _: False)
    for one in Fold(source.knowledge, rules, Learner()).run(source.log):
        yield from one.outcomes


def decoded(values: Iterator[bytes]) -> Iterator[Outcome]:
    """The outcomes in these records; what is none is told, and left out."""
    unusable = 0
    for value in values:
        try:
            yield OUTCOME.decode(value)
        except InvalidEvent:
            unusable += 1
    if unusable:
        say(f"records of {OUTCOMES} that are no outcomes, left out: {unusable}")


def once(outcomes: Iterator[Outcome], erased: Erasures) -> Iterator[Outcome]:
    """Each outcome as often as it was meant: a repeat has the id of the first."""
    seen: dict[bytes, None] = {}
    for one in outcomes:
        name = one.outcome_id.encode()[: 2 * ID_BYTES]
        if name in seen or erased.is_erased("person", one.person, one.outcome_ms):
            continue
        seen[name] = None
        if len(seen) > REPEATS_MAX:
            del seen[next(iter(seen))]
        yield one
