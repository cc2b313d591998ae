"""Every purpose, granted, denied, unknown and withdrawn, against every kind of action, fact, topic and rung of the API.

The tables say what each needs; HOLDS says in which case a purpose is there. What they name comes from the code: a new kind, field, topic or rung
without a line fails.
"""

from itertools import product
from typing import Final, NamedTuple, get_args

import msgspec
import numpy as np
import pytest

from channels.api import ladder
from channels.api.bodies import Answer
from channels.api.compose_answer import Case, Found, Setting, Wanted
from channels.api.ladder import RUNGS
from channels.api.lower_rungs import permitted
from schemas.actions import CHANNELS
from schemas.dead_letters import DeadLetter
from schemas.decisions import Decision, DecisionTrace
from schemas.events import PROFILING, PURPOSES
from schemas.items import Item
from schemas.limits import MINUTE_MS
from schemas.outputs import DESTINATIONS
from schemas.policy import Policy
from schemas.state.person import PersonState
from schemas.topics import TABLE as TOPICS
from tests.builders import NOON
from tests.contracts import consent_worlds as worlds
from tests.contracts.consent_worlds import DOES, KINDS, LAST_MIN, World, of
from udfs.facts.fact import PERSONAL, Entity
from udfs.facts.features import COLUMNS, FEATURES
from udfs.facts.rooms import FACTS, ROOMS, purge_person
from udfs.facts.view import View
from udfs.items.retrieve_candidates import Retrieved
from udfs.language.sentences import say
from udfs.moment import Moment
from udfs.session.follow_session import follow_session


class Line(NamedTuple):
    """What must be granted, all of it, and why so; None = there never is any."""

    needs: tuple[str, ...] | None
    why: str


HOLDS: Final = {
    "granted": True,
    "denied": False,
    "unknown": False,  # KAIROS_CONSENT=none
    "unknown, all assumed": True,  # KAIROS_CONSENT=all
    "withdrawn": False,
}
SELF: Final = ("personalisation", PROFILING)
"""Of the person beyond this visit: personalisation is granted, and nobody objects to profiling."""

# --- what may be chosen, and is it personal -----------------------------------------------------

CHOSEN: Final = {
    "nothing": Line((), "doing nothing is always allowed"),
    **dict.fromkeys(DOES, Line((), "a page of one's own shows it to anybody; what it may say of the person stands below")),
    **{f"for {one}": Line((one,), "the action itself names the purpose") for one in PURPOSES},
    "by email": Line(("email",), "a letter goes to who agreed to letters"),
    "by push": Line(("push",), "likewise"),
    "by sms": Line(("sms",), "likewise"),
    "by in_app": Line(("in_app",), "likewise"),
    "by ads": Line(("advertising",), "an ad elsewhere is advertising, whatever it shows"),
    "by advertising": Line(("advertising",), "the same by its other name"),
}  # fmt: skip
SAYS: Final = {
    "person": Line(SELF, "what is known of the person from other visits"),
    "visit": Line((PROFILING,), "the visit is not kept of a person, but who objects to profiling is not looked at within it either"),
    "event": Line((), "what the event that asks says itself"),
    "all": Line((), "the same for everybody"),
}  # fmt: skip

# --- facts, and what is kept of a person --------------------------------------------------------

SEEN: Final[dict[str, Line]] = {
    "person": Line(SELF, "of the person over all visits"),
    "person_item": Line(SELF, "of the person and an item over all visits"),
    "session": Line((PROFILING,), "of this visit"),
    "session_item": Line((PROFILING,), "of this visit and an item"),
    "slate": Line((PROFILING,), "of the list beside what the visit touched and was shown before"),
    "context": Line((), "of the event that asks"),
    "item": Line((), "of the catalogue"),
    "caller": Line((), "of the list that the caller hands in"),
}
KEPT_ALWAYS: Final = {
    "consent": "what was said of consent, to heed it",
    "placed": "which decisions stand, to take them back",
    "actions": "grants of actions that have limits: no offer anew by taking consent back",
    "offered": "which decision was which action, so that an answer finds its grant",
    "contacts": "contacts that limits count",
    "refused_actions": "actions that the person does not want",
    "fact_ids": "which purchases were counted, by hash: money counts once",
    "unit": "the unit of arms",
    "parts": "which ids are one person, by hash",
    "joined": "which sign-ins were counted, by hash: each counts once",
    "claimed": "who signed in on the device, by hash: nobody gets what was another's",
    "sequence": "the order of decisions",
    "last_ms": "when they came last, to forget them",
    "timer_ms": "when they are forgotten",
    "erased_ms": "until when they are erased",
}
"""Of a person without personalisation; all other fields of a profile need SELF."""
JOINS: Final = frozenset({"joined", "claimed", "facts", "gave", "before"})
"""What signing in moves, of visitors or of who signed in: tests/contracts/test_rooms.py looks at what a purge leaves of it, and
tests/udfs/test_unmerge.py at what is in it."""

