"""Bots, internal traffic and what else a policy ignores: nothing is kept, learnt or decided, and it is counted."""

from typing import Any

import msgspec
import pytest

from jobs.fold.fold import Fold, FoldRules
from schemas.codec import EVENT
from schemas.errors import PassedOver
from schemas.events import Context, Event
from schemas.own_events import NEVER_IGNORED
from schemas.policy import Policy
from tests.builders import NOON, make_catalogue, make_event, make_knowledge, make_record, track
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import PolicyError, compile_policy
from udfs.policy.vary_policy import has_other_compliance
from udfs.session.give_meaning import give_meaning

BOT = make_event(context=Context(device="bot"))
STAFF = make_event(properties={"internal": "true"})


def knowing(**policy: Any) -> Knowledge:
    knowledge = Knowledge()
    knowledge.add_policy("p", 0, 0, compile_policy(msgspec.convert(policy, Policy)))
    return knowledge


def is_ignored(event: Event, knowledge: Knowledge) -> bool:
    try:
        give_meaning(event, knowledge)
    except PassedOver:
        return True
    return False


@pytest.mark.parametrize("event", [BOT, STAFF])
def test_it_leaves_nothing_but_a_count(event: Event) -> None:
    result = track(None, event, knowing())
    assert (result.state, result.outputs) == (None, ())
    assert result.counts == ("events_ignored",)


def test_who_is_known_stays_as_they_are() -> None:
    known = track(None, make_event(event_id="before"), knowing()).state
    assert known is not None
    before = known.newest_ms, known.seen, known.context
    later = msgspec.structs.replace(BOT, event_time_ms=NOON + 60_000)
    after = track(known, later, knowing()).state
    assert after is not None
    assert (after.newest_ms, after.seen, after.context) == before


@pytest.mark.parametrize("event", [BOT, STAFF])
def test_a_policy_may_serve_all(event: Event) -> None:
    assert track(None, event, knowing(ignored=[])).counts == ("events",)
    assert track(None, event, Knowledge()).counts == ("events",), (
        "without a policy nothing is ignored"
    )


@pytest.mark.parametrize("event_type", sorted(NEVER_IGNORED))
def test_what_takes_something_back_is_always_heard(event_type: str) -> None:
    event = msgspec.structs.replace(BOT, event_type=event_type, person_id="p")
    assert not is_ignored(event, knowing())


@pytest.mark.parametrize(("role", "wanted"), [("consent", False), ("sign_out", False), ("view", True)])  # fmt: skip
def test_so_is_what_means_that_under_another_name(role: str, wanted: bool) -> None:
    event = msgspec.structs.replace(BOT, event_type="own_name", consent=(), item_ids=("i1",))
    assert is_ignored(event, knowing(events=[{"name": "own_name", "role": role}])) is wanted


@pytest.mark.parametrize(
    ("when", "wanted"),
    [
        ('event.browser == "HeadlessChrome"', True),
        ('event.medium == "search"', True),
        ('event.source in ["google"]', True),
        ('event.country == "DE"', False),
        ('event.properties.staff == "yes"', False),
    ],
)
def test_conditions_look_at_where_an_event_came_from(when: str, wanted: bool) -> None:
    context = Context(browser="HeadlessChrome", referrer="https://www.google.com/")
    event = make_event(context=context)
    assert is_ignored(event, knowing(ignored=[when])) is wanted


def test_a_condition_that_is_none_is_a_mistake_with_its_place() -> None:
    with pytest.raises(PolicyError, match=r"ignored\[0\]"):
        knowing(ignored=["event.devise == 'bot'"])


def test_no_arm_changes_what_is_ignored() -> None:
    assert has_other_compliance(Policy(ignored=()), Policy())


def test_nothing_is_decided_or_learnt_of_it() -> None:
    knowledge = make_knowledge(*make_catalogue())
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    events = [
        msgspec.structs.replace(BOT, event_id=f"e{n}", event_time_ms=NOON + n, placements=("next_item",))
        for n in range(5)
    ]  # fmt: skip
    steps = list(fold.run(make_record(event, offset=n) for n, event in enumerate(events)))
    assert sum(step.counts.count("events_ignored") for step in steps) == len(events)
    assert not any(step.decisions for step in steps)
    assert not fold.persons
