"""The learn job writes what the learner of the fold makes of the same log, byte by byte."""

import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from jobs.config import config_from
from jobs.flink.counted import read_counts
from jobs.flink.rest import FlinkRest
from jobs.fold.learner import Learner
from jobs.knowledge_feed import KnowledgeFeed
from jobs.learning.trust import Trust
from log.kafka import read_to_end
from schemas.codec import EVENT, HEADER_BYTES, OUTCOME
from schemas.knowledge import (
    ACTION_KNOWLEDGE,
    EPOCH_END,
    ITEM_KNOWLEDGE,
    PAST_SESSION,
    ActionKnowledge,
    EpochEnd,
    KnowledgeRecord,
    PastSession,
    epoch_end_ms,
    epoch_of,
)
from schemas.limits import EPOCH_MS, HOUR_MS, MINUTE_MS, SECOND_MS, SESSION_GAP_MS
from schemas.outcomes import Outcome
from schemas.records import LogRecord
from schemas.state.session import SessionNews, SessionState
from schemas.topics import CONTROL, EVENTS, ITEMS, KNOWLEDGE, OUTCOMES
from scripts.outcomes.reading import of_topic
from tests.builders import LATENESS_MS, NOON, make_catalogue, make_event
from tests.flink.replays import Replays
from tests.flink.runs import Line, fill_log, produce, run_learn_replay, start_job
from tests.logs import consenting, shopping_log
from udfs.draw import identify_decision
from udfs.knowledge.knowledge import Knowledge
from udfs.track_session import expire_session, track_session

pytestmark = pytest.mark.flink

EVENT_COUNT = 6_000
END_KEY = "epoch-end"
Pairs = list[tuple[str, bytes]]


class Log(NamedTuple):
    """A filled log, and what it teaches: each epoch's records, its end marker last."""

    prefix: str
    epochs: dict[int, Pairs]
    outcomes: dict[str, list[bytes]]
    """By person, in the order in which they are written."""


def news_of(
    records: Iterable[LogRecord], knowledge: Knowledge, end_ms: int
) -> Iterator[SessionNews]:
    """What the sessions tell, in the order of the log, and then the ends of the silent ones."""
    states: dict[str, SessionState | None] = {}
    for record in records:
        state = states.get(record.key)
        result = track_session(state, record, EVENT.decode, knowledge, LATENESS_MS)
        states[record.key] = result.state
        yield from result.news
    for session_id, state in states.items():
        if state is not None and state.timer_ms <= end_ms:
            yield from expire_session(state, session_id, state.timer_ms).news


def learnt(
    records: Iterable[LogRecord], knowledge: Knowledge, end_ms: int
) -> tuple[dict[int, Pairs], dict[str, list[bytes]]]:
    """What the learner of the fold makes of the log: each epoch's pairs of key and value, and each person's outcomes."""
    learner = Learner()
    came: list[Outcome] = []
    for news in sorted(news_of(records, knowledge, end_ms), key=_order):
        came += learner.expire(news.order_ms).outcomes
        came += learner.add(news, knowledge).outcomes
    came += learner.expire(end_ms).outcomes
    epochs: dict[int, Pairs] = defaultdict(list)
    for record in learner.close(end_ms):
        epochs[record.epoch].append(pair_of(record))
    outcomes: dict[str, list[bytes]] = defaultdict(list)
    for one in came:
        outcomes[one.person].append(OUTCOME.encode(one))
    return dict(epochs), dict(outcomes)


def _order(news: SessionNews) -> tuple[int, str, int]:
    return news.order_ms, news.session_id, news.position


def pair_of(record: KnowledgeRecord) -> tuple[str, bytes]:
    """Key and value in the topic."""
    if isinstance(record, EpochEnd):
        return END_KEY, EPOCH_END.encode(record)
    if isinstance(record, PastSession):
        return f"session/{record.session_hash}", PAST_SESSION.encode(record)
    if isinstance(record, ActionKnowledge):
        return f"action/{record.key}", ACTION_KNOWLEDGE.encode(record)
    return f"{record.kind}/{record.item_id}", ITEM_KNOWLEDGE.encode(record)


def items_of(kafka: str, prefix: str) -> Knowledge:
    feed = KnowledgeFeed(Knowledge(), lambda _: None, Trust())
    for record in read_to_end(kafka, [prefix + CONTROL, prefix + ITEMS]):
        feed.apply(record.value, record.offset, record.timestamp_ms)
    return feed.knowledge


@pytest.fixture(scope="module")
def shopping(kafka: str) -> Log:
    prefix = "lessons."
    lines = with_responses(
        [Line(*one) for one in consenting(shopping_log(EVENT_COUNT, seed=3, hours=3.0))]
    )
    # after a silent hour: the sessions that end by themselves do so before the log's end
    lines.append(viewed("last", NOON + 5 * HOUR_MS))
    fill_log(kafka, prefix, lines, make_catalogue())
    records = read_to_end(kafka, [prefix + EVENTS])
    end_ms = max(line.timestamp_ms for line in lines)
    return Log(prefix, *learnt(records, items_of(kafka, prefix), end_ms))


