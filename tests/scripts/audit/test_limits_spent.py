"""What a person has spent of limits: as the engine has it, whatever they did."""

from typing import Any

import pytest

from jobs.fold.fold import Fold, FoldRules
from schemas.codec import DECISION, EVENT
from schemas.decisions import Decision
from schemas.events import Event
from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.policy import Policy
from schemas.records import LogRecord
from scripts.audit.limits_child import answers_to, decisions_of
from scripts.audit.limits_spent import contacts_of, limited, limits_spent, looked_at, state_of
from scripts.policy.policy_file import parse_policy
from tests.builders import NOON, make_event, make_record
from tests.channels.decisions import make_decision
from udfs.draw import identify_decision
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

POLICY = parse_policy("""
placements:
  - {name: bar, event_types: [search_performed], actions: []}
actions:
  - {id: sale, kind: offer, placements: [bar], value: 9, valid: 20 min, limits: {times: 2, within: 7 d, cool_down: 2 h}, treatments: [{id: t}]}
  - {id: gift, kind: offer, placements: [bar], value: 5, valid: 20 min, limits: {times: 1, within: 30 d}, treatments: [{id: t}]}
  - {id: chat, kind: offer, placements: [bar], value: 3, valid: 20 min, limits: {never_after_click: true}, treatments: [{id: t}]}
  - {id: plain, kind: offer, placements: [bar], value: 1, treatments: [{id: t}]}
""")
SALE = {"action": "sale", "times": 2, "limit": "2 times in 7 days, not within 2 hours of the last, never again once they closed it"}  # fmt: skip


def search(at_ms: int, person: str = "anna") -> Event:
    return make_event(
        event_id=f"{person}-{at_ms}", event_type="search_performed", event_time_ms=NOON + at_ms, query="shoes",
        session_id=f"s-{person}-{at_ms // DAY_MS}", anonymous_id=person, placements=(),
    )  # fmt: skip


def answer_to(asked: Event, kind: str, at_ms: int) -> Event:
    decision_id = identify_decision(asked.anonymous_id, asked.session_id, asked.event_id, "bar")
    return make_event(
        event_id=f"{kind}-{at_ms}", event_type=kind, event_time_ms=NOON + at_ms, decision_id=decision_id,
        session_id=asked.session_id, anonymous_id=asked.anonymous_id, placements=(),
    )  # fmt: skip


def fold_of(events: list[Event], policy: Policy = POLICY) -> tuple[Fold, list[Decision]]:
    knowledge = Knowledge()
    knowledge.add_policy("v1", 0, 0, compile_policy(policy))
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    records = [make_record(one, offset) for offset, one in enumerate(events)]
    return fold, [one for step in fold.run(records) for one, _ in step.decisions]


def test_it_is_what_the_engine_has_whatever_they_did() -> None:
    searches = [
        search(at_ms, person)
        for day in range(4)
        for at_ms in (day * DAY_MS, day * DAY_MS + 5 * MINUTE_MS, day * DAY_MS + 3 * HOUR_MS)
        for person in ("anna", "bert")
    ]
    said = [
        answer_to(searches[0], "decision_clicked", 6 * MINUTE_MS),
        answer_to(searches[-2], "decision_dismissed", 3 * DAY_MS + 4 * HOUR_MS),
    ]
    events = sorted([*searches, *said], key=lambda one: one.event_time_ms)
    fold, made = fold_of(events)
    kept = fold.persons["anna"]
    assert set(kept.actions) == {"sale", "gift", "chat"}, "the policy shows nothing of limits"
    written = [
        LogRecord("decisions", 0, at, one.event_time_ms, one.person, DECISION.encode(one))
        for at, one in enumerate([*made, *made[:3]])  # at least once
    ]
    actions = limited(POLICY)
    assert set(actions) == {"sale", "gift", "chat"}
    decisions = decisions_of("anna", actions, [*written, written[0]._replace(value=b"junk")])
    answers = answers_to(decisions, "anna", [make_record(one) for one in events])
    assert answers == said
    found = state_of(actions, decisions, answers, NOON + 4 * DAY_MS)
    assert found.actions == kept.actions
    assert found.offered == kept.offered


def test_somebody_elses_answer_is_not_theirs() -> None:
    mine, other = search(0), search(0, "bert")
    decision = fold_of([mine])[1]
    lie = answer_to(mine, "decision_dismissed", 9)
    lie = make_event(event_type=lie.event_type, decision_id=lie.decision_id, session_id=other.session_id, anonymous_id="bert")  # fmt: skip
    junk = make_record(lie)._replace(value=b"junk " + decision[0].decision_id.encode())
    assert answers_to(decision, "anna", [make_record(lie), junk]) == []


def spent_at(at_ms: int, *given_ms: int, **answers_ms: int) -> dict[str, Any]:
    """What is spent of `sale` that was given at these times, the answers to the first."""
    made = [
        make_decision(
            at, action_id="sale", event_time_ms=NOON + one, valid_until_ms=NOON + one + 20 * MINUTE_MS
        )
        for at, one in enumerate(given_ms)
    ]  # fmt: skip
    answers = [
        make_event(event_type=f"decision_{kind}", event_time_ms=NOON + one, decision_id="d0")
        for kind, one in answers_ms.items()
    ]
    return limits_spent(POLICY, made, answers, NOON + at_ms)[0]


