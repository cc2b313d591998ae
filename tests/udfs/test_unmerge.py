"""What was joined wrongly is split again: the visitor is who did it all, and the person goes on as if it had never come."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.actions import Action, Requirement, Treatment
from schemas.decisions import Decision
from schemas.erasures import ErasureKey, erasure_record
from schemas.events import ERASURE_REQUESTED, TRUE, UNMERGE, Event
from schemas.limits import (
    DAY_MS,
    HOUR_MS,
    MERGES_KEPT_MS,
    MINUTE_MS,
    PERSON_EXPIRY_MS,
    UNMERGE_KEPT,
)
from schemas.policy import Placement, Policy
from schemas.state.consent import NO_CONSENT
from schemas.state.inputs import CLAIM, TRANSFER, Claim, Transfer
from schemas.state.person import PERSON_STATE, PersonState
from tests.builders import NOON, make_catalogue, make_knowledge, track, track_all
from tests.contracts.test_rooms import TYPES, UNORDERED, differing, events_of, grown, someone
from tests.udfs.test_merge_visitors import EVERYTHING, RULES, does, fold, page, signs_in
from udfs.decide import decide
from udfs.facts.joins import encoded
from udfs.knowledge.erasures import Erasures
from udfs.knowledge.knowledge import Knowledge
from udfs.merge_visitors import give_state, take_state
from udfs.policy.compile_policy import compile_policy

KNOWLEDGE = make_knowledge(*make_catalogue())
SAYS_SO = {UNMERGE: TRUE}
SINCE_MS = 3 * DAY_MS
PEOPLE = st.integers(0, 300)


def splits(visitor: str, minute: float, **more: Any) -> Event:
    """A page says that whoever is here is not who is signed in."""
    return does(visitor, minute, "signed_out", properties=SAYS_SO, **more)


def server_splits(visitor: str, minute: float, person: str = "ada", **more: Any) -> Event:
    """A server says so in a session of its own."""
    return splits(visitor, minute, person_id=person, session_id="server", **more)


# --- both are given back --------------------------------------------------------------------------


def known(number: int, **more: Any) -> PersonState:
    """Somebody with a history who has not been joined with anybody."""
    state = someone(number)
    alone: dict[str, Any] = {
        "consent": NO_CONSENT, "claimed": {}, "joined": b"", "gave": [], "before": [], "placed": {},
        "is_identified": False, "timer_ms": state.last_ms + PERSON_EXPIRY_MS,
    }  # fmt: skip
    return replace(state, **(alone | more))


def again(state: PersonState) -> PersonState:
    return PERSON_STATE.decode(PERSON_STATE.encode(state))


def claim_of(number: int, *, is_undone: bool, member: str = "ada") -> Claim:
    """What the session of a device asks its visitor, on the third day."""
    event = does("v", SINCE_MS / MINUTE_MS + number, "signed_out" if is_undone else "identified")
    transfer_id = bytes([is_undone, number]) * 4
    return Claim("claim", "v", event.event_time_ms, "s", number, member, transfer_id, event, is_undone=is_undone)  # fmt: skip


def gives(state: PersonState | None, claim: Claim) -> tuple[PersonState | None, Transfer]:
    result = give_state(state, CLAIM.decode(CLAIM.encode(claim)), KNOWLEDGE, "seed")
    (transfer,) = [one for one in result.told if isinstance(one, Transfer)]
    return result.state, TRANSFER.decode(TRANSFER.encode(transfer))


def takes(state: PersonState | None, transfer: Transfer) -> PersonState | None:
    return take_state(state, transfer, KNOWLEDGE, "seed").state


@settings(max_examples=30, deadline=None)
@given(PEOPLE, PEOPLE, st.booleans())
def test_unmerge_gives_back_both(one: int, other: int, is_known: bool) -> None:
    """Byte by byte where nothing has happened since, but that the visitor was heard of by it."""
    visitor, person = known(one), known(other, is_identified=True) if is_known else None
    before = encoded(visitor), encoded(person) if person else None
    left, transfer = gives(visitor, claim_of(0, is_undone=False))
    joined = takes(person, transfer)
    assert joined is not None
    assert joined.event_count >= visitor.event_count
    restored, undone = gives(left, claim_of(1, is_undone=True))
    assert restored is not None
    restored.last_ms, restored.timer_ms = visitor.last_ms, visitor.timer_ms
    found = takes(joined, undone)
    assert (encoded(restored), encoded(found) if found else None) == before


@settings(max_examples=40, deadline=None)
@given(PEOPLE, PEOPLE, PEOPLE)
def test_what_has_happened_since_stays_with_the_person(one: int, other: int, later: int) -> None:
    """As if it had never come: with the carts, purchases, refunds, limits and leanings of since."""
    since = [
        replace(event, event_time_ms=event.event_time_ms + SINCE_MS + DAY_MS, consent=None, context=None, properties={})
        for event in events_of("since", later, 8, TYPES)
    ]  # fmt: skip
    visitor, person = known(one + 1000), known(other, is_identified=True, facts=[])
    expected = grown("ada", *since, state=again(person))
    has_bought = visitor.last_purchase_ms is not None
    left, transfer = gives(visitor, claim_of(0, is_undone=False))
    joined = takes(person, transfer)
    assert joined is not None
    now = again(grown("ada", *since, state=joined))
    found = takes(now, gives(left, claim_of(1, is_undone=True))[1])
    assert found is not None
    # when a cart that both filled was filled first is not kept; what was decided since is void; a cart that the visitor's purchase had emptied is filled again
    void, filled = {"placed", "sequence"}, {"cart_since_ms", *["cart"] * has_bought}
    assert differing(found, expected) <= {"timer_ms", *void, *filled}
    assert found.event_count == person.event_count + 8


@settings(max_examples=30, deadline=None)
@given(PEOPLE, PEOPLE)
def test_the_visitor_is_who_did_it_all(one: int, later: int) -> None:
    since = [
        replace(
            event, event_time_ms=event.event_time_ms + SINCE_MS, consent=None, context=None, properties={},
        )
        for event in events_of("since", later, 6, UNORDERED)
    ]  # fmt: skip
    expected = grown("v", *since, state=again(known(one)))
    left, _ = gives(known(one), claim_of(0, is_undone=False))
    assert left is not None
    found, _ = gives(grown("v", *since, state=left), claim_of(1, is_undone=True))
    assert found is not None
    # of an item that was put into the cart twice the later line counts, as in every merge
    heard = {"last_ms", "timer_ms", "claimed", "cart", "cart_since_ms", "placed", "facts"}
    assert differing(found, expected) <= heard
    assert (found.cart.keys(), found.gave) == (expected.cart.keys(), [])
    assert {one.id_hash for one in found.facts} == {one.id_hash for one in expected.facts}


def test_who_signs_in_next_gets_what_the_visitor_did() -> None:
    events = [
        does("v", 0), does("v", 1, "profile_updated", attribute="tier", value="gold"), signs_in("v", 2),
        does("v", 3, item_ids=["i2"]), splits("v", 4), does("v", 5, item_ids=["i3"]), signs_in("v", 6, "bob"),
    ]  # fmt: skip
    folded, _, counts = fold(events)
    ada, bob = folded.members["ada"], folded.members["bob"]
    assert (list(ada.recent_items), ada.statements) == (["i2"], {})
    assert (list(bob.recent_items), bob.statements) == (["i1", "i3"], {"tier": "gold"})
    assert (bob.first_ms, ada.first_ms) == (NOON, NOON + 2 * MINUTE_MS)
    assert counts.count("persons_unmerged") == 1
    assert (ada.unit is not None and ada.unit.id, bob.unit is not None and bob.unit.id) == ("ada", "v")  # fmt: skip


@pytest.mark.parametrize("says", [splits, server_splits])
def test_a_person_with_a_history_keeps_it(says: Any) -> None:
    """On the fold, from the page in the very session or from a server: all is as if the device had done nothing before."""
    theirs = [does("phone", 0, item_ids=["i5"]), signs_in("phone", 1), does("phone", 40, item_ids=["i6"])]  # fmt: skip
    wrong = [does("v", 10), does("v", 11, "purchase_completed", item_ids=["i7"], value_amount=9.0)]
    since = [signs_in("v", 20), does("v", 21, item_ids=["i8"]), says("v", 60)]
    split, as_expected = fold(theirs + wrong + since)[0], fold(theirs + since)[0]
    found, expected = split.members["ada"], as_expected.members["ada"]
    assert differing(found, expected) <= {"joined", "last_ms", "timer_ms", "before"}
    assert found.purchase_count == 0
    assert split.visitors["v"].purchase_count == 1
    assert list(split.visitors["v"].recent_items) == ["i1", "i7"]


def test_a_session_that_is_the_persons_is_signed_out_and_one_that_is_not_goes_on() -> None:
    folded, _, _ = fold([does("v", 0), signs_in("v", 1), splits("v", 2), does("v", 3)])
    assert not folded.sessions["s-v"].is_identified
    events = [
        does("v", 0), signs_in("v", 1), does("w", 0), signs_in("w", 1, "bob"),
        splits("v", 2, person_id="ada", session_id="s-w"), does("w", 3, item_ids=["i4"]),
    ]  # fmt: skip
    folded, _, counts = fold(events)
    assert folded.sessions["s-w"].person == "bob"
    assert "i4" in folded.members["bob"].recent_items
    assert "persons_unmerged" in counts


def test_the_transfer_is_awaited_by_news_of_the_person() -> None:
    """So live, replay and fold take it in one place: by the person's own news, or by news that says nothing else."""
    results = track_all([signs_in("v", 1), splits("v", 2)])[1]
    (own,) = [one for one in results if one.event is not None and one.event.properties]
    assert (own.person, own.kind, len(own.awaits), bool(own.context)) == ("ada", "event", 1, True)
    result = track(None, server_splits("v", 2, placements=["home"], consent=EVERYTHING))
    claim, alone, ours = result.told
    assert isinstance(claim, Claim)
    assert (claim.person, claim.member, claim.is_undone) == ("v", "ada", True)
    assert alone.awaits == (claim.transfer_id,)  # type: ignore[union-attr]  # news
    assert claim.position < alone.position < ours.position
    assert (alone.person, alone.is_member, alone.context) == ("ada", True, b"")  # type: ignore[union-attr]
    event = alone.event
    assert event is not None
    assert (event.placements, event.consent) == ((), None)
    assert event.event_id != ours.event.event_id, "what is decided on the event is not theirs"  # type: ignore[union-attr]


