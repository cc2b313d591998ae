"""World: who comes to a made-up shop, what they like, how they react, and what an offer really does; one YAML file.

What is said here of people is the truth that a test knows and the engine has to find out. Chances and shares are
from 0 to 1, times milliseconds, amounts in the currency of the policy.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from schemas.actions import LengthMs, MomentMs, Share
from schemas.events import Id, Text
from schemas.limits import DAY_MS, PLACEMENTS_PER_EVENT_MAX

PEOPLE_MAX: Final = 1_000_000
DAYS_MAX: Final = 400
ITEMS_MAX: Final = 100_000
CATEGORIES_MAX: Final = 64
DEVICES_MAX: Final = 5
VIEWS_MAX: Final = 60
"""Items that are looked at in one visit; who would look at more leaves."""
VISITS_MAX: Final = 200
"""Visits of one person; more are left out."""
EFFECTS_MAX: Final = 64

Positive = Annotated[float, Meta(gt=0, le=1e6)]
Spread = Annotated[float, Meta(ge=0, le=5)]
People = Annotated[int, Meta(ge=1, le=PEOPLE_MAX)]
Days = Annotated[int, Meta(ge=1, le=DAYS_MAX)]
Placements = Annotated[tuple[Id, ...], Meta(max_length=PLACEMENTS_PER_EVENT_MAX)]
Said = Literal["click", "cart", "purchase"]


class Around(Struct, frozen=True, forbid_unknown_fields=True):
    """A log-normal amount: half of them are above `median`; `spread` is the deviation of its logarithm, 0 = all alike."""

    median: Positive
    spread: Spread = 0.5


class Catalogue(Struct, frozen=True, forbid_unknown_fields=True):
    """What is sold: the items of a file, or so many that are made up, evenly over the categories."""

    file: Text | None = None
    items: Annotated[int, Meta(ge=1, le=ITEMS_MAX)] = 200
    categories: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=CATEGORIES_MAX)] = (
        "Sports/Running", "Sports/Swimming", "Kitchen/Pans", "Kitchen/Knives",
        "Outdoor/Tents", "Outdoor/Boots", "Home/Lamps", "Home/Rugs",
    )  # fmt: skip
    price: Around = Around(40.0)


class Pages(Struct, frozen=True, forbid_unknown_fields=True):
    """The placements on each page: it asks for them by name, and shows nothing else. `prefix` begins the addresses of all pages."""

    home: Placements = ()
    product: Placements = ()
    cart: Placements = ()
    prefix: Text = ""


class Tastes(Struct, frozen=True, forbid_unknown_fields=True):
    """What people like: shares over the categories, Dirichlet with this `concentration` (0.1: one or two; 10: all alike).

    What costs more than a person's own `level` pleases less: by exp(-`sensitivity` x ln(price / level)), the
    sensitivity log-normal. `budget` is what they can spend within 30 days.
    """

    concentration: Annotated[float, Meta(ge=0.01, le=1_000)] = 0.3
    level: Around = Around(50.0)
    sensitivity: Around = Around(1.0)
    budget: Around = Around(200.0)


class Visits(Struct, frozen=True, forbid_unknown_fields=True):
    """How often people come: `mean` visits over all days, geometric from 1 on; each looks at `views` items by itself, likewise.

    A visit begins on the home page with the chance `begins_at_home`, else with an item; what is looked at by itself is searched for with the chance `searches`.
    """

    mean: Annotated[float, Meta(ge=1, le=VISITS_MAX)] = 1.5
    views: Annotated[float, Meta(ge=1, le=VIEWS_MAX)] = 2.0
    begins_at_home: Share = 0.3
    searches: Share = 0.1


class Members(Struct, frozen=True, forbid_unknown_fields=True):
    """Who has an account, and the chance that they sign in on a device in a visit; from then on they stay so there."""

    share: Share = 0.3
    signs_in: Share = 0.5


class Consents(Struct, frozen=True, forbid_unknown_fields=True):
    """What people say when they are asked, in their first visit; the others never answer. `withdrawn` is of those who granted."""

    granted: Share = 0.7
    denied: Share = 0.15
    withdrawn: Share = 0.02


class Bots(Struct, frozen=True, forbid_unknown_fields=True):
    """Programs among the visitors: a share of them all, of which `declared` say so by their user agent.

    They look at `views` items, one every second or two, click the first of each slate, and buy nothing.
    """

    share: Share = 0.02
    declared: Share = 0.7
    views: Annotated[int, Meta(ge=1, le=VIEWS_MAX)] = 20


class Reactions(Struct, frozen=True, forbid_unknown_fields=True):
    """Chances of who is shown something.

    A slate or offer comes into sight with `sees`. Place k of a slate (from 0) is looked at with `examination` to the
    k, and clicked with `click` x the item's appeal x freshness; an offer with `offer_click` x freshness. Freshness is
    exp(-`fatigue` x what was shown and not clicked), of which half is forgotten within `recovers`. What is shown and
    not clicked is closed with `dismiss`. An item that is looked at goes into the cart with `cart` x its appeal; a cart
    is bought with `buy`, a purchase given back with `refund`, 1 to 14 days later.
    """

    sees: Share = 0.9
    examination: Share = 0.8
    click: Share = 0.3
    offer_click: Share = 0.1
    cart: Share = 0.25
    buy: Share = 0.5
    refund: Share = 0.05
    dismiss: Share = 0.01
    fatigue: Annotated[float, Meta(ge=0, le=10)] = 0.05
    recovers_ms: LengthMs = 2 * DAY_MS


class Effect(Struct, frozen=True, forbid_unknown_fields=True):
    """What an action really does to who has seen it in this visit, or an arm (`experiment/arm`) to who is in it: chance x `times` + `adds`."""

    of: Said
    action: Id | None = None
    arm: Text | None = None
    adds: Annotated[float, Meta(ge=-1, le=1)] = 0.0
    times: Annotated[float, Meta(ge=0, le=100)] = 1.0


class World(Struct, frozen=True, forbid_unknown_fields=True):
    """A made-up shop and its people. Files are looked for beside the world's own."""

    policy: Text
    people: People = 1_000
    days: Days = 14
    begins_ms: MomentMs = 1_772_409_600_000  # 2026-03-02, a Monday
    seed: Annotated[str, Meta(min_length=1, max_length=100)] = "1"
    catalogue: Catalogue = Catalogue()
    pages: Pages = Pages(home=("home",), product=("next_item",))
    tastes: Tastes = Tastes()
    visits: Visits = Visits()
    devices: Annotated[tuple[Share, ...], Meta(min_length=1, max_length=DEVICES_MAX)] = (0.7, 0.3)
    """The shares of people with one device, with two, and so on; they sum to 1."""
    members: Members = Members()
    consent: Consents = Consents()
    bots: Bots = Bots()
    reactions: Reactions = Reactions()
    effects: Annotated[tuple[Effect, ...], Meta(max_length=EFFECTS_MAX)] = ()

    @property
    def ends_ms(self) -> int:
        """No visit begins from here on."""
        return self.begins_ms + self.days * DAY_MS
