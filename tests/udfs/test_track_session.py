"""The session step, case by case."""

import pytest

from schemas.codec import EVENT
from schemas.events import Event
from schemas.limits import DEDUP_MS, MINUTE_MS, SEEN_IDS_MAX, SESSION_GAP_MS, WHOLE_MAX
from schemas.records import LogRecord
from schemas.state.session import SESSION_CONTEXT, SessionContext, SessionNews
from tests.builders import LATENESS_MS, NOON, make_event, make_record, track, track_all
from udfs.facts.cart import value_of
from udfs.facts.visit import window
from udfs.knowledge.knowledge import Knowledge
from udfs.session.deduplicate import ENTRY_BYTES, hash_of, is_seen, remember
from udfs.track_session import expire_session, track_session


def at(minutes: float, event_type: str = "page_viewed", **fields: object) -> Event:
    """An event some minutes after NOON with an id of its own."""
    name = f"{event_type}-{minutes}-{sorted(fields.items())}"
    time_ms = NOON + int(minutes * MINUTE_MS)
    return make_event(
        **{"event_id": name[:200], "event_time_ms": time_ms, **fields} | {"event_type": event_type}
    )


def context_after(*events: Event) -> SessionContext:
    _, news, _ = track_all(list(events))
    return SESSION_CONTEXT.decode(news[-1].context)


def kinds(news: list[SessionNews]) -> list[str]:
    return [one.kind for one in news]


def test_an_event_is_told_to_the_anonymous_id() -> None:
    _, news, counts = track_all([at(0)])
    assert [(one.kind, one.person, one.order_ms) for one in news] == [("event", "a1", NOON)]
    assert counts == ["events"]


def test_a_duplicate_changes_nothing() -> None:
    first = track(None, at(0))
    again = track(first.state, at(0))
    assert again.news == ()
    assert again.counts == ("duplicates",)
    assert again.state == first.state


def test_a_duplicate_is_known_for_seven_days() -> None:
    days = [at(n * 24 * 60) for n in range(7)]
    _, _news, counts = track_all(
        [*days, make_event(event_id=days[0].event_id, event_time_ms=NOON + DEDUP_MS - 1)]
    )
    assert counts.count("duplicates") == 1


def test_an_old_order_is_known_as_long_as_what_it_came_beside() -> None:
    now = at(12 * 24 * 60)
    order = make_event(event_id="order", event_type="purchase_completed", event_time_ms=NOON)
    between = [at(12 * 24 * 60 + n) for n in range(1, 4)]
    _, _, counts = track_all([now, order, order, *between, order])
    assert counts.count("events") == 5
    assert counts.count("duplicates") == 2


def test_seen_ids_are_bounded_and_the_oldest_goes() -> None:
    seen = b""
    for n in range(SEEN_IDS_MAX + 1):
        seen, is_full = remember(seen, hash_of(str(n)), NOON)
    assert is_full
    assert len(seen) == SEEN_IDS_MAX * ENTRY_BYTES
    assert not is_seen(seen, hash_of("0"))
    assert is_seen(seen, hash_of("1"))


def test_a_hash_across_two_entries_is_not_seen() -> None:
    seen, _ = remember(b"", b"12345678", NOON)
    seen, _ = remember(seen, b"abcdefgh", NOON)
    assert not is_seen(seen, seen[4:12])


def test_out_of_order_within_the_lateness_counts() -> None:
    _, news, counts = track_all([at(9), at(0)])
    assert counts == ["events", "events"]
    assert [one.order_ms for one in news] == [NOON + 9 * MINUTE_MS] * 2


def test_a_late_event_is_a_dead_letter() -> None:
    first = track(None, at(11))
    late = track(first.state, at(0), offset=7)
    assert [(one.reason, one.offset) for one in late.dead_letters] == [("too_late", 7)]
    assert late.news == ()


def test_exactly_the_lateness_is_not_late() -> None:
    _, _, counts = track_all([at(10), at(0)])
    assert counts == ["events", "events"]


@pytest.mark.parametrize(
    "event_type", ["purchase_completed", "purchase_refunded", "consent_changed"]
)
def test_facts_are_never_too_late(event_type: str) -> None:
    _, news, counts = track_all([at(11), at(0, event_type)])
    assert counts == ["events", "events"]
    assert news[-1].is_late


