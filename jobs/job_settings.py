"""What a job is started with: plain values, also carried to the operators."""

from typing import Final, Literal, NamedTuple

from jobs.config import Config, SourceFormat
from jobs.event_format import format_of, rules_of
from jobs.learning.trust import Trust, trust_of
from log.offsets import Offsets, ReplayRange
from schemas.events import purposes_from
from schemas.items import Uncatalogued
from schemas.limits import RECORD_BYTES_MAX, SECOND_MS
from schemas.mappings.mapping_rules import Compiled
from schemas.topics import CONTROL, EVENTS, ITEMS, KNOWLEDGE
from udfs.session.limit_rate import USUAL_RATE, Rate

LIVE_DELAY_MS: Final = SECOND_MS
"""The live watermark stays this far behind the newest record of each partition."""
FOR_EVER_MS: Final = 2**62
"""Later than any event; the end of a live run."""

JobKind = Literal["decide", "learn"]


class JobSettings(NamedTuple):
    """`knowledge_from`: the ends of the topics of knowledge as of now, by topic: where the broadcast
    takes over from what open() reads, and where a replay's knowledge ends. `replay` None: live.
    `starts`: where a live run without state of its source begins; None = with the topic.
    `has_own_slots`: session and person operators take slots of their own; `code`: what the task
    managers must run (jobs/code.py); None = they were started for this job. `trust`: what is taken
    from records of `control`. `record_bytes_max`: what key and value of a record that it writes may have
    in bytes, by the topics (log/record_size.py). `trace_share`: of so many decisions the trace holds the matrix.
    `assumed`: purposes that are granted where a person said nothing of consent. `schema_registry`: where the schemas of the events are, if the
    format has such; no operator waits for it before its first event. `mapping`: the rules by which its records are read, the same for all operators. `keeps_raw`: of dead letters, addresses and numbers as they were sent.
    """

    job: JobKind
    kafka: str
    source_prefix: str
    sink_prefix: str
    source_format: SourceFormat
    parallelism: int
    lateness_ms: int
    seed: str
    knowledge_from: dict[str, Offsets]
    replay: ReplayRange | None
    starts: Offsets | None = None
    has_own_slots: bool = False
    code: str | None = None
    trust: Trust = Trust()
    record_bytes_max: int = RECORD_BYTES_MAX
    rate: Rate = USUAL_RATE
    uncatalogued: Uncatalogued = "when_empty"
    trace_share: float = 1.0
    assumed: frozenset[str] = frozenset()
    schema_registry: str | None = None
    mapping: tuple[Compiled, ...] | None = None
    keeps_raw: bool = False

    @property
    def kind(self) -> str:
        """What the job's name begins with."""
        replays = {"decide": "replay", "learn": "learn-replay"}
        return replays[self.job] if self.replay else self.job

    @property
    def name(self) -> str:
        """Of the job, its log and its checkpoints."""
        return ".".join(filter(None, (self.kind, self.sink_prefix.strip("."))))

    @property
    def events_topic(self) -> str:
        """The topic that is decided on, and learnt from."""
        return self.topic(EVENTS)

    @property
    def session_topics(self) -> tuple[str, ...]:
        """The topics of knowledge that the session operators take: what events are folded with, and what they ask for."""
        return (*self.policy_topics, *self.item_topics)

    @property
    def policy_topics(self) -> tuple[str, ...]:
        """The topics that say which policies there are."""
        return (self.topic(CONTROL),)

    @property
    def item_topics(self) -> tuple[str, ...]:
        """The topics of the catalogue."""
        return (self.topic(ITEMS),)

    @property
    def learnt_topic(self) -> str:
        """The topic of what the stream has taught, which the person operators take as well."""
        return self.topic(KNOWLEDGE)

    def topic(self, name: str) -> str:
        """A topic that is read, under the log's prefix or, in a replay that has its own, its own."""
        is_own = self.replay is not None and name in self.replay.own
        return (self.sink_prefix if is_own else self.source_prefix) + name

    @property
    def watermark_delay_ms(self) -> int:
        """In a replay no timer fires while an event that is not too late can still follow."""
        return LIVE_DELAY_MS + (self.lateness_ms if self.replay else 0)

    @property
    def end_ms(self) -> int:
        """The last moment at which a timer acts."""
        return self.replay.end_ms if self.replay else FOR_EVER_MS

    @property
    def is_prompt(self) -> bool:
        """Whether somebody waits for each record: it goes on at once then, else many go together, which costs less."""
        return self.job == "decide" and self.replay is None

    @property
    def slots(self) -> int:
        """How many slots of a cluster the job takes."""
        return self.parallelism * (2 if self.has_own_slots else 1)


def job_settings(
    job: JobKind,
    config: Config,
    kafka: str,
    knowledge_from: dict[str, Offsets],
    sink_prefix: str | None = None,
    replay: ReplayRange | None = None,
    starts: Offsets | None = None,
) -> JobSettings:
    """The settings of one run; outputs go beside the sources unless `sink_prefix` says otherwise.

    Raises ConfigError where the operators could not read the format: here one is told.
    """
    format_of(config)
    return JobSettings(
        job=job,
        kafka=kafka,
        source_prefix=config.topic_prefix,
        sink_prefix=config.topic_prefix if sink_prefix is None else sink_prefix,
        source_format=config.source_format,
        parallelism=config.parallelism,
        lateness_ms=config.lateness_ms,
        seed=config.seed,
        knowledge_from=knowledge_from,
        replay=replay,
        starts=starts,
        has_own_slots=job == "decide" and config.flink is not None and config.slots == "split",
        trust=trust_of(config),
        rate=rate_of(config),
        uncatalogued=config.uncatalogued,
        trace_share=config.trace_share,
        assumed=purposes_from(config.consent),
        keeps_raw=config.dead_letter_raw,
        schema_registry=config.schema_registry,
        mapping=rules_of(config),
    )


def rate_of(config: Config) -> Rate:
    """The rate of events that a session may have."""
    return Rate(config.session_events_per_s, config.session_burst)