def test_news_of_it_alone_is_no_event_of_the_person() -> None:
    state = known(1)
    before = PERSON_STATE.encode(state)
    (alone, _) = track(None, server_splits("v", 2)).news
    assert decide(None, alone, KNOWLEDGE, "seed") == (None, (), None, ())
    assert decide(state, alone, KNOWLEDGE, "seed").state is state
    assert PERSON_STATE.encode(state) == before


# --- what is none, or not any more ----------------------------------------------------------------


def test_an_event_twice_changes_nothing_the_second_time() -> None:
    once = [does("v", 0), signs_in("v", 1), does("v", 2, item_ids=["i2"]), server_splits("v", 3)]
    twice = [*once, server_splits("v", 4, event_id="again")]
    one, other = fold(once)[0], fold(twice)[0]
    assert one.members["ada"] == other.members["ada"]
    assert one.visitors["v"].recent_items == other.visitors["v"].recent_items == {"i1": NOON}
    assert fold(twice)[2].count("unmerge_too_late") == 1


def test_an_undone_transfer_that_comes_again_or_late_changes_nothing() -> None:
    left, transfer = gives(known(1), claim_of(0, is_undone=False))
    joined = takes(known(2), transfer)
    _, undone = gives(left, claim_of(1, is_undone=True))
    once = takes(joined, undone)
    assert once is not None
    data = PERSON_STATE.encode(once)
    twice = takes(once, undone)
    assert twice is not None
    assert PERSON_STATE.encode(twice) == data
    assert takes(None, undone) is None, "of somebody unknown there is nothing to split"