def test_an_erasure_is_never_too_late_and_takes_what_is_there() -> None:
    state, news, counts = track_all([at(11), at(0, "erasure_requested")])
    assert counts == ["events", "events", "erasures"]
    assert news[-1].event is not None
    assert news[-1].event.event_type == "erasure_requested"
    assert state is not None
    assert state.context == b""


def test_a_late_fact_after_the_session_ended_opens_no_session() -> None:
    _, news, _ = track_all([at(0), at(60, "session_ended"), at(0.5, "purchase_completed")])
    assert kinds(news)[-1] == "event"
    assert news[-1].context == b""


def test_thirty_minutes_of_silence_end_a_session() -> None:
    _, news, _counts = track_all([at(0), at(30)])
    assert kinds(news) == ["event", "ended", "event"]
    assert news[1].order_ms == NOON + SESSION_GAP_MS
    assert news[1].summary is not None
    assert news[1].summary.closed_ms == NOON + SESSION_GAP_MS
    assert SESSION_CONTEXT.decode(news[2].context).number == 2


def test_just_under_thirty_minutes_do_not() -> None:
    _, news, _ = track_all([at(0), at(29.99)])
    assert kinds(news) == ["event", "event"]


def test_the_runners_timer_and_the_steps_own_give_the_same() -> None:
    first = track(None, at(0))
    assert first.state is not None
    assert first.timer_ms == NOON + SESSION_GAP_MS
    fired = expire_session(first.state, "s1", NOON + SESSION_GAP_MS)
    assert kinds(list(fired.news)) == ["ended"]
    after = track(fired.state, at(45), offset=1)
    _, news, _ = track_all([at(0), at(45)])
    assert list(fired.news + after.news) == news[1:]


def test_a_timer_that_is_not_due_does_nothing() -> None:
    first = track(None, at(0))
    assert first.state is not None
    early = expire_session(first.state, "s1", NOON + SESSION_GAP_MS - 1)
    assert early.news == ()
    assert early.timer_ms == NOON + SESSION_GAP_MS


def test_a_key_is_forgotten_after_the_deduplication_horizon() -> None:
    first = track(None, at(0))
    assert first.state is not None
    end_ms = NOON + SESSION_GAP_MS
    ended = expire_session(first.state, "s1", end_ms, end_ms + MINUTE_MS)
    assert kinds(list(ended.news)) == ["ended"]
    assert ended.state is not None
    assert ended.timer_ms == end_ms + MINUTE_MS + DEDUP_MS
    gone = expire_session(ended.state, "s1", ended.timer_ms)
    assert (gone.state, gone.timer_ms, gone.counts) == (None, None, ("sessions_forgotten",))


def test_an_event_of_seven_days_later_finds_a_new_key() -> None:
    state, news, counts = track_all([at(0), at(7 * 24 * 60)])
    assert counts == ["events", "sessions_ended", "sessions_forgotten", "events"]
    assert SESSION_CONTEXT.decode(news[-1].context).number == 1
    assert state is not None
    assert len(state.seen) == ENTRY_BYTES


def test_history_is_known_for_seven_days_of_the_log_after_it_was_last_sent() -> None:
    """However old it is: the log was far ahead when it came."""
    first = track(None, at(0))
    assert first.state is not None
    log_ms = NOON + 100 * DEDUP_MS
    ended = expire_session(first.state, "s1", first.state.timer_ms, log_ms)
    assert ended.timer_ms == log_ms + DEDUP_MS
    again = track(ended.state, at(0), offset=1)
    assert (again.counts, again.timer_ms) == (("duplicates",), NOON + SESSION_GAP_MS)
    assert again.state is not None
    still = expire_session(again.state, "s1", again.state.timer_ms, log_ms + MINUTE_MS)
    assert still.timer_ms == log_ms + MINUTE_MS + DEDUP_MS


def test_the_end_of_all_time_is_no_time_to_keep_a_key_to() -> None:
    first = track(None, at(0))
    assert first.state is not None
    ended = expire_session(first.state, "s1", first.state.timer_ms, 2**62)
    assert ended.state is not None
    assert ended.state.kept_until_ms <= WHOLE_MAX


def test_session_ended_ends_it_at_once() -> None:
    _, news, _ = track_all([at(0), at(1, "session_ended")])
    assert kinds(news) == ["event", "event", "ended"]
    assert [one.position for one in news] == [1, 2, 3]