@pytest.mark.parametrize(
    ("at_ms", "given_ms", "granted", "stands", "rule", "free_ms"),
    [
        (0, (), 0, None, "", None),
        (5 * MINUTE_MS, (0,), 1, 20 * MINUTE_MS, "", None),
        (5 * MINUTE_MS, (0, 4 * MINUTE_MS), 1, 20 * MINUTE_MS, "", None),
        (HOUR_MS, (0,), 1, None, "cool_down", 2 * HOUR_MS),
        (3 * HOUR_MS, (0,), 1, None, "", None),
        (DAY_MS, (0, 3 * HOUR_MS), 2, None, "limit", 7 * DAY_MS),
        (7 * DAY_MS, (0, 3 * HOUR_MS), 1, None, "", None),
        (7 * DAY_MS, (0, 7 * DAY_MS - HOUR_MS), 1, None, "cool_down", 7 * DAY_MS + HOUR_MS),
        (DAY_MS, (0, 2 * DAY_MS), 1, None, "", None),
    ],
)
def test_how_much_is_spent_and_from_when_on_they_may_have_it_again(
    at_ms: int, given_ms: tuple[int, ...], granted: int, stands: int | None, rule: str, free_ms: int | None
) -> None:  # fmt: skip
    found = spent_at(at_ms, *given_ms)
    assert found == SALE | {
        "granted": granted,
        "last_ms": found["last_ms"],
        "stands_until_ms": None if stands is None else NOON + stands,
        "rule": rule,
        "free_from_ms": None if free_ms is None else NOON + free_ms,
    }
    assert (found["last_ms"] is None) == (granted == 0)


def test_what_they_closed_never_comes_back() -> None:
    found = spent_at(10 * DAY_MS, 0, dismissed=MINUTE_MS)
    assert (found["rule"], found["free_from_ms"]) == ("dismissed", None)


HELD = parse_policy("""
placements:
  - {name: bar, event_types: [search_performed], actions: []}
actions:
  - {id: sale, kind: offer, group: deals, placements: [bar], valid: 20 min, treatments: [{id: t}]}
contact: {per_day: 4, limits: [{name: mails, times: 0, channels: [email]}, {name: deals, times: 2, within: 2 h, groups: [deals]}]}
holdout: {share: 0}
""")


def test_contacts_are_counted_as_the_engine_has_them() -> None:
    searches = [search(at_ms * MINUTE_MS) for at_ms in (0, 5, 21, 26, 146)]
    shown = [
        answer_to(searches[at], "decision_exposed", minute * MINUTE_MS)
        for at, minute in ((0, 1), (3, 26))
    ]
    late = answer_to(searches[1], "decision_clicked", 27 * MINUTE_MS)
    events = sorted([*searches, *shown, late], key=lambda one: one.event_time_ms)
    fold, made = fold_of(events, HELD)
    assert [one.action_id for one in made] == ["sale", "sale", "nothing", "sale", "sale"]
    decisions = decisions_of(
        "anna", looked_at(HELD), [LogRecord("decisions", 0, 0, 0, one.person, DECISION.encode(one)) for one in made]
    )  # fmt: skip
    answers = answers_to(decisions, "anna", [make_record(one) for one in events])
    found = contacts_of(HELD, decisions, answers, NOON + DAY_MS)
    assert found.contacts == fold.persons["anna"].contacts
    rows = {one["action"]: one for one in limits_spent(HELD, decisions, answers, NOON + 146 * MINUTE_MS + 1)}  # fmt: skip
    assert rows.keys() == {"contact:per_day", "contact:mails", "contact:deals"}
    assert rows["contact:mails"] | {"last_ms": None} == {
        "action": "contact:mails", "limit": "no contacts, by email", "granted": 0, "times": 0, "last_ms": None,
        "stands_until_ms": None, "rule": "contact:mails", "free_from_ms": None,
    }  # fmt: skip
    deals, daily = rows["contact:deals"], rows["contact:per_day"]
    assert deals["limit"] == "at most 2 contacts in 2 hours, of deals"
    assert (deals["granted"], deals["rule"], daily["granted"], daily["rule"]) == (2, "contact:deals", 4, "contact:per_day")  # fmt: skip


def test_it_says_until_when_an_action_rests() -> None:
    policy = parse_policy("""
actions:
  - {id: sale, kind: offer, limits: {never_after_dismissal: false, after_dismissal: 3 d, after_conversion: 9 d}, treatments: [{id: t}]}
""")
    made = [make_decision(0, action_id="sale", event_time_ms=NOON, valid_until_ms=NOON + HOUR_MS)]
    said = [make_event(event_type="decision_dismissed", event_time_ms=NOON + 1, decision_id="d0")]
    (row,) = limits_spent(policy, made, said, NOON + DAY_MS)
    assert (row["rule"], row["free_from_ms"]) == ("after_dismissal", NOON + 1 + 3 * DAY_MS)
    clicked = make_event(event_type="decision_clicked", event_time_ms=NOON + 1, decision_id="d0")
    bought = make_event(event_type="purchase_completed", event_time_ms=NOON + 2)
    (row,) = limits_spent(policy, made, [clicked, bought], NOON + DAY_MS)
    assert (row["rule"], row["free_from_ms"]) == ("after_conversion", NOON + 2 + 9 * DAY_MS)


def test_limits_are_said_in_words() -> None:
    said = {one["action"]: one["limit"] for one in limits_spent(POLICY, [], [], NOON)}
    assert said == {
        "sale": SALE["limit"],
        "gift": "once in 30 days, never again once they closed it",
        "chat": "never again once they closed or clicked it",
    }
