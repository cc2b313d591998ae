"""A visit under way, as its channel tells it: with ids, in the name of a visitor, and what becomes of what was shown."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from schemas.decisions import Decision
from schemas.enrich.user_agents import agent_of
from schemas.events import PERSONALISATION
from schemas.policy import NOTHING
from scripts.simulate.goods import Goods
from scripts.simulate.mind import Mind
from scripts.simulate.people import Person
from scripts.simulate.visit import Later, Seen, Shopper, Shown, Told, Visit
from scripts.simulate.world import World

CHANNEL: Final = "web"
ID_BYTES: Final = 8
Fields = dict[str, Any]


class Scene:
    """One visit from outside: `event` is what is told next, `go_on` answers it.

    Ids are hashes: nothing in them says whose other devices or visits there are, or who is a program.
    """

    def __init__(self, world: World, goods: Goods, person: Person, mind: Mind, at: int) -> None:
        self.person, self.mind = person, mind
        self._device = person.visits[at].device
        self.session_id = f"s-{_hash(world.seed, 'session', person.number, at)}"
        own = f"a-{_hash(world.seed, 'visitor', person.number, at)}"
        self.anonymous_id = mind.stored.get(self._device, own)
        self.later: Later | None = None
        self._visit: Visit = Shopper(world, goods, person, mind, at).visit()
        self._count = 0
        self._context = _context(person.devices[self._device])

    @property
    def user_agent(self) -> str:
        """What the browser calls itself."""
        return self.person.devices[self._device]

    def named(self, session_id: str, anonymous_id: str) -> None:
        """Ids that a server has given, in the place of its own."""
        self.session_id, self.anonymous_id = session_id, anonymous_id

    def begin(self) -> Told | None:
        """What is done first."""
        return next(self._visit, None)

    def go_on(self, shown: Seen) -> Told | None:
        """What is done next by who is shown this; None: they have left, and `later` says what follows."""
        try:
            return self._visit.send(shown)
        except StopIteration as left:
            self.later = left.value
            return None

    def event(self, told: Told, time_ms: int) -> Fields:
        """The fields of the event, those that say something."""
        self._count += 1
        mind, person = self.mind, self.person
        self._store()
        fields = {name: value for name, value in told.fields.items() if value not in (None, ())}
        event: Fields = {
            "event_id": f"{self.session_id}-{self._count}", "event_type": told.event_type, "event_time_ms": time_ms,
            "session_id": self.session_id, "anonymous_id": self.anonymous_id, "channel": CHANNEL, **fields,
        }  # fmt: skip
        if self._device in mind.signed_in and person.account is not None:
            event["person_id"] = person.account
        if mind.consent is not None:
            event["consent"] = mind.consent
        if self._context:
            event["context"] = self._context
        return event

    def _store(self) -> None:
        """The browser keeps the anonymous id with consent alone."""
        self.mind.known_as.setdefault(self.anonymous_id)
        if self.mind.consent is not None and PERSONALISATION in self.mind.consent:
            self.mind.stored[self._device] = self.anonymous_id
        else:
            self.mind.stored.pop(self._device, None)


def refund_event(scene: Scene, told: Told, time_ms: int) -> Fields:
    """Money given back by the shop's own service, in a session of its own."""
    event = scene.event(told, time_ms)
    session_id = f"{scene.session_id}-refund"
    return event | {"event_id": session_id, "session_id": session_id}


class Outcome:
    """One decision with what is seen of its end within the visit, as a row of `decisions.csv`."""

    __slots__ = ("bought", "clicked", "decision", "exposed", "value")

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.exposed = self.clicked = self.bought = 0
        self.value = 0.0


class Outcomes:
    """The decisions of one visit, by id, in the order in which they were made."""

    def __init__(self) -> None:
        self.made: dict[str, Outcome] = {}

    def add(self, decision: Decision) -> None:
        """It was made."""
        self.made[decision.decision_id] = Outcome(decision)

    def take(self, event: Mapping[str, Any]) -> None:
        """What the visitor did then: a purchase counts for all that was seen before."""
        kind, known = event["event_type"], self.made.get(event.get("decision_id", ""))
        if kind == "purchase_completed":
            for one in self.made.values():
                if one.exposed:
                    one.bought, one.value = 1, event["value_amount"]
        elif known is not None:
            known.exposed |= kind == "decision_exposed"
            known.clicked |= kind == "decision_clicked"


class Row(NamedTuple):
    """The columns of `decisions.csv`: what was decided with which chance, and what is seen of its end. 1 = yes, 0 = no."""

    decision_id: str
    event_time_ms: int
    person: str
    placement: str
    action_id: str
    treatment_id: str
    probability: float
    arm: str
    is_holdout: int
    exposed: int
    clicked: int
    bought: int
    value: float


def row_of(outcome: Outcome) -> Row:
    """The row of a decision; its arms with a blank between."""
    one = outcome.decision
    return Row(
        one.decision_id, one.event_time_ms, one.person, one.placement, one.action_id, one.treatment_id,
        one.action_probability, " ".join(arms_of(one.arm)), int(one.is_holdout), int(outcome.exposed),
        int(outcome.clicked), outcome.bought, outcome.value,
    )  # fmt: skip


def shown_of(decisions: Sequence[Decision], event: Mapping[str, Any]) -> list[Shown]:
    """Decisions as the page of the event gets them: those of its placements, and silence is nothing to see."""
    placements = event.get("placements", ())
    return [
        Shown(
            one.decision_id, one.placement, one.action_id, tuple(item.item_id for item in one.items), arms_of(one.arm)
        )
        for one in decisions
        if one.placement in placements and one.action_id != NOTHING
    ]  # fmt: skip


def arms_of(arm: Mapping[str, str]) -> tuple[str, ...]:
    """Experiment and arm as the world's effects name them."""
    return tuple(f"{experiment}/{name}" for experiment, name in sorted(arm.items()))


def _hash(*parts: object) -> str:
    return blake2b("/".join(map(str, parts)).encode(), digest_size=ID_BYTES).hexdigest()


def _context(user_agent: str) -> dict[str, str]:
    """What the door makes of a user agent; a browser's that does not tell sits on a desk."""
    agent = agent_of(user_agent)
    found = {"device": agent.device or "desktop", "os": agent.os, "browser": agent.browser}
    return {name: value for name, value in found.items() if value}
