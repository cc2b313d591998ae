"""What is decided, kept and taken back, by what a person agrees to: every purpose, granted, denied, unknown and withdrawn."""

from itertools import product
from typing import Any

import msgspec
import pytest

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from schemas.codec import DECISION, EVENT
from schemas.decisions import EVERYWHERE, WITHDRAWN_PURPOSES, Decision
from schemas.events import PURPOSES, Event
from schemas.limits import MINUTE_MS
from schemas.policy import NOTHING, Policy
from schemas.state.person import PersonState
from tests.builders import NOON, make_catalogue, make_event, make_record
from udfs.facts.consent import EVERYTHING
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

UNKNOWN: frozenset[str] = frozenset()
POLICY: dict[str, Any] = {
    "placements": [
        {"name": "home"},
        {"name": "letter", "actions": [], "channel": "email"},
    ],
    "actions": [
        {"id": "banner", "kind": "content", "placements": ["home"], "treatments": [{"id": "t"}],
         "purposes": ["advertising"], "value": 9.0},
        {"id": "offer", "kind": "offer", "placements": ["letter"], "treatments": [{"id": "t"}]},
    ],
    "experiments": [{"name": "ab", "arms": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}]}],
    "holdout": {"share": 0.0},
}  # fmt: skip


def engine(assumed: frozenset[str] = UNKNOWN, policy: dict[str, Any] = POLICY) -> Fold:
    knowledge = Knowledge(assumed=assumed)
    knowledge.add_policy("p", 0, 0, compile_policy(msgspec.convert(policy, Policy)))
    for position, item in enumerate(make_catalogue(12)):
        knowledge.add_item(item, position)
    return Fold(knowledge, FoldRules(EVENT.decode, "seed"), Learner())


def at(minute: int, event_type: str = "page_viewed", **fields: Any) -> Event:
    fields = {"event_id": f"e{minute}", "event_time_ms": NOON + minute * MINUTE_MS} | fields
    return make_event(event_type=event_type, **fields)


def view(minute: int, item: int, **fields: Any) -> Event:
    return at(minute, "product_viewed", item_ids=[f"i{item}"], **fields)


def told(fold: Fold, *events: Event) -> list[Decision]:
    """Everything for `decisions`, in its order."""
    log = [make_record(event, offset) for offset, event in enumerate(events)]
    outputs = [one for step in fold.run(log) for one in step.outputs]
    return [one for one in outputs if isinstance(one, Decision)]


def newest(decisions: list[Decision], placement: str) -> Decision:
    return [one for one in decisions if one.placement == placement][-1]


# --- the matrix ---------------------------------------------------------------------------------

SAID = ("granted", "denied", "unknown", "withdrawn")


@pytest.mark.parametrize(("purpose", "how"), list(product(PURPOSES, SAID)))
def test_every_purpose_granted_denied_unknown_and_withdrawn(purpose: str, how: str) -> None:
    rest = [one for one in PURPOSES if one != purpose]
    asks = at(9, placements=["home", "letter"])
    first = view(
        1, 1, consent=None if how == "unknown" else rest if how == "denied" else [*PURPOSES]
    )
    change = [at(5, "consent_changed", consent=rest)] if how == "withdrawn" else []
    before = [at(3, placements=["home", "letter"], event_id="before")] if change else []
    fold = engine()
    decisions = told(fold, first, *before, *change, asks)
    state = fold.persons["a1"]
    has = dict.fromkeys(rest, how != "unknown") | {purpose: how == "granted"}
    home, letter = newest(decisions, "home"), newest(decisions, "letter")
    # a profile, arms and leanings of those who are personal, and the visit of everybody
    assert bool(state.recent_items) is bool(state.categories) is has["personalisation"]
    assert bool(home.arm) is has["personalisation"]
    # the action's own purpose, and the channel's
    if has["advertising"]:
        assert home.action_id == "banner"
    else:
        assert (home.action_id, bool(home.items)) == ("recommend_items", True)
    assert letter.action_id == ("offer" if has["email"] else NOTHING)
    # what stood and may not is taken back, in the moment in which that is said
    purged = {one.placement for one in decisions if one.kind == "purged"}
    if how != "withdrawn":
        assert purged == set()
    elif purpose == "personalisation":
        assert purged == {"home", "letter"}
    else:
        assert purged == {"advertising": {"home"}, "email": {"letter"}}.get(purpose, {EVERYWHERE})
    withdrawn = {one.content[WITHDRAWN_PURPOSES] for one in decisions if one.kind == "purged"}
    assert withdrawn == ({purpose} if how == "withdrawn" else set())


