"""Roles proposed for events that are none of ours: by the words of their names, where what they hold agrees. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from schemas.counted import counted
from schemas.errors import InvalidEvent
from schemas.events import EVENT_TYPES, Event
from schemas.mappings.mapped import mapped_object
from schemas.mappings.mapping_rules import Compiled
from schemas.own_events import Role

WORDS: Final[tuple[tuple[Role, str], ...]] = (
    ("uncart", "remove removed"),
    ("convert", "order ordered purchase purchased buy bought pay paid subscribe subscribed book booked"),
    ("checkout", "checkout payment"),
    ("cart", "add added basket cart bag"),
    ("search", "search searched query queried find found"),
    ("filter", "filter filtered sort sorted facet"),
    ("play", "play played watch watched stream streamed video"),
    ("rate", "rate rated rating star starred"),
    ("review", "review reviews"),
    ("read", "read article story"),
    ("help", "help faq"),
    ("ask", "chat message ticket support contact"),
    ("calculate", "calculator calculate calculated configurator"),
    ("activate", "activate activated enable enabled install installed"),
    ("refuse", "hide hidden dislike disliked block blocked"),
    ("skip", "skip skipped"),
    ("take", "choose chosen select selected pick picked"),
    ("view", "view viewed see seen saw show shown detail details look looked open opened"),
    ("page", "page screen visit visited"),
    ("click", "click clicked tap tapped press pressed"),
)  # fmt: skip
"""Tried in this order. What takes something back, and who somebody is or agrees to, is proposed to nobody: `consent`, `identify`, `sign_out`, `refund` …"""
ABOUT_ITEMS: Final = frozenset({"cart", "uncart", "rate", "refuse", "skip", "take", "view"})
"""Roles that say nothing without an item."""
MOST: Final = 0.5
"""Of a kind's events so many have to hold what its role is about."""


class Held(NamedTuple):
    """How many events there are of a kind, and how many of them name an item, say a query, say a value."""

    events: int = 0
    items: int = 0
    queries: int = 0
    values: int = 0


class ProposedRole(NamedTuple):
    """What a kind may mean (None = nothing says what), of how many events, and why."""

    role: Role | None
    events: int
    why: str


def roles_in(
    records: Iterable[Mapping[str, Any]], rules: tuple[Compiled, ...]
) -> tuple[int, dict[str, ProposedRole]]:
    """How many of the records are events by the rules of a mapping, and a role for each kind of them that is none of ours."""
    held: dict[str, Held] = {}
    read = 0
    for record in records:
        try:
            event = mapped_object(record, rules)
        except (InvalidEvent, RecursionError):
            continue
        read += event is not None
        if event is not None and event.event_type not in EVENT_TYPES:
            held[event.event_type] = _added(held.get(event.event_type, Held()), event)
    ordered = sorted(held.items(), key=lambda one: (-one[1].events, one[0]))
    return read, {name: proposed_role(name, one) for name, one in ordered}


def proposed_role(name: str, held: Held) -> ProposedRole:
    """The role whose words are in the name, if the events hold what it is about."""
    parts = frozenset(name.split("_"))
    for role, words in WORDS:
        if word := next((one for one in words.split() if one in parts), None):
            has = _needed(role, held)
            if has is None or has >= MOST * held.events:
                share = "" if has is None else f", {has / held.events:.0%} hold {_what(role)}"
                return ProposedRole(role, held.events, f"by its word `{word}`{share}")
    return ProposedRole(None, held.events, "nothing in its name says what it means: activity")


def written_policy(roles: Mapping[str, ProposedRole]) -> str:
    """The proposal as what a policy says of events."""
    if not roles:
        return "# every kind of event is one of ours: nothing is to be said of them\nevents: []\n"
    lines = [
        f"# proposed from {counted(sum(one.events for one in roles.values()), 'event')}: look at each line, then put it into your policy",
        "events:",
    ]
    for name, one in roles.items():
        role = f", role: {one.role}" if one.role else ""
        lines.append(f'  - {{name: "{name}"{role}}}  # {one.events:,}; {one.why}')
    return "\n".join(lines) + "\n"


def _added(held: Held, event: Event) -> Held:
    return Held(
        held.events + 1,
        held.items + bool(event.item_ids),
        held.queries + bool(event.query),
        held.values + (event.value_amount is not None or bool(event.item_ids)),
    )


def _needed(role: Role, held: Held) -> int | None:
    """How many of the events hold what a role is about; None of one that is about nothing."""
    if role in ABOUT_ITEMS:
        return held.items
    return {"search": held.queries, "convert": held.values}.get(role)


def _what(role: Role) -> str:
    return {"search": "a query", "convert": "an item or a value"}.get(role, "an item")
