"""Fallback slates: which items they hold in which order, and that nothing is lost at the bound."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.store import fallbacks as module
from channels.store.fallbacks import ALL, SHORT_HALF_LIFE_MS, Fallbacks
from channels.store.values import Trend
from schemas.codec import DECISION
from schemas.errors import InvalidEvent
from schemas.knowledge import (
    ACTION_KNOWLEDGE,
    EPOCH_END,
    ITEM_KNOWLEDGE,
    PAST_SESSION,
    ActionKnowledge,
    EpochEnd,
    ItemKnowledge,
    PastSession,
    epoch_end_ms,
)
from schemas.limits import BOARD_MAX, EPOCH_MS
from tests.channels.decisions import make_decision

EPOCH = 1_700_000_000_000 // EPOCH_MS
END_MS = epoch_end_ms(EPOCH)
PER_DAY = SHORT_HALF_LIFE_MS // EPOCH_MS


def known(
    item_id: str, interest: float, epoch: int = EPOCH, category: str | None = None
) -> ItemKnowledge:
    at_ms = epoch_end_ms(epoch)
    return ItemKnowledge(
        "item", item_id, epoch, at_ms, at_ms, 0, at_ms, interest_short=interest, category=category
    )


def nothing(category: str) -> Sequence[Trend]:
    return ()


def closed(fallbacks: Fallbacks, *items: ItemKnowledge, epoch: int = EPOCH) -> dict[str, list[str]]:
    """What an epoch of these records changes."""
    for item in items:
        assert not fallbacks.take(ITEM_KNOWLEDGE.encode(item), item.at_ms)
    assert fallbacks.take(
        EPOCH_END.encode(EpochEnd("0", epoch, epoch_end_ms(epoch), len(items))), epoch_end_ms(epoch)
    )
    changed = fallbacks.close_epoch()
    return {category: [one.item_id for one in slate] for category, slate in changed.items()}


def test_the_most_wanted_come_first_in_their_category_and_overall() -> None:
    found = closed(
        Fallbacks(nothing), known("a", 1.0, category="C"), known("b", 2.0, category="C"),
        known("c", 3.0), known("d", 1.5, category="D"),
    )  # fmt: skip
    assert found == {ALL: ["c", "b", "d", "a"], "C": ["b", "a"], "D": ["d"]}


def test_interest_fades_with_a_half_life_of_a_day() -> None:
    fallbacks = Fallbacks(nothing)
    closed(fallbacks, known("old", 10.0))
    later = EPOCH + 2 * PER_DAY
    found = closed(fallbacks, known("more", 2.6, later), known("less", 2.4, later), epoch=later)
    assert found == {ALL: ["more", "old", "less"]}


def test_what_is_not_wanted_is_not_shown() -> None:
    category = ItemKnowledge("category", "C", EPOCH, END_MS, END_MS, 0, 0, interest_short=9.0)
    fallbacks = Fallbacks(nothing)
    session = PastSession("hash", EPOCH, END_MS, 0, ("a",))
    assert not fallbacks.take(PAST_SESSION.encode(session), END_MS)
    action = ActionKnowledge(
        "action", "banner", EPOCH, END_MS, END_MS, 0, 0, exposures=9.0, clicks=3.0
    )
    assert not fallbacks.take(ACTION_KNOWLEDGE.encode(action), END_MS)
    assert closed(fallbacks, category, known("seen only", 0.0)) == {}


@pytest.mark.parametrize("value", [b"", b"junk", DECISION.encode(make_decision(1))])
def test_what_is_no_knowledge_is_refused(value: bytes) -> None:
    with pytest.raises(InvalidEvent):
        Fallbacks(nothing).take(value, END_MS)


def test_a_new_writer_goes_on_from_what_is_stored() -> None:
    stored = {ALL: [Trend("a", 4.0, epoch_end_ms(EPOCH))]}
    found = closed(Fallbacks(lambda category: stored.get(category, [])), known("b", 1.0))
    assert found == {ALL: ["a", "b"]}


def test_an_epoch_that_comes_again_changes_nothing() -> None:
    fallbacks = Fallbacks(nothing)
    older, newer = known("a", 4.0), known("a", 1.0, EPOCH + 1)
    closed(fallbacks, older, known("b", 2.0))
    first = closed(fallbacks, newer, epoch=EPOCH + 1)
    assert closed(fallbacks, older) == first == {ALL: ["b", "a"]}


def test_boards_beyond_the_bound_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BOARDS_MAX", 2)
    asked: list[str] = []

    def read(category: str) -> Sequence[Trend]:
        asked.append(category)
        return ()

    fallbacks = Fallbacks(read)
    for category in ("C", "D", "E", "E", "C"):
        closed(fallbacks, known("a", 1.0, category=category))
    assert asked.count("E") == 1
    assert asked.count("C") == 2


facts = st.tuples(st.integers(0, 300), st.floats(0.01, 100.0), st.integers(0, 5))


@given(st.lists(facts, max_size=400))
def test_a_bounded_board_holds_the_best_of_all(facts: list[tuple[int, float, int]]) -> None:
    """Nobody's place is lost: an item that comes back comes with all of its interest."""
    fallbacks = Fallbacks(nothing)
    newest: dict[str, Trend] = {}
    for days, (number, interest, _) in enumerate(sorted(facts, key=lambda one: one[2])):
        epoch = EPOCH + days * PER_DAY // 10
        item = known(f"i{number}", interest, epoch)
        newest[item.item_id] = Trend(item.item_id, interest, item.at_ms)
        slates = closed(fallbacks, item, epoch=epoch)
    best = sorted(newest.values(), key=module._rank)[:BOARD_MAX]
    if facts:
        assert slates[ALL] == [one.item_id for one in best]


def test_an_epoch_that_the_log_has_not_reached_changes_no_slate() -> None:
    fallbacks = Fallbacks(nothing)
    ahead = EPOCH + 3_600_000 // EPOCH_MS
    for value in (ITEM_KNOWLEDGE.encode(known("evil", 1e12, ahead)), EPOCH_END.encode(EpochEnd("0", ahead, epoch_end_ms(ahead), 1))):  # fmt: skip
        with pytest.raises(InvalidEvent, match="ahead_of_log"):
            fallbacks.take(value, END_MS)
    assert closed(fallbacks, known("a", 1.0)) == {ALL: ["a"]}


def test_an_epoch_without_an_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EPOCH_RECORDS_MAX", 3)
    fallbacks = Fallbacks(nothing)
    for number in range(5):
        fallbacks.take(ITEM_KNOWLEDGE.encode(known(f"i{number}", 1.0 + number)), END_MS)
    assert closed(fallbacks) == {ALL: ["i4", "i3", "i2"]}