@pytest.mark.parametrize("assumed", [UNKNOWN, EVERYTHING])
def test_unknown_is_what_is_set_everywhere_and_no_more(assumed: frozenset[str]) -> None:
    fold = engine(assumed)
    (decision,) = told(fold, view(1, 1), at(2, placements=["letter"]))
    assert decision.action_id == ("offer" if assumed else NOTHING)
    assert bool(fold.persons["a1"].recent_items) is bool(assumed)


# --- without personalisation --------------------------------------------------------------------


def test_without_personalisation_the_visit_still_ranks_and_nothing_else_is_known() -> None:
    visit = [view(1, 1), view(2, 5), at(3, placements=["home"], consent=["analytics"])]
    before = [view(-9_000, 2, session_id="s0", event_id="old"), view(-8_999, 2, session_id="s0", event_id="old2")]  # fmt: skip
    fold = engine()
    (home,) = told(fold, *before, *visit)
    state = fold.persons["a1"]
    empty = PersonState(state.last_ms, state.last_ms)
    kept = {"last_ms", "timer_ms", "sequence", "unit", "parts", "consent", "placed", "first_ms"}
    assert {
        name
        for name in PersonState.__struct_fields__
        if getattr(state, name) != getattr(empty, name)
    } <= kept
    # the categories of this visit lead, and the item of last week does not
    shown = [one.item_id for one in home.items]
    assert shown[0] in {"i5", "i9", "i1"}
    assert any("looked" in one.reason or "viewed" in one.reason for one in home.items)


def test_the_held_out_share_is_of_those_who_are_personal() -> None:
    policy = POLICY | {"holdout": {"share": 1.0}}
    for consent, is_out in ((["personalisation"], True), ([], False)):
        (home,) = told(engine(policy=policy), at(1, placements=["home"], consent=consent))
        assert home.is_holdout is is_out


def test_who_is_held_out_gets_no_default_that_they_did_not_agree_to() -> None:
    letter = {"name": "letter", "actions": [], "channel": "email", "fallback": "offer"}
    policy = POLICY | {"placements": [POLICY["placements"][0], letter], "holdout": {"share": 1.0}}
    for consent, chosen in ((["email"], "offer"), ([], NOTHING)):
        asks = at(1, placements=["letter"], consent=["personalisation", *consent])
        (decision,) = told(engine(policy=policy), asks)
        assert (decision.is_holdout, decision.action_id) == (True, chosen)


def test_of_who_is_not_known_nobody_can_tell_how_long_they_were_away() -> None:
    fold = engine()
    told(fold, view(1, 1, consent=[]), view(9_000, 2, session_id="s2"))
    state = fold.persons["a1"]
    assert state.first_ms == state.last_ms == NOON + 9_000 * MINUTE_MS


def test_who_objects_gets_what_everybody_gets_and_is_told_so() -> None:
    objects = at(3, "consent_changed", consent=[*PURPOSES], properties={"objection": "profiling"})
    visit = [view(1, 1, consent=[*PURPOSES]), view(2, 5), objects, at(4, placements=["home"])]
    home = newest(told(engine(), *visit), "home")
    assert (home.response_propensity, home.arm) == (None, {})
    assert home.explanation == "The same for everybody: you object to profiling"
    stranger = view(1, 7, anonymous_id="a2", session_id="s2", event_id="x", consent=[*PURPOSES])
    other = at(4, placements=["home"], anonymous_id="a2", session_id="s2", event_id="y")
    same = objects.__class__(**{**msgspec.structs.asdict(objects), "anonymous_id": "a2", "session_id": "s2", "event_id": "z"})  # fmt: skip
    also = newest(told(engine(), stranger, same, other), "home")
    assert (also.action_id, [one.item_id for one in also.items]) == (
        home.action_id, [one.item_id for one in home.items],
    )  # fmt: skip


# --- withdrawal ---------------------------------------------------------------------------------


def test_withdrawal_takes_back_what_stands_and_what_follows_is_newer() -> None:
    decisions = told(
        engine(),
        view(1, 1, consent=["personalisation"]),
        at(2, placements=["home"]),
        at(3, "consent_changed", consent=[]),
        at(4, placements=["home"]),
    )
    made = [(one.kind, one.placement, one.event_id) for one in decisions]
    assert made == [("decided", "home", "e2"), ("purged", "home", "e3"), ("decided", "home", "e4")]
    assert [one.sequence for one in decisions] == sorted({one.sequence for one in decisions})
    purged = decisions[1]
    assert (purged.items, purged.explanation) == ((), "")
    assert purged.content == {WITHDRAWN_PURPOSES: "personalisation"}
    assert DECISION.decode(DECISION.encode(purged)) == purged


