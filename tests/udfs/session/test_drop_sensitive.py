"""What a policy declares sensitive of people is kept nowhere, decides nothing, and no rule or text may read it."""

from typing import Any

import pytest

from jobs.fold.fold import Fold, FoldRules
from schemas.actions import Action, Boost, ItemRules, Requirement, Rule, Treatment
from schemas.codec import DECISION, EVENT, TRACE
from schemas.events import Event
from schemas.experiments import Arm, Experiment
from schemas.formats import FORMATS
from schemas.items import Item
from schemas.limits import DAY_MS, MINUTE_MS, SESSION_GAP_MS
from schemas.policy import ContextWeight, Holdout, Placement, Policy, Segment
from schemas.state.person import PERSON_STATE
from schemas.state.session import SESSION_STATE
from tests.builders import NOON, make_event, make_record
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import PolicyError, compile_policy
from udfs.session.drop_sensitive import without_attributes

DECLARED = ("religion", "Health_Status")
SECRET = "zoroastrian"


def policy(declared: tuple[str, ...] = DECLARED, **fields: Any) -> Policy:
    given = {"placements": (Placement("list"),), "holdout": Holdout(0.0)} | fields
    return Policy(**given, sensitive_attributes=declared)  # type: ignore[arg-type]


def folded(events: list[Event], *policies: Policy) -> tuple[Fold, bytes]:
    """The fold, with all bytes that it wrote; the first policy holds since ever, another one from a minute after noon on."""
    knowledge = Knowledge()
    for number, one in enumerate(policies or (policy(),)):
        from_ms = NOON + MINUTE_MS if number else 0
        knowledge.add_policy(f"p{number}", from_ms, number, compile_policy(one))
    knowledge.add_item(Item("shoe", 0, "Shoe", "Shop/Shoes"), 0)
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    log = (make_record(event, at) for at, event in enumerate(events))
    written = bytearray()
    for step in fold.run(log):
        for decision, trace in step.decisions:
            written += DECISION.encode(decision) + TRACE.encode(trace)
    return fold, bytes(written)


def event(number: int, event_type: str, **fields: Any) -> Event:
    time_ms = fields.pop("event_time_ms", NOON) + number
    return make_event(event_id=f"e{number}", event_type=event_type, event_time_ms=time_ms, **fields)


def kept(fold: Fold) -> bytes:
    persons = (PERSON_STATE.encode(one) for one in fold.persons.values())
    sessions = (SESSION_STATE.encode(one) for one in fold.sessions.values())
    return b"".join((*persons, *sessions))


TOLD = [
    event(1, "profile_updated", attribute="religion", value=SECRET),
    event(2, "profile_updated", properties={"Religion": SECRET, "role": "buyer"}),
    event(3, "preference_stated", attribute="HEALTH_STATUS", value=SECRET),
    event(4, "filter_applied", attribute="religion", value=SECRET),
    event(5, "page_viewed", placements=("list",), properties={"religion": SECRET, "language": "de"}),
    event(
        6, "ranking_requested", placements=("list",),
        candidates=[{"item_id": "shoe", "features": {"religion": 7.125, "price_rank": 1.0}}],
    ),
    event(7, "identified", person_id="anna"),
]  # fmt: skip


def test_nothing_of_it_is_in_any_state_decision_or_trace() -> None:
    fold, written = folded(TOLD)
    assert SECRET.encode() not in kept(fold) + written
    assert b"eligion" not in kept(fold) + written
    assert fold.persons["anna"].statements == {"role": "buyer"}
    bare, _ = folded(TOLD, policy(()))
    assert SECRET.encode() in kept(bare), "without the declaration it is kept"


def test_no_dead_letter_holds_one() -> None:
    """As bytes of Avro and of JSON: what comes too late, and what is no event."""
    late = event(0, "profile_updated", event_time_ms=NOON - DAY_MS, attribute="religion", value=SECRET)  # fmt: skip
    for name, one in FORMATS.items():
        knowledge = Knowledge()
        knowledge.add_policy("p", 0, 0, compile_policy(policy()))
        fold = Fold(knowledge, FoldRules(one.decode, "seed"))
        log = [
            make_record(each, at)._replace(value=one.encode(each), timestamp_ms=NOON)
            for at, each in enumerate((event(1, "page_viewed"), late))
        ]
        log.append(log[1]._replace(offset=2, value=one.encode(late)[:-1]))
        letters = [letter for step in fold.run(log) for letter in step.dead_letters]
        assert [letter.reason for letter in letters][:1] == ["too_late"], name
        assert len(letters) == 2
        assert all(b"eligion" in letter.raw for letter in letters)
        assert not any(SECRET.encode() in letter.raw for letter in letters), name