# --- topics -------------------------------------------------------------------------------------

WRITTEN: Final[dict[str, dict[str, Line]]] = {
    "events": {"by a decision": Line(None, "what was sent stands there, consent in it; the engine adds nothing")},
    "items": {"by a decision": Line(None, "the catalogue")},
    "control": {"by a decision": Line(None, "policies, models, and by keyed hash who was erased")},
    "decisions": {
        "a decision": Line((), "whoever asks is answered, and the answer stands there"),
        "of the person": Line(SELF, "texts of what is known of them"),
        "of the visit": Line((PROFILING,), "texts of what the visit did"),
        "an arm": Line(SELF, "experiments are for those whose decisions are personal"),
        "a chance to respond": Line((PROFILING,), "it is what people like them did"),
    },
    "traces": {
        "a trace": Line((), "why it was so must be told of every decision"),
        "columns of the person": Line(SELF, "what the ranker read of them"),
        "columns of the visit": Line((PROFILING,), "what it read of the visit"),
    },
    "knowledge": {
        "what others learn from": Line(("analytics",), "counts of items and actions; they name nobody"),
        "what is spent": Line((), "an exposure takes from its action's budget, whoever saw it"),
        "an example for models": Line(("analytics", PROFILING), "no topic: what training takes from the log"),
    },
    "outcomes": {
        "an outcome": Line(("analytics",), "what others learn from"),
        "an arm of it": Line(("analytics", *SELF), "as decisions have it"),
    },
    "alerts": {},
    "dead_letters": {"an unusable record": Line((), "it cannot be read, so nobody knows whose it is")},
}  # fmt: skip

# --- the API ------------------------------------------------------------------------------------

ANSWERS: Final = {
    "_fresh": Line(SELF, "what the engine decided on this event, as personal as that is"),
    "_nothing_to_rank": Line(None, "an empty list stays empty"),
    "_recent": Line(SELF, "what it decided before, and nobody has taken back"),
    "_in_given_order": Line(None, "the caller's own list"),
    "_unasked": Line(None, "nothing goes out by a channel that needs consent"),
    "_fallback": Line(None, "the policy's text for everybody"),
    "_trending": Line(
        None, "what all people want; of the visit's category, unless it objects to profiling"
    ),
    "_first_items": Line(None, "the catalogue"),
}

CASES: Final = list(product((*PURPOSES, PROFILING), HOLDS))
cases: Final = pytest.mark.parametrize(("purpose", "how"), CASES)


def holds(line: Line, purpose: str, how: str) -> bool:
    """Whether all that a line needs is granted where this purpose is so, and the others are as `consent_worlds.of` says."""
    if line.needs is None:
        return False
    if purpose == PROFILING:
        is_there = HOLDS[how] or how == "unknown"  # nobody objects unasked
        return is_there or not {PROFILING, "personalisation"}.intersection(line.needs)
    if how == "unknown":
        return set(line.needs) <= {PROFILING}  # nothing is said of any purpose
    return HOLDS[how] or purpose not in line.needs


def test_the_matrix_names_all_that_there_is() -> None:
    channels = {f"by {one}" for one in CHANNELS}
    assert CHOSEN.keys() == {*KINDS, *(f"for {one}" for one in PURPOSES)} | channels
    assert SEEN.keys() == set(get_args(Entity)) == {one.entity for one in FACTS}
    assert {name for name, line in SEEN.items() if line.needs == SELF} == PERSONAL
    assert WRITTEN.keys() == {one.name for one in TOPICS}
    assert ANSWERS.keys() == {one.__name__ for one in RUNGS} | {"_first_items"}
    assert SAYS.keys() == worlds.TEXTS.keys()
    service = [name for room in ROOMS for name, one in room.person.items() if one.purpose == "service"]  # fmt: skip
    assert sorted(KEPT_ALWAYS) == sorted(service)


