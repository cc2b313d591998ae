"""`kairos items` without a server: the log's items are a list here."""

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.publish import AHEAD_MS
from schemas.errors import ConfigError
from schemas.items import Item
from scripts.files import items_here
from scripts.files.items_here import held_at
from tests.builders import NOON
from tests.scripts.test_every_file_door import kairos


class Topic(list[Item]):
    """The topic `items`, and the log that writes to it."""

    def item(self, item: Item) -> None:
        self.append(item)

    def flush(self) -> None:
        pass


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Topic:
    found = Topic()
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(items_here, "running_kafka", lambda _: "")
    monkeypatch.setattr(items_here, "Log", lambda *_, **__: found)
    monkeypatch.setattr(items_here, "published_items", lambda *_: list(found))
    monkeypatch.setattr(items_here, "decided_of", lambda *_: lambda _: 7)
    monkeypatch.setattr(items_here, "now_ms", lambda: NOON)
    return found


def file_of(tmp_path: Path, **prices: float) -> Path:
    path = tmp_path / "items.jsonl"
    items = [
        {"item_id": name, "name": name.title(), "price": price} for name, price in prices.items()
    ]
    path.write_text("\n".join(map(json.dumps, items)))
    return path


def said(*words: object) -> Any:
    done = kairos("items", *words, "--json")
    assert done.code == 0, done.said
    begin = done.said.index("{" if words[0] in ("import", "remove") else "[")
    return json.JSONDecoder().raw_decode(done.said[begin:])[0]


def test_a_file_twice_is_written_once_and_a_changed_price_is_one_version(
    topic: Topic, tmp_path: Path
) -> None:
    file = file_of(tmp_path, boot=80.0, sock=9.0)
    done = kairos("items", "import", file)
    assert (done.code, "2 items read, 2 of them new or changed" in done.said) == (0, True)
    assert {one.effective_from_ms for one in topic} == {NOON + AHEAD_MS}
    assert "2 items read, 0 of them" in kairos("items", "import", file).said
    assert (
        "2 items read, 1 of them"
        in kairos("items", "import", file_of(tmp_path, boot=75.0, sock=9.0)).said
    )
    assert [(one.item_id, one.price) for one in topic] == [
        ("boot", 80.0),
        ("sock", 9.0),
        ("boot", 75.0),
    ]


def test_new_items_hold_from_the_time_that_is_said_and_late_ones_warn(
    topic: Topic, tmp_path: Path
) -> None:
    done = kairos("items", "import", file_of(tmp_path, boot=80.0), "--from", "2023-01-01")
    assert (done.code, "warning: 1 of the items hold from 2023-01-01" in done.said) == (0, True)
    assert topic[0].effective_from_ms == 1_672_531_200_000


def test_what_is_removed_is_not_listed_and_its_versions_stay(topic: Topic) -> None:
    topic += [Item("sock", 0, "Sock", price=9.0), Item("boot", 5, "Boot", price=80.0, stock=0)]
    table = kairos("items", "list").said
    assert "2 items" in table
    assert table.index("Boot") < table.index("Sock")
    assert said("remove", "boot") == {"removed": ["boot"], "effective_from_ms": NOON + AHEAD_MS}
    assert (topic[-1].item_id, topic[-1].is_gone, topic[-1].name) == ("boot", True, "Boot")
    topic[-1:] = [Item("boot", NOON, "Boot", is_gone=True)]
    (left,) = json.loads(kairos("items", "list", "--json").said)
    assert left["item_id"] == "sock"
    shown = kairos("items", "show", "boot").said.splitlines()
    assert "in force: removed" in shown[0]
    assert shown[1].endswith('on: {"item_id":"boot","name":"Boot","price":80.0,"stock":0}')
    both = json.loads(kairos("items", "show", "boot", "--json").said)
    assert [one["is_gone"] for one in both] == [True, False]


def test_what_is_not_there_is_said_and_nothing_is_removed(topic: Topic) -> None:
    topic.append(Item("sock"))
    for words in (("remove", "sock", "hat"), ("show", "hat")):
        done = kairos("items", *words)
        assert (done.code, "hat" in done.said) == (2, True)
    assert topic == [Item("sock")]


def test_the_version_that_holds_is_the_newest_in_force_and_of_equal_ones_the_last_written() -> None:
    a, b, ahead = Item("i", 5, "a"), Item("i", 5, "b"), Item("i", NOON + 1, "c")
    assert held_at([a, b, ahead, Item("i", 3, "old")], NOON) == {"i": b}
    assert held_at([b, a], NOON) == {"i": a}


def test_a_long_catalogue_is_cut_and_says_so(topic: Topic) -> None:
    topic += [Item(f"i{at:03}") for at in range(5)]
    assert "3 of 5 items" in kairos("items", "list", "--most", 3).said
    with pytest.raises(ConfigError):
        items_here.ItemsFile(Path("/nowhere"), False).read()


def test_a_complete_file_takes_out_what_it_does_not_hold_unless_that_is_most_of_all(
    topic: Topic, tmp_path: Path
) -> None:
    kairos("items", "import", file_of(tmp_path, boot=80.0, sock=9.0, hat=5.0))
    less = file_of(tmp_path, boot=80.0, sock=9.0)
    assert said("import", less)["written"] == 0
    assert said("import", less, "--complete") == {"read": 2, "written": 0, "taken_out": 1}
    assert (topic[-1].item_id, topic[-1].is_gone, topic[-1].name) == ("hat", True, "Hat")
    assert said("import", less, "--complete")["taken_out"] == 0
    before = list(topic)
    other = file_of(tmp_path, scarf=1.0)
    done = kairos("items", "import", other, "--complete")
    assert (done.code, "more than half" in done.said, topic) == (2, True, before)
    assert kairos("items", "import", other, "--complete", "--partial").code == 2
    assert said("import", other, "--complete", "--force")["taken_out"] == 2


def test_a_table_is_a_catalogue_and_what_its_columns_are_is_said(
    topic: Topic, tmp_path: Path
) -> None:
    path = tmp_path / "items.csv"
    path.write_text("sku;title;price;colour\nboot;Boot;80,50;red\nsock;Sock;1.299;blue\n")
    done = kairos("items", "import", path)
    assert (done.code, "line 3: price: '1.299' may be" in done.said, topic) == (2, True, [])
    done = kairos("items", "import", path, "--number", "1.299,00")
    assert done.code == 0, done.said
    assert "`sku` is read as `item_id` (2 lines, the first: 2)" in done.said
    assert "`colour` is no field of ours, and kept among the attributes" in done.said
    assert [(one.price, one.attributes) for one in topic] == [
        (80.5, {"colour": "red"}),
        (1299.0, {"colour": "blue"}),
    ]
