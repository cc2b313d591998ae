"""Item statistics: whole epochs or nothing, each in its time, as far back as they are kept."""

from math import log2
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.knowledge import (
    ItemKnowledge,
    ItemRecord,
    PastSession,
    effective_from_ms,
    epoch_end_ms,
)
from schemas.limits import EPOCHS_KEPT
from tests.builders import EPOCH, make_item_epoch, make_learnt, make_past_session
from udfs.fading import SHORT_HALF_LIFE_MS, decay
from udfs.knowledge.item_statistics import ALL, ItemStatistics

IDS = ("a", "b", "c", "d", "e")
CATEGORIES = ("X", "Y")


def learn(statistics: ItemStatistics, epoch: int, *records: ItemRecord) -> ItemStatistics:
    """Adds one epoch and brings it into force."""
    for record in make_item_epoch(*records, epoch=epoch):
        statistics.learn(record)
    statistics.advance(effective_from_ms(epoch))
    return statistics


def view(statistics: ItemStatistics, epoch: int) -> object:
    """Everything that can be seen of an epoch."""
    return (
        statistics.epoch_at(effective_from_ms(epoch)),
        statistics.sessions_at(epoch),
        [statistics.item(name, epoch) for name in IDS],
        [statistics.category(name, epoch) for name in CATEGORIES],
        [list(statistics.trending(name, epoch)) for name in (ALL, *CATEGORIES)],
    )


def taught(
    name: str, epoch: int, interest: float, category: str | None = None, kind: str = "item"
) -> ItemKnowledge:
    return make_learnt(name, epoch, interest_short=interest, category=category, kind=kind)


steps = st.integers(1, 5)
records = st.one_of(
    st.tuples(st.sampled_from(IDS), st.just("item"), st.sampled_from((None, *CATEGORIES))),
    st.tuples(st.sampled_from(CATEGORIES), st.just("category"), st.none()),
)
lessons = st.tuples(records, st.integers(0, 40).map(lambda n: n / 8))
histories = st.lists(
    st.tuples(steps, st.lists(lessons, max_size=5), st.integers(0, 2)), min_size=1, max_size=8
)


def epochs_of(history: Any) -> list[tuple[int, list[ItemRecord]]]:
    """(epoch, records) in order; the interest of an item never falls faster than it fades."""
    epoch, found = EPOCH, []
    interest: dict[tuple[str, str], tuple[int, float]] = {}
    for step, taught_now, sessions in history:
        epoch += step
        of_epoch: dict[Any, ItemRecord] = {}
        for (name, kind, category), more in taught_now:
            was_epoch, was = interest.get((kind, name), (epoch, 0.0))
            age_ms = epoch_end_ms(epoch) - epoch_end_ms(was_epoch)
            now = decay(was, age_ms, SHORT_HALF_LIFE_MS) + more
            interest[kind, name] = epoch, now
            of_epoch[kind, name] = taught(name, epoch, now, category, kind)
        for number in range(sessions):
            of_epoch[number] = make_past_session("a", name=f"{epoch}-{number}", epoch=epoch)
        found.append((epoch, list(of_epoch.values())))
    return found


def known_by(history: list[tuple[int, list[ItemRecord]]], epoch: int) -> list[ItemRecord]:
    return [record for at, of_epoch in history if at <= epoch for record in of_epoch]


@given(histories, st.randoms(use_true_random=False))
def test_views_of_the_epochs_that_are_kept_are_those_of_their_time(
    history: Any, chance: Any
) -> None:
    """Whatever came later, and in whatever order an epoch's records came."""
    found = epochs_of(history)
    statistics = ItemStatistics()
    then: dict[int, object] = {}
    for epoch, of_epoch in found:
        learn(statistics, epoch, *chance.sample(of_epoch, len(of_epoch)))
        then[epoch] = view(statistics, epoch)
    newest = found[-1][0]
    for epoch, seen in then.items():
        if epoch > newest - EPOCHS_KEPT:
            assert view(statistics, epoch) == seen
            known = known_by(found, epoch)
            items = {
                one.item_id: one
                for one in known
                if isinstance(one, ItemKnowledge) and one.kind == "item"
            }
            assert [statistics.item(name, epoch) for name in IDS] == [*map(items.get, IDS)]
            sessions = [one for one in known if isinstance(one, PastSession)]
            assert statistics.sessions_at(epoch) == len(sessions)


