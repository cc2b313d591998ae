"""The item step: the order of arrival does not matter, what is known fades, links are bounded."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.knowledge import (
    ACTION_KNOWLEDGE_STATE,
    HOURS_KEPT,
    ITEM_KNOWLEDGE,
    ITEM_KNOWLEDGE_STATE,
    RECENT_EPOCHS,
    ActionKnowledge,
    ItemKnowledge,
    effective_from_ms,
    epoch_end_ms,
    epoch_of,
)
from schemas.limits import DAY_MS, EPOCH_MS, HOUR_MS, LINKS_MAX
from schemas.state.lessons import ActionFact, ItemFact, SessionFact
from tests.builders import NOON
from tests.udfs.made_actions import fact
from udfs.knowledge.learn_facts import INTEREST, RESPONSES
from udfs.knowledge.learn_items import COUNTED, LINKED, learn_action, learn_item, learn_session

EPOCH = epoch_of(NOON)
LATER = EPOCH + 30 * DAY_MS // EPOCH_MS
WEEK = 7 * DAY_MS // EPOCH_MS


def counted(name: str, number: int = 0, weight: float = 1.0) -> ItemFact:
    return ItemFact("item", "a", NOON, "s", 1, number, NOON + number, name, weight)


def linked(kind: str, other: str, number: int = 0, weight: float = 1.0) -> ItemFact:
    return ItemFact("item", "a", NOON, "s", 1, number, NOON, weight=weight, link=kind, other=other)


def lesson(number: int, name: str, other: int, quarters: int) -> ItemFact:
    """A count or a link, at a place of its own in the order."""
    weight = quarters / 4
    return (
        counted(name, number, weight)
        if name in COUNTED
        else linked(name, f"i{other}", number, weight)
    )


names = st.sampled_from(COUNTED + LINKED)
lessons = st.lists(st.tuples(names, st.integers(0, 80), st.integers(1, 9)), min_size=1)
epochs_of_facts = st.lists(
    lessons.map(lambda found: [lesson(number, *one) for number, one in enumerate(found)]),
    min_size=1, max_size=4,
)  # fmt: skip


def learn_all(epochs: list[list[ItemFact]], steps: int = 1) -> ItemKnowledge:
    item = None
    for number, facts in enumerate(epochs):
        item = learn_item(item, facts, EPOCH + number * steps)
    assert item is not None
    return item


@given(epochs_of_facts, st.randoms())
def test_order_in_which_an_epochs_facts_arrive_does_not_matter(
    epochs: list[list[ItemFact]], chance: object
) -> None:
    shuffled = [chance.sample(facts, len(facts)) for facts in epochs]  # type: ignore[attr-defined]
    expected = ITEM_KNOWLEDGE.encode(learn_all(epochs))
    assert ITEM_KNOWLEDGE.encode(learn_all(shuffled)) == expected


@given(epochs_of_facts)
def test_state_between_two_epochs_loses_nothing(epochs: list[list[ItemFact]]) -> None:
    item = None
    for number, facts in enumerate(epochs):
        item = learn_item(item, facts, EPOCH + number)
        item = ITEM_KNOWLEDGE_STATE.decode(ITEM_KNOWLEDGE_STATE.encode(item))
    assert item == learn_all(epochs)


@given(epochs_of_facts)
def test_links_stay_within_their_bound_and_their_sum_is_kept(
    epochs: list[list[ItemFact]],
) -> None:
    """Space saving moves weight from the weakest link to the new one, and loses none."""
    found = [fact for facts in epochs for fact in facts]
    item = learn_all([found])
    for kind in LINKED:
        links = getattr(item, kind)
        weights = [one.weight for one in found if one.link == kind]
        assert len(links) <= LINKS_MAX
        assert sum(links.values()) == pytest.approx(sum(weights))


def test_link_that_is_often_strengthened_survives_many_that_come_once() -> None:
    facts = [
        linked("next_items", "often" if number % 4 == 0 else f"once-{number}", number)
        for number in range(400)
    ]
    links = learn_item(None, facts, EPOCH).next_items
    assert len(links) == LINKS_MAX
    assert max(links, key=lambda one: links[one]) == "often"
    assert links["often"] >= 100.0


def test_counts_and_links_halve_in_a_month_and_short_interest_in_a_day() -> None:
    first = learn_item(None, [counted("carts"), linked("seen_with", "b", 1)], EPOCH)
    month = learn_item(first, [counted("exposures")], LATER)
    assert month.carts == pytest.approx(0.5)
    assert month.seen_with == {"b": pytest.approx(0.5)}
    assert month.interest == pytest.approx(INTEREST["carts"] / 2)
    assert month.interest_short == pytest.approx(INTEREST["carts"] * 0.5**30)
    day = learn_item(first, [counted("exposures")], EPOCH + DAY_MS // EPOCH_MS)
    assert day.interest_short == pytest.approx(INTEREST["carts"] / 2)


@given(st.integers(1, WEEK), st.integers(1, WEEK))
def test_fading_in_one_step_or_in_two_is_the_same(first: int, second: int) -> None:
    nothing = [counted("exposures", weight=0.0)]
    start = learn_item(None, [counted("purchases")], EPOCH)
    between = learn_item(start, nothing, EPOCH + first)
    two, one = (learn_item(was, nothing, EPOCH + first + second) for was in (between, start))
    assert two.purchases == pytest.approx(one.purchases)
    assert two.interest_short == pytest.approx(one.interest_short)


def test_link_that_has_faded_away_is_dropped() -> None:
    first = learn_item(None, [linked("next_items", "b")], EPOCH)
    year = learn_item(first, [counted("views")], EPOCH + 365 * DAY_MS // EPOCH_MS)
    assert year.next_items == {}
    assert year.views == 1.0


def test_record_says_which_epoch_it_is_of_and_when_it_holds() -> None:
    item = learn_item(None, [counted("views", 1), counted("views", 2)], EPOCH)
    assert (item.kind, item.item_id, item.epoch) == ("item", "a", EPOCH)
    assert (item.at_ms, item.effective_from_ms) == (epoch_end_ms(EPOCH), effective_from_ms(EPOCH))
    assert (item.first_ms, item.last_ms) == (NOON + 1, NOON + 2)
    again = learn_item(item, [counted("views", 7)], EPOCH + 1)
    assert (again.first_ms, again.last_ms) == (NOON + 1, NOON + 7)


def test_newest_category_and_price_win_and_unknown_ones_change_nothing() -> None:
    facts = [
        msgspec.structs.replace(counted("views", number), category=category, price=price)
        for number, (category, price) in enumerate([("C", 1.0), ("D", 2.0), (None, None)])
    ]
    item = learn_item(None, facts, EPOCH)
    assert (item.category, item.price) == ("D", 2.0)
    again = learn_item(item, [counted("views")], EPOCH + 1)
    assert (again.category, again.price) == ("D", 2.0)


def test_what_was_known_before_is_not_changed() -> None:
    before = learn_item(None, [linked("next_items", "b"), counted("views", 1)], EPOCH)
    copy = ITEM_KNOWLEDGE.encode(before)
    learn_item(before, [linked("next_items", "b"), linked("next_items", "c", 1)], EPOCH + 1)
    assert ITEM_KNOWLEDGE.encode(before) == copy


def test_epochs_follow_each_other_without_gap() -> None:
    end_ms = epoch_end_ms(EPOCH)
    assert epoch_of(end_ms - 1) == EPOCH
    assert epoch_of(end_ms) == EPOCH + 1
    assert end_ms - EPOCH_MS <= NOON < end_ms < effective_from_ms(EPOCH)


def test_past_session_holds_from_the_time_of_its_epoch() -> None:
    record = learn_session(None, [SessionFact("hash", NOON, NOON - 9, ("a", "b"))], EPOCH)
    assert record.effective_from_ms == effective_from_ms(EPOCH)
    assert (record.session_hash, record.ended_ms, record.item_ids) == ("hash", NOON - 9, ("a", "b"))


# --- actions ------------------------------------------------------------------------------------

responses = st.lists(
    st.builds(
        lambda count, age_ms: fact(count, time_ms=NOON - age_ms),
        st.sampled_from([*RESPONSES.values()]),
        st.integers(0, 3 * DAY_MS),
    ),
    min_size=1,
)
action_epochs = st.lists(st.tuples(st.integers(1, 100_000), responses), min_size=1, max_size=5)


def learn_responses(epochs: list[tuple[int, list[ActionFact]]]) -> ActionKnowledge:
    """The action after these epochs, each so many after the one before it."""
    known, epoch = None, EPOCH
    for steps, facts in epochs:
        epoch += steps
        known = learn_action(known, facts, epoch)
        known = ACTION_KNOWLEDGE_STATE.decode(ACTION_KNOWLEDGE_STATE.encode(known))
    assert known is not None
    return known


@given(action_epochs, st.randoms(use_true_random=False))
def test_order_in_which_an_epochs_responses_arrive_does_not_matter(
    epochs: list[tuple[int, list[ActionFact]]], chance: object
) -> None:
    shuffled = [(steps, chance.sample(facts, len(facts))) for steps, facts in epochs]  # type: ignore[attr-defined]
    assert learn_responses(shuffled) == learn_responses(epochs)


@given(action_epochs)
def test_exposures_are_counted_by_hour_and_by_epoch_as_far_back_as_is_kept(
    epochs: list[tuple[int, list[ActionFact]]],
) -> None:
    """By hand, from all facts at once."""
    found = learn_responses(epochs)
    exposed, epoch = [], EPOCH
    for steps, facts in epochs:
        epoch += steps
        exposed += [
            (epoch, one.time_ms) for one in facts if one.count == "exposures" and one.spends
        ]
    assert found.exposures_total == len(exposed)
    assert found.hour == (epoch_end_ms(epoch) - 1) // HOUR_MS
    # an exposure counts in its hour if that was kept when its epoch ended: here all epochs are near
    hours = [found.hour - time_ms // HOUR_MS for _, time_ms in exposed]
    kept = [
        hour
        for hour, (at, time_ms) in zip(hours, exposed, strict=True)
        if hour < HOURS_KEPT and (epoch_end_ms(at) - 1) // HOUR_MS - time_ms // HOUR_MS < HOURS_KEPT
    ]
    assert [*found.hourly] == [kept.count(hour) for hour in range(HOURS_KEPT)]
    ages = [epoch - at for at, _ in exposed]
    assert [*found.recent] == [ages.count(age) for age in range(RECENT_EPOCHS)]


def test_responses_halve_in_a_month_but_the_total_stays() -> None:
    facts = [*[fact("exposures")] * 8, *[fact("clicks")] * 4, *[fact("dismissals")] * 2]
    month = learn_action(learn_action(None, facts, EPOCH), [fact("exposures")], LATER)
    found = month.exposures, month.clicks, month.dismissals, month.exposures_total
    assert found == pytest.approx((5.0, 2.0, 1.0, 9))
    assert month.peak == pytest.approx(4.0)


def test_action_by_placement_and_context_is_counted_without_times_and_totals() -> None:
    found = learn_action(None, [fact("exposures", "a\thome\tviewed")] * 3, EPOCH)
    assert found.exposures == 3.0
    assert (found.exposures_total, found.hourly, found.recent, found.peak) == (0, (), (), 0.0)


def test_record_of_an_action_says_when_it_holds_and_when_it_was_seen() -> None:
    found = learn_action(None, [fact(time_ms=NOON + 1), fact("clicks", time_ms=NOON + 2)], EPOCH)
    assert (found.key, found.epoch, found.at_ms) == ("a", EPOCH, epoch_end_ms(EPOCH))
    assert found.effective_from_ms == effective_from_ms(EPOCH)
    assert (found.first_ms, found.last_ms) == (NOON + 1, NOON + 2)
    later = learn_action(found, [fact(time_ms=NOON - 5)], EPOCH + 1)
    assert (later.first_ms, later.last_ms) == (NOON - 5, NOON + 2)