@cases
def test_what_may_be_chosen(purpose: str, how: str) -> None:
    world = of(purpose, how)
    may: dict[str, set[bool]] = {}
    for placement in ("page", *(f"of-{one}" for one in KINDS), *(f"by-{one}" for one in CHANNELS)):
        for one in world.trace(placement).actions:
            kind, _, own = one.action_id.partition("-for-")
            name = (
                f"for {own}"
                if own
                else kind
                if placement[:3] == "of-"
                else placement.replace("-", " ")
            )
            if kind == "nothing":
                name = kind
            assert one.verdict != "excluded" or one.rule == "consent", one
            may.setdefault(name, set()).add(one.verdict != "excluded")
    assert may == {name: {holds(line, purpose, how)} for name, line in CHOSEN.items()}


@cases
@pytest.mark.parametrize("kind", DOES)
def test_what_an_action_of_each_kind_says(purpose: str, how: str, kind: str) -> None:
    content = of(purpose, how).decision(f"of-{kind}").content
    assert content.keys() == {name for name, line in SAYS.items() if holds(line, purpose, how)}


def readings(moment: Moment, entity: str) -> dict[str, str]:
    """All facts of an entity, for rules, texts and the ranker."""
    given = moment.event.candidates
    candidates = [Retrieved(one.item_id, "", moment.item(one.item_id), None, one) for one in given]
    leads = follow_session(
        moment.context, moment.state, moment.knowledge.statistics, moment.known.epoch, moment.now_ms
    )
    view = View(moment, candidates, leads)
    found: dict[str, str] = {}
    for one in FACTS:
        if one.entity == entity and one.read:
            found[one.attribute] = repr(one.read(moment))
        elif one.entity == entity and one.read_item:
            found[one.attribute] = repr([one.read_item(moment, each) for each in candidates])
    for one in FEATURES:
        if one.entity == entity:
            found[f"column {one.feature}"] = repr(np.array(COLUMNS[one.feature](view)).tolist())
    return found


@cases
@pytest.mark.parametrize("entity", SEEN)
def test_which_facts_are_seen(purpose: str, how: str, entity: str) -> None:
    moment = of(purpose, how).moment
    stranger = moment.masked()
    if entity in PERSONAL:
        stranger = moment._replace(state=PersonState(moment.now_ms, moment.now_ms))
    line, seen = SEEN[entity], readings(moment, entity)
    assert seen
    knows_more = holds(line, purpose, how) and line.needs != ()
    assert (seen != readings(stranger, entity)) is knows_more


@cases
def test_what_is_kept_of_a_person(purpose: str, how: str) -> None:
    state = of(purpose, how).state
    granted, blank = of(purpose, "granted").state, PersonState(state.last_ms, state.last_ms)
    empty = {one for one in PersonState.__struct_fields__ if getattr(state, one) == getattr(blank, one)}  # fmt: skip
    personal = set(PersonState.__struct_fields__) - KEPT_ALWAYS.keys() - JOINS
    if holds(Line(SELF, ""), purpose, how):
        assert empty & personal == set()
    else:
        assert empty >= personal
        assert state == purge_person(state, frozenset())
    kept = KEPT_ALWAYS.keys() - JOINS
    always = {one for one in kept if getattr(granted, one) != getattr(blank, one)}
    assert always >= kept - {"last_ms", "erased_ms"}
    is_silent = how == "unknown, all assumed" or (how == "unknown" and purpose != PROFILING)
    assert empty & always == ({"consent"} if is_silent else set())


