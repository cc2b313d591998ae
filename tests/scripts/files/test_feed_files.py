"""Feeds of products: examples of what Shopify and Google Merchant describe, and whatever else calls itself one."""

import random
from contextlib import suppress
from pathlib import Path

import pytest

from schemas.errors import UnusableInput
from schemas.formats.shopify import plain_text, stock_of
from schemas.items import Item
from scripts.files import item_files
from scripts.files.item_files import Found, ItemForm, ItemFormat, format_of, items_in
from tests.builders import NOON

FORMATS: tuple[ItemFormat, ...] = ("auto", "shopify", "google", "table")
FOLDER = Path(__file__).parent / "examples"
SALE_MS = 1_762_000_000_000  # 2025-11-01T12:26:40Z
BOOT = Item(
    "trail-boot", name="Trail Boot", category="Shoes", brand="Nordwand", price=89.0, stock=3, tags=("boots", "outdoor"),
    attributes={"size": "41,42", "handle": "trail-boot", "sku": "TB-41,TB-42"}, text="Holds dry. Light",
    image="https://cdn.example.com/trail-boot.png",
)  # fmt: skip


def found(path: Path, form: ItemForm | None = None) -> list[Found]:
    return list(items_in(path, form or ItemForm(), lambda _: None))


def items_named(name: str) -> dict[str, Item]:
    read = [one.given.item for one in found(FOLDER / name) if one.given is not None]
    return {one.name or "": one for one in read}


def written(tmp_path: Path, text: str, name: str = "feed.xml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("shopify.json", "shopify"), ("shopify.csv", "shopify"), ("google.xml", "google"), ("google.atom.xml", "google"),
        ("google.tsv", "google"),
    ],
)  # fmt: skip
def test_a_feed_is_known_by_what_is_in_it(name: str, wanted: str) -> None:
    assert format_of(FOLDER / name) == wanted
    assert all(one.given is not None for one in found(FOLDER / name))


def test_the_same_products_of_shopify_are_the_same_items_from_both_exports() -> None:
    told, listed = items_named("shopify.json"), items_named("shopify.csv")
    boot = told["Trail Boot"]
    assert (boot.item_id, boot.created_ms) == ("632910392", 1_768_060_800_000)
    assert listed["Trail Boot"] == BOOT
    for name in (
        "name",
        "category",
        "brand",
        "price",
        "stock",
        "tags",
        "attributes",
        "text",
        "image",
    ):
        assert getattr(boot, name) == getattr(BOOT, name), name
    for one in (told, listed):
        assert (one["Gift Card"].stock, one["Gift Card"].is_gone) == (None, False)
        assert one["Old Hat"].is_gone


def test_stock_is_what_can_be_bought_of_all_variants() -> None:
    counted = {
        "inventory_quantity": 2,
        "inventory_management": "shopify",
        "inventory_policy": "deny",
    }
    assert stock_of([counted, counted]) == 4
    assert stock_of([counted, counted | {"inventory_policy": "continue"}]) is None
    assert stock_of([counted, counted | {"inventory_management": None}]) is None
    assert stock_of([{"available": True}]) is None
    assert stock_of([{"available": False}]) == 0
    assert stock_of([]) is None


def test_a_row_that_cannot_be_read_costs_its_product(tmp_path: Path) -> None:
    rows = "Handle,Title,Variant Price,Option1 Name\na,A,1.00,Size\na,,2.00\nb,B,3.00,Size\nc,,4.00,Size\n"
    first, good, untitled = found(written(tmp_path, rows, "products.csv"))
    assert (first.given, first.number) == (None, 1)
    assert first.fault.startswith("line 3: 3 columns")
    assert good.given is not None
    assert untitled.fault.startswith("Title: missing")


def test_an_option_called_like_a_field_is_no_field(tmp_path: Path) -> None:
    rows = "Handle,Title,Variant Price,Option1 Name,Option1 Value\na,A,1.00,Quantity,5\n"
    (one,) = found(written(tmp_path, rows, "products.csv"))
    assert one.given is not None
    assert (one.given.item.stock, one.given.item.attributes["quantity"]) == (None, "5")


def test_entries_of_google_are_items_at_the_price_at_which_they_are_sold(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    boot, hat = items_named("google.xml").values()
    assert (boot.item_id, boot.category, boot.price, boot.currency) == (
        "TB-41",
        "Shoes/Boots",
        89.0,
        "EUR",
    )
    assert (boot.name, boot.text, boot.stock) == ("Trail Boot & laces", "Holds dry.", None)
    assert boot.attributes["additional_image_link"].count(",") == 1
    assert (hat.price, hat.stock) == (12.0, 0)
    atom = items_named("google.atom.xml")["Trail Boot & laces"]
    assert atom.attributes["link"] == "https://shop.example.com/trail-boot"
    sale = (
        (FOLDER / "google.tsv")
        .read_text()
        .replace("2026-11-01", "2025-11-01")
        .replace("2026-11-08", "2025-11-08")
    )
    path = written(tmp_path, sale, "feed.tsv")
    prices = []
    for now_ms in (NOON, SALE_MS):
        monkeypatch.setattr(item_files, "now_ms", lambda at_ms=now_ms: at_ms)
        (one,) = found(path)
        assert one.given is not None
        prices.append(one.given.item.price)
    assert prices == [89.0, 79.0]


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;">]><rss><item><id>&c;</id></item></rss>'
OUTSIDE = (
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><rss><item><id>&x;</id></item></rss>'
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "DTD"),
        (OUTSIDE, "DTD"),
        ("<rss><item><id>1</id></item>", "to its end"),
        ("<rss><item><id>&unknown;</id></item></rss>", "to its end"),
        ("<html><body>403</body></html>", "no feed of products"),
        ("<rss>" + "<a>" * 99, "nested"),
        ('<?xml version="1.0" encoding="nonsense"?><rss></rss>', "to its end"),
        ("<rss>\0</rss>", "to its end"),
    ],
    ids=["bomb", "outside", "cut", "entity", "page", "deep", "encoding", "nul"],
)
def test_xml_that_is_no_feed_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UnusableInput, match=said):
        found(written(tmp_path, text))


def test_an_entry_of_ten_megabytes_costs_itself(tmp_path: Path) -> None:
    entries = f"<item><id>a</id><title>{'x' * 10_000_000}</title></item><item><id>b</id></item>"
    long, good = found(written(tmp_path, f"<rss><channel>{entries}</channel></rss>"))
    assert "more than" in long.fault
    assert good.given is not None


def test_no_broken_feed_crashes_the_reader(tmp_path: Path) -> None:
    chance = random.Random(5)
    seeds = [path.read_bytes() for path in sorted(FOLDER.iterdir())]
    for number in range(150):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(data))
            data[at : at + chance.randrange(3)] = chance.choice(
                [b"", b"\xff", b"<", b'"', b"{", b"null", b"-1"]
            )
        path = tmp_path / f"{number}.data"
        path.write_bytes(data[: chance.randrange(len(data) // 2, len(data) + 1)])
        for name in FORMATS:
            with suppress(UnusableInput):
                assert all(one.fault or one.given for one in found(path, ItemForm(name)))


def test_descriptions_are_read_without_their_marks() -> None:
    assert plain_text("<p>a<br>b</p><ul><li>c &amp; <i>d</i>.</li></ul>") == "a b c & d."
    assert plain_text("5 < 6 and <unclosed") is not None
    assert plain_text(None) is None
