"""Action statistics: whole epochs or nothing, each in its time, as far back as they are kept."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.knowledge import ActionKnowledge, EpochEnd, effective_from_ms
from schemas.limits import EPOCHS_KEPT
from tests.builders import EPOCH, make_epoch, make_learnt
from tests.udfs.made_actions import make_action, teach_actions
from udfs.knowledge.action_statistics import ActionStatistics
from udfs.knowledge.knowledge import Knowledge

KEYS = ("a", "b", "a\thome\tviewed")
histories = st.lists(
    st.tuples(st.integers(1, 9), st.sets(st.sampled_from(KEYS))), min_size=1, max_size=12
)


def epochs_of(history: Any) -> dict[int, list[ActionKnowledge]]:
    """Records by epoch; each of another number of exposures."""
    epoch, found = EPOCH, {}
    for step, keys in history:
        epoch += step
        found[epoch] = [make_action(key, epoch, exposures_total=epoch - EPOCH) for key in keys]
    return found


@given(histories, st.randoms(use_true_random=False))
def test_an_epoch_sees_what_was_known_then_whatever_came_later(history: Any, chance: Any) -> None:
    found = epochs_of(history)
    statistics = ActionStatistics()
    for epoch, records in found.items():
        teach_actions(statistics, *chance.sample(records, len(records)), epoch=epoch)
    newest = max(found)
    for epoch in range(newest - EPOCHS_KEPT + 1, newest + 1):
        known = {one.key: one for at, of in found.items() if at <= epoch for one in of}
        assert [statistics.action(key, epoch) for key in KEYS] == [*map(known.get, KEYS)]


@given(histories, st.data())
def test_a_repeat_of_a_complete_epoch_changes_nothing(history: Any, data: Any) -> None:
    found = epochs_of(history)
    statistics = ActionStatistics()
    for epoch, records in found.items():
        teach_actions(statistics, *records, epoch=epoch)
    view = [[statistics.action(key, epoch) for key in KEYS] for epoch in found]
    for epoch in data.draw(st.lists(st.sampled_from(sorted(found)), max_size=4)):
        again = (make_action(one.key, epoch, exposures_total=999) for one in found[epoch])
        teach_actions(statistics, *again, epoch=epoch)
    assert [[statistics.action(key, epoch) for key in KEYS] for epoch in found] == view


def test_an_epoch_comes_into_force_whole_and_in_its_time() -> None:
    statistics = ActionStatistics()
    statistics.learn(make_action("a"))
    statistics.advance(effective_from_ms(EPOCH))
    assert statistics.action("a", EPOCH) is None
    statistics.learn(EpochEnd("0", EPOCH, effective_from_ms(EPOCH), 1))
    statistics.advance(effective_from_ms(EPOCH) - 1)
    assert statistics.action("a", EPOCH) is None
    statistics.advance(effective_from_ms(EPOCH))
    assert statistics.action("a", EPOCH) == make_action("a")
    assert statistics.action("a", EPOCH - 1) is None


def test_what_a_writer_left_half_written_never_comes_into_force() -> None:
    statistics = teach_actions(ActionStatistics(), epoch=EPOCH - 1)
    statistics.learn(make_action("a"))
    teach_actions(statistics, make_action("b", EPOCH + 1), epoch=EPOCH + 1)
    assert statistics.action("a", EPOCH + 1) is None
    assert statistics.action("b", EPOCH + 1) is not None


def test_versions_that_no_epoch_in_force_sees_are_forgotten() -> None:
    statistics = ActionStatistics()
    for epoch in range(EPOCH, EPOCH + 3 * EPOCHS_KEPT):
        teach_actions(statistics, make_action("a", epoch), epoch=epoch)
    assert len(statistics._actions["a"]) == EPOCHS_KEPT + 1


def test_action_that_changed_longest_ago_goes_at_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("udfs.knowledge.action_statistics.ACTION_KEYS_MAX", 2)
    statistics = teach_actions(ActionStatistics(), make_action("a"), make_action("b"))
    teach_actions(statistics, make_action("a", EPOCH + 1), epoch=EPOCH + 1)
    teach_actions(statistics, make_action("c", EPOCH + 2), epoch=EPOCH + 2)
    found = [statistics.action(key, EPOCH + 2) is not None for key in "abc"]
    assert found == [True, False, True]


def test_knowledge_keeps_items_and_actions_of_the_same_epochs() -> None:
    knowledge = Knowledge()
    records = make_epoch(make_action("a"), make_learnt("i"))
    assert [knowledge.learn(one) for one in records] == [False, False, True]
    knowledge.advance(effective_from_ms(EPOCH))
    assert knowledge.actions.action("a", EPOCH) == make_action("a")
    assert knowledge.statistics.item("i", EPOCH) == make_learnt("i")