@given(histories)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_trending_is_by_the_interest_of_one_time(
    monkeypatch: pytest.MonkeyPatch, history: Any
) -> None:
    """The bound keeps what a full list would have in front: all interest fades alike."""
    monkeypatch.setattr("udfs.knowledge.item_statistics.BOARD_MAX", 3)
    found = epochs_of(history)
    statistics = ItemStatistics()
    for epoch, of_epoch in found:
        learn(statistics, epoch, *of_epoch)
    known = [one for one in known_by(found, epoch) if isinstance(one, ItemKnowledge)]
    interest = {
        one.item_id: decay(one.interest_short, epoch_end_ms(epoch) - one.at_ms, SHORT_HALF_LIFE_MS)
        for one in known
        if one.kind == "item"
    }
    wanted = sorted((one for one in interest.values() if one), reverse=True)[:3]
    trending = list(statistics.trending(ALL, epoch))
    assert len(set(trending)) == len(trending)
    assert [interest[name] for name in trending] == pytest.approx(wanted)


@given(histories, st.data())
def test_a_repeat_of_a_complete_epoch_changes_nothing(history: Any, data: Any) -> None:
    found = epochs_of(history)
    statistics = ItemStatistics()
    for epoch, of_epoch in found:
        learn(statistics, epoch, *of_epoch)
    expected = [view(statistics, epoch) for epoch, _ in found]
    for epoch, of_epoch in data.draw(st.lists(st.sampled_from(found), max_size=3)):
        assert not any(statistics.learn(one) for one in make_item_epoch(*of_epoch, epoch=epoch))
    statistics.advance(effective_from_ms(found[-1][0] + 1))
    assert [view(statistics, epoch) for epoch, _ in found] == expected
    assert statistics._coming._open == {}


def test_an_epoch_is_there_whole_or_not_at_all() -> None:
    statistics = ItemStatistics()
    *of_epoch, end = make_item_epoch(
        make_learnt("a"), make_learnt("X", kind="category"), make_past_session("a"), epoch=EPOCH
    )
    nothing = view(statistics, EPOCH)
    for record in of_epoch:
        assert statistics.learn(record) is False
        statistics.advance(effective_from_ms(EPOCH))
        assert view(statistics, EPOCH) == nothing
    assert statistics.learn(end) is True
    assert view(statistics, EPOCH) == nothing
    statistics.advance(effective_from_ms(EPOCH))
    assert statistics.epoch == EPOCH
    assert statistics.item("a", EPOCH) == make_learnt("a")
    assert statistics.category("X", EPOCH) == make_learnt("X", kind="category")
    assert statistics.sessions_at(EPOCH) == 1


def test_an_epoch_comes_into_force_in_its_time_never_before() -> None:
    statistics = ItemStatistics()
    for record in make_item_epoch(make_learnt("a")):
        statistics.learn(record)
    statistics.advance(effective_from_ms(EPOCH) - 1)
    assert (statistics.epoch, statistics.item("a", EPOCH)) == (0, None)
    statistics.advance(effective_from_ms(EPOCH))
    assert statistics.epoch_at(effective_from_ms(EPOCH) - 1) == 0
    assert statistics.epoch_at(effective_from_ms(EPOCH)) == EPOCH
    assert statistics.item("a", EPOCH - 1) is None
    assert statistics.item("a", EPOCH) == make_learnt("a")


def test_time_that_passes_over_several_epochs_brings_all_of_them_in() -> None:
    statistics = ItemStatistics()
    for epoch in (EPOCH, EPOCH + 1, EPOCH + 3):
        for record in make_item_epoch(make_learnt("a", epoch), epoch=epoch):
            statistics.learn(record)
    statistics.advance(effective_from_ms(EPOCH + 2))
    assert statistics.epoch == EPOCH + 1
    statistics.advance(effective_from_ms(EPOCH + 3))
    found = [statistics.epoch_at(effective_from_ms(EPOCH + n)) for n in range(4)]
    assert found == [EPOCH, EPOCH + 1, EPOCH + 1, EPOCH + 3]


