"""Filling Knowledge: the topics `control`, `items` and `knowledge`, read at start, then broadcast."""

from collections.abc import Callable, Sequence
from functools import partial
from threading import Thread
from typing import Final, NamedTuple

from jobs.job_settings import JobSettings
from jobs.learning.artefact_check import Artefacts
from jobs.learning.artefact_child import Kind
from jobs.learning.trust import Trust
from jobs.refused_knowledge import RefusedKnowledge
from log.kafka import read_before, read_partition, read_to_end
from models.content import Published
from models.ranker import XgboostRanker
from models.response import ResponseModel
from models.scorer import FeatureSpace
from schemas.codec import HEADER_BYTES, ITEM
from schemas.control import Control
from schemas.currencies import RATES, rates_from_payload
from schemas.erasures import ERASURE
from schemas.errors import ConfigError, InvalidEvent
from schemas.knowledge import RECORDS, KnowledgeRecord, is_learnt, learnt_record
from schemas.limits import DAY_MS, HOUR_MS
from schemas.policy import RESPONSES, policy_from_payload
from schemas.records import LogRecord
from schemas.signed_control import read_control
from udfs.actions.respond import RESPONSE_SPACE
from udfs.facts.features import FEATURE_SPACE
from udfs.knowledge.erasures import Erasures, UnknownErasures
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

PRUNE_EVERY: Final = 1_000
"""Live, knowledge that no event can see any more is forgotten after so many records."""
PRUNE_BEHIND_MS: Final = DAY_MS
CATCH_UP_MS: Final = HOUR_MS
"""Live, events as old as this, before the newest epoch, still see the epoch of their time at start."""

Model = ResponseModel | XgboostRanker


class ModelKind(NamedTuple):
    """How the models of one kind are tried and loaded."""

    artefact: Kind
    space: FeatureSpace
    load: Callable[[Artefacts, Published, FeatureSpace], Model]


RANKS: Final = ModelKind("ranker", FEATURE_SPACE, Artefacts.ranker)
RESPONDS: Final = ModelKind("responses", RESPONSE_SPACE, Artefacts.responses)


def model_kind(control: Control) -> ModelKind:
    """What a control of kind `model` is about."""
    return RESPONDS if control.name == RESPONSES else RANKS


class Loading:
    """A model that is loaded by a thread of its own, while deciding goes on with the one before.

    The thread counts and logs nothing: inside the JVM it would have to be one of Java's.
    """

    def __init__(self, control: Control, position: int, load: Callable[[], Model]) -> None:
        self.control, self.position = control, position
        self._load = load
        self._found: Model | BaseException | None = None
        self._thread = Thread(target=self._run, name="model", daemon=True)

    def start(self) -> None:
        """Begins, unless it has begun: one after the other, however many are published."""
        if self._thread.ident is None:
            self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether it has begun and need not be waited for."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def model(self) -> Model:
        """What was loaded; raises ConfigError where it cannot be used, and whatever else went wrong."""
        self._thread.join()
        if isinstance(self._found, BaseException):
            raise self._found
        assert self._found is not None
        return self._found

    def _run(self) -> None:
        try:
            self._found = self._load()
        except BaseException as error:
            self._found = error  # raised again where somebody can tell


