"""`kairos train`: a model from files or from the log, by the fold."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from jobs.audit.taught import taught_from_ms
from jobs.config import Config
from jobs.empty_knowledge import empty_knowledge
from jobs.event_format import format_of
from jobs.fold.fold import FoldRules
from jobs.job_settings import rate_of
from jobs.knowledge_feed import KnowledgeFeed
from jobs.learning.artefact_check import Artefacts
from jobs.learning.artefact_child import Kind
from jobs.learning.examples import collect
from jobs.learning.trust import models_folder, trust_of
from jobs.learning.weighing import LEARNT, Looking
from log.kafka import read_to_end
from log.range import LogRange
from models.artefact import Artefact, save_artefact
from models.content import Published
from models.learning.boosting import TrainingSettings
from models.learning.examination import Weighed
from models.learning.example_file import ExampleWriter
from models.learning.training import train
from models.scorer import FeatureSpace, Scorer
from models.vectors import VectorTable
from schemas import CODE_VERSION
from schemas.counted import counted
from schemas.errors import ConfigError
from schemas.events import purposes_from, unlearnt_in_words
from schemas.formats.json_lines import event_from_json
from schemas.items import Item
from schemas.knowledge import KnowledgeRecord
from schemas.policy import DEFAULT_CONTROL, DEFAULT_POLICY, Policy
from schemas.records import LogRecord
from schemas.topics import CONTROL, EVENTS, ITEMS, KNOWLEDGE
from scripts.console import say
from scripts.files.event_lines import EventLines, lines_of
from scripts.files.item_files import read_items
from scripts.ops.archive import opened
from scripts.progress import Watched
from scripts.times import utc
from scripts.training.train_report import Report, vectors_report
from udfs.facts.features import FEATURE_SPACE
from udfs.items.orders import ORDERS
from udfs.knowledge.erasures import Erasures
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

THREADS_MAX: Final = 4
EXAMPLES_NAME: Final = "examples.parquet"


class Source(NamedTuple):
    """A log in order, to be read twice, what is known beyond it, and how its records are decoded.

    `taught` are the records of `knowledge`; None: the statistics are made from the log on the way. `placement`: whose decisions are learnt from,
    None = of all. `looking`: where it is known from how likely places are looked at.
    """

    log: Iterable[LogRecord]
    knowledge: Knowledge
    rules: FoldRules
    taught: Iterable[KnowledgeRecord] | None = None
    invalid: int = 0
    placement: str | None = None
    looking: Looking = LEARNT


class Learnt(NamedTuple):
    """An artefact, where it lies, and how long its training took."""

    artefact: Artefact
    published: Published
    seconds: float


def default_knowledge(
    items: Iterable[Item], empty: Knowledge | None = None, policy: Policy = DEFAULT_POLICY
) -> Knowledge:
    """A policy, in force since ever, and these items, in what is `empty`."""
    knowledge = empty or Knowledge()
    version, from_ms = DEFAULT_CONTROL.version, DEFAULT_CONTROL.effective_from_ms
    knowledge.add_policy(version, from_ms, 0, compile_policy(policy))
    for position, item in enumerate(items):
        knowledge.add_item(item, position)
    return knowledge


def from_files(
    files: Sequence[Path],
    items: Path | None,
    config: Config,
    list_of: Callable[[Config], Erasures | None] = lambda _: None,
    policy: Policy = DEFAULT_POLICY,
) -> Source:
    """The events of JSON Lines files, put in order of time; a policy, and the `list_of` who was erased."""
    catalogue = read_items(items, say) if items is not None else ()
    knowledge = default_knowledge(catalogue, empty_knowledge(config), policy)
    lines = EventLines(Watched("reading", lines_of(files))).check(say)
    listed = list_of(config)
    if listed is not None:
        knowledge.erasures = listed
    rules = FoldRules(event_from_json, config.seed, config.lateness_ms, rate_of(config))
    return Source(Watched("folding", lines, len(lines)), knowledge, rules, None, lines.invalid)


def from_log(
    kafka: str,
    config: Config,
    from_ms: int | None,
    to_ms: int | None,
    archive: str | None = None,
) -> Source:
    """What Kafka, and an archive, hold between two times, with the policy, catalogue and statistics of then."""
    prefix = config.topic_prefix
    feed = KnowledgeFeed(empty_knowledge(config), lambda _: None, trust_of(config))
    for record in read_to_end(kafka, [prefix + CONTROL, prefix + ITEMS]):
        feed.apply(record.value, record.offset, record.timestamp_ms)
    log = LogRange(kafka, prefix + EVENTS, from_ms, to_ms, opened(archive, config, EVENTS))
    knowledge = LogRange(kafka, prefix + KNOWLEDGE, None, None)
    has_learnt = len(knowledge) > 0
    begins_ms = taught_from_ms(knowledge)
    if begins_ms > (from_ms or 0):
        say(
            f"what was learnt before {utc(begins_ms)} is compacted: it is learnt from the log again"
        )
        has_learnt = False
    taught = _taught(feed, knowledge) if has_learnt else None
    decode = format_of(config).decode
    rules = FoldRules(decode, config.seed, config.lateness_ms, rate_of(config))
    return Source(Watched("folding", log, len(log)), feed.knowledge, rules, taught)


def _taught(feed: KnowledgeFeed, records: Iterable[LogRecord]) -> Iterator[KnowledgeRecord]:
    for record in records:
        learnt = feed.decode_learnt(record)
        if learnt is not None:
            yield learnt


def train_from(source: Source, config: Config) -> tuple[Report, Published]:
    """Folds, trains, writes the artefact; raises ConfigError where there is nothing to learn."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / EXAMPLES_NAME
        with ExampleWriter(path, FEATURE_SPACE) as writer:
            found = collect(
                source.log, source.knowledge, source.rules, source.taught, writer, source.placement,
                source.looking,
            )  # fmt: skip
        if not found.decisions and found.refused:
            assumed = purposes_from(config.consent)
            raise ConfigError(f"nothing to learn from: {unlearnt_in_words(assumed)}")
        if not found.answered and source.placement is not None:
            raise ConfigError(
                f"no event asked for a decision of the placement {source.placement!r} that somebody then answered: nothing to learn from"
            )
        if not found.examples:
            raise ConfigError(
                f"{counted(found.events, 'event')} led to {counted(found.decisions, 'decision')}, and nobody then "
                "took one of the candidates: nothing to learn from"
            )
        learnt = learn(path, config, source.placement, found.weighed, found.vectors)
    report = Report(
        learnt.published.version, learnt.published.uri, found.events, found.answered,
        found.decisions, found.examples, source.invalid, learnt.seconds, learnt.artefact.metrics,
        learnt.artefact.report, learnt.artefact.assumed_consent, found.erased, found.refused,
        vectors_report(found.vectors),
    )  # fmt: skip
    return report, learnt.published