def test_who_comes_very_late_sees_the_oldest_epoch_that_is_kept() -> None:
    statistics = ItemStatistics()
    for epoch in range(EPOCH, EPOCH + 3 * EPOCHS_KEPT):
        learn(statistics, epoch, make_learnt("a", epoch))
    newest = statistics.epoch
    assert statistics.epoch_at(0) == newest - EPOCHS_KEPT
    kept = statistics._items["a"]
    assert [one.epoch for one in kept] == [*range(newest - EPOCHS_KEPT, newest + 1)]


def test_an_item_that_nobody_touches_any_more_stays_known() -> None:
    statistics = learn(ItemStatistics(), EPOCH, make_learnt("a"))
    learn(statistics, EPOCH + 10_000, make_learnt("b", EPOCH + 10_000))
    assert statistics.item("a", statistics.epoch) == make_learnt("a")


# --- a writer that was restarted ----------------------------------------------------------------


def test_what_a_writer_left_half_written_never_comes_into_force() -> None:
    statistics = learn(ItemStatistics(), EPOCH - 1)
    half = make_learnt("a"), make_past_session("a")
    for record in half:
        statistics.learn(record)
    learn(statistics, EPOCH + 1, make_learnt("b", EPOCH + 1))
    assert statistics.item("a", EPOCH + 1) is None
    assert statistics.sessions_at(EPOCH + 1) == 0
    assert statistics._coming._open == {}
    end = make_item_epoch(*half)[-1]
    assert statistics.learn(end) is False
    statistics.advance(effective_from_ms(EPOCH + 2))
    assert statistics.item("a", EPOCH + 2) is None


def test_a_complete_epoch_that_waits_for_its_time_is_not_what_was_left_half_written() -> None:
    statistics = ItemStatistics()
    for epoch in (EPOCH, EPOCH + 1):
        for record in make_item_epoch(make_learnt("a", epoch), epoch=epoch):
            statistics.learn(record)
    statistics.advance(effective_from_ms(EPOCH))
    assert statistics.item("a", EPOCH) == make_learnt("a")


def test_a_writer_that_begins_an_epoch_again_writes_each_record_once() -> None:
    statistics = ItemStatistics()
    statistics.learn(make_learnt("a", views=9.0))
    statistics.learn(make_past_session("a"))
    learn(statistics, EPOCH, make_learnt("a"), make_past_session("a"), make_past_session("b"))
    assert statistics.item("a", EPOCH) == make_learnt("a")
    assert statistics.sessions_at(EPOCH) == 2


# --- trending -----------------------------------------------------------------------------------


def test_trending_is_per_category_and_overall() -> None:
    statistics = learn(
        ItemStatistics(), EPOCH,
        taught("a", EPOCH, 1.0, "X"), taught("b", EPOCH, 3.0, "Y"), taught("c", EPOCH, 2.0, "X"),
        taught("d", EPOCH, 2.0), taught("X", EPOCH, 9.0, kind="category"), taught("e", EPOCH, 0.0),
    )  # fmt: skip
    assert list(statistics.trending(ALL, EPOCH)) == ["b", "c", "d", "a"]
    assert list(statistics.trending("X", EPOCH)) == ["c", "a"]
    assert list(statistics.trending("nowhere", EPOCH)) == []


def test_what_was_wanted_long_ago_is_overtaken() -> None:
    days = SHORT_HALF_LIFE_MS // (epoch_end_ms(1) - epoch_end_ms(0))
    statistics = learn(ItemStatistics(), EPOCH, taught("old", EPOCH, 4.0))
    learn(statistics, EPOCH + days, taught("newer", EPOCH + days, 3.0))
    assert list(statistics.trending(ALL, EPOCH + days)) == ["newer", "old"]
    assert list(statistics.trending(ALL, EPOCH)) == ["old"]
    assert log2(4.0) - 1.0 < log2(3.0)


def test_the_board_is_bounded_and_what_fell_off_can_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("udfs.knowledge.item_statistics.BOARD_MAX", 2)
    statistics = learn(
        ItemStatistics(), EPOCH, *(taught(n, EPOCH, 5.0 - i) for i, n in enumerate(IDS))
    )
    assert list(statistics.trending(ALL, EPOCH)) == ["a", "b"]
    learn(statistics, EPOCH + 1, taught("e", EPOCH + 1, 9.0))
    assert list(statistics.trending(ALL, EPOCH + 1)) == ["e", "a"]
    assert list(statistics.trending(ALL, EPOCH)) == ["a", "b"]
