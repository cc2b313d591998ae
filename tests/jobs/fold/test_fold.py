"""The fold: the definition of what the job computes."""

from collections.abc import Iterable, Iterator
from math import isfinite

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.fold.fold import Fold, Folded, FoldRules
from jobs.fold.learner import Learner
from schemas.codec import DEAD_LETTER, DECISION, EVENT, TRACE
from schemas.events import Event
from schemas.knowledge import KnowledgeRecord
from schemas.limits import HISTORY_PAUSE_MS, HOUR_MS, MINUTE_MS
from schemas.records import LogRecord
from schemas.state.person import PERSON_STATE, PersonState
from schemas.state.session import SESSION_STATE
from tests.builders import NOON, make_catalogue, make_event, make_knowledge, make_record
from tests.logs import shopping_log

RULES = FoldRules(EVENT.decode, "seed")
UNDECIDED = RULES._replace(decides=lambda _: False)
"""For long logs of which only the states count."""


def log_of(count: int, seed: int = 1) -> list[LogRecord]:
    return [
        LogRecord("events", 0, offset, line.timestamp_ms, line.key, line.value)
        for offset, line in enumerate(shopping_log(count, seed, hours=2))
    ]


def outputs(folded: Iterable[Folded]) -> list[bytes]:
    found = []
    for one in folded:
        found += [DEAD_LETTER.encode(letter) for letter in one.dead_letters]
        for decision, trace in one.decisions:
            found += [DECISION.encode(decision), TRACE.encode(trace)]
    return found


def learning_fold(learner: Learner | None = None, rules: FoldRules = RULES) -> Fold:
    """A fold that learns of items from its own log."""
    return Fold(make_knowledge(*make_catalogue()), rules, learner or Learner())


def fold_all(log: Iterable[LogRecord]) -> list[bytes]:
    return sorted(outputs(learning_fold().run(log)))


LOG = log_of(400)
WHOLE = fold_all(LOG)


class Writer(Learner):
    """Keeps what it writes, as the topic `knowledge` does."""

    def __init__(self) -> None:
        super().__init__()
        self.topic: list[KnowledgeRecord] = []

    def close(self, now_ms: int) -> Iterator[KnowledgeRecord]:
        for record in super().close(now_ms):
            self.topic.append(record)
            yield record


def pack(states: dict[str, PersonState]) -> None:
    """As they lie in a checkpoint."""
    for key, person in states.items():
        states[key] = PERSON_STATE.decode(PERSON_STATE.encode(person))


def test_a_log_gives_decisions_dead_letters_and_ended_sessions() -> None:
    fold = Fold(make_knowledge(*make_catalogue()), UNDECIDED)
    counts = [name for one in fold.run(log_of(3000)) for name in one.counts]
    for expected in (
        "duplicates", "too_late", "malformed", "trailing_bytes", "not_single_object",
        "unknown_schema", "sessions_ended", "events",
    ):  # fmt: skip
        assert expected in counts, expected


def test_the_same_log_gives_the_same_bytes() -> None:
    assert fold_all(LOG) == WHOLE


@given(st.integers(0, len(LOG)))
@settings(max_examples=15)
def test_restart_anywhere(cut: int) -> None:
    """State that is encoded and decoded between any two records, and knowledge that is read again
    from what was written until then, change no output.
    """
    writer = Writer()
    fold = learning_fold(writer)

    def log() -> Iterable[LogRecord]:
        for at, record in enumerate(LOG):
            if at == cut:
                for key, session in fold.sessions.items():
                    fold.sessions[key] = SESSION_STATE.decode(SESSION_STATE.encode(session))
                pack(fold.visitors)
                pack(fold.members)
                fold._knowledge = make_knowledge(*make_catalogue())
                for known in writer.topic:
                    fold._knowledge.learn(known)
            yield record

    assert sorted(outputs(fold.run(log()))) == WHOLE


def test_restart_before_every_record() -> None:
    fold = learning_fold()

    def log() -> Iterable[LogRecord]:
        for record in LOG:
            for key, session in fold.sessions.items():
                fold.sessions[key] = SESSION_STATE.decode(SESSION_STATE.encode(session))
            pack(fold.visitors)
            pack(fold.members)
            yield record

    assert sorted(outputs(fold.run(log()))) == WHOLE


def test_sessions_of_one_person_are_merged_by_time_not_by_arrival() -> None:
    events = [
        make_event(event_id="late-arrival", session_id="s2", event_time_ms=NOON + MINUTE_MS),
        make_event(event_id="first", session_id="s1", event_time_ms=NOON),
    ]
    log = [make_record(event, offset) for offset, event in enumerate(events)]
    news = [one.news for one in Fold(make_knowledge(), RULES).run(log) if one.news]
    told = [one.event.event_id for one in news if one.event]
    assert told == ["first", "late-arrival"]


def test_no_timer_after_the_end_acts() -> None:
    log = [make_record(make_event())]
    for end_ms, expected in ((NOON + 30 * MINUTE_MS - 1, 0), (NOON + 30 * MINUTE_MS, 1)):
        fold = Fold(make_knowledge(), RULES._replace(end_ms=end_ms))
        ended = [one for one in fold.run(log) if one.news and one.news.kind == "ended"]
        assert len(ended) == expected


