"""One person's two visits, told with each purpose granted, denied, unknown and withdrawn: what is decided, kept, written and learnt."""

from functools import lru_cache
from typing import Any, Final, NamedTuple, get_args

import msgspec
import pytest

import udfs.decide
from channels.api.kept_decisions import KeptDecisions
from channels.api.visitors import Visitor, Visitors
from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from schemas.actions import CHANNELS, ActionKind
from schemas.codec import DECISION, EVENT
from schemas.decisions import Decision, DecisionTrace
from schemas.events import PROFILING, PURPOSES, Event
from schemas.limits import DAY_MS, MINUTE_MS
from schemas.outcomes import Outcome
from schemas.outputs import Written
from schemas.policy import Policy
from schemas.records import LogRecord
from schemas.state.lessons import LearnerMemory, Lesson
from schemas.state.person import PersonState
from schemas.state.session import SessionNews
from tests.builders import NOON, make_catalogue, make_event, make_record
from udfs.draw import identify_decision
from udfs.knowledge.knowledge import Knowledge
from udfs.moment import Moment
from udfs.policy.compile_policy import compile_policy
from udfs.take_lessons import lesson_of, take_lesson

NOBODY: Final[frozenset[str]] = frozenset()
KINDS: Final[tuple[str, ...]] = get_args(ActionKind)
DOES: Final = tuple(one for one in KINDS if one != "nothing")
TEXTS: Final = {
    "person": {"en": "You like {person.top_category}"},
    "visit": {"en": "You are at {session.top_category}"},
    "event": {"en": "From {context.country}"},
    "all": {"en": "Hello"},
}
"""Each action says what it knows of the person, of the visit and of the event that asks; what is missing is left out."""


def action(name: str, kind: str, **fields: Any) -> dict[str, Any]:
    limits = {"times": 9}
    treatments = [{"id": "t", "content": TEXTS}]
    return {"id": name, "kind": kind, "treatments": treatments, "limits": limits} | fields


POLICY: Final[dict[str, Any]] = {
    "placements": [
        {"name": "page", "actions": []},
        *({"name": f"of-{kind}", "actions": [kind] if kind in DOES else []} for kind in KINDS),
        *({"name": f"by-{one}", "channel": one, "actions": list(DOES)} for one in CHANNELS),
        {"name": "fallback", "actions": [], "fallback": "content"},
    ],
    "actions": [
        *(action(kind, kind) for kind in DOES),
        *(
            action(f"{kind}-for-{purpose}", kind, purposes=[purpose], placements=["page"])
            for kind in DOES
            for purpose in PURPOSES
        ),
    ],
    "experiments": [{"name": "ab", "arms": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}]}],
    "holdout": {"share": 0.0}, "contact": {"per_day": 99},
    "facts": [{"name": "spent", "event": "product_viewed", "how": "sum", "property": "value_amount", "within_ms": 9 * DAY_MS, "column": 1}],
}  # fmt: skip
PLACEMENTS: Final = tuple(one["name"] for one in POLICY["placements"])

ASKS_MIN: Final = 5
CHANGES_MIN: Final = 6
LAST_MIN: Final = 20
RICH: Final[dict[str, Any]] = {
    "item_ids": ["i1"], "attribute": "size", "value": "exit_intent", "query": "red t1", "page": "/help", "category": "Shop/C1",
    "properties": {"text": "help t1", "topic": "t1", "action_id": "banned"}, "value_amount": 9.0, "quantity": 2, "price": 3.0,
}  # fmt: skip
DOINGS: Final = (
    "product_viewed", "search_performed", "product_added_to_cart", "feature_opened", "feature_activated", "profile_updated",
    "preference_stated", "decision_exposed", "decision_clicked", "content_read", "element_clicked",
)  # fmt: skip
"""What happens in either visit, so that every fact has something to tell."""


class Told(NamedTuple):
    """What is said of consent: at the start, and after the first answers. None: nothing is said."""

    first: tuple[str, ...] | None = None
    objects: bool = False
    then: tuple[str, ...] | None = None
    objects_then: bool = False
    assumed: frozenset[str] = NOBODY


