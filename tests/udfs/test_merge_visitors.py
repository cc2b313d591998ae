"""One person of many visitors: what a device's visitor did becomes the person's, once, and nobody else's."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from jobs.fold.fold import Fold, FoldRules
from schemas.actions import Action, Requirement, Treatment
from schemas.codec import DECISION, EVENT
from schemas.decisions import Decision
from schemas.events import Event
from schemas.limits import CLAIMANTS_MAX, DAY_MS, HOUR_MS, MINUTE_MS, PARTS_MAX
from schemas.policy import Placement, Policy
from schemas.state.inputs import Claim, Transfer
from schemas.state.person import PERSON_STATE, PersonState, Unit
from tests.builders import (
    NOON,
    make_catalogue,
    make_event,
    make_knowledge,
    make_record,
    track,
    track_all,
)
from tests.contracts.test_rooms import UNORDERED, differing, events_of
from udfs.decide import decide
from udfs.knowledge.knowledge import Knowledge
from udfs.merge_visitors import give_state, take_state
from udfs.policy.compile_policy import compile_policy

KNOWLEDGE = make_knowledge(*make_catalogue())
RULES = FoldRules(EVENT.decode, "seed")
UNDECIDED = RULES._replace(decides=lambda _: False)
EVERYTHING = ("personalisation", "analytics", "advertising")


def fold(
    events: list[Event], knowledge: Knowledge = KNOWLEDGE, rules: FoldRules = UNDECIDED
) -> tuple[Fold, list[Decision], list[str]]:
    """All of it in the order of time, what was written, and what was counted."""
    folded = Fold(knowledge, rules)
    log = sorted(events, key=lambda one: one.event_time_ms)
    steps = list(folded.run(make_record(one, n) for n, one in enumerate(log)))
    made = [one for step in steps for one in step.outputs if isinstance(one, Decision)]
    return folded, made, [name for step in steps for name in step.counts]


def does(visitor: str, minute: float, event_type: str = "product_viewed", **more: Any) -> Event:
    """Something that happens on a device, in its one session unless it says otherwise."""
    fields = {
        "event_id": f"{visitor}-{minute}-{event_type}", "event_type": event_type, "anonymous_id": visitor,
        "session_id": f"s-{visitor}", "event_time_ms": NOON + int(minute * MINUTE_MS),
    }  # fmt: skip
    if event_type == "product_viewed":
        fields["item_ids"] = ["i1"]
    return make_event(**(fields | more))


def signs_in(visitor: str, minute: float, person: str = "ada", **more: Any) -> Event:
    return does(visitor, minute, "identified", person_id=person, **more)


# --- as if there had been one id from the start -------------------------------------------------


def device(name: str, seed: int, count: int) -> list[Event]:
    """What a visitor does in several visits of one device, without consent, whose merge is of another kind; then they sign in."""
    chance = random.Random(f"{name}{seed}")
    found, visit = [], 0
    for one in events_of(name, seed, count, UNORDERED):
        visit += chance.random() < 0.2
        kind = (
            "product_viewed"
            if one.event_type in ("identified", "consent_changed")
            else one.event_type
        )
        found.append(
            replace(
                one, event_type=kind, person_id=None, consent=None, context=None, session_id=f"{name}-{visit}",
                item_ids=(f"i{chance.randrange(20)}",),
            )
        )  # fmt: skip
    last = found[-1]
    return [*found, replace(last, event_id=f"{name}-in", event_type="identified", event_time_ms=last.event_time_ms + 1, person_id="ada")]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 300), st.integers(1, 9), st.integers(1, 9))
def test_the_merged_state_is_as_if_there_had_been_one_id_from_the_start(
    seed: int, first: int, second: int
) -> None:
    events = device("laptop", seed, first) + device("phone", seed, second)
    as_one, as_two = fold([replace(one, anonymous_id="one") for one in events])[0], fold(events)[0]
    together, merged = as_one.members["ada"], as_two.members["ada"]
    # a visit that is open beside the one in which they sign in ends as the visitor's, for the next claim
    merged.session_count += sum(one.session_count for one in as_two.visitors.values())
    together.session_count += sum(one.session_count for one in as_one.visitors.values())
    # what is shown of a cart that both filled is the shop's to say; which device comes first names the unit
    assert differing(merged, together) <= {"joined", "unit", "cart", "cart_since_ms", "before"}
    assert merged.cart.keys() == together.cart.keys()
    assert merged.event_count == len(events)


def test_older_visits_come_too_however_long_ago() -> None:
    events = [
        does("laptop", 0), does("laptop", 9 * DAY_MS / MINUTE_MS, session_id="later"),
        signs_in("laptop", 20 * DAY_MS / MINUTE_MS, session_id="latest"),
    ]  # fmt: skip
    state = fold(events)[0].members["ada"]
    assert (state.first_ms, state.session_count, state.event_count) == (NOON, 2, 3)
    assert state.is_identified


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(4)), st.integers(0, 50))
def test_transfers_may_come_in_any_order_and_again(order: list[int], seed: int) -> None:
    transfers = [transfer_of(f"v{n}", seed + n) for n in range(4)]

    def after(line: list[Transfer]) -> PersonState:
        state: PersonState | None = None
        for one in line:
            state = take_state(state, one, KNOWLEDGE, "seed").state
            state = PERSON_STATE.decode(PERSON_STATE.encode(state)) if state else None
        assert state is not None
        return state

    expected = after(transfers)
    mixed = [transfers[n] for n in order]
    assert differing(after(mixed), expected) <= {"before"}
    assert after([*transfers, *mixed]) == expected, "each was merged before"
    assert after([one for one in mixed for _ in range(2)]) == after(mixed)


def transfer_of(visitor: str, seed: int) -> Transfer:
    events = [
        replace(one, person_id=None, consent=None, context=None)
        for one in events_of(visitor, seed, 6, ("product_viewed",))
    ]
    state = fold(events)[0].visitors[visitor]
    claim = claim_of(signs_in(visitor, 3 * DAY_MS / MINUTE_MS + seed))
    (transfer,) = [one for one in give_state(state, claim, KNOWLEDGE, "seed").outputs if isinstance(one, Transfer)]  # fmt: skip
    return transfer


def claim_of(event: Event) -> Claim:
    claim = track(None, event).outputs[0]
    assert isinstance(claim, Claim)
    return claim


# --- what is claimed ----------------------------------------------------------------------------


def claims(*events: Event) -> list[tuple[str, str, bool]]:
    state, found = None, []
    for event in events:
        result = track(state, event)
        state = result.state
        found += [(one.person, one.member, one.is_own) for one in result.outputs if isinstance(one, Claim)]  # fmt: skip
    return found


def test_who_signs_in_claims_the_visitor_and_what_lies_of_themselves() -> None:
    assert claims(does("v", 0), signs_in("v", 1)) == [("v", "ada", False), ("ada", "ada", True)]
    assert claims(signs_in("v", 0)) == [("v", "ada", False), ("ada", "ada", True)], (
        "with no visit open"
    )


def test_who_is_signed_in_already_claims_nothing() -> None:
    assert len(claims(signs_in("v", 0), signs_in("v", 1), does("v", 2))) == 2


def test_another_person_claims_what_is_left_for_them() -> None:
    for between in ([does("v", 1, "signed_out")], []):
        found = claims(signs_in("v", 0), *between, signs_in("v", 2, "bob"))
        assert found[2:] == [("v", "bob", False), ("bob", "bob", True)]


def test_a_visitor_whose_id_changed_within_the_visit_is_claimed_under_both() -> None:
    renamed = replace(signs_in("w", 1), session_id="s-v")
    assert claims(does("v", 0), renamed)[:2] == [("v", "ada", False), ("w", "ada", False)]


def test_the_first_news_behind_claims_awaits_their_transfers() -> None:
    _, news, _ = track_all([does("v", 0), signs_in("v", 1), does("v", 2)])
    assert [(one.kind, one.is_member, len(one.awaits)) for one in news] == [
        ("event", False, 0), ("handover", True, 2), ("event", True, 0), ("event", True, 0),
    ]  # fmt: skip


def test_a_session_of_before_asks_once_for_what_lies_of_its_person() -> None:
    """A checkpoint of before there were claims: somebody is signed in, and their state lies with the visitors."""
    before = track(None, signs_in("v", 0)).state
    assert before is not None
    before.has_claimed = False
    first = track(before, does("v", 1))
    assert [one.is_own for one in first.outputs if isinstance(one, Claim)] == [True]
    assert len(first.news[0].awaits) == 1
    assert not any(isinstance(one, Claim) for one in track(first.state, does("v", 2)).outputs)


def test_a_state_of_before_is_the_persons_with_all_that_stands() -> None:
    old = PersonState(
        NOON, NOON, timer_ms=2 * NOON, is_identified=True, purchase_count=3, event_count=9
    )
    folded = Fold(KNOWLEDGE, UNDECIDED)
    folded.visitors["ada"] = old
    list(folded.run([make_record(signs_in("v", 1))]))
    state = folded.members["ada"]
    assert (state.purchase_count, state.event_count) == (3, 10)
    assert state.unit == Unit("ada", True, NOON), "its arms were drawn from its own id"
    assert "ada" not in folded.visitors


def test_a_visitor_who_is_called_like_a_person_is_somebody_else() -> None:
    folded, _, _ = fold([does("ada", 0), does("ada", 1), does("v", 0), signs_in("v", 2)])
    assert folded.visitors["ada"].event_count == 2
    assert folded.members["ada"].event_count == 2


def test_who_signs_in_under_the_name_of_their_device_moves_all_the_same() -> None:
    folded, _, _ = fold([does("v", 0), signs_in("v", 1, "v"), does("v", 2)])
    assert folded.members["v"].event_count == 3
    assert folded.visitors["v"].event_count == 0


# --- two people on one device -------------------------------------------------------------------


def test_the_next_person_on_a_device_gets_only_what_was_done_since() -> None:
    events = [
        does("v", 0), does("v", 1, "profile_updated", attribute="tier", value="gold"), signs_in("v", 2),
        does("v", 3, item_ids=["i2"]), does("v", 4, "signed_out"), does("v", 5, item_ids=["i3"]), signs_in("v", 6, "bob"),
    ]  # fmt: skip
    folded, _, _ = fold(events)
    ada, bob = folded.members["ada"], folded.members["bob"]
    assert list(ada.recent_items) == ["i1", "i2"]
    assert ada.statements == {"tier": "gold"}
    assert list(bob.recent_items) == ["i3"]
    assert (bob.statements, bob.first_ms) == ({}, NOON + 5 * MINUTE_MS)
    assert folded.visitors["v"].recent_items == {}


def test_what_somebody_said_of_consent_is_not_the_next_persons_nor_theirs_again() -> None:
    events = [
        does("v", 0, consent=()), signs_in("v", 1), does("v", 2, consent=EVERYTHING), does("v", 3, "signed_out"),
        does("v", 4), signs_in("v", 5), does("v", 6, "signed_out"), signs_in("v", 7, "bob"),
    ]  # fmt: skip
    folded, _, _ = fold(events)
    assert folded.members["ada"].consent.purposes == tuple(sorted(EVERYTHING))
    assert folded.members["bob"].consent.purposes is None
    assert folded.visitors["v"].consent.purposes == (), "the device goes on without"


def test_the_stricter_consent_holds_for_who_signs_in() -> None:
    """A visitor who refuses takes their refusal along, and one who was granted less gives nothing else."""
    folded, _, _ = fold([does("v", 0, item_ids=["i9"], consent=()), signs_in("v", 1)])
    ada = folded.members["ada"]
    assert (ada.consent.purposes, ada.recent_items) == ((), {})


def test_a_device_that_many_share_gives_nothing_personal_any_more() -> None:
    events = []
    for n in range(CLAIMANTS_MAX + 1):
        events += [does("v", 10 * n, item_ids=[f"i{n}"]), signs_in("v", 10 * n + 1, f"p{n}"), does("v", 10 * n + 2, "signed_out")]  # fmt: skip
    folded, _, counts = fold(events)
    assert [list(folded.members[f"p{n}"].recent_items) for n in range(CLAIMANTS_MAX)] == [
        [f"i{n}"] for n in range(CLAIMANTS_MAX)
    ]
    assert folded.members[f"p{CLAIMANTS_MAX}"].recent_items == {}
    assert counts.count("transfers_capped") == 1


def test_a_device_is_shared_only_within_thirty_days() -> None:
    events = []
    for n in range(CLAIMANTS_MAX + 1):
        at = n * 31 * DAY_MS / MINUTE_MS / CLAIMANTS_MAX
        events += [
            does("v", at, session_id=f"s{n}"),
            signs_in("v", at + 1, f"p{n}", session_id=f"s{n}"),
        ]
    folded, _, counts = fold(events)
    assert folded.members[f"p{CLAIMANTS_MAX}"].recent_items
    assert "transfers_capped" not in counts


def test_one_person_from_more_devices_than_anybody_has_takes_nothing_personal_of_the_rest() -> None:
    events = [
        one for n in range(PARTS_MAX + 9) for one in (does(f"v{n}", n), signs_in(f"v{n}", n + 0.5))
    ]
    folded, _, counts = fold(events)
    ada = folded.members["ada"]
    assert counts.count("transfers_capped") == 9
    assert counts.count("persons_merged") == PARTS_MAX + 9
    assert ada.event_count == 2 * PARTS_MAX + 9
    assert len(ada.joined) == PARTS_MAX * 12


# --- decisions ----------------------------------------------------------------------------------


def offering(**more: Any) -> Knowledge:
    """A policy that gives a discount on the first order."""
    offer = Action(
        "first_order", "offer", ("home",), (Treatment("t"),), prior=0.9, value=9.0, valid_ms=HOUR_MS,
        eligibility=(Requirement("new", "person.purchase_count == 0"),),
    )  # fmt: skip
    policy = Policy(
        placements=(Placement("home", event_types=("page_viewed",)),), actions=(offer,), **more
    )
    knowledge = make_knowledge(*make_catalogue())
    knowledge.add_policy("p", 1, 0, compile_policy(policy))
    return knowledge


def page(visitor: str, minute: float, **more: Any) -> Event:
    return does(visitor, minute, "page_viewed", placements=["home"], **more)


def test_a_first_order_discount_is_gone_on_the_laptop_once_they_have_bought_on_the_phone() -> None:
    """Scenario 5, and the same where the purchase was made before they signed in on the phone."""
    bought = does("phone", 3, "purchase_completed", item_ids=["i1"], value_amount=9.0)
    for signed_in_ms in (2, 3.5):
        events = [
            page("laptop", 0), signs_in("laptop", 1), page("laptop", 1.5), bought,
            does("phone", 1), signs_in("phone", signed_in_ms), page("laptop", 4),
        ]  # fmt: skip
        _, made, _ = fold(events, offering(), RULES)
        chosen = [(one.person, one.action_id) for one in made if one.kind == "decided"]
        assert chosen[:2] == [("laptop", "first_order"), ("ada", "first_order")]
        assert chosen[-1][0] == "ada"
        assert chosen[-1][1] != "first_order"


def test_decisions_of_the_visitor_are_void_once_somebody_signs_in() -> None:
    _, made, counts = fold([page("v", 0), signs_in("v", 1), page("v", 2)], offering(), RULES)
    assert [(one.kind, one.person) for one in made] == [
        ("decided", "v"),
        ("void", "v"),
        ("decided", "ada"),
    ]
    decided, void, _ = made
    assert (void.placement, void.sequence > decided.sequence) == ("home", True)
    assert (void.content, void.items, void.valid_until_ms) == ({}, (), NOON + MINUTE_MS)
    assert counts.count("decisions_void") == 1
    assert DECISION.decode(DECISION.encode(void)) == void


def test_what_does_not_stand_any_more_is_not_taken_back() -> None:
    later = 2 * HOUR_MS / MINUTE_MS
    _, made, _ = fold([page("v", 0), signs_in("v", later, session_id="s2")], offering(), RULES)
    assert [one.kind for one in made] == ["decided"]


@pytest.mark.parametrize("is_merging", [False, True])
def test_a_decision_says_that_something_of_the_person_is_not_here_yet(is_merging: bool) -> None:
    (news,) = track(None, page("v", 0), offering()).news
    result = decide(None, replace(news, is_merging=is_merging), offering(), "seed")
    assert [one.is_merging for one, _ in result.decisions] == [is_merging]