@pytest.mark.parametrize(
    ("said", "withdrawn"),
    [
        (["personalisation", "analytics"], []),
        (["analytics"], ["advertising, email, in_app, personalisation, push, sms"]),
    ],
)
def test_a_first_answer_withdraws_no_more_than_data_was_kept_by(
    said: list[str], withdrawn: list[str]
) -> None:
    """Where all is assumed until somebody is asked: who says yes to the usual has taken nothing back."""
    decisions = told(engine(EVERYTHING), view(1, 1), at(2, "consent_changed", consent=said))
    assert [one.content[WITHDRAWN_PURPOSES] for one in decisions] == withdrawn


def test_what_is_decided_anew_in_that_moment_takes_the_place_itself() -> None:
    decisions = told(
        engine(),
        at(2, placements=["home"], consent=["personalisation"]),
        at(3, "consent_changed", consent=[], placements=["home"]),
    )
    assert [(one.kind, one.placement) for one in decisions] == [
        ("decided", "home"), ("decided", "home"), ("purged", EVERYWHERE),
    ]  # fmt: skip


def test_each_withdrawal_leaves_one_record_and_what_withdraws_nothing_leaves_none() -> None:
    fold = engine()
    decisions = told(
        fold,
        at(1, consent=["personalisation", "email"]),
        at(2, consent=["email", "personalisation"]),
        at(3, "consent_changed", consent=["personalisation"]),
        at(4, consent=["personalisation"]),
        at(5, "consent_changed", consent=["personalisation"], properties={"objection": "profiling"}),
    )  # fmt: skip
    told_of = [(one.event_id, one.placement, one.content[WITHDRAWN_PURPOSES]) for one in decisions]
    assert told_of == [
        ("e3", EVERYWHERE, "email"), ("e5", EVERYWHERE, "personalisation, profiling"),
    ]  # fmt: skip


def test_withdrawal_in_one_session_holds_in_the_other_and_for_late_ones() -> None:
    fold = engine()
    decisions = told(
        fold,
        view(1, 1, consent=["personalisation"]),
        at(2, "consent_changed", consent=[], session_id="s2"),
        at(3, placements=["home"]),
    )
    assert decisions[-1].arm == {}
    assert fold.persons["a1"].recent_items == {}


def test_a_purchase_that_is_told_again_counts_once_and_its_consent_holds() -> None:
    fold = engine()
    bought = {
        "event_type": "purchase_completed",
        "event_id": "order",
        "item_ids": ["i1"],
        "value_amount": 9.0,
    }
    first = make_event(event_time_ms=NOON, consent=["personalisation"], **bought)
    again = make_event(event_time_ms=NOON + 1, session_id="s2", consent=[], **bought)
    told(fold, first, again)
    assert fold.persons["a1"].consent.purposes == ()
    assert fold.persons["a1"].purchases == []


def test_flipping_ten_times_a_second_ends_as_it_was_said_last() -> None:
    for last in ([], ["personalisation"]):
        fold = engine()
        flips = [
            make_event(
                event_id=f"f{n}", event_type="consent_changed", event_time_ms=NOON + 100 * n,
                consent=last if n % 2 else ["personalisation"] if not last else [], placements=["home"],
            )
            for n in range(100)
        ]  # fmt: skip
        decisions = told(fold, *flips)
        assert bool(decisions[-1].arm) is bool(last)
        assert fold.persons["a1"].consent.purposes == tuple(last)


@pytest.mark.parametrize(("visitor", "person"), list(product(([], ["personalisation"]), repeat=2)))
def test_who_signs_in_has_the_stricter(visitor: list[str], person: list[str]) -> None:
    fold = engine()
    told(
        fold,
        at(-99, "consent_changed", person_id="p", anonymous_id="p0", session_id="s0", consent=person),
        at(-98, "identified", person_id="p", anonymous_id="p0", session_id="s0"),
        view(1, 1, consent=visitor),
        at(2, "identified", person_id="p"),
    )  # fmt: skip
    expected = set(visitor) & set(person)
    assert set(fold.persons["p"].consent.purposes or ()) == expected
    assert bool(fold.persons["p"].recent_items) is bool(expected)


def test_the_log_told_again_says_the_same_byte_for_byte() -> None:
    visit = [
        view(1, 1, consent=["personalisation"]), at(2, placements=["home"]), at(3, "consent_changed", consent=[]),
        view(4, 2), at(5, placements=["home", "letter"]), at(6, "consent_changed", consent=[*PURPOSES]),
        at(7, placements=["home", "letter"]),
    ]  # fmt: skip
    first, second = told(engine(), *visit), told(engine(), *visit)
    assert [DECISION.encode(one) for one in first] == [DECISION.encode(one) for one in second]
