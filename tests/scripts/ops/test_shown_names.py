"""What ids and hashes are called on the console."""

from channels.api.knowledge import Snapshot
from schemas.items import Item
from scripts.ops.shown_names import item_names, items_in, policy_names
from scripts.policy.policy_versions import PolicyVersion
from tests.channels.decisions import make_decision


def test_items_are_called_by_the_catalogue_and_those_without_a_name_by_nothing() -> None:
    items = {"i1": Item("i1", 0, "Shoe"), "i2": Item("i2", 0)}
    assert item_names(("i1", "i2", "i3"), Snapshot(items, {}, 0)) == {"i1": "Shoe"}


def test_a_policy_is_called_by_its_first_note_else_by_name_and_time() -> None:
    def version(from_ms: int, name: str, note: str = "", author: str = "") -> PolicyVersion:
        return PolicyVersion(from_ms, from_ms, name, "shop", None, note=note, author=author)

    versions = [
        version(0, "a"), version(1_000, "b", "for\nautumn", "anna"),
        version(2_000, "a", "back again", "bert"), version(3_000, "c", author="anna"),
    ]  # fmt: skip
    assert policy_names(versions) == {
        "a": "shop of the beginning",
        "b": "for autumn, by anna",
        "c": "shop of 1970-01-01 00:00 UTC, by anna",
    }


def test_the_items_of_decisions() -> None:
    decisions = [make_decision(1), make_decision(2)]
    assert items_in(decisions) == {item.item_id for one in decisions for item in one.items}