def learn(
    examples: Path,
    config: Config,
    placement: str | None = None,
    weighed: Weighed | None = None,
    vectors: VectorTable | None = None,
) -> Learnt:
    """Trains on a file of examples, of one `placement` or of all, each counting as `weighed`, and writes the artefact with the `vectors` of items."""
    begun_s = time.monotonic()
    threads = min(THREADS_MAX, os.cpu_count() or 1)
    settings = TrainingSettings(threads=threads)
    trained = train(examples, FEATURE_SPACE, settings, say, _baselines(), weighed)
    seconds = time.monotonic() - begun_s
    read = FEATURE_SPACE.only(trained.names)
    artefact = Artefact(
        feature_set=read.digest,
        feature_names=read.names,
        feature_versions=read.versions,
        code_version=CODE_VERSION,
        from_ms=trained.from_ms,
        to_ms=trained.to_ms,
        examples=trained.examples,
        metrics=trained.metrics,
        calibration=trained.calibration,
        report=trained.report,
        booster=trained.booster,
        assumed_consent=tuple(sorted(purposes_from(config.consent))),
        placement=placement or "",
        vectors=vectors,
    )
    published = save_artefact(artefact, models_folder(config))
    vouched(config, "ranker", published, FEATURE_SPACE)
    return Learnt(artefact, published, seconds)


def vouched(config: Config, kind: Kind, published: Published, space: FeatureSpace) -> None:
    """Takes note that this process made the model: readers of this home need not try it."""
    trust = trust_of(config)
    Artefacts(trust.roots, trust.marks).vouch(kind, published, space)


def _baselines() -> list[Scorer]:
    return [ORDERS["last_touched"], ORDERS["popularity"], ORDERS["cold_start"]]