def test_a_person_who_is_named_wrongly_loses_nothing_and_nobody_is_made_of_the_name() -> None:
    events = [does("v", 0), signs_in("v", 1), does("w", 0), signs_in("w", 1, "eve")]
    before, after = fold(events)[0], fold([*events, server_splits("v", 2, "eve"), server_splits("v", 3, "nobody")])  # fmt: skip
    assert after[0].members == before.members
    assert after[2].count("unmerge_too_late") == 2
    assert "persons_unmerged" not in after[2]


def test_signing_in_with_nothing_before_can_be_undone_and_takes_nothing() -> None:
    events = [does("p", 0), signs_in("p", 1), signs_in("v", 2), does("v", 3), splits("v", 4)]
    folded, _, counts = fold(events)
    assert folded.members["ada"].event_count == 5
    assert "unmerged_bare" not in counts


def test_after_thirty_days_nothing_is_split_any_more() -> None:
    late = MERGES_KEPT_MS / MINUTE_MS + 3
    events = [does("v", 0), signs_in("v", 1), signs_in("phone", late), server_splits("v", late + 1)]
    folded, _, counts = fold(events)
    assert "i1" in folded.members["ada"].recent_items
    assert counts.count("unmerge_too_late") == 1
    assert folded.members["ada"].before == []


