"""Links that are not certain: who somebody is perhaps counts as far as the policy says, and shares nothing that is known of either."""

from typing import Any

import msgspec
import pytest

from schemas.actions import Action, Limits, Treatment
from schemas.events import CONFIDENCE, TRUE, UNMERGE, Event
from schemas.limits import HOUR_MS, MINUTE_MS
from schemas.policy import Identity, Placement, Policy
from schemas.state.inputs import CLAIM, TRANSFER, Claim, Transfer
from tests.builders import NOON, make_catalogue, make_knowledge, track
from tests.udfs.test_merge_visitors import EVERYTHING, RULES, UNDECIDED, does, fold, page, signs_in
from udfs.knowledge.knowledge import Knowledge
from udfs.merge_visitors import give_state, take_state
from udfs.policy.compile_policy import compile_policy
from udfs.results import SessionResult


def shop(*versions: Identity, **more: Any) -> Knowledge:
    """Policies that link so, one after the other, an hour each; all offer something once."""
    offer = Action(
        "once", "offer", ("home",), (Treatment("t"),), prior=0.9, value=9.0, valid_ms=MINUTE_MS, limits=Limits(times=1),
    )  # fmt: skip
    knowledge = make_knowledge(*make_catalogue())
    for number, identity in enumerate(versions):
        policy = Policy(
            placements=(Placement("home", event_types=("page_viewed",)),), actions=(offer,), identity=identity, **more
        )  # fmt: skip
        from_ms = NOON + (number - 1) * HOUR_MS if number else 0
        knowledge.add_policy(f"p{number}", from_ms, number + 1, compile_policy(policy))
    return knowledge


def perhaps(
    visitor: str, minute: float, confidence: str, person: str = "ada", **more: Any
) -> Event:
    return signs_in(visitor, minute, person, properties={CONFIDENCE: confidence}, **more)


LIMITS = Identity(link_above=0.9)
ALL = Identity(link_above=0.9, allows="all")


# --- how sure it is -------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["nan", "NaN", "inf", "-0.1", "1.01", "2", "", "sure", "0,9", "1_0", "\uff11", "0x1", "1e400", " 0.9", "+0.9", "9e-1+", "0.9e+0", "9e9999"])  # fmt: skip
def test_what_is_no_number_from_0_to_1_is_refused(said: str) -> None:
    result = track(None, perhaps("v", 0, said), shop(ALL))
    assert result.counts == ("invalid_value",)
    assert [one.reason for one in result.dead_letters] == ["invalid_value"]
    assert "confidence" in result.dead_letters[0].message


@pytest.mark.parametrize(
    ("said", "links"),
    [("0.9", True), ("0.90", True), ("9e-1", True), (".95", True), ("1", True), ("1.0", True), ("0.8999999999", False), ("0", False), ("0.0", False)],
)  # fmt: skip
def test_the_threshold_itself_is_enough(said: str, links: bool) -> None:
    result = track(None, perhaps("v", 0, said), shop(ALL))
    assert result.state is not None
    assert result.state.is_identified is links
    assert result.counts.count("links_too_weak") == (not links)


@pytest.mark.parametrize("identity", [Identity(), LIMITS, ALL, Identity(0.0), Identity(0.0, "all")])
def test_a_certain_link_is_followed_whatever_the_policy_says(identity: Identity) -> None:
    for event in (signs_in("v", 1), perhaps("v", 1, "1.0"), perhaps("v", 1, "1")):
        folded, _, counts = fold([does("v", 0), event], shop(identity))
        assert list(folded.members["ada"].recent_items) == ["i1"]
        assert not {"links_too_weak", "limits_linked"} & {*counts}


def test_without_a_policy_only_what_is_certain_links() -> None:
    assert "links_too_weak" in track(None, perhaps("v", 0, "0.999")).counts
    assert "links_too_weak" not in track(None, perhaps("v", 0, "1.0")).counts


def test_of_two_policies_that_of_the_events_time_holds() -> None:
    knowledge = shop(Identity(), ALL, Identity(0.99, "all"))
    found = [
        (n, track(None, perhaps("v", n * 60 + extra, "0.95", session_id="s"), knowledge))
        for n, extra in ((0, -1), (0, 0), (1, -1 / MINUTE_MS), (1, 0))
    ]
    linked = [result.state.is_identified for _, result in found if result.state is not None]
    assert linked == [False, True, True, False]


# --- below the threshold --------------------------------------------------------------------------