RESPONSES = (
    "product_viewed", "decision_exposed", "decision_exposed", "decision_clicked",
    "product_added_to_cart", "decision_exposed", "decision_dismissed",
)  # fmt: skip
"""What people do who are shown actions, again and again."""
PLACES: tuple[dict[str, str], ...] = (
    {"placement": "hero"},
    {"placement": "häuser"},
    {},
    {"placement": "\t"},
)


def with_responses(lines: list[Line]) -> list[Line]:
    """The log with responses to three actions between its lines, some of them sent twice."""
    found = []
    for number, line in enumerate(lines):
        found.append(line)
        if number % 5 == 0:
            response = responded(number // 5, line.timestamp_ms)
            found += [response] * (2 if number % 35 == 0 else 1)
        if number % 7 == 0:
            found.append(unproven(number // 7, line.timestamp_ms))
    return found


UNPROVEN = ("product_viewed", "purchase_completed", "decision_exposed", "product_viewed")


def unproven(number: int, time_ms: int) -> Line:
    """What pages with a public key say, of two people in many sessions: of an item again and again, and of items that are made up."""
    session = f"page-{number % 30}"
    event = make_event(
        event_id=f"{session}-{number}", event_type=UNPROVEN[number % len(UNPROVEN)],
        event_time_ms=time_ms, session_id=session, anonymous_id=f"page-{number % 2}", is_unproven=True,
        item_ids=("i2", f"made-up-{number}"), decision_id="made-up",
        properties={"action_id": "action-0", "placement": "hero"},
    )  # fmt: skip
    return Line(time_ms, session, EVENT.encode(event))


def responded(number: int, time_ms: int) -> Line:
    session = f"r{number % 40}"
    event = make_event(
        event_id=f"{session}-{number}", event_type=RESPONSES[number // 40 % len(RESPONSES)],
        event_time_ms=time_ms, session_id=session, anonymous_id=person_of(number), item_ids=("i1",),
        properties={"action_id": f"action-{number % 3}"} | PLACES[number % len(PLACES)],
        decision_id=decision_of(number),
    )  # fmt: skip
    return Line(time_ms, session, EVENT.encode(event))


def decision_of(number: int) -> str:
    """The decision on the newest product view of another session: most, not all, are of one person."""
    turn = len(RESPONSES) * 40
    asked = number // turn * turn + (number + 13) % 40
    session = f"r{asked % 40}"
    return identify_decision(person_of(asked), session, f"{session}-{asked}", "next_item")


def person_of(number: int) -> str:
    return f"r{number % 40 % 13}"


def viewed(session: str, time_ms: int, item_id: str = "i1") -> Line:
    event = make_event(
        event_id=f"{session}-{time_ms}", event_type="product_viewed", event_time_ms=time_ms,
        session_id=session, anonymous_id=session, item_ids=(item_id,),
    )  # fmt: skip
    return Line(time_ms, session, EVENT.encode(event))


def written(records: Iterable[LogRecord]) -> list[tuple[int, Pairs]]:
    """What lies in the topic: from end marker to end marker, in its order."""
    epochs: list[tuple[int, Pairs]] = []
    pairs: Pairs = []
    for record in records:
        pairs.append((record.key, record.value))
        if record.key == END_KEY:
            epochs.append((EPOCH_END.decode(record.value).epoch, pairs))
            pairs = []
    assert not pairs, "records without an end marker behind them"
    return epochs


def test_things_come_of_the_decisions_of_the_log(shopping: Log) -> None:
    """So that comparing outcomes compares something."""
    came = [OUTCOME.decode(one) for mine in shopping.outcomes.values() for one in mine]
    kinds = Counter(one.kind for one in came)
    assert min(kinds[one] for one in ("exposed", "ignored", "clicked", "dismissed", "carted", "converted", "visited")) >= 5  # fmt: skip
    assert any(one.decision_id for one in came if one.kind in ("carted", "converted"))
    assert len({one.outcome_id for one in came}) == len(came)


def test_the_log_teaches_everything(shopping: Log) -> None:
    keys = {key.partition("/")[0] for pairs in shopping.epochs.values() for key, _ in pairs}
    assert keys == {"action", "item", "category", "session", END_KEY}
    headers = {value[:HEADER_BYTES] for pairs in shopping.epochs.values() for _, value in pairs}
    assert len(headers) == 4
    of_actions = {
        key for pairs in shopping.epochs.values() for key, _ in pairs if "/action-" in key
    }
    assert {key.count("\t") for key in of_actions} == {0, 2}
    assert len({key.rpartition("\t")[2] for key in of_actions if "\t" in key}) > 1
    of_action = [
        ACTION_KNOWLEDGE.decode(value)
        for pairs in shopping.epochs.values()
        for key, value in pairs
        if key == "action/action-0"
    ]
    assert 0 < of_action[-1].exposures_total < of_action[-1].exposures, "some spend, not all"
    assert len(shopping.epochs) > 1_000
    keys = {key for pairs in shopping.epochs.values() for key, _ in pairs}
    assert not [key for key in keys if "made-up" in key], "a page makes up items in vain"


@pytest.mark.parametrize("parallelism", [1, 2])
def test_the_job_writes_what_the_fold_learns_in_whole_epochs(
    replays: Replays, kafka: str, home: Path, shopping: Log, parallelism: int
) -> None:
    outputs = f"{shopping.prefix}out{parallelism}."
    found = run_learn_replay(
        replays, kafka, shopping.prefix, outputs, home, parallelism=parallelism
    )
    epochs = written(found)
    assert [epoch for epoch, _ in epochs] == sorted(shopping.epochs)
    assert dict(epochs) == shopping.epochs
    begun_ms = time.time_ns() // 1_000_000 - HOUR_MS
    assert all(record.timestamp_ms > begun_ms for record in found), "of its arrival"
    outcomes: dict[str, list[bytes]] = defaultdict(list)
    for record in read_to_end(kafka, [outputs + OUTCOMES]):
        outcomes[record.key].append(record.value)
    assert outcomes == shopping.outcomes
    names = {"KAIROS_KAFKA": kafka, "KAIROS_TOPIC_PREFIX": outputs, "KAIROS_HOME": str(home)}
    read = [OUTCOME.encode(one) for one in of_topic(config_from(names), None, None)]
    assert sorted(read) == sorted(one for mine in outcomes.values() for one in mine)


def test_epochs_that_end_after_the_replay_are_not_written(
    replays: Replays, kafka: str, home: Path
) -> None:
    start_ms = epoch_end_ms(epoch_of(NOON))
    lines = [viewed("s", start_ms + second * SECOND_MS) for second in range(0, 40, 2)]
    fill_log(kafka, "half.", lines, make_catalogue())
    to_ms = start_ms + 10 * SECOND_MS + EPOCH_MS // 2
    found = run_learn_replay(replays, kafka, "half.", "half.out.", home, "--to-ms", str(to_ms))
    touched = sorted({epoch_of(line.timestamp_ms) for line in lines if line.timestamp_ms < to_ms})
    assert epoch_end_ms(touched[-1]) > to_ms
    assert [epoch for epoch, _ in written(found)] == touched[:-1]


@pytest.mark.long
def test_live_epochs_come_by_themselves_and_late_facts_in_the_next(kafka: str, home: Path) -> None:
    prefix = "schooldays."
    begun_ms = epoch_end_ms(epoch_of(NOON))
    fill_log(kafka, prefix, [viewed("s0", begun_ms)], make_catalogue())
    job = start_job("jobs.run_learn", kafka, prefix, home)
    try:
        job.wait_until_ready()
        epoch = epoch_of(begun_ms)
        produce(kafka, prefix + EVENTS, [viewed("s0", begun_ms + EPOCH_MS + 2 * SECOND_MS)])
        assert {one for one, _ in epochs_when(kafka, prefix, bool)} == {epoch}
        # an hour late, in a session of its own
        produce(kafka, prefix + EVENTS, [viewed("s1", begun_ms - HOUR_MS, "i2")])
        while read_counts(FlinkRest(job.rest, job.keys), "learn")["late_facts"] < 2:
            time.sleep(0.05)
        end_ms = begun_ms + SESSION_GAP_MS + MINUTE_MS
        produce(kafka, prefix + EVENTS, [viewed("s0", end_ms)])
        found = dict(epochs_when(kafka, prefix, lambda keys: keys.count("session/") == 2))
        late = [one for one, pairs in found.items() if "item/i2" in dict(pairs)]
        assert len(late) == 1
        assert epoch < late[0] <= epoch_of(begun_ms + EPOCH_MS + 2 * SECOND_MS)
        assert list(found) == sorted(found)
        job.process.send_signal(signal.SIGTERM)
        said, _ = job.process.communicate()
        assert job.process.returncode == 0, said
    finally:
        job.process.kill()
        job.process.wait()


def epochs_when(
    kafka: str, prefix: str, is_there: Callable[[list[str]], bool]
) -> list[tuple[int, Pairs]]:
    """What is written once the kinds of its keys are as wanted, up to the last end marker.

    The test's time limit is the only bound.
    """
    while True:
        records = list(read_to_end(kafka, [prefix + KNOWLEDGE]))
        while records and records[-1].key != END_KEY:
            records.pop()
        if is_there([record.key.partition("/")[0] + "/" for record in records]):
            return written(records)
        time.sleep(0.05)
