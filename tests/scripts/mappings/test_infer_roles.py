"""What kinds of events of others may mean: proposed by their names where what they hold agrees, and a policy can take it."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from schemas.errors import UnusableInput
from schemas.own_events import Role
from scripts.mappings.infer_here import Inferred, Outs, infer, inferred, remarks
from scripts.mappings.infer_roles import Held, proposed_role, written_policy
from scripts.policy.policy_file import check_policy
from tests.builders import NOON

BASE: Final = {"sessionId": "s1", "visitor": "v1", "ts": NOON}


def record(kind: str, **more: Any) -> dict[str, Any]:
    return BASE | {"eventName": kind} | more


RECORDS: Final = [
    *(record("tile_tapped", sku=f"i{n}") for n in range(6)), *(record("levelCompleted") for _ in range(3)),
    record("shoe.detail.opened", sku="i1"), record("magicHappened"), record("Product Viewed", sku="i2"), record("broken") | {"ts": "no"},
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "held", "role"),
    [
        ("tile_tapped", Held(9), "click"),
        ("shoe_detail_opened", Held(9, items=8), "view"),
        ("shoe_detail_opened", Held(9, items=3), None),
        ("seat_booked", Held(2, values=2), "convert"),
        ("seat_booked", Held(2), None),
        ("flights_searched", Held(4, queries=4), "search"),
        ("wish_list_removed", Held(4, items=4), "uncart"),
        ("consent_granted", Held(4), None),
        ("user_logged_out", Held(4), None),
        ("order_refunded_now", Held(4, values=4), "convert"),
        ("orderly", Held(4, items=4, values=4), None),
    ],
)
def test_a_role_is_proposed_by_a_word_where_the_events_hold_what_it_is_about(
    name: str, held: Held, role: Role | None
) -> None:
    assert proposed_role(name, held).role == role


def test_what_a_sample_says_is_a_mapping_roles_and_how_much_of_it_is_read() -> None:
    found = inferred(RECORDS)
    assert (found.proposal.records, found.read) == (13, 12)
    assert {name: (one.role, one.events) for name, one in found.roles.items()} == {
        "tile_tapped": ("click", 6), "level_completed": (None, 3), "magic_happened": (None, 1), "shoe_detail_opened": ("view", 1),
    }  # fmt: skip
    assert [one.item_id for one in found.items.items] == ["i0", "i1", "i2", "i3", "i4", "i5"]
    said = list(remarks(found))
    assert any("12 of 13 records are events by it" in one for one in said)
    assert any("--policy-out" in one for one in said)


@pytest.mark.parametrize("records", [RECORDS, [record("Product Viewed", sku="i1")]])
def test_what_is_proposed_is_a_policy_as_it_is(records: list[dict[str, Any]]) -> None:
    found: Inferred = inferred(records)
    policy = check_policy(written_policy(found.roles)).policy
    assert {one.name: one.role for one in policy.events} == {name: one.role for name, one in found.roles.items()}  # fmt: skip


def test_all_of_it_is_written_to_new_files_and_told_to_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outs = Outs(tmp_path / "m.yaml", tmp_path / "items.jsonl", tmp_path / "roles.yaml")
    lines = [json.dumps(one).encode() for one in RECORDS]
    assert infer(lines, outs, 99, is_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["read"], told["items"]["items"]) == (12, 6)
    assert told["roles"]["tile_tapped"]["role"] == "click"
    assert all(one is not None and one.stat().st_size for one in outs)
    with pytest.raises(UnusableInput, match="is there already"):
        infer(lines, Outs(items=outs.items), 99, is_json=True)