def test_a_weak_link_links_nothing_and_counts_as_any_other_event() -> None:
    folded, _, counts = fold([does("v", 0), perhaps("v", 1, "0.5"), does("v", 2)], shop(LIMITS))
    visitor = folded.visitors["v"]
    assert (folded.members, visitor.event_count, visitor.is_identified) == ({}, 3, False)
    assert counts.count("links_too_weak") == 1
    folded, _, _ = fold([does("v", 0), perhaps("v", 1, "0.5"), signs_in("v", 2)], shop(LIMITS))
    assert folded.members["ada"].event_count == 3, "it does not stand in the way of a certain one"


def test_a_weak_link_does_not_end_the_visit_of_who_is_signed_in() -> None:
    for allowed in (LIMITS, ALL):
        folded, _, counts = fold([signs_in("v", 0, "bob"), perhaps("v", 1, "0.5"), does("v", 2)], shop(allowed))  # fmt: skip
        assert folded.sessions["s-v"].person == "bob"
        assert folded.members["bob"].event_count == 3
        assert "ada" not in folded.members
        assert counts.count("sessions_ended") == 0


# --- for limits -----------------------------------------------------------------------------------


def offered(visitor: str, minute: float, **more: Any) -> list[Event]:
    return [does(visitor, minute), page(visitor, minute + 0.1, **more)]


def chosen(events: list[Event], knowledge: Knowledge) -> list[tuple[str, bool]]:
    made = fold(events, knowledge, RULES)[1]
    return [(one.person, one.action_id == "once") for one in made if one.kind == "decided"]


def test_what_the_visitor_was_offered_counts_for_the_person_and_the_visit_stays_the_visitors() -> None:  # fmt: skip
    events = [*offered("v", 0), perhaps("v", 1, "0.93"), *offered("v", 2), signs_in("phone", 3), *offered("phone", 4)]  # fmt: skip
    assert chosen(events, shop(LIMITS))[-1] == ("ada", False)
    assert chosen(events, shop(Identity()))[-1] == ("ada", True), "without the link it is offered"
    folded, _, counts = fold(events[:-3], shop(LIMITS), RULES)
    assert folded.sessions["s-v"].person == "v"
    assert list(folded.visitors["v"].recent_items) == ["i1"]
    ada = folded.members["ada"]
    assert (ada.recent_items, ada.event_count, ada.is_identified, ada.unit) == ({}, 0, False, None)
    assert list(ada.actions) == ["once"]
    assert counts.count("limits_linked") == 1


def test_nothing_that_is_known_of_either_is_the_others() -> None:
    secret = b"canary-of-a-perhaps"
    told = does("v", 0, "profile_updated", attribute="tier", value=secret.decode())
    claim = claim_of(track(track(None, told, shop(LIMITS)).state, perhaps("v", 1, "0.93"), shop(LIMITS)))  # fmt: skip
    state = fold([told, does("v", 0.5, "purchase_completed", item_ids=["i3"], value_amount=9.0)], shop(LIMITS))[0].visitors["v"]  # fmt: skip
    given = [one.state for one in give_state(state, claim, shop(LIMITS), "seed").told if isinstance(one, Transfer)]  # fmt: skip
    assert given == [b""], "there was nothing that limits count"
    theirs = [does("phone", 0, item_ids=["i9"]), signs_in("phone", 1)]
    folded, _, _ = fold([*theirs, *offered("v", 2), perhaps("v", 3, "0.93"), page("v", 4)], shop(LIMITS), RULES)  # fmt: skip
    assert "i9" not in folded.visitors["v"].recent_items
    assert list(folded.members["ada"].recent_items) == ["i9"]
    assert folded.members["ada"].purchase_count == 0


def claim_of(result: SessionResult) -> Claim:
    (claim,) = [one for one in result.outputs if isinstance(one, Claim)]
    return CLAIM.decode(CLAIM.encode(claim))


def test_a_link_that_comes_again_changes_nothing() -> None:
    once = [signs_in("phone", 0), *offered("v", 1), perhaps("v", 2, "0.93")]
    again = [*once, perhaps("v", 3, "0.93"), perhaps("v", 4, "0.95")]
    one, other = (fold(events, shop(LIMITS), RULES)[0].members["ada"] for events in (once, again))
    one.last_ms, one.timer_ms = other.last_ms, other.timer_ms
    assert one == other