def test_what_is_not_declared_stays_and_an_event_without_it_is_the_same_object() -> None:
    knowledge = Knowledge()
    knowledge.add_policy("p", 0, 0, compile_policy(policy()))
    plain = event(1, "profile_updated", attribute="role", value="religion", properties={"x": "y"})
    assert without_attributes(plain, knowledge) is plain
    (caller,) = without_attributes(TOLD[5], knowledge).candidates
    assert caller.features == {"price_rank": 1.0}


def test_what_was_kept_before_goes_with_the_persons_next_event() -> None:
    later = event(9, "page_viewed", event_time_ms=NOON + SESSION_GAP_MS, session_id="s2")
    before, _ = folded([TOLD[1]], policy(()), policy())
    assert before.persons["a1"].statements == {"role": "buyer", "Religion": SECRET}
    after, _ = folded([TOLD[1], later], policy(()), policy())
    assert after.persons["a1"].statements == {"role": "buyer"}
    assert set(after.persons["a1"].statements_ms) == {"role"}


READS = 'person.profile["religion"] == "x"'
READING: dict[str, dict[str, Any]] = {
    "a rule": {"rules": (Rule("r", READS),)},
    "a segment": {"segments": (Segment("s", 'has(person.profile.religion) && person.profile.religion != ""'),)},
    "a preference": {"segments": (Segment("s", 'person.preferences["health_status"] == "x"'),)},
    "a filter": {"segments": (Segment("s", 'session.filters.religion == "x"'),)},
    "a context weight": {"context_weights": (ContextWeight("w", READS, 2.0),)},
    "a placement": {"placements": (Placement("list", when=READS),)},
    "a requirement": {"actions": (Action("a", "content", ("list",), applicability=(Requirement("r", READS),), treatments=(Treatment("t"),)),)},
    "a treatment": {"actions": (Action("a", "content", ("list",), treatments=(Treatment("t", when=READS),)),)},
    "a reason": {"actions": (Action("a", "content", ("list",), treatments=(Treatment("t"),), reason={"en": "As a {person.profile.religion}"}),)},
    "a text": {"actions": (Action("a", "content", ("list",), treatments=(Treatment("t", content={"title": {"en": "{person.profile.Religion}"}}),)),)},
    "a boost": {"actions": (Action("a", "slate", ("list",), items=ItemRules(boosts=(Boost("b", READS, 2.0),)), treatments=(Treatment("t"),)),)},
    "an arm": {"experiments": (Experiment("e", (Arm("one", 0.5), Arm("two", 0.5, {"placements": {"list": {"when": READS}}}))),)},
}  # fmt: skip


@pytest.mark.parametrize("where", READING)
def test_no_rule_segment_text_or_boost_may_read_it(where: str) -> None:
    compile_policy(policy((), **READING[where]))
    with pytest.raises(PolicyError, match="`sensitive_attributes`, which nothing may read"):
        compile_policy(policy(**READING[where]))


def test_a_fact_that_is_named_like_it_is_refused_and_what_items_have_is_not() -> None:
    of_items = Action(
        "a", "slate", ("list",), items=ItemRules(require='item.attributes["religion"] == "x"'),
        treatments=(Treatment("t"),),
    )  # fmt: skip
    compile_policy(policy(actions=(of_items,)))
    industry = (Segment("s", 'person.industry == "steel"'),)
    with pytest.raises(PolicyError, match="'industry' is one of"):
        compile_policy(policy(("industry",), segments=industry))


def test_no_arm_declares_less() -> None:
    arms = Experiment("e", (Arm("one", 0.5), Arm("two", 0.5, {"sensitive_attributes": []})))
    with pytest.raises(PolicyError, match="an arm cannot change"):
        compile_policy(policy(experiments=(arms,)))