class KnowledgeFeed:
    """Applies records to a Knowledge. One that cannot be used is counted, reported, left out.

    Applying a record again changes nothing. `count` is called with a metric's name. A model is tried by a
    child process first (jobs/learning/artefact_check.py). Where `is_live`, nothing waits for that: `settle` puts it
    in its place, before the next event, once it is there; until then the one before decides. Without `takes_models`
    none is looked at: nobody scores anything there.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        count: Callable[[str], None],
        trust: Trust,
        place: str = "",
        takes_models: bool = True,
    ) -> None:
        self.knowledge = knowledge
        knowledge.erasures = Erasures(trust.erasures)
        self._takes_models = takes_models
        self.is_live = False
        self._count = count
        self._keys = trust.keys
        self._artefacts = Artefacts(trust.roots, trust.marks)
        self._loaded: set[tuple[str, int]] = set()
        self._loading: list[Loading] = []
        self._refused = RefusedKnowledge(place)
        self._since_prune = 0
        self._newest_ms = 0

    def see(self, time_ms: int) -> None:
        """Takes note of an event's time: an epoch that should have been in force by then is late."""
        self._newest_ms = max(self._newest_ms, time_ms)

    def apply(self, value: bytes, position: int, timestamp_ms: int) -> int | None:
        """Takes one record; `position` is its offset, `timestamp_ms` its own in Kafka.

        The time of the epoch that it completes, if any.
        """
        self.settle()
        control: Control | None = None
        try:
            if is_learnt(value):
                return self.learn(learnt_record(value, timestamp_ms))
            if RECORDS.get(value[:HEADER_BYTES]) == "item":
                self.knowledge.add_item(ITEM.decode(value), position)
            else:
                control = read_control(value, self._keys)
                if self._apply_control(control, position):
                    return None
        except (InvalidEvent, ConfigError) as error:
            if isinstance(error, UnknownErasures) and not self.is_live:
                raise  # who starts without knowing who was erased would bring them back
            self._refuse(str(error), control, position)
        else:
            self._applied()
        return None

    def settle(self) -> None:
        """Puts models in their place that have been loaded meanwhile; costs nothing where none is."""
        if not self._loading:
            return
        self._loading[0].start()
        while self._loading and self._loading[0].is_done:
            one = self._loading.pop(0)
            try:
                self._add_model(one.control, one.position, one.model())
            except ConfigError as error:
                self._refuse(str(error), one.control, one.position)
            else:
                self._applied()
            if self._loading:
                self._loading[0].start()

    def learn(self, record: KnowledgeRecord) -> int | None:
        """Takes a record of an epoch; from when on the epoch that it completes is in force, if any."""
        dropped = self.knowledge.epochs_dropped
        is_complete = self.knowledge.learn(record)
        for _ in range(self.knowledge.epochs_dropped - dropped):
            self._count("epochs_dropped")
        if not is_complete:
            return None
        self._count("epochs_applied")
        if record.effective_from_ms <= self._newest_ms:
            self._count("epochs_late")
        return record.effective_from_ms

    def decode_learnt(self, record: LogRecord) -> KnowledgeRecord | None:
        """A record of the topic `knowledge`; None, and refused, where it is none."""
        try:
            return learnt_record(record.value, record.timestamp_ms)
        except InvalidEvent as error:
            self._refuse(str(error))
            return None

    def prune(self, watermark_ms: int) -> None:
        """Forgets, now and then, what no event after the watermark can see."""
        if self._since_prune >= PRUNE_EVERY:
            self._since_prune = 0
            self.knowledge.prune(watermark_ms - PRUNE_BEHIND_MS)

    def _apply_control(self, control: Control, position: int) -> bool:
        """Takes a record, or says that it is on its way."""
        version, from_ms = control.version, control.effective_from_ms
        if control.kind == "policy":
            policy = policy_from_payload(control.payload or b"")
            self.knowledge.add_policy(version, from_ms, position, compile_policy(policy))
        elif control.kind == "model":
            return self._takes_models and self._apply_model(control, position)
        elif control.kind == RATES:
            self.knowledge.add_rates(version, from_ms, position, rates_from_payload(control.payload or b""))  # fmt: skip
        elif control.kind == ERASURE:
            self.knowledge.erasures.add(control)
        else:
            raise InvalidEvent("invalid_value", f"control of unknown kind {control.kind[:100]!r}")
        return False

    def _apply_model(self, control: Control, position: int) -> bool:
        key = (control.version, position)
        if key in self._loaded:
            return False
        kind, published = model_kind(control), _published(control)
        if self.is_live and not self._artefacts.is_quick(kind.artefact, published, kind.space):
            self._loaded.add(key)
            load = partial(self._load, control)
            self._loading.append(Loading(control, position, load))
            self._loading[0].start()
            return True
        self._add_model(control, position, self._load(control))
        self._loaded.add(key)
        return False

    def _add_model(self, control: Control, position: int, found: Model) -> None:
        version, from_ms = control.version, control.effective_from_ms
        if isinstance(found, ResponseModel):
            self.knowledge.add_responses(version, from_ms, position, found)
        else:
            self.knowledge.add_model(version, from_ms, position, found, control.name)

    def _load(self, control: Control) -> Model:
        kind = model_kind(control)
        return kind.load(self._artefacts, _published(control), kind.space)

    def _applied(self) -> None:
        self._since_prune += 1
        self._count("knowledge_applied")

    def _refuse(self, reason: str, control: Control | None = None, position: int = -1) -> None:
        self._count("knowledge_refused")
        self._refused.report(reason, control, position)


def _published(control: Control) -> Published:
    return Published(control.uri or "", control.sha256 or "")


class LearntReader:
    """What the stream has taught, in a replay: read as far as the replay's time has come.

    Not broadcast: a broadcast would run ahead of the events by the whole topic, kept in memory, or
    events ahead of it. And an instance that restarts begins at the topic's beginning again, as its
    Knowledge does. So whoever acts at t asks for what was in force at t and waits until it is there.
    """

    def __init__(self, feed: KnowledgeFeed, settings: JobSettings) -> None:
        self._feed = feed
        topic = settings.learnt_topic
        ends = settings.knowledge_from[topic]
        if set(ends) != {0}:
            raise ConfigError(f"{topic} has {len(ends)} partitions: its order needs exactly one")
        found = read_partition(settings.kafka, topic, ends[0])
        self._records = (record for one in found if (record := feed.decode_learnt(one)))
        self._next = next(self._records, None)

    def read_until(self, time_ms: int) -> None:
        """Brings into force every epoch whose time has come at `time_ms`; call it in order of time."""
        while self._next is not None and self._next.effective_from_ms <= time_ms:
            completed_ms = self._feed.learn(self._next)
            if completed_ms is not None:
                self._feed.knowledge.advance(completed_ms)
            self._next = next(self._records, None)


def open_feed(
    settings: JobSettings, topics: Sequence[str], count: Callable[[str], None]
) -> KnowledgeFeed:
    """A feed that has read these topics to their ends; in a replay, to where they ended when it began.

    Epochs that are far behind the newest are in force at once, so that they need not all be kept.
    """
    feed = KnowledgeFeed(
        Knowledge(uncatalogued=settings.uncatalogued, assumed=settings.assumed, keeps_raw=settings.keeps_raw),
        count, settings.trust, settings.name, takes_models=settings.job == "decide",
    )  # fmt: skip
    if settings.replay is None:
        records = read_to_end(settings.kafka, topics)
    else:
        records = read_before(settings.kafka, {one: settings.knowledge_from[one] for one in topics})
    for record in records:
        completed_ms = feed.apply(record.value, record.offset, record.timestamp_ms)
        if completed_ms is not None:
            feed.knowledge.advance(completed_ms - CATCH_UP_MS)
    feed.is_live = settings.replay is None
    return feed
