"""Policy: placements and suppression, the payload of a Control of kind `policy`.

A first, small record: a later version makes policies rich (actions, rules, levers, budgets).
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from schemas.control import Control
from schemas.errors import ConfigError
from schemas.events import EventType, Id
from schemas.limits import DAY_MS, HOUR_MS, PLACEMENTS_PER_POLICY_MAX, RETRIEVED_MAX, SLATE_MAX


class Placement(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a decision is shown, which events ask for it, and how many items it holds.

    An event asks by its type or by naming the placement in `placements`.
    """

    name: Id
    event_types: tuple[EventType, ...] = ()
    size: Annotated[int, Meta(ge=1, le=SLATE_MAX)] = 8
    valid_ms: Annotated[int, Meta(ge=1, le=400 * DAY_MS)] = HOUR_MS
    candidates: Annotated[int, Meta(ge=1, le=RETRIEVED_MAX)] = RETRIEVED_MAX
    """How many candidates of our own are looked for; what a caller hands in is taken whole."""
    diversity: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """0 = the best scores; towards 1 items like those already chosen wait more (maximal marginal relevance)."""
    suppress: bool = True
    """Whether the suppression below applies; a rerank of the caller's own list keeps every item."""


class Suppression(Struct, frozen=True, forbid_unknown_fields=True):
    """What is never offered: out of stock, bought or dismissed within these times, being looked at."""

    out_of_stock: bool = True
    bought_ms: Annotated[int, Meta(ge=0)] = 30 * DAY_MS
    dismissed_ms: Annotated[int, Meta(ge=0)] = 90 * DAY_MS
    current_item: bool = True


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be decided where."""

    placements: Annotated[tuple[Placement, ...], Meta(max_length=PLACEMENTS_PER_POLICY_MAX)] = ()
    suppression: Suppression = Suppression()


DEFAULT_POLICY: Final = Policy(
    placements=(
        Placement("next_item", event_types=("product_viewed",)),
        Placement("cart", event_types=("product_added_to_cart", "cart_viewed")),
        Placement("home"),
        Placement("rerank", event_types=("ranking_requested",), size=SLATE_MAX, suppress=False),
    )
)

DEFAULT_CONTROL: Final = Control(
    kind="policy",
    name="default",
    version="default-1",
    effective_from_ms=0,
    payload=msgspec.json.encode(DEFAULT_POLICY),
)
"""What `kairos` publishes where `control` holds no policy yet; in force since ever."""


def policy_from_payload(payload: bytes) -> Policy:
    """The policy in a control record's payload (JSON); ConfigError names the field at fault."""
    try:
        policy = msgspec.json.decode(payload, type=Policy)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"policy: {error}") from error
    names = [placement.name for placement in policy.placements]
    if len(set(names)) < len(names):
        raise ConfigError("policy: two placements have one name")
    return policy
