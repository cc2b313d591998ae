"""A visit: a conversation between a shop and somebody in it. Pure: chance is the visit's own, time is counted from its beginning.

What the shopper does is yielded (`Told`), what the shop then shows is sent back (`Shown`).
"""

from collections.abc import Generator, Sequence
from random import Random
from typing import Any, Final, NamedTuple

from schemas.limits import DAY_MS, SECOND_MS
from schemas.policy import NOTHING
from scripts.simulate.goods import Goods, Thing
from scripts.simulate.mind import DENIED, GRANTED, Mind, changed, freshness, ignore, left_to_spend
from scripts.simulate.people import Person, appeal, geometric, own_choice
from scripts.simulate.world import VIEWS_MAX, World

PAUSE_S: Final = 20.0
"""Mean pause between two pages; what is done on one takes about a tenth."""
PAUSE_MIN_MS: Final = 300
REFUND_DAYS_MAX: Final = 14


class Told(NamedTuple):
    """What is done next, so long after what was done before: a type of event and its fields, without ids and time."""

    pause_ms: int
    event_type: str
    fields: dict[str, Any]


class Shown(NamedTuple):
    """A decision as the page gets it; `arms` are the person's, each `experiment/arm`."""

    decision_id: str
    placement: str
    action_id: str
    item_ids: tuple[str, ...]
    arms: tuple[str, ...] = ()


class Later(NamedTuple):
    """What follows when the visit is long over: money for these items is given back."""

    after_ms: int
    told: Told


Seen = Sequence[Shown]
Visit = Generator[Told, Seen, Later | None]
Doing = Generator[Told, Seen, None]
Looking = Generator[Told, Seen, Thing | None]
Opening = Generator[Told, Seen, Seen]


