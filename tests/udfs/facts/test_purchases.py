"""What is sent again counts once, however old it is, in whatever session and whenever it comes."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.fold.fold import Fold, FoldRules
from schemas.codec import EVENT
from schemas.events import Event
from schemas.limits import DAY_MS, FACT_IDS_MAX, HOUR_MS, MINUTE_MS
from schemas.records import LogRecord
from schemas.state.person import PersonState
from tests.builders import NOON, make_event, make_knowledge, make_record
from udfs.facts.activity import period_counts
from udfs.session.deduplicate import ENTRY_BYTES

OLD_MS = NOON - 12 * DAY_MS


def tick(time_ms: int) -> Event:
    """Time goes on in the log."""
    return make_event(
        event_id=f"tick-{time_ms}", event_type="clock_ticked", event_time_ms=time_ms,
        session_id="clock/0",
    )  # fmt: skip


def order(name: str = "order", time_ms: int = OLD_MS, session: str = "s1", **fields: Any) -> Event:
    return make_event(
        **{
            "event_id": name, "event_type": "purchase_completed", "event_time_ms": time_ms,
            "session_id": session, "item_ids": ["i1"], "value_amount": 8.0,
        } | fields
    )  # fmt: skip


def fold(events: Iterable[Event]) -> tuple[Fold, list[str]]:
    """Every event at its place in one log, and what was counted."""
    folded = Fold(make_knowledge(), FoldRules(EVENT.decode, "seed"))
    log: list[LogRecord] = [make_record(event, n) for n, event in enumerate(events)]
    return folded, [count for one in folded.run(log) for count in one.counts]


def person(events: Iterable[Event], name: str = "a1") -> PersonState:
    return fold(events)[0].persons[name]


def bought(state: PersonState) -> tuple[int, int, float, int]:
    """In 30 days, ever, for how much, and how many items are remembered."""
    in_30_days = period_counts(state, "daily", NOON, 30)[3]
    return in_30_days, state.purchase_count, state.purchase_value, len(state.purchases)


def test_an_old_order_that_is_imported_three_times_is_one() -> None:
    log = [tick(NOON)]
    for days in (0, 3, 5):
        log += [order(), tick(NOON + days * DAY_MS + HOUR_MS)]
    folded, counts = fold(log)
    assert bought(folded.persons["a1"]) == (1, 1, 8.0, 1)
    assert counts.count("duplicates") == 2


@pytest.mark.parametrize("event_type", ["page_viewed", "product_viewed", "help_viewed"])
def test_so_is_whatever_else_is_as_old(event_type: str) -> None:
    seen = make_event(event_id="seen", event_type=event_type, event_time_ms=OLD_MS)
    log = [tick(NOON), seen, tick(NOON + HOUR_MS), seen, tick(NOON + 2 * HOUR_MS), seen]
    assert person(log).event_count == 1


def test_an_order_is_one_also_where_its_session_was_forgotten_long_ago() -> None:
    log = [order(), tick(NOON), tick(NOON + 60 * DAY_MS), order(), order("other", session="s2")]
    folded, counts = fold(log)
    assert bought(folded.persons["a1"])[1:] == (2, 16.0, 2)
    assert counts.count("sessions_forgotten") == 1
    assert counts.count("facts_repeated") == 1


def test_an_order_is_one_in_two_sessions_and_asks_for_nothing_twice() -> None:
    events = [order(), order(session="s2", placements=["home"])]
    folded = Fold(make_knowledge(), FoldRules(EVENT.decode, "seed"))
    made = [
        one
        for n in folded.run(make_record(e, n) for n, e in enumerate(events))
        for one in n.decisions
    ]
    assert bought(folded.persons["a1"]) == (1, 1, 8.0, 1)
    assert not made


def test_a_refund_that_comes_again_takes_back_once() -> None:
    back = [
        order("back", session=one, event_type="purchase_refunded", item_ids=[], time_ms=NOON)
        for one in ("s1", "s2", "s3")
    ]
    assert person([order(), order("more"), *back]).purchase_value == 8.0


def test_a_refund_may_have_the_name_of_its_order() -> None:
    back = order(session="s2", event_type="purchase_refunded", time_ms=NOON)
    assert person([order(), back]).purchase_value == 0.0


def test_a_claim_does_not_keep_the_proven_purchase_from_counting() -> None:
    claim, proven = order(is_unproven=True), order(session="server")
    state = person([claim, proven, order(session="s3", is_unproven=True)])
    assert (state.purchase_count, state.unproven_purchases, state.purchase_value) == (1, 0, 8.0)


def test_what_was_bought_before_signing_in_is_known_after() -> None:
    signed = make_event(
        event_id="in", event_type="identified", person_id="u", event_time_ms=OLD_MS + MINUTE_MS
    )
    again = order(session="s2", person_id="u", anonymous_id="a2", time_ms=NOON)
    signed2 = make_event(
        event_id="in2", event_type="identified", person_id="u", session_id="s2", anonymous_id="a2",
        event_time_ms=NOON - MINUTE_MS,
    )  # fmt: skip
    assert bought(person([order(), signed, signed2, again], "u")) == (1, 1, 8.0, 1)


def test_a_session_that_signs_in_brings_no_order_that_is_known() -> None:
    first = make_event(
        event_id="in", event_type="identified", person_id="u", event_time_ms=OLD_MS - MINUTE_MS
    )
    later = {"session": "s2", "anonymous_id": "a2"}
    second = make_event(
        event_id="in2", event_type="identified", person_id="u", session_id="s2", anonymous_id="a2",
        event_time_ms=OLD_MS + 2 * MINUTE_MS,
    )  # fmt: skip
    again = order(**later, time_ms=OLD_MS)
    assert bought(person([first, order(), again, second], "u")) == (1, 1, 8.0, 1)
    more = order("more", **later, time_ms=OLD_MS, value_amount=2.0)
    state = person([first, order(), again, more, second], "u")
    assert (state.purchase_count, state.purchase_value) == (2, 10.0)


def test_what_is_kept_of_orders_is_bounded_and_counted() -> None:
    log = [order(f"o{n}", NOON + n) for n in range(FACT_IDS_MAX + 3)]
    folded, counts = fold(log)
    assert len(folded.persons["a1"].fact_ids) == FACT_IDS_MAX * ENTRY_BYTES
    assert counts.count("fact_ids_dropped") == 3


@given(
    st.lists(
        st.tuples(
            st.integers(0, 4), st.integers(0, 3), st.sampled_from(["tick", "order", "back"]),
            st.integers(0, 30),
        ),
        max_size=25,
    )
)  # fmt: skip
@settings(max_examples=60)
def test_any_order_counts_once_wherever_and_whenever_it_is_sent_again(
    steps: list[tuple[int, int, str, int]],
) -> None:
    """Of any log, only the first of each name counts; the days that pass between change nothing."""
    log, now_ms, names = [tick(NOON)], NOON, set()
    for name, session, kind, days in steps:
        if kind == "tick":
            now_ms += days * HOUR_MS
            log.append(tick(now_ms))
            continue
        event_type = "purchase_completed" if kind == "order" else "purchase_refunded"
        names.add((kind, name))
        log.append(
            order(f"{kind}-{name}", OLD_MS - name * DAY_MS, f"s{session}", event_type=event_type)
        )
    if not names:
        return
    state = person(log)
    orders = sum(kind == "order" for kind, _ in names)
    assert state.purchase_count == orders
    assert state.purchase_value == 8.0 * orders - 8.0 * (len(names) - orders)
