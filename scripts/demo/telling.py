"""What the demo says, in a person's words: what somebody did, what was decided and why, and what to do next."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from schemas.decisions import Decision
from schemas.events import Event
from schemas.items import Item
from schemas.policy import NOTHING
from scripts.ops.homes import in_home

NAMES_MAX: Final = 2
"""So many items of a slate are named in a line."""
DEEDS: Final[Mapping[str, str]] = {
    "page_viewed": "opens {page}",
    "product_viewed": "looks at {items}",
    "element_clicked": "clicks on {items}",
    "product_added_to_cart": "adds {items} to the cart",
    "product_removed_from_cart": "takes {items} out again",
    "cart_viewed": "opens the cart",
    "checkout_started": "goes to the checkout",
    "purchase_completed": "buys {items}",
    "search_performed": "searches for {query}",
    "filter_applied": "wants {attribute} {value}",
    "review_read": "reads a review of {items}",
    "help_viewed": "reads {page}",
}
"""By type of event; any other is named by its type."""
LOOK_AT: Final = "SKU-402"
"""A shoe of the made-up shop, whose review of that title speaks of arch support."""
REVIEW: Final = "Soft, soft, soft"
PUT_INTO_CART: Final = "SKU-425"
EXAMPLE: Final = f'{{"event_type": "product_viewed", "item_ids": ["{LOOK_AT}"]}}'
HINT: Final = (
    f"Or type what you do in the shop, one JSON object a line, such as {EXAMPLE}; Ctrl-C ends."
)

Names = Mapping[str, str]
"""By id."""


class Column(NamedTuple):
    """A column of the demo's lines: its heading, and its width in characters."""

    heading: str
    width: int


ID: Final = Column("decision (`kairos explain` takes it)", 32)
MS: Final = Column("   ms", 5)
DID: Final = Column("somebody", 32)
TWO: Final = 26
DECIDED: Final = (MS, DID, Column("is shown", 29), Column("because", 27), ID)
REHEARSED: Final = DECIDED[1:]
"""Without a server nothing has to arrive anywhere, so there is no latency."""
BESIDE: Final = (
    MS,
    DID,
    Column("first two without a model", TWO),
    Column("first two with the model", TWO),
    ID,
)
ANSWERED: Final = (MS, Column("where", 13), Column("is shown", 45), Column("because", 38), ID)


def names_of(items: Iterable[Item]) -> Names:
    """The newest name of each item; what has none is called by its id."""
    return {one.item_id: one.name or one.item_id for one in items}


def deed(event: Event, names: Names) -> str:
    """What somebody did, in a few words: adds Felt hat to the cart."""
    words = DEEDS.get(event.event_type, event.event_type.replace("_", " "))
    return words.format(
        items=_listed(event.item_ids, names, 1) or "something",
        page=event.page or "a page", query=event.query or "something",
        attribute=event.attribute or "", value=event.value or "something",
    )  # fmt: skip


def shown(decision: Decision, names: Names, most: int = NAMES_MAX) -> str:
    """What the person is shown: items by name, `most` of them, else an offer's title, or nothing."""
    if decision.items:
        return _listed([one.item_id for one in decision.items], names, most)
    if decision.action_id == NOTHING:
        return "nothing"
    return decision.content.get("title") or decision.action_id


def first_two(decision: Decision, names: Names) -> str:
    """The items that stand first."""
    first = [one.item_id for one in decision.items[:NAMES_MAX]]
    return _listed(first, names, NAMES_MAX) or "nothing"


def took_ms(decision: Decision, at_ms: int) -> str:
    """From the event to `at_ms`, as the first column has it."""
    return "" if decision.sent_at_ms is None else f"{at_ms - decision.sent_at_ms:5d}"


def line(columns: Sequence[Column], cells: Sequence[str]) -> str:
    """One line of a table: each cell cut to its column, but for ids, of which the whole is wanted."""
    fitted = [
        cell if column is ID else _cut(cell, column.width).ljust(column.width)
        for column, cell in zip(columns, cells, strict=True)
    ]
    return "  ".join(fitted).rstrip()


def header(columns: Sequence[Column]) -> list[str]:
    """The headings, and a rule below them."""
    return [
        line(columns, [one.heading for one in columns]),
        "  ".join("-" * one.width for one in columns),
    ]


def compared(pairs: Sequence[tuple[Decision, Decision]]) -> str:
    """How much the model changes, of a visit's decisions without and with it."""
    ordered = [[_ids(one), _ids(other)] for one, other in pairs]
    changed = sum(one != other for one, other in ordered)
    first = sum(one[:1] != other[:1] for one, other in ordered)
    return f"In {changed} of these {len(pairs)} decisions the model makes another order, in {first} of them it puts another item first."


def next_steps(api: str, home: Path, decision_id: str, names: Names) -> list[str]:
    """What to do now: the addresses, three things in the shop, and commands that work as they stand."""
    shop = f"http://{api}/shop"
    return [
        "",
        f"Now you: the made-up shop is open at {shop}/ (say “Yes, choose for me”). Do three things there:",
        f"  1. Running shoes: {shop}/c/Sports/Running/Shoes",
        "     Look at three of them and choose size 10. Then open the review",
        f"     “{REVIEW}” of {names[LOOK_AT]},",
        f"     {shop}/p/{LOOK_AT} : the list and the large picture change at once.",
        f"  2. {names[PUT_INTO_CART]}: {shop}/p/{PUT_INTO_CART}",
        "     Put it into the cart and follow “Shipping & returns”: express delivery is offered, once, for 20 minutes.",
        "  3. Press “Why this?” at an item that is recommended: the reason. Press “Not interested”: another one, at once.",
        "Or let the shop lead you: its first page has three tours of three steps.",
        "",
        f"Behind it: the console, http://{api}/console/ ; the API, http://{api}/docs",
        "In another terminal, standing where you stand now:",
        *(f"  {in_home(home, words)}" for words in (f"explain {decision_id}", "status")),
        "",
        HINT,
    ]


def _listed(item_ids: Sequence[str], names: Names, most: int) -> str:
    named = ", ".join(names.get(one, one) for one in item_ids[:most])
    more = len(item_ids) - most
    return f"{named} +{more}" if more > 0 else named


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _ids(decision: Decision) -> list[str]:
    return [one.item_id for one in decision.items]