class Shopper:
    """Somebody in one visit; `at`: which of their visits, `began_ms`: since when."""

    def __init__(self, world: World, goods: Goods, person: Person, mind: Mind, at: int) -> None:
        self._world, self._goods, self._person, self._mind = world, goods, person, mind
        self._at, self._device = at, person.visits[at].device
        self._now_ms = person.visits[at].time_ms
        self._chance = Random(f"{world.seed}/visit/{person.number}/{at}")
        self._seen: set[str] = set()
        self._arms: set[str] = set()
        self._cart: list[Thing] = []

    def visit(self) -> Visit:
        """From the first page to the last; raises nothing, whatever is shown."""
        return self._crawl() if self._person.is_bot else self._shop()

    def _shop(self) -> Visit:
        chance, visits = self._chance, self._world.visits
        yield from self._arrive()
        item = None if chance.random() < visits.begins_at_home else self._choice()
        left = geometric(chance, visits.views) - (item is not None)
        shown = yield from self._open(item)
        yield from self._sign_in()
        for _ in range(VIEWS_MAX):
            if item is not None:
                yield from self._consider(item)
            item = yield from self._look_at(shown)
            if item is None:
                if left <= 0:
                    break
                left, item = left - 1, self._choice()
                yield from self._search(item)
            shown = yield from self._open(item)
        later = None
        if self._cart:
            later = yield from self._check_out()
        if self._person.withdraws_in == self._at:
            self._mind.consent = DENIED
            yield self._told("consent_changed", 0.1)
        return later

    def _crawl(self) -> Visit:
        """A program: one page after the other."""
        for _ in range(self._world.bots.views):
            item = self._chance.choice(self._chance.choice(self._goods.shelves).things)
            pause_ms = self._chance.randrange(SECOND_MS, 2 * SECOND_MS)
            shown = yield self._now(Told(pause_ms, "product_viewed", self._of_page(item)))
            for one in shown if not self._person.is_declared else ():
                if one.item_ids:
                    yield self._of(one, "decision_exposed", one.item_ids)
                    yield self._of(one, "decision_clicked", one.item_ids[:1])
        return None

    def _arrive(self) -> Doing:
        mind, person = self._mind, self._person
        if not mind.has_answered and person.is_granting is not None:
            mind.consent, mind.has_answered = GRANTED if person.is_granting else DENIED, True
            yield self._told("consent_changed", 0.1)
        if self._device in mind.signed_in:
            yield self._told("identified", 0.01)

    def _sign_in(self) -> Doing:
        mind = self._mind
        may = self._person.account is not None and self._device not in mind.signed_in
        if may and self._chance.random() < self._world.members.signs_in:
            mind.signed_in.add(self._device)
            yield self._told("identified", 0.3)

    def _open(self, item: Thing | None) -> Opening:
        """The page of an item, or the home page; what is shown there."""
        event_type = "page_viewed" if item is None else "product_viewed"
        shown: Seen = yield self._told(event_type, 1.0, **self._of_page(item))
        return shown

    def _search(self, item: Thing) -> Doing:
        if self._chance.random() < self._world.visits.searches:
            query = self._goods.shelves[item.shelf].category.rpartition("/")[2].lower()
            yield self._told("search_performed", 0.5, page=self._page("/search"), query=query)

    def _consider(self, item: Thing) -> Doing:
        """An item that is looked at may go into the cart, once, where there is money for it."""
        wished = self._world.reactions.cart * appeal(self._person, item)
        left = left_to_spend(self._mind, self._world, self._person.budget, self._now_ms)
        left -= sum(one.price for one in self._cart)
        is_wanted = self._chance.random() < self._changed(wished, "cart")
        if is_wanted and item not in self._cart and item.price <= left:
            self._cart.append(item)
            yield self._told(
                "product_added_to_cart", 0.5, item_ids=(item.item_id,), quantity=1, price=item.price, currency=item.currency
            )  # fmt: skip

    def _look_at(self, shown: Seen) -> Looking:
        """What is in sight; the item of a slate that is clicked."""
        reactions = self._world.reactions
        for one in shown:
            self._arms.update(one.arms)
            if one.action_id == NOTHING or self._chance.random() >= reactions.sees:
                continue
            yield self._of(one, "decision_exposed", one.item_ids)
            self._seen.add(one.action_id)
            clicked = self._clicked(one)
            if clicked is not None:
                yield self._of(one, "decision_clicked", (clicked,) if clicked else ())
                thing = self._goods.things.get(clicked)
                if thing is not None:
                    return thing
                continue
            ignore(self._mind, self._world, self._now_ms)
            if self._chance.random() < reactions.dismiss:
                yield self._of(one, "decision_dismissed", ())
        return None

    def _clicked(self, shown: Shown) -> str | None:
        """The id of the item that is clicked, "" of an offer, None: nothing is."""
        reactions = self._world.reactions
        fresh = freshness(self._mind, self._world, self._now_ms)
        if not shown.item_ids:
            chance = self._changed(reactions.offer_click * fresh, "click")
            return "" if self._chance.random() < chance else None
        looked_at = 1.0
        for item_id in shown.item_ids:
            thing = self._goods.things.get(item_id)
            pleases = appeal(self._person, thing) if thing is not None else 0.0
            chance = self._changed(reactions.click * pleases * fresh, "click")
            if self._chance.random() < looked_at * chance:
                return item_id
            looked_at *= reactions.examination
        return None

    def _check_out(self) -> Visit:
        reactions, cart = self._world.reactions, self._cart
        pages = {"page": self._page("/cart"), "placements": self._world.pages.cart}
        shown = yield self._told("cart_viewed", 0.5, **pages)
        yield from self._look_at(shown)
        if self._chance.random() >= self._changed(reactions.buy, "purchase"):
            return None
        paid = round(sum(one.price for one in cart), 2)
        self._mind.spent += paid
        goods: dict[str, Any] = {
            "item_ids": tuple(one.item_id for one in cart), "value_amount": paid, "currency": cart[0].currency
        }  # fmt: skip
        yield self._told("purchase_completed", 1.0, page=self._page("/checkout"), **goods)
        if self._chance.random() >= reactions.refund:
            return None
        after_ms = self._chance.randrange(DAY_MS, REFUND_DAYS_MAX * DAY_MS)
        return Later(after_ms, Told(0, "purchase_refunded", goods))

    def _choice(self) -> Thing:
        return own_choice(self._person, self._goods, self._chance)

    def _changed(self, chance: float, of: Any) -> float:
        return changed(chance, of, self._world.effects, self._seen, self._arms)

    def _of_page(self, item: Thing | None) -> dict[str, Any]:
        pages = self._world.pages
        if item is None:
            return {"page": self._page("/"), "placements": pages.home}
        return {
            "page": self._page(f"/p/{item.item_id}"), "item_ids": (item.item_id,), "placements": pages.product, "price": item.price, "currency": item.currency,
        }  # fmt: skip

    def _page(self, path: str) -> str:
        return self._world.pages.prefix + path

    def _of(self, shown: Shown, event_type: str, item_ids: Sequence[str]) -> Told:
        """What becomes of a decision, as the page tells it."""
        said = {"action_id": shown.action_id, "placement": shown.placement}
        fields = {
            "decision_id": shown.decision_id,
            "item_ids": tuple(item_ids),
            "properties": said,
        }
        return self._told(event_type, 0.1, **fields)

    def _told(self, event_type: str, share: float, **fields: Any) -> Told:
        """So much of a usual pause later."""
        pause_s = self._chance.expovariate(1.0 / (share * PAUSE_S))
        return self._now(Told(PAUSE_MIN_MS + int(pause_s * SECOND_MS), event_type, fields))

    def _now(self, told: Told) -> Told:
        self._now_ms += told.pause_ms
        return told