def test_an_event_after_the_runners_timer_is_counted() -> None:
    first = track(None, at(0))
    assert first.state is not None
    fired = expire_session(first.state, "s1", NOON + SESSION_GAP_MS)
    late = track(fired.state, at(29))
    assert "after_timer" in late.counts


def test_identified_hands_the_session_over_and_routes_the_rest() -> None:
    _, news, _ = track_all(
        [at(0, "product_viewed", item_ids=["i1"]), at(1, "identified", person_id="p1"), at(2)]
    )
    assert [(one.kind, one.person) for one in news] == [
        ("event", "a1"), ("handover", "p1"), ("event", "p1"), ("event", "p1"),
    ]  # fmt: skip
    assert list(SESSION_CONTEXT.decode(news[1].context).items) == ["i1"]


def test_identified_again_as_the_same_person_hands_nothing_over() -> None:
    _, news, _ = track_all(
        [at(0, "identified", person_id="p1"), at(1, "identified", person_id="p1")]
    )
    assert kinds(news) == ["event", "event"]


def test_signing_out_routes_back_to_the_anonymous_id() -> None:
    _, news, _ = track_all([at(0, "identified", person_id="p1"), at(1, "signed_out"), at(2)])
    assert [(one.kind, one.person) for one in news] == [
        ("event", "p1"), ("event", "p1"), ("ended", "p1"), ("event", "a1"),
    ]  # fmt: skip


def test_who_signs_in_after_somebody_gets_nothing_of_theirs() -> None:
    """Two people on one device: with and without signing out between them."""
    bought = at(1, "purchase_completed", person_id="p1", item_ids=("i1",))
    signed_in, other = at(0, "identified", person_id="p1"), at(3, "identified", person_id="p2")
    for between in ([at(2, "signed_out")], []):
        state, news, _ = track_all([signed_in, bought, *between, other, at(4)])
        (ended,) = [one for one in news if one.kind == "ended"]
        ends = between[0] if between else other
        assert (ended.person, ended.order_ms) == ("p1", ends.event_time_ms)
        assert "handover" not in kinds(news)
        told = [SESSION_CONTEXT.decode(one.context) for one in news if one.person == "p2"]
        assert [list(one.items) for one in told] == [[], []]
        assert [one.number for one in told] == [2, 2]
    assert state is not None
    assert state.session_count == 2


def test_what_an_anonymous_visitor_does_after_signing_out_goes_to_who_signs_in_next() -> None:
    viewed = at(3, "product_viewed", item_ids=("i3",))
    _, news, _ = track_all(
        [
            at(0, "identified", person_id="p1"), at(1, "product_viewed", item_ids=("i1",)), at(2, "signed_out"),
            viewed, at(4, "identified", person_id="p2"),
        ]
    )  # fmt: skip
    (handed,) = [one for one in news if one.kind == "handover"]
    assert handed.person == "p2"
    assert list(SESSION_CONTEXT.decode(handed.context).items) == ["i3"]


def test_identified_without_a_person_is_invalid() -> None:
    result = track(None, at(0, "identified"))
    assert result.dead_letters[0].reason == "invalid_value"
    assert result.state is None


def test_a_record_under_another_key_is_invalid() -> None:
    record = make_record(at(0))._replace(key="other")
    result = track_session(None, record, EVENT.decode, Knowledge(), LATENESS_MS)
    assert result.dead_letters[0].reason == "wrong_key"


def test_an_event_from_the_future_of_its_log_is_invalid() -> None:
    record = make_record(at(0))._replace(timestamp_ms=NOON - 11 * MINUTE_MS)
    result = track_session(None, record, EVENT.decode, Knowledge(), LATENESS_MS)
    assert result.dead_letters[0].reason == "ahead_of_log"


def test_a_dead_letter_keeps_provenance_and_raw_bytes() -> None:
    record = LogRecord("events", 3, 42, NOON, "s1", b"junk")
    result = track_session(None, record, EVENT.decode, Knowledge(), LATENESS_MS)
    letter = result.dead_letters[0]
    assert (letter.topic, letter.partition, letter.offset, letter.raw) == ("events", 3, 42, b"junk")


def test_a_bad_event_leaves_an_open_session_as_it_is() -> None:
    first = track(None, at(0))
    record = LogRecord("events", 0, 1, NOON, "s1", b"junk")
    after = track_session(first.state, record, EVENT.decode, Knowledge(), LATENESS_MS)
    assert after.state == first.state
    assert after.timer_ms == first.timer_ms