class World(NamedTuple):
    """What came of it. `moment` is what the last decisions looked at; `api` what the API remembers of the session, `kept` of decisions."""

    state: PersonState
    moment: Moment
    outputs: tuple[Written, ...]
    lessons: tuple[Lesson, ...]
    teaches: bool
    visitor: Visitor
    kept: KeptDecisions
    before: Visitor
    """The API's memory as of the moment in which something was taken back and the engine has not done anything yet."""
    outcomes: tuple[Outcome, ...]
    """Written of what was done after all that was said."""

    def decision(self, placement: str) -> Decision:
        """The last decision there."""
        return [one for one in decided(self.outputs) if one.placement == placement][-1]

    def trace(self, placement: str) -> DecisionTrace:
        """The last trace there."""
        traces = [one for one in self.outputs if isinstance(one, DecisionTrace)]
        return [one for one in traces if one.placement == placement][-1]


def decided(outputs: tuple[Written, ...]) -> list[Decision]:
    """The decisions, without what was taken back."""
    return [one for one in outputs if isinstance(one, Decision) and one.kind == "decided"]


def at(minute: int, event_type: str, visit: int = 1, **fields: Any) -> Event:
    time_ms = NOON + minute * MINUTE_MS - (1 - visit) * DAY_MS
    own: dict[str, Any] = {"event_id": f"e{visit}-{event_type}-{minute}", "session_id": f"s{visit}"}
    context = {"country": "DE", "utc_offset_min": 60}
    own |= {"event_time_ms": time_ms, "context": context, "person_id": "p"}
    return make_event(event_type=event_type, **(own | fields))


def says(minute: int, visit: int, consent: tuple[str, ...] | None, *, objects: bool) -> list[Event]:
    properties = {"objection": "profiling"} if objects else {}
    if consent is None and not objects:
        return []
    return [at(minute, "consent_changed", visit, consent=consent, properties=properties)]


def asks(minute: int) -> Event:
    """An event that asks for everything, with a list of the caller's own."""
    listed = [
        {"item_id": f"i{n}", "position": place, "price": 9.0 + n, "features": {"stars": float(n)}}
        for place, n in enumerate((3, 1, 2))
    ]
    return at(minute, "ranking_requested", placements=PLACEMENTS, candidates=listed)


def story(told: Told) -> list[Event]:
    """A visit of yesterday with a purchase, and one of today that asks, is asked for consent again, and asks once more."""
    yesterday = [at(2 + n, one, 0, **RICH) for n, one in enumerate(DOINGS)]
    own = identify_decision("p", "s1", asks(ASKS_MIN).event_id, "of-offer")
    shown = {"action_id": "offer", "placement": "of-offer"}
    return [
        *says(0, 0, told.first, objects=told.objects),
        at(1, "identified", 0),
        *yesterday,
        at(14, "purchase_completed", 0, **RICH | {"item_ids": ["i9"]}),
        at(15, "purchase_completed", 0, **RICH | {"item_ids": ["i9"], "is_unproven": True}),
        at(16, "product_added_to_cart", 0, **RICH),
        at(17, "decision_dismissed", 0, **RICH | {"item_ids": ["i8"]}),
        at(18, "not_interested", 0, category="Shop/C3"),
        at(19, "not_interested", 0, properties={"action_id": "banned"}),
        at(0, "identified"),
        at(1, "product_viewed", **RICH | {"item_ids": ["i2"], "category": "Shop/C2"}),
        at(2, "product_viewed", **RICH | {"item_ids": ["i6"], "category": "Shop/C2"}),
        asks(ASKS_MIN),
        *says(CHANGES_MIN, 1, told.then, objects=told.objects_then),
        at(7, "product_viewed", item_ids=["i6"], category="Shop/C2"),
        at(8, "decision_exposed", decision_id=own, properties=shown),
        asks(LAST_MIN),
    ]


