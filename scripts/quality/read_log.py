"""What `--quality` reads of the log: counts by offsets, and two bounded samples."""

from typing import Final

from jobs.config import Config
from jobs.empty_knowledge import empty_knowledge
from jobs.learning.trust import trust_of
from jobs.publish import now_ms
from log.bounds import first_times, offsets_at, replay_range
from log.kafka import has_topic
from log.offsets import ReplayRange
from log.range import LogRange
from schemas.errors import ConfigError
from schemas.formats import FORMATS
from schemas.limits import DAY_MS, HOUR_MS
from schemas.mask_attributes import in_small_letters
from schemas.records import LogRecord
from schemas.topics import CONTROL, EVENTS
from scripts.ops.bounded import Bounded, in_seconds
from scripts.policy.policy_versions import PolicyVersion, announced, deciding
from scripts.progress import Watched
from scripts.quality.report import Basis, Report, report_of
from scripts.quality.sample import Read, ReadRecord, Sample
from scripts.quality.volume import WEEK_MS, Volume, spans_at, volume_of, weeks_before
from udfs.policy.compile_policy import compile_policy
from udfs.session.give_meaning import give_meaning
from udfs.session.read_event import valid_event

SAMPLE_MAX: Final = 20_000
"""Records of each of the two samples, the newest."""
SAMPLE_S: Final = 60.0
"""Reading one takes no longer; what was not read by then is left out."""
WINDOWS_MS: Final = (HOUR_MS, 6 * HOUR_MS, DAY_MS)
"""A sample is of the newest hour, of more where that has too few records: what broke a while ago shows the more, the less of before it is in."""
ENOUGH: Final = 2_000
BEFORE_MIN: Final = 200
"""A week before with fewer records is not held against: what came right before the sample is."""


def quality_of(kafka: str, config: Config) -> Report:
    """Raises ConfigError where there is nothing to look at, NotUp where Kafka does not answer."""
    topic = config.topic_prefix + EVENTS
    held = replay_range(kafka, topic)
    if not held.count:
        raise ConfigError(f"there are no records in the topic {topic}")
    at_ms = now_ms()
    volume = volumes(kafka, topic, held, at_ms)
    read, hidden = reading(kafka, config)
    newest_ms = min(held.end_ms, at_ms)
    records, from_ms = newest_of(kafka, topic, newest_ms)
    now = sampled("reading the newest", records, read, hidden)
    records, basis = before_of(kafka, topic, max(from_ms, now.from_ms), newest_ms)
    before = sampled("reading what was before", records, read, hidden)
    return report_of(at_ms, volume, now, before, basis if before.records else None)


def volumes(kafka: str, topic: str, held: ReplayRange, at_ms: int) -> list[Volume]:
    """Of the last whole hour and of the one that is running. Nothing is read for it but where each partition begins."""
    spans = spans_at(at_ms)
    all_spans = [one for span in spans for one in (span, *weeks_before(span))]
    times = sorted({time_ms for one in all_spans for time_ms in (one.from_ms, one.to_ms)})
    offsets = dict(zip(times, offsets_at(kafka, topic, times), strict=True))
    known_ms = known_from_ms(kafka, topic, held)

    def count(from_ms: int, to_ms: int) -> int | None:
        begins, ends = offsets[from_ms], offsets[to_ms]
        is_known = from_ms >= known_ms
        return sum(ends[at] - begin for at, begin in begins.items()) if is_known else None

    return [volume_of(span, count) for span in spans]


def known_from_ms(kafka: str, topic: str, held: ReplayRange) -> int:
    """From when on the topic holds all that there was: since its first record, or since what retention has left of each partition."""
    cut = {at: start for at, start in held.starts.items() if start}
    if cut:
        return max(first_times(kafka, topic, cut, held.ends), default=held.end_ms)
    return min(first_times(kafka, topic, held.starts, held.ends))


def reading(kafka: str, config: Config) -> tuple[ReadRecord, frozenset[str]]:
    """How the session step reads a record, and the names that any policy has declared sensitive, in small letters."""
    decode, knowledge = FORMATS[config.source_format].decode, empty_knowledge(config)
    hidden: set[str] = set()
    for one in policies(kafka, config):
        if one.policy is not None:
            compiled = compile_policy(one.policy)
            knowledge.add_policy(one.version, one.effective_from_ms, one.offset, compiled)
            hidden |= in_small_letters(one.policy.sensitive_attributes)

    def read(record: LogRecord) -> Read:
        event = valid_event(record, decode)
        return Read(event, "events_without_role" in give_meaning(event, knowledge).counts)

    return read, frozenset(hidden)


def policies(kafka: str, config: Config) -> list[PolicyVersion]:
    """All that the engine takes; none where there is no topic that could hold one."""
    if not has_topic(kafka, config.topic_prefix + CONTROL):
        return []
    return deciding(announced(kafka, config.topic_prefix, trust_of(config).keys))


def newest_of(kafka: str, topic: str, newest_ms: int) -> tuple[LogRange, int]:
    """The newest records, of the first of WINDOWS_MS that has enough; and from when on they are."""
    for window_ms in WINDOWS_MS:
        from_ms = max(0, newest_ms - window_ms)
        found = LogRange(kafka, topic, from_ms, None)
        if len(found) >= ENOUGH:
            break
    found.keep_newest(SAMPLE_MAX)
    return found, from_ms


def before_of(kafka: str, topic: str, from_ms: int, to_ms: int) -> tuple[LogRange, Basis]:
    """What the newest are held against: the same time a week before, else what came right before them."""
    basis: Basis = "week_before"
    found = LogRange(kafka, topic, from_ms - WEEK_MS, to_ms + 1 - WEEK_MS)
    if len(found) < BEFORE_MIN:
        found, basis = LogRange(kafka, topic, None, from_ms), "time_before"
    found.keep_newest(SAMPLE_MAX)
    return found, basis


def sampled(words: str, log: LogRange, read: ReadRecord, hidden: frozenset[str]) -> Sample:
    """What is counted of a part of the log, as far as there is time to read it; with progress."""
    sample = Sample(hidden)
    for one in Bounded(Watched(words, log, len(log)), in_seconds(SAMPLE_S)):
        sample.take(one, read)
    return sample