def test_where_what_was_given_is_not_kept_any_more_what_holds_without_personalisation_stays() -> (
    None
):
    events = []
    for n in range(UNMERGE_KEPT + 1):
        person = "ada" if not n else f"p{n}"
        events += [does("v", 10 * n, item_ids=[f"i{n}"]), signs_in("v", 10 * n + 1, person), does("v", 10 * n + 2, "signed_out")]  # fmt: skip
    others = [
        one for n in range(UNMERGE_KEPT) for one in (does(f"w{n}", 50 + n), signs_in(f"w{n}", 51 + n))
    ]  # fmt: skip
    said = does("w0", 59, "consent_changed", consent=("personalisation", "email"))
    folded, _, counts = fold([*events, *others, said, server_splits("v", 60)])
    ada = folded.members["ada"]
    assert (ada.recent_items, ada.event_count) == ({}, 0)
    assert all(one.is_bare for one in ada.before)
    assert ada.consent.purposes == ("email", "personalisation"), "what they have said since stays"
    assert (counts.count("unmerged_bare"), counts.count("unmerge_too_late")) == (1, 1)
    assert "persons_unmerged" not in counts


def test_of_several_gifts_each_event_takes_the_newest_back() -> None:
    events = [
        does("v", 0, item_ids=["i1"]), signs_in("v", 1), does("v", 2, "signed_out"),
        does("v", 3, item_ids=["i2"]), signs_in("v", 4), server_splits("v", 5),
    ]  # fmt: skip
    folded, _, _ = fold(events)
    assert list(folded.members["ada"].recent_items) == ["i1"]
    assert list(folded.visitors["v"].recent_items) == ["i2"]
    folded, _, _ = fold([*events, server_splits("v", 6, event_id="again")])
    assert list(folded.members["ada"].recent_items) == []
    assert list(folded.visitors["v"].recent_items) == ["i1", "i2"]


def test_a_device_that_was_joined_later_stays_and_can_be_split_as_well() -> None:
    events = [
        does("v", 0, item_ids=["i1"]), signs_in("v", 1), does("w", 2, item_ids=["i2"]), signs_in("w", 3),
        does("w", 4, item_ids=["i3"]), server_splits("v", 5),
    ]  # fmt: skip
    ada = fold(events)[0].members["ada"]
    assert list(ada.recent_items) == ["i2", "i3"]
    (kept,) = ada.before
    assert list(PERSON_STATE.decode(kept.state).recent_items) == [], "it is split off what they were before, too"  # fmt: skip
    ada = fold([*events, server_splits("w", 6, event_id="other")])[0].members["ada"]
    assert list(ada.recent_items) == ["i3"]


def test_a_browsers_key_splits_nobody_but_who_is_signed_in_there() -> None:
    page = {"is_unproven": True, "properties": SAYS_SO}
    state = track(None, signs_in("v", 1)).state
    foreign = track(state, does("v", 2, "signed_out", person_id="bob", **page))
    assert not any(isinstance(one, Claim) for one in foreign.outputs)
    own = track(track(None, signs_in("v", 1)).state, does("v", 2, "signed_out", **page))
    assert [one.member for one in own.outputs if isinstance(one, Claim)] == ["ada"]
    unknown = track(None, does("v", 2, "signed_out", person_id="bob", **page))
    assert not any(isinstance(one, Claim) for one in unknown.outputs)