def test_a_quiet_partition_holds_the_watermark() -> None:
    early, late = (
        make_event(),
        make_event(event_id="e2", session_id="s2", event_time_ms=NOON + HOUR_MS),
    )
    fold = Fold(make_knowledge(), RULES)
    stream = fold.run([make_record(early), make_record(late, partition=1)], partitions=3)
    ended = [one for one in stream if one.news and one.news.kind == "ended"]
    assert len(ended) == 1  # only at the end of the input


def test_knowledge_read_from_the_topic_decides_as_knowledge_learnt_on_the_way() -> None:
    """The job reads what was learnt; a fold may learn it itself: the same decisions."""
    writer = Writer()
    assert sorted(outputs(learning_fold(writer).run(LOG))) == WHOLE
    knowledge = make_knowledge(*make_catalogue())
    for record in writer.topic:
        knowledge.learn(record)
    assert sorted(outputs(Fold(knowledge, RULES).run(LOG))) == WHOLE
    without = sorted(outputs(Fold(make_knowledge(*make_catalogue()), RULES).run(LOG)))
    assert without != WHOLE


def test_decisions_that_are_not_wanted_change_no_others() -> None:
    """An evaluation leaves out what it does not measure; all is folded and learnt as ever."""

    def decides(event: Event) -> bool:
        return event.event_time_ms % 2 == 0

    fold = learning_fold(rules=RULES._replace(decides=decides))
    found = [decision for one in fold.run(LOG) for decision in one.decisions]
    whole = [decision for one in learning_fold().run(LOG) for decision in one.decisions]
    wanted = [(made, trace) for made, trace in whole if made.event_time_ms % 2 == 0]
    assert 0 < len(wanted) < len(whole)
    assert [trace.features for _, trace in found] == [trace.features for _, trace in wanted]
    assert [made.items for made, _ in found] == [made.items for made, _ in wanted]


def test_no_feature_of_a_whole_log_is_infinite() -> None:
    for one in learning_fold().run(LOG):
        for _, trace in one.decisions:
            assert not np.isinf(np.frombuffer(trace.features, "<f4")).any()
            assert all(isfinite(candidate.score) for candidate in trace.candidates)


def test_sequences_grow_per_person() -> None:
    fold = learning_fold()
    newest: dict[str, int] = {}
    for one in fold.run(LOG):
        for decision, _ in one.decisions:
            assert decision.sequence > newest.get(decision.person, 0)
            newest[decision.person] = decision.sequence


def test_a_persons_state_stays_small() -> None:
    fold = Fold(make_knowledge(*make_catalogue()), UNDECIDED)
    list(fold.run(log_of(5000)))
    sizes = [len(PERSON_STATE.encode(state)) for state in fold.persons.values()]
    assert max(sizes) < 4_096


def test_a_session_that_opens_again_is_ended_by_its_own_timer() -> None:
    """Its key's timer was set to the far end of deduplication when the first session ended."""
    minutes = (0, 60, 200)
    log = [
        make_record(make_event(event_id=f"e{n}", event_time_ms=NOON + n * MINUTE_MS), n)
        for n in minutes[:2]
    ]
    log.append(make_record(make_event(event_id="o", session_id="other"), 2)._replace(
        timestamp_ms=NOON + minutes[2] * MINUTE_MS
    ))  # fmt: skip
    fold = Fold(make_knowledge(), RULES)
    ended = [one.news.order_ms for one in fold.run(log) if one.news and one.news.kind == "ended"]
    assert ended == [NOON + 30 * MINUTE_MS, NOON + 30 * MINUTE_MS, NOON + 90 * MINUTE_MS]


def test_the_order_between_partitions_does_not_matter() -> None:
    """Each partition is read in its order, but how they interleave is chance."""
    parts: list[list[LogRecord]] = [[], [], [], []]
    for record in log_of(1_500):
        at = sum(record.key.encode()) % 4
        parts[at].append(record._replace(partition=at, offset=len(parts[at])))
    orders = ([r for part in parts for r in part], [r for p in parts[::-1] for r in p])
    one, other = (_sorted_results(learning_fold().run(order, 4)) for order in orders)
    assert one == other


def _sorted_results(folded: Iterable[Folded]) -> tuple[list[bytes], list[str]]:
    found = list(folded)
    counts = sorted(name for one in found for name in one.counts)
    return sorted(outputs(found)), counts


def imported(apart_ms: int, events: int = 12) -> list[LogRecord]:
    """A visit of yesterday, an event a minute of its own time, that came into a live log: between any two the clock went on by so much."""
    log: list[LogRecord] = []
    for number in range(events):
        tick = make_event(event_id=f"t{number}", event_type="clock_ticked", event_time_ms=NOON + 24 * HOUR_MS + number * apart_ms, session_id="clock", anonymous_id="clock")  # fmt: skip
        seen = make_event(event_id=f"e{number}", event_time_ms=NOON + number * MINUTE_MS)
        log += [make_record(one, len(log) + at) for at, one in enumerate((tick, seen))]
    return log


def ended(log: list[LogRecord]) -> list[str]:
    return [count for one in Fold(make_knowledge(), RULES).run(log) for count in one.counts if count in ("sessions_ended", "after_timer")]  # fmt: skip


def test_history_that_is_imported_into_a_live_log_is_a_whole_visit_whatever_the_clock_says() -> (
    None
):
    assert ended(imported(1_000)) == ["sessions_ended"]


def test_where_its_events_come_further_apart_than_a_visit_waits_it_ends_between_them() -> None:
    assert ended(imported(HISTORY_PAUSE_MS + 1_000, 3)).count("sessions_ended") == 3