def test_a_clock_tick_makes_no_state() -> None:
    result = track(None, at(0, "clock_ticked"))
    assert (result.state, result.news, result.timer_ms) == (None, (), None)


# --- the context ------------------------------------------------------------------------------


def view(minutes: float, item_id: str, **fields: object) -> Event:
    return at(minutes, "product_viewed", item_ids=[item_id], **fields)


def test_items_categories_and_the_price_range_are_kept() -> None:
    context = context_after(
        view(0, "i1", category="A", price=5.0), view(1, "i2", category="B", price=9.0),
        view(2, "i1", category="A", price=5.0),
    )  # fmt: skip
    assert list(context.items) == ["i2", "i1"]
    assert context.items["i1"].views == 2
    assert context.categories == {"A": 2, "B": 1}
    assert (context.price_min, context.price_max, context.item_count) == (5.0, 9.0, 2)


def test_windows_slide_with_a_live_head() -> None:
    context = context_after(view(0, "i1"), view(4, "i2"), view(5.5, "i3"), at(6))
    now_ms = NOON + 6 * MINUTE_MS
    assert window(context, now_ms, MINUTE_MS).views == 1
    assert window(context, now_ms, 5 * MINUTE_MS).views == 2
    assert window(context, now_ms, 30 * MINUTE_MS).views == 3
    assert window(context, now_ms, 30 * MINUTE_MS).events == 4


def test_an_event_out_of_order_updates_its_own_bucket() -> None:
    context = context_after(view(6, "i1"), view(0, "i2"))
    assert window(context, NOON + 6 * MINUTE_MS, MINUTE_MS).views == 1
    assert window(context, NOON, MINUTE_MS).views == 1
    assert context.started_ms == NOON
    assert context.last_ms == NOON + 6 * MINUTE_MS


def test_dwell_goes_to_the_item_that_was_looked_at() -> None:
    context = context_after(view(0, "i1"), at(2))
    assert context.items["i1"].dwell_ms == 2 * MINUTE_MS


def test_time_on_a_help_page_is_kept() -> None:
    context = context_after(at(0, "help_viewed"), at(3))
    assert context.help_ms == 3 * MINUTE_MS


def test_going_back_is_counted() -> None:
    context = context_after(at(0, page="/a"), at(1, page="/b"), at(2, page="/a"), at(3, page="/a"))
    assert context.back_navigations == 1


def test_a_repeated_search_is_the_same_query_again() -> None:
    _, news, _ = track_all(
        [
            at(0, "search_performed", query="Red  Shoes"), at(1, "search_performed", query="red shoes"),
            at(2, "search_performed", query="red shoes "), at(3, "session_ended"),
        ]
    )  # fmt: skip
    assert news[-1].summary is not None
    assert news[-1].summary.repeated_searches == 2


def test_three_clicks_on_one_element_within_two_seconds_are_rage() -> None:
    clicks = [at(n / 60, "element_clicked", value="buy") for n in range(3)]
    assert context_after(*clicks).rage_clicks == 1
    calm = [at(n / 20, "element_clicked", value="buy") for n in range(3)]
    assert context_after(*calm).rage_clicks == 0
    others = [at(n / 60, "element_clicked", value=f"b{n}") for n in range(3)]
    assert context_after(*others).rage_clicks == 0


def test_the_cart_is_filled_and_emptied() -> None:
    add = at(0, "product_added_to_cart", item_ids=["i1"], quantity=3, price=2.0)
    context = context_after(add)
    assert value_of(context.cart) == 6.0
    assert (context.cart_created, context.cart_open, context.funnel) == (1, True, 2)
    less = context_after(add, at(1, "product_removed_from_cart", item_ids=["i1"], quantity=1))
    assert less.cart["i1"].quantity == 2
    empty = context_after(add, at(1, "product_removed_from_cart", item_ids=["i1"]))
    assert (empty.cart, empty.cart_emptied, empty.cart_open) == ({}, 1, False)
    bought = context_after(add, at(1, "purchase_completed", item_ids=["i1"], value_amount=6.0))
    assert (bought.cart, bought.cart_open, bought.funnel) == ({}, False, 4)


def test_an_abandoned_cart_is_one_that_is_open_at_the_end() -> None:
    _, news, _ = track_all(
        [at(0, "product_added_to_cart", item_ids=["i1"]), at(1, "session_ended")]
    )
    assert news[-1].summary is not None
    assert news[-1].summary.is_cart_abandoned