@lru_cache(64)
def world(told: Told) -> World:
    """All of it, once for each thing that can be told."""
    knowledge = Knowledge(assumed=told.assumed)
    knowledge.add_policy("p", 0, 0, compile_policy(msgspec.convert(POLICY, Policy)))
    for position, item in enumerate(make_catalogue(12)):
        knowledge.add_item(item, position)
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    seen: list[Moment] = []
    events = story(told)
    log = [make_record(event, offset) for offset, event in enumerate(events)]
    junk = LogRecord("events", 0, len(log), log[-1].timestamp_ms, "s1", b"junk")
    compete = udfs.decide._compete

    def watched(placement: Any, asked: Any, checked: Any) -> Any:
        seen.append(asked.moment)
        assert checked.moment is asked.moment, "rules and texts see what the ranker sees"
        return compete(placement, asked, checked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(udfs.decide, "_compete", watched)
        steps = list(fold.run([*log, junk]))
    outputs = tuple(one for step in steps for one in step.outputs)
    news = [step.news for step in steps if step.news is not None]
    theirs = next(one for one in reversed(news) if one.person == "p")
    visitor, before = remembered(events)
    return World(
        fold.persons["p"], seen[-1], outputs, tuple(lessons(news, knowledge)), fold.teaches(theirs),
        visitor, kept(outputs), before, tuple(came(news, knowledge)),
    )  # fmt: skip


def lessons(news: list[SessionNews], knowledge: Knowledge) -> list[Lesson]:
    """What is learnt from the end of the visit, after all that was said."""
    asked: dict[str, bytes] = {}
    memories: dict[str, LearnerMemory | None] = {}
    found = []
    for one in news:
        asked[one.session_id], lesson = lesson_of(asked.get(one.session_id, b""), one, knowledge)
        if lesson is not None:
            taken = take_lesson(memories.get(lesson.person), lesson, knowledge.assumed)
            memories[lesson.person] = taken.memory
            if lesson.order_ms > NOON + CHANGES_MIN * MINUTE_MS:
                found.append(taken.lesson)
    return found


def came(news: list[SessionNews], knowledge: Knowledge) -> list[Outcome]:
    """What is written of outcomes from the end of the visit, after all that was said."""
    learner = Learner()
    found = [outcome for one in news for outcome in learner.add(one, knowledge).outcomes]
    return [one for one in found if one.outcome_ms > NOON + CHANGES_MIN * MINUTE_MS]


def remembered(events: list[Event]) -> tuple[Visitor, Visitor]:
    """The API's memory of the session at the end, and right after what was said in the midst."""
    found = []
    for until_min in (LAST_MIN, CHANGES_MIN):
        visitors = Visitors()
        for event in events:
            if event.event_time_ms <= NOON + until_min * MINUTE_MS:
                visitors.see(event, event.category or "")
        visitor = visitors.find("s1")
        assert visitor is not None
        found.append(visitor)
    return found[0], found[1]


def kept(outputs: tuple[Written, ...]) -> KeptDecisions:
    """The API's memory of what was decided, and what was taken back."""
    memory = KeptDecisions(1_000)
    for one in outputs:
        if isinstance(one, Decision) and one.kind == "purged":
            memory.take_back(one.person, one.placement)
        elif isinstance(one, Decision):
            memory.add(one, DECISION.encode(one))
    return memory


def of(purpose: str, how: str) -> World:
    """The world in which one purpose is granted, denied, unknown or withdrawn, and all others are granted (of the unknown: nothing is said)."""
    everything, rest = tuple(PURPOSES), tuple(one for one in PURPOSES if one != purpose)
    is_objection = purpose == PROFILING
    match how:
        case "granted":
            told = Told(everything)
        case "denied":
            told = Told(rest, objects=is_objection)
        case "withdrawn":
            told = Told(everything, then=rest, objects_then=is_objection)
        case "unknown":
            told = Told(everything) if is_objection else Told()
        case _:
            told = Told(assumed=frozenset(PURPOSES))
    return world(told)