@pytest.mark.parametrize("said", ["", "false", "yes", "TRUE"])
def test_signing_out_alone_splits_nothing(said: str) -> None:
    events = [does("v", 0), signs_in("v", 1), does("v", 2, "signed_out", properties={UNMERGE: said} if said else {})]  # fmt: skip
    folded, _, counts = fold(events)
    assert "i1" in folded.members["ada"].recent_items
    assert not {"persons_unmerged", "unmerge_too_late"} & {*counts}


# --- consent and erasure --------------------------------------------------------------------------


def test_the_stricter_consent_is_each_ones_own_again() -> None:
    both = ("personalisation", "email")
    events = [
        does("phone", 0, item_ids=["i5"], consent=EVERYTHING), signs_in("phone", 1),
        does("v", 2, consent=both), signs_in("v", 3), does("v", 4, item_ids=["i6"]),
    ]  # fmt: skip
    ada = fold(events)[0].members["ada"]
    assert ada.consent.purposes == ("personalisation",)
    folded, _, _ = fold([*events, server_splits("v", 5)])
    ada = folded.members["ada"]
    assert ada.consent.purposes == tuple(sorted(EVERYTHING))
    assert list(ada.recent_items) == ["i5", "i6"]
    assert folded.visitors["v"].consent.purposes == tuple(sorted(both))


def test_a_refusal_that_was_the_devices_is_not_the_persons_any_more_though_what_it_purged_is_gone() -> None:  # fmt: skip
    events = [
        does("phone", 0, item_ids=["i5"], consent=EVERYTHING), signs_in("phone", 1), does("v", 2, consent=()), signs_in("v", 3),
    ]  # fmt: skip
    ada = fold(events)[0].members["ada"]
    assert (ada.consent.purposes, ada.recent_items) == ((), {})
    ada = fold([*events, server_splits("v", 4), does("phone", 5, item_ids=["i6"])])[0].members["ada"]  # fmt: skip
    assert (ada.consent.purposes, list(ada.recent_items)) == (tuple(sorted(EVERYTHING)), ["i6"])


CANARY = b"canary-of-the-other"


def canaries(events: list[Event], knowledge: Knowledge = KNOWLEDGE) -> tuple[bytes, bytes]:
    """What is kept of the visitor and of the person, after this."""
    folded, _, _ = fold(events, knowledge)
    visitor, person = folded.visitors.get("v"), folded.members.get("ada")
    return tuple(PERSON_STATE.encode(one) if one else b"" for one in (visitor, person))  # type: ignore[return-value]


def told(visitor: str, minute: float, **more: Any) -> Event:
    return does(visitor, minute, "profile_updated", attribute="tier", value=CANARY.decode(), **more)


WRONG = [told("v", 0), signs_in("v", 1), does("v", 2, "signed_out")]
OWN = [told("phone", 0), signs_in("phone", 1), does("v", 2), signs_in("v", 3)]


def test_the_canary_sings_while_it_is_kept() -> None:
    assert CANARY in canaries(WRONG)[0], "what the visitor gave"
    _, person = canaries(OWN)
    assert person.count(CANARY) == 2, "and what the person was before"


def test_withdrawn_consent_reaches_what_was_given_and_what_was_before() -> None:
    visitor, _ = canaries([*WRONG, does("v", 3, "consent_changed", consent=())])
    assert CANARY not in visitor
    _, person = canaries([*OWN, does("v", 4, "consent_changed", consent=())])
    assert CANARY not in person


def test_what_was_purged_since_does_not_come_back() -> None:
    folded, _, _ = fold(
        [*WRONG, does("v", 3, "consent_changed", consent=()), server_splits("v", 4)]
    )
    assert folded.visitors["v"].statements == {}
    assert folded.members["ada"].statements == {}


def test_an_erasure_of_either_leaves_nothing_of_it() -> None:
    asks = does("phone", 9, ERASURE_REQUESTED, person_id="ada")
    _, person = canaries([*OWN, asks])
    assert CANARY not in person
    visitor, _ = canaries([*WRONG, does("v", 3, ERASURE_REQUESTED)])
    assert CANARY not in visitor


