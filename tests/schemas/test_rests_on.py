"""What a text rests on is told in few letters, whatever the item says of itself, and looked at again by the same."""

from msgspec.structs import replace

from schemas.items import Item
from schemas.rests_on import SAID_MAX, RestsOn, holds, rests_on

TALKATIVE = Item("i1", attributes={f"a{n}": "x" * 200 for n in range(64)}, stock=3)


def test_what_is_told_is_cut_and_holds_all_the_same() -> None:
    told = rests_on(TALKATIVE, ["item.attributes", "item.stock", "session.events"])
    assert told is not None
    assert told.said.keys() == {"item.attributes", "item.stock"}
    assert len(told.said["item.attributes"]) == SAID_MAX
    assert holds(told, TALKATIVE)
    assert not holds(told, replace(TALKATIVE, stock=2))
    assert not holds(told, replace(TALKATIVE, is_gone=True))


def test_what_nothing_is_told_of_rests_on_nothing() -> None:
    assert rests_on(TALKATIVE, ["person.role"]) is None
    assert rests_on(None, ["item.stock"]) is None
    assert holds(RestsOn("i1", {}), TALKATIVE)