def written(world: World, placement: str = "of-offer") -> dict[str, dict[str, bool]]:
    """What stands in each topic, part by part."""
    decision, trace = world.decision(placement), world.trace("of-slate")
    columns = np.frombuffer(trace.features, np.float32).reshape(len(trace.candidates), -1)
    by_entity = [one.entity for one in FEATURES]
    personal = columns[:, [one in PERSONAL for one in by_entity]]
    of_visit = columns[:, [one == "session_item" for one in by_entity]]
    kinds = {type(one) for one in world.outputs}
    ours = {DESTINATIONS[one].topic for one in kinds}
    lessons = world.lessons
    return {
        **{one: {"by a decision": one in ours} for one in ("events", "items", "control")},
        "decisions": {
            "a decision": Decision in kinds, "of the person": "person" in decision.content,
            "of the visit": "visit" in decision.content, "an arm": bool(decision.arm),
            "a chance to respond": decision.response_propensity is not None,
        },
        "traces": {
            "a trace": DecisionTrace in kinds, "columns of the person": bool(np.nan_to_num(personal).any()),
            "columns of the visit": bool(np.nan_to_num(of_visit).any()),
        },
        "knowledge": {
            "what others learn from": any(one.items for one in lessons),
            "what is spent": any(fact.spends for one in lessons for fact in one.actions),
            "an example for models": world.teaches,
        },
        "outcomes": {
            "an outcome": bool(world.outcomes), "an arm of it": any(one.arm for one in world.outcomes),
        },
        "alerts": {},  # sums over people, made of `outcomes`
        "dead_letters": {"an unusable record": DeadLetter in kinds},
    }  # fmt: skip


@cases
def test_what_stands_in_each_topic(purpose: str, how: str) -> None:
    expected = {
        topic: {part: holds(line, purpose, how) for part, line in lines.items()}
        for topic, lines in WRITTEN.items()
    }
    assert written(of(purpose, how)) == expected


def answers(world: World) -> dict[str, Answer | None]:
    """What each rung answers where it alone is asked."""
    now_ms = NOON + LAST_MIN * MINUTE_MS + 1
    policy = msgspec.convert(worlds.POLICY, Policy)
    catalogue = {f"i{n}": Item(f"i{n}") for n in range(12)}
    setting = Setting(
        now_ms, policy, "p", 0, catalogue.get, lambda n, _: list(catalogue.values())[:n], say
    )
    own = world.kept.newest("p", "of-offer")
    recent, _ = permitted(world.visitor, {"of-offer": own} if own else {}, "")
    found = Found(
        world.decision("of-offer"), recent.get("of-offer"), category=world.visitor.about,
        trending_in_category=("i5",) if world.visitor.about else (), trending=("i4",),
    )  # fmt: skip
    wanted = {
        "_nothing_to_rank": Wanted("of-slate", None, ()), "_in_given_order": Wanted("of-slate", None, ("i2", "i1")),
        "_unasked": Wanted("by-email"), "_fallback": Wanted("fallback"),
    }  # fmt: skip
    places = {one.name: one for one in policy.placements}
    made: dict[str, Answer | None] = {}
    for name in ANSWERS:
        asked = wanted.get(name, Wanted("of-offer"))
        made[name] = getattr(ladder, name)(Case(asked, found, setting, places[asked.placement]), [])
    return made


@cases
def test_which_rung_of_the_api_is_personal(purpose: str, how: str) -> None:
    made = answers(of(purpose, how))
    personal = {name for name, one in made.items() if one is not None and "person" in one.content}
    assert personal == {name for name, line in ANSWERS.items() if holds(line, purpose, how)}
    assert {name for name, one in made.items() if one is None} <= {"_recent"}
    unasked, trending = made["_unasked"], made["_trending"]
    assert unasked is not None
    assert (unasked.action_id, unasked.items, unasked.content) == ("nothing", (), {})
    assert trending is not None
    # what was said in another session the engine knows, and the API's memory of this one does not
    objects_here = (purpose, how) == (PROFILING, "withdrawn")
    assert [one.item_id for one in trending.items] == (["i4"] if objects_here else ["i5"])


@pytest.mark.parametrize("purpose", [*PURPOSES, PROFILING])
def test_what_was_decided_before_a_withdrawal_is_shown_no_more_before_the_engine_has_heard_of_it(
    purpose: str,
) -> None:
    world = of(purpose, "withdrawn")
    before = [one for one in worlds.decided(world.outputs) if one.event_time_ms < NOON + LAST_MIN * MINUTE_MS]  # fmt: skip
    assert before
    for one in before:
        assert permitted(world.before, {one.placement: one}, "")[0] == {}
