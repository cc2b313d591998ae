"""What is agreed to: by the newest statement, of one moment by the stricter, of two people by the stricter."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.actions import Action, needs_of
from schemas.events import PURPOSES, purposes_from
from schemas.limits import CONSENT_TEXT_MAX, PLACEMENTS_PER_POLICY_MAX
from schemas.state.consent import NO_CONSENT, Consent
from schemas.state.person import PersonState
from tests.builders import NOON, make_event
from udfs.facts.consent import (
    EVERYTHING,
    agreed,
    forget_placed,
    later,
    place,
    stricter,
    told,
)

NOTHING: frozenset[str] = frozenset()
SOME = st.none() | st.lists(st.sampled_from(PURPOSES), unique=True)
MOMENTS = st.integers(NOON, NOON + 3)


def said(time_ms: int = NOON, **fields: Any) -> Consent:
    event_type = fields.pop("event_type", "consent_changed")
    return told(NO_CONSENT, make_event(event_type=event_type, event_time_ms=time_ms, **fields))


@st.composite
def statements(draw: st.DrawFn) -> Consent:
    properties = draw(
        st.sampled_from(({}, {"objection": "profiling"}, {"objection": "none"}, {"consent_source": "assumed"}))
    )  # fmt: skip
    gpc = draw(st.sampled_from((None, True, False)))
    return said(draw(MOMENTS), consent=draw(SOME), context={"gpc": gpc}, properties=properties)


def granted(consent: Consent, assumed: frozenset[str] = NOTHING) -> set[str]:
    return set(agreed(consent, assumed).granted)


def test_what_is_not_known_is_what_is_assumed_and_says_so() -> None:
    assert granted(NO_CONSENT) == {"profiling"}
    assert agreed(NO_CONSENT, NOTHING).said == "unknown"
    assert granted(NO_CONSENT, frozenset({"email"})) == {"profiling", "email"}
    assert agreed(said(consent=[]), EVERYTHING).said == "none"
    assert granted(said(consent=["sms"]), EVERYTHING) == {"profiling", "sms"}


def test_when_by_whom_and_to_which_text_is_kept() -> None:
    properties = {"text_version": "v" * 999, "source": "banner"}
    kept = said(NOON + 5, consent=["email", "analytics"], properties=properties)
    assert (kept.purposes, kept.said_ms) == (("analytics", "email"), NOON + 5)
    assert (kept.text_version, kept.source) == ("v" * CONSENT_TEXT_MAX, "banner")
    assert said(event_type="page_viewed", consent=[], properties=properties).source == ""


def test_an_event_that_says_nothing_changes_nothing() -> None:
    kept = said(consent=["email"])
    assert told(kept, make_event(event_time_ms=NOON + 9)) is kept
    assert told(kept, make_event(event_type="consent_changed", event_time_ms=NOON + 9)) == kept


def test_the_newer_holds_whichever_is_read_first() -> None:
    older, newer = said(NOON, consent=["email"]), said(NOON + 1, consent=["sms"])
    assert later(older, newer) == later(newer, older) == newer


def test_what_was_said_overrules_what_was_assumed() -> None:
    assumed = said(NOON + 1, consent=["email"], properties={"consent_source": "assumed"})
    refused = said(NOON, consent=[])
    assert granted(later(refused, assumed)) == granted(later(assumed, refused)) == {"profiling"}


def test_global_privacy_control_takes_advertising_back() -> None:
    asks = said(event_type="page_viewed", consent=list(PURPOSES), context={"gpc": True})
    assert granted(asks) == {*PURPOSES, "profiling"} - {"advertising"}
    ends = told(asks, make_event(event_time_ms=NOON + 1, context={"gpc": False}))
    assert granted(ends) == {*PURPOSES, "profiling"}
    assert granted(said(event_type="page_viewed", context={"gpc": True}), EVERYTHING) == granted(
        asks
    )


def test_who_objects_to_profiling_has_no_profile_until_they_take_it_back() -> None:
    objects = said(consent=list(PURPOSES), properties={"objection": "profiling"})
    assert granted(objects) == {*PURPOSES} - {"personalisation"}
    back = make_event(
        event_type="consent_changed", event_time_ms=NOON + 1, properties={"objection": ""}
    )
    assert granted(told(objects, back)) == {*PURPOSES, "profiling"}
    # a property of any other event is the sender's own affair
    assert not said(event_type="page_viewed", properties={"objection": "profiling"}).objects


@given(st.lists(statements(), min_size=1, max_size=4))
@settings(max_examples=150)
def test_statements_come_to_the_same_in_any_order(found: list[Consent]) -> None:
    def after(order: tuple[Consent, ...]) -> Consent:
        kept = NO_CONSENT
        for one in order:
            kept = later(kept, one)
        return kept

    assert len({after(order) for order in permutations(found)}) == 1


@given(statements(), statements(), statements())
@settings(max_examples=300)
def test_of_two_people_the_stricter_holds_in_any_order(a: Consent, b: Consent, c: Consent) -> None:
    assert stricter(a, b) == stricter(b, a)
    assert stricter(stricter(a, b), c) == stricter(a, stricter(b, c))
    assert stricter(a, a) == a
    assert stricter(stricter(a, b), b) == stricter(a, b)
    if None not in (a.purposes, b.purposes) and a.is_assumed == b.is_assumed:
        assert granted(stricter(a, b)) <= granted(a) & granted(b)
    assert stricter(a, NO_CONSENT) == a


@pytest.mark.parametrize(
    ("channel", "needs"),
    [
        (None, ("analytics",)), ("web", ("analytics",)), ("email", ("analytics", "email")),
        ("push", ("analytics", "push")), ("sms", ("analytics", "sms")), ("ads", ("analytics", "advertising")),
    ],
)  # fmt: skip
def test_a_channel_that_goes_out_to_people_needs_its_own(
    channel: str | None, needs: tuple[str, ...]
) -> None:
    counted = Action("a", "content", purposes=("analytics",))
    assert needs_of(counted, channel) == needs
    assert needs_of(Action("a", "content", purposes=("email",)), "email") == ("email",)
    assert needs_of(Action("a", "nothing"), channel) == ()


def test_what_stands_and_is_not_granted_is_taken_back_once() -> None:
    state = PersonState(NOON, NOON)
    place(state, "home", NOON + 10, ["personalisation"])
    place(state, "mail", NOON + 10, ["email"])
    place(state, "past", NOON, ["personalisation"])
    assert forget_placed(state, frozenset({"email"}), NOON) == ["home"]
    assert list(state.placed) == ["mail"]
    assert forget_placed(state, frozenset({"email"}), NOON) == []


def test_places_are_bounded() -> None:
    state = PersonState(NOON, NOON)
    for number in range(PLACEMENTS_PER_POLICY_MAX + 5):
        place(state, f"p{number}", NOON + 1, ())
    assert len(state.placed) == PLACEMENTS_PER_POLICY_MAX
    assert "p4" not in state.placed


@pytest.mark.parametrize(
    ("text", "purposes"),
    [
        ("", set()), ("none", set()), ("all", {*PURPOSES}), ("email", {"email"}),
        (" email , sms,", {"email", "sms"}),
    ],
)  # fmt: skip
def test_purposes_are_named_in_a_setting(text: str, purposes: set[str]) -> None:
    assert purposes_from(text) == purposes


@pytest.mark.parametrize("text", ["personalization", "all,email", "e-mail"])
def test_a_purpose_that_is_none_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is none of personalisation, analytics"):
        purposes_from(text)