def test_the_person_waits_for_what_the_visitor_says() -> None:
    result = track(None, perhaps("v", 1, "0.93"), shop(LIMITS))
    claim, alone, own = result.told
    assert isinstance(claim, Claim)
    assert (claim.is_limits, claim.member, claim.is_undone) == (True, "ada", False)
    assert (alone.person, alone.awaits) == ("ada", (claim.transfer_id,))  # type: ignore[union-attr]
    assert (own.person, own.event.person_id) == ("v", None)  # type: ignore[union-attr]


def test_who_is_signed_in_as_the_person_asks_for_nothing() -> None:
    state = track(None, signs_in("v", 0), shop(LIMITS)).state
    assert not any(isinstance(one, Claim) for one in track(state, perhaps("v", 1, "0.93"), shop(LIMITS)).outputs)  # fmt: skip


def test_a_later_certain_sign_in_gives_all_of_it_once() -> None:
    events = [does("v", 0), does("v", 1, "purchase_completed", item_ids=["i3"], value_amount=9.0), perhaps("v", 2, "0.93"), signs_in("v", 3)]  # fmt: skip
    ada = fold(events, shop(LIMITS))[0].members["ada"]
    assert (ada.purchase_count, ada.purchase_value, list(ada.recent_items)) == (1, 9.0, ["i1", "i3"])  # fmt: skip


@pytest.mark.parametrize(
    ("own", "said", "expected"),
    [
        (EVERYTHING, (), ()),
        (EVERYTHING, ("personalisation", "email"), ("personalisation",)),
        ((), EVERYTHING, ()),
        (None, ("personalisation",), ("personalisation",)),
        (None, None, None),
    ],
)
def test_the_stricter_consent_holds_and_nothing_is_granted_by_it(
    own: tuple[str, ...] | None, said: tuple[str, ...] | None, expected: tuple[str, ...] | None
) -> None:
    events = [signs_in("phone", 0, consent=own), does("v", 1, consent=said), perhaps("v", 2, "0.93")]  # fmt: skip
    found = fold(events, shop(LIMITS))[0].members["ada"].consent.purposes
    assert found == expected
    knowledge = shop(LIMITS)
    knowledge.assumed = frozenset()
    found = fold(events, knowledge)[0].members["ada"].consent.purposes
    assert not found or own, "where nothing is assumed, nothing is granted on a visitor's word"


def test_an_erased_person_does_not_come_back_by_it() -> None:
    events = [
        signs_in("phone", 0), does("phone", 1, "erasure_requested", person_id="ada"), *offered("v", 2), perhaps("v", 3, "0.93"),
    ]  # fmt: skip
    ada = fold(events, shop(LIMITS), RULES)[0].members["ada"]
    assert (ada.actions, ada.parts) == ({}, b"")


def test_transfers_for_limits_are_read_as_they_were_written() -> None:
    state = fold(offered("v", 0), shop(LIMITS), RULES)[0].visitors["v"]
    claim = claim_of(track(None, perhaps("v", 1, "0.93"), shop(LIMITS)))
    (transfer,) = give_state(state, claim, shop(LIMITS), "seed").told
    assert isinstance(transfer, Transfer)
    read = TRANSFER.decode(TRANSFER.encode(transfer))
    assert read == transfer
    taken = take_state(None, read, shop(LIMITS), "seed")
    assert taken.state is not None
    assert list(taken.state.actions) == ["once"]


# --- for all of it --------------------------------------------------------------------------------


def test_where_the_policy_allows_all_it_is_as_a_certain_one() -> None:
    events = [does("v", 0), perhaps("v", 1, "0.93"), does("v", 2, item_ids=["i2"])]
    folded, _, _ = fold(events, shop(ALL), UNDECIDED)
    assert list(folded.members["ada"].recent_items) == ["i1", "i2"]
    undone = does("v", 3, "signed_out", properties={UNMERGE: TRUE})
    folded, _, _ = fold([*events, undone], shop(ALL), UNDECIDED)
    assert list(folded.members["ada"].recent_items) == ["i2"]


def test_the_policy_is_checked() -> None:
    for wrong in (-0.1, 1.1):
        with pytest.raises(msgspec.ValidationError, match=r"identity\.link_above"):
            policy_of({"link_above": wrong})
    with pytest.raises(msgspec.ValidationError, match=r"identity\.allows"):
        policy_of({"allows": "some"})
    with pytest.raises(msgspec.ValidationError, match="linkabove"):
        policy_of({"linkabove": 0.5})


def policy_of(identity: dict[str, Any]) -> Policy:
    return msgspec.convert({"identity": identity}, Policy)
