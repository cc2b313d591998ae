"""Nothing leaks from the future: later events and later knowledge change no earlier decision."""

from collections.abc import Iterable
from math import log1p
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from models.scorer import ColumnScorer
from schemas.codec import DECISION, EVENT, TRACE
from schemas.decisions import Decision, DecisionTrace
from schemas.errors import InvalidEvent
from schemas.events import Event
from schemas.items import Item
from schemas.knowledge import effective_from_ms, epoch_end_ms, epoch_of
from schemas.limits import EPOCH_AHEAD_MS, MINUTE_MS, SECOND_MS
from schemas.policy import Placement, Policy
from schemas.records import LogRecord
from tests.builders import (
    NOON,
    make_catalogue,
    make_epoch,
    make_event,
    make_knowledge,
    make_learnt,
    make_past_session,
    make_record,
)
from tests.logs import Line, shopping_log
from udfs.facts.features import FEATURE_SPACE
from udfs.facts.learnt import CLICK_PRIOR
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

RULES = FoldRules(EVENT.decode, "seed")


class Made(NamedTuple):
    """A decision, and when it was made in the order of the log."""

    order_ms: int
    decision: Decision
    trace: DecisionTrace

    @property
    def data(self) -> bytes:
        return DECISION.encode(self.decision) + TRACE.encode(self.trace)

    def column(self, name: str) -> dict[str, float]:
        """The values of one feature by item."""
        rows = np.frombuffer(self.trace.features, "<f4").reshape(-1, FEATURE_SPACE.count)
        values = rows[:, FEATURE_SPACE.places[name]].tolist()
        return {
            one.item_id: value for one, value in zip(self.trace.candidates, values, strict=True)
        }


def decided(
    log: Iterable[LogRecord], knowledge: Knowledge | None = None, learner: Learner | None = None
) -> dict[str, Made]:
    """Every decision by its id."""
    fold = Fold(knowledge or make_knowledge(*make_catalogue()), RULES, learner)
    return {
        decision.decision_id: Made(one.news.order_ms, decision, trace)
        for one in fold.run(log)
        for decision, trace in one.decisions
        if one.news
    }


def learning(log: Iterable[LogRecord]) -> dict[str, Made]:
    """What is decided where the log itself teaches."""
    return decided(log, learner=Learner())


def until(made: dict[str, Made], time_ms: int) -> dict[str, bytes]:
    return {name: one.data for name, one in made.items() if one.order_ms <= time_ms}


def event_of(record: LogRecord) -> Event | None:
    try:
        return EVENT.decode(record.value)
    except InvalidEvent:
        return None


LOG = [
    LogRecord("events", 0, offset, line.timestamp_ms, line.key, line.value)
    for offset, line in enumerate(shopping_log(200, seed=5, hours=1))
]
EVENTS = [event_of(record) for record in LOG]
TIMES = [event.event_time_ms if event else 0 for event in EVENTS]
ORDERS = [
    max(ms for ms, earlier in zip(TIMES[: at + 1], LOG, strict=False) if earlier.key == one.key)
    for at, one in enumerate(LOG)
]
"""For each record the running maximum of event time of its session: when it comes to its person."""
CAUSES = {event.event_id: at for at, event in reversed([*enumerate(EVENTS)]) if event}
WHOLE = learning(LOG)
LATER = shopping_log(60, seed=9, hours=1, faults=False)

# --- events -------------------------------------------------------------------------------------

Later = tuple[Line, str, bool]
cuts = st.integers(1, len(LOG))
later_lines = st.lists(
    st.tuples(
        st.sampled_from(LATER), st.sampled_from([record.key for record in LOG]), st.booleans()
    ),
    max_size=12,
)
ids = st.sampled_from([f"i{n}" for n in range(45)])
prices = st.floats(0, 100)


def test_the_log_teaches_what_its_decisions_use() -> None:
    """Else the tests below would show nothing."""
    assert len({one.decision.versions.knowledge for one in WHOLE.values()}) > 20
    for name in (
        "item_views",
        "nearest_sessions",
        "next_few",
        "item_exposures",
        "category_interest",
    ):
        used = [any(value > 0 for value in one.column(name).values()) for one in WHOLE.values()]
        assert sum(used) > 10, name


def moved(at: int, line: Later, start_ms: int) -> LogRecord:
    """A line of another log, after `start_ms`, in a session that is there already or a new one."""
    source, session, is_same = line
    key = session if is_same else f"new-{session}"
    time_ms = start_ms + 1 + at * 7 * SECOND_MS
    event = msgspec.structs.replace(
        EVENT.decode(source.value), event_id=f"later-{at}", session_id=key, event_time_ms=time_ms
    )
    return LogRecord("events", 0, 10_000 + at, time_ms, key, EVENT.encode(event))


