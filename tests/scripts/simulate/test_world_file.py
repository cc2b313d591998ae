"""Files of worlds: those that come with Kairos can be played, and each mistake is told with its line."""

from pathlib import Path

import msgspec
import pytest
from msgspec import inspect

from jobs.config import PROJECT
from schemas.errors import ConfigError
from scripts.simulate.world import World
from scripts.simulate.world_file import (
    SHIPPED,
    Overrides,
    read_setting,
    shipped_worlds,
    world_path,
)

PAGE = PROJECT / "docs" / "simulate.md"
HEAD = f"policy: {SHIPPED}/shop-policy.yaml\npages: {{}}\n"
MISTAKES = {
    "people: 0": "3: people: expected a whole number of at least 1, found 0",
    "people: many": "people: expected a whole number from 1 to 1,000,000, found 'many'",
    "peple: 10": "3: peple: unknown field, expected people",
    "concentration: 1": "3: concentration: unknown field, expected one of",
    "consent: {granted: 0.9, denied: 0.2}": "3: consent: granted and denied are more than 1 together",
    "devices: [0.5, 0.4]": "3: devices: the shares sum to 0.9, and should to 1",
    "bots: {share: 5%}": "3: bots.share: expected a number from 0 to 1, found '5%': 5 % is 0.05",
    "reactions: {recovers: 2 days}": "reactions.recovers: expected a length of time such as 20 min",
    "begins: yesterday": "begins: expected a moment with its time zone such as",
    "effects: [{of: purchase, adds: 0.1}]": "3: effects[0]: an effect is of an action or of an arm",
    "effects: [{of: purchase, action: gift}]": "3: effects[0].action: the policy has no action 'gift': there are free_shipping, recommend_items",
    "effects: [{of: click, arm: list_order/best}]": "effects[0].arm: the policy has no arm 'list_order/best': there are list_order/popular, list_order/session",
    "effects: [{of: refund, action: free_shipping}]": "effects[0].of: expected one of cart, click, purchase, found 'refund'",
    "catalogue: {categories: []}": "catalogue.categories: expected a list of at least 1, found 0",
    "catalogue: {file: gone.jsonl}": "gone.jsonl cannot be read",
    "seed: ''": "seed: expected a text of at least 1 character",
    "visits: 3": "3: visits: expected a mapping of mean, views, begins_at_home, searches, found 3",
    "visits: {mean": "this is no YAML",
}  # fmt: skip


@pytest.mark.parametrize("name", ["demo", "shop", "tiny"])
def test_the_worlds_that_come_with_kairos_can_be_played(name: str) -> None:
    assert name in shipped_worlds()
    setting = read_setting(world_path(name))
    assert setting.name == name
    assert len(setting.goods.things) >= 24
    assert len(setting.policy.placements) >= 2


def test_no_file_lies_among_the_worlds_that_is_none() -> None:
    assert shipped_worlds() == ["demo", "shop", "tiny"]
    policies = {read_setting(world_path(name)).world.policy for name in shipped_worlds()}
    assert {path.name for path in SHIPPED.glob("*-policy.yaml")} == {
        one for one in policies if "/" not in one
    }


@pytest.mark.parametrize("written", MISTAKES)
def test_a_mistake_is_told_with_its_line(written: str, tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(f"{HEAD}{written}\n")
    with pytest.raises(ConfigError) as told:
        read_setting(path)
    assert MISTAKES[written] in str(told.value)
    assert len(str(told.value).splitlines()) == 1


def test_what_follows_a_mistake_is_told_as_well(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(f"{HEAD}people: 0\ndays: 0\n")
    with pytest.raises(ConfigError) as told:
        read_setting(path)
    assert [line.split(":")[1] for line in str(told.value).splitlines()] == ["3", "4"]


def test_placements_of_a_page_are_those_of_the_policy(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(f"policy: {SHIPPED}/tiny-policy.yaml\npages:\n  product: [beside]\n")
    with pytest.raises(ConfigError, match=r"w\.yaml:3: pages\.product: the policy has no placement 'beside': there are home, next_item"):  # fmt: skip
        read_setting(path)


def test_a_world_without_its_policy_says_which_file_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text("policy: gone.yaml\n")
    with pytest.raises(ConfigError, match=r"w\.yaml:1: policy: there is no file .*gone\.yaml"):
        read_setting(path)
    path.write_text("people: 3\n")
    with pytest.raises(ConfigError, match="expected policy, found none"):
        read_setting(path)


def test_a_catalogue_that_nobody_could_buy_from_is_refused(tmp_path: Path) -> None:
    (tmp_path / "items.jsonl").write_text('{"item_id": "a"}\n')
    path = tmp_path / "w.yaml"
    path.write_text(f"{HEAD}catalogue: {{file: items.jsonl}}\n")
    with pytest.raises(ConfigError, match=r"catalogue\.file: none of its items has a category and a price"):  # fmt: skip
        read_setting(path)


def test_odd_files_and_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone: a world's file is wanted, or one of demo, shop, tiny"):  # fmt: skip
        world_path("gone")
    latin, large = tmp_path / "latin.yaml", tmp_path / "large.yaml"
    latin.write_bytes(b"seed: \xff")
    large.write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigError, match="is no UTF-8"):
        read_setting(latin)
    with pytest.raises(ConfigError, match="at most 1,000,000 bytes"):
        read_setting(large)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_setting(tmp_path / "gone.yaml")
    with pytest.raises(ConfigError, match=r"a world: .*people"):
        read_setting(world_path("tiny"), Overrides(people=0))


def fields_of(kind: inspect.Type) -> set[str]:
    """The names of all fields of a world's file."""
    match kind:
        case inspect.UnionType():
            return set().union(*map(fields_of, kind.types))
        case inspect.VarTupleType():
            return fields_of(kind.item_type)
        case inspect.StructType():
            names = {one.name.removesuffix("_ms") for one in kind.fields}
            return names.union(*(fields_of(one.type) for one in kind.fields))
    return set()


def test_the_page_names_every_field() -> None:
    text = PAGE.read_text()
    missing = {name for name in fields_of(msgspec.inspect.type_info(World)) if f"`{name}`" not in text}  # fmt: skip
    assert missing == set()