def test_an_erasure_of_the_person_reaches_what_a_device_of_others_gave_them() -> None:
    asks = does("v", 3, ERASURE_REQUESTED, person_id="ada", session_id="server", properties={"keeps": "visitor"})  # fmt: skip
    folded, _, _ = fold([*WRONG, asks])
    assert folded.visitors["v"].gave == []
    assert CANARY not in PERSON_STATE.encode(folded.visitors["v"])


def test_what_was_given_to_who_is_on_the_list_is_not_given_back() -> None:
    key = ErasureKey(b"k" * 32)
    knowledge = Knowledge()
    knowledge.erasures = Erasures(key)
    knowledge.erasures.add(erasure_record(key, "person", "ada", NOON + 30 * DAY_MS))
    left, _ = gives(known(1), claim_of(0, is_undone=False))
    assert left is not None
    result = give_state(left, claim_of(1, is_undone=True), knowledge, "seed")
    assert result.state is not None
    assert (result.state.event_count, result.state.gave) == (0, [])


# --- decisions ------------------------------------------------------------------------------------


def shop() -> Knowledge:
    """A banner for who has looked at the first item, in any visit."""
    banner = Action(
        "again", "content", ("home",), (Treatment("t"),), prior=0.9, value=9.0, valid_ms=HOUR_MS,
        eligibility=(Requirement("seen", "'i1' in person.recent_items"),),
    )  # fmt: skip
    policy = Policy(
        placements=(Placement("home", event_types=("page_viewed",)),), actions=(banner,)
    )
    knowledge = make_knowledge(*make_catalogue())
    knowledge.add_policy("p", 1, 0, compile_policy(policy))
    return knowledge


def test_scenario() -> None:
    """A wrong link is undone: the person's next decision knows nothing of the device, who signs in there next does."""
    events = [
        does("v", 0), signs_in("v", 1), page("v", 2), splits("v", 3), page("v", 4),
        does("phone", 0), signs_in("phone", 5, item_ids=[]), page("phone", 6), signs_in("v", 7, "bob"), page("v", 8),
    ]  # fmt: skip
    events = [replace(one, item_ids=()) if one.session_id == "s-phone" else one for one in events]
    _, made, counts = fold(events, shop(), RULES)
    assert [(one.kind, one.person, one.action_id == "again") for one in made] == [
        ("decided", "ada", True), ("void", "ada", False), ("decided", "v", True), ("decided", "ada", False),
        ("void", "v", False), ("decided", "bob", True),
    ]  # fmt: skip
    assert counts.count("decisions_void") == 2
    of_ada = [one.sequence for one in made if one.person == "ada"]
    assert of_ada == sorted(set(of_ada)), "the store takes each of them"


def test_what_is_void_stands_no_more_and_what_is_decided_by_the_same_event_comes_after_it() -> None:
    """The store takes a decision of a placement only where its sequence is newer."""
    before = [does("v", 0), signs_in("v", 1), page("v", 2)]
    folded, made, _ = fold([*before, server_splits("v", 3)], shop(), RULES)
    assert [one.kind for one in made] == ["decided", "void"]
    assert folded.members["ada"].placed == {}
    made = fold([*before, splits("v", 3, placements=["home"])], shop(), RULES)[1]
    assert [(one.kind, one.person) for one in made] == [("decided", "ada"), ("void", "ada"), ("decided", "ada")]  # fmt: skip
    first, void, last = (one.sequence for one in made)
    assert first < void < last


def test_what_was_decided_before_the_join_stands() -> None:
    events = [
        signs_in("phone", 0), does("phone", 0.5), page("phone", 1), does("v", 2), signs_in("v", 3), server_splits("v", 4),
    ]  # fmt: skip
    folded, made, _ = fold(events, shop(), RULES)
    assert [one.kind for one in made] == ["decided"]
    assert list(folded.members["ada"].placed) == ["home"]


def test_an_unmerge_that_asks_for_a_decision_gets_one_without_what_was_split_off() -> None:
    events = [does("v", 0), signs_in("v", 1), splits("v", 2, placements=["home"])]
    made: list[Decision] = fold(events, shop(), RULES)[1]
    assert [(one.person, one.action_id == "again") for one in made] == [("ada", False)]