@given(cuts, later_lines)
@settings(max_examples=10)
def test_later_events_change_no_earlier_decision(cut: int, lines: list[Later]) -> None:
    log = LOG[:cut]
    until_ms = max(record.timestamp_ms for record in log)
    appended = [moved(at, line, until_ms) for at, line in enumerate(lines)]
    assert until(learning(log + appended), until_ms) == until(learning(log), until_ms)


def test_another_person_who_signs_in_later_changes_no_earlier_decision() -> None:
    """The visit before ends by that; that it did was not known at its last event."""
    log, line = LOG[:105], next(one for one in LATER if event_named(one, "identified"))
    until_ms = max(record.timestamp_ms for record in log)
    appended = [moved(0, (line, "s7", True), until_ms)]
    assert until(learning(log + appended), until_ms) == until(learning(log), until_ms)


def event_named(line: Line, event_type: str) -> bool:
    return EVENT.decode(line.value).event_type == event_type


def another(record: LogRecord, chance: Any, time_ms: int, key: str) -> LogRecord:
    """An event that teaches much, in the place of `record`."""
    event = make_event(
        event_id=f"other-{chance.random()}", session_id=key, anonymous_id=f"b{key}",
        event_time_ms=time_ms, item_ids=[f"i{chance.randrange(4)}"],
        event_type=chance.choice(["product_viewed", "ranking_clicked", "purchase_completed"]),
    )  # fmt: skip
    return record._replace(timestamp_ms=time_ms, key=key, value=EVENT.encode(event))


@given(st.sampled_from(sorted(WHOLE)), st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_whatever_happens_at_or_after_a_decision_leaves_it_as_it_is(name: str, chance: Any) -> None:
    """From its moment on events of any session are dropped, changed and added."""
    then_ms, cause = WHOLE[name].order_ms, CAUSES[WHOLE[name].decision.event_id]
    changed = []
    for at, record in enumerate(LOG):
        is_before = ORDERS[at] < then_ms or (record.key == LOG[cause].key and at <= cause)
        draw = chance.random()
        # one that came late would move to before the decision if what came before it is dropped
        if is_before or (draw > 0.6 and TIMES[at] >= then_ms):
            changed.append(record)
        elif draw > 0.3:
            changed.append(another(record, chance, ORDERS[at], record.key))
        if at == cause:
            changed += [another(record, chance, then_ms, f"new-{n}") for n in range(3)]
    made = learning(changed)
    assert made[name].data == WHOLE[name].data
    assert until(made, then_ms - 1) == until(WHOLE, then_ms - 1)


# --- one fact, one decision ---------------------------------------------------------------------

EPOCH = epoch_of(NOON)


def asked(event_id: str, time_ms: int, *item_ids: str, session: str = "asks") -> Event:
    return make_event(
        event_id=event_id, event_type="ranking_requested", event_time_ms=time_ms,
        session_id=session, anonymous_id=session, candidates=[{"item_id": one} for one in item_ids],
    )  # fmt: skip


def made_of(events: list[Event]) -> dict[str, Made]:
    """The decisions of these events by the event that asked."""
    log = [make_record(event, offset) for offset, event in enumerate(events)]
    found = decided(log, make_knowledge(), Learner())
    return {one.decision.event_id: one for one in found.values()}


@pytest.mark.parametrize(
    ("time_ms", "is_seen"),
    [
        (NOON, False),
        (NOON + 1, False),
        (epoch_end_ms(EPOCH) - 1, False),
        (epoch_end_ms(EPOCH), False),
        (epoch_end_ms(EPOCH) + EPOCH_AHEAD_MS - 1, False),
        (epoch_end_ms(EPOCH) + EPOCH_AHEAD_MS, True),
        (epoch_end_ms(EPOCH) + MINUTE_MS, True),
    ],
)
def test_what_others_did_is_seen_from_the_time_of_its_epoch_on(time_ms: int, is_seen: bool) -> None:
    others = [
        make_event(
            event_id=f"o{n}", event_type=event_type, session_id="other", anonymous_id="other",
            event_time_ms=NOON, item_ids=item_ids,
        )
        for n, (event_type, item_ids) in enumerate(
            [("product_viewed", ["x"]), ("product_viewed", ["y"]), ("session_ended", [])]
        )
    ]  # fmt: skip
    mine = make_event(
        event_id="m", event_type="product_viewed", session_id="asks", anonymous_id="asks",
        event_time_ms=NOON - MINUTE_MS, item_ids=["x"],
    )  # fmt: skip
    made = made_of([mine, *others, asked("r", time_ms, "x", "y")])["r"]
    before = epoch_of(NOON - MINUTE_MS)  # my own view, which has long been in force
    assert made.decision.versions.knowledge == (EPOCH if is_seen else before)
    views = {"x": 2.0, "y": 1.0} if is_seen else {"x": 1.0, "y": 0.0}
    assert made.column("item_views") == pytest.approx(
        {name: log1p(count) for name, count in views.items()}, rel=1e-4
    )
    assert made.column("next_strength") == {"x": 0.0, "y": float(is_seen)}
    assert (made.column("nearest_next")["y"] > 0) == is_seen


@pytest.mark.parametrize("after_ms", [0, 1, SECOND_MS, MINUTE_MS])
def test_the_click_that_answers_a_ranking_is_in_no_feature_of_it(after_ms: int) -> None:
    looked = make_event(
        event_id="l", event_type="product_viewed", event_time_ms=NOON - MINUTE_MS,
        session_id="asks", anonymous_id="asks", item_ids=["x"],
    )  # fmt: skip
    clicked = make_event(
        event_id="c", event_type="ranking_clicked", event_time_ms=NOON + after_ms,
        session_id="asks", anonymous_id="asks", item_ids=["y"], request_id="r",
    )  # fmt: skip
    ranking, next_ms = asked("r", NOON, "x", "y", "z"), NOON + 2 * MINUTE_MS
    again = asked("again", next_ms, "x", "y", "z")
    with_click = made_of([looked, ranking, clicked, again])
    without = made_of([looked, ranking, again])
    assert with_click["r"].data == without["r"].data
    # it is in the features of the next one, and so are the places of this one
    assert with_click["again"].column("touch_taken") == {"x": 0.0, "y": 1.0, "z": 0.0}
    assert with_click["again"].column("item_click_rate")["y"] > CLICK_PRIOR
    assert without["again"].column("item_click_rate")["y"] < CLICK_PRIOR


def test_a_ranking_does_not_count_as_shown_in_itself() -> None:
    made = made_of([asked("r", NOON, "x"), asked("again", NOON + MINUTE_MS, "x")])
    assert made["r"].column("item_exposures") == {"x": 0.0}
    assert made["r"].column("was_in_slate")["x"] != 0.0
    assert made["again"].column("item_exposures") == {"x": pytest.approx(log1p(1), rel=1e-4)}
    assert made["again"].column("was_in_slate") == {"x": 0.0}


# --- knowledge ----------------------------------------------------------------------------------


def add_epoch(knowledge: Knowledge, epoch: int, interest: dict[str, float]) -> None:
    """An epoch as a reader of the topic hands it over, long before its time."""
    items = [
        make_learnt(one, epoch, interest=of, interest_short=of) for one, of in interest.items()
    ]
    for record in make_epoch(*items, make_past_session("i0", "i1", epoch=epoch), epoch=epoch):
        knowledge.learn(record)


@given(
    cuts,
    st.lists(
        st.builds(Item, ids, name=st.just("later"), price=prices, is_gone=st.booleans()), max_size=8
    ),
    st.dictionaries(ids, st.floats(0, 50), max_size=8),
    st.booleans(),
)
@settings(max_examples=15)
def test_knowledge_in_force_later_changes_no_earlier_decision(
    cut: int, items: list[Item], interest: dict[str, float], has_more: bool
) -> None:
    log = LOG[:cut]
    until_ms = max(record.timestamp_ms for record in log)
    informed = make_knowledge(*make_catalogue())
    for position, item in enumerate(items):
        later = Item(
            item.item_id, until_ms + 1 + position, "later", "Later", price=item.price,
            is_gone=item.is_gone,
        )  # fmt: skip
        informed.add_item(later, 1000 + position)
    epoch = epoch_of(until_ms)
    assert effective_from_ms(epoch) > until_ms
    add_epoch(informed, epoch, interest)
    if has_more:
        informed.add_policy("later", until_ms + 1, 9, compile_policy(Policy((Placement("home"),))))
        informed.add_model("later", until_ms + 1, 0, ColumnScorer("later", "item_age"))
    assert until(decided(log, informed), until_ms) == until(decided(log), until_ms)


def test_knowledge_that_arrives_in_the_middle_changes_what_comes_after_only() -> None:
    """The other half of the one above: later knowledge does matter, from its time on."""
    epoch = epoch_of(sorted(record.timestamp_ms for record in LOG)[len(LOG) // 2])
    until_ms = effective_from_ms(epoch) - 1
    informed = make_knowledge(*make_catalogue())
    add_epoch(informed, epoch, {f"i{n}": float(n) for n in range(40)})
    found, plain = decided(LOG, informed), decided(LOG)
    assert until(found, until_ms) == until(plain, until_ms)
    after = {name for name, one in plain.items() if one.order_ms > until_ms}
    assert after
    assert all(found[name].data != plain[name].data for name in after)
