"""Writes the examples that are missing: `python -m tests.examples.write`. It never overwrites one.

A new schema or state version gets its examples here; those of older versions stay as they are.
"""

import base64
import json
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from schemas.actions import Action, Limits, Requirement, Treatment
from schemas.alerts import Alert, Cause, Off
from schemas.codec import (
    ALERT,
    CONTROL,
    DEAD_LETTER,
    DECISION,
    EVENT,
    ITEM,
    OUTCOME,
    TRACE,
    Codec,
    StateCodec,
)
from schemas.contact import Contact
from schemas.control import Control
from schemas.dead_letters import dead_letter
from schemas.decisions import Decision, DecisionTrace, LeftOut
from schemas.errors import InvalidEvent
from schemas.events import TRUE, UNMERGE, Event
from schemas.items import AvailableDates, Item, Point
from schemas.knowledge import (
    ACTION_KNOWLEDGE,
    ACTION_KNOWLEDGE_STATE,
    EPOCH_END,
    ITEM_KNOWLEDGE,
    ITEM_KNOWLEDGE_STATE,
    PAST_SESSION,
    ActionKnowledge,
    EpochEnd,
    ItemKnowledge,
    PastSession,
)
from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.outcomes import Outcome
from schemas.own_events import DeclaredFact, NamedEvent
from schemas.policy import DEFAULT_CONTROL, Exploration, Holdout, Outcomes, Placement, Policy
from schemas.records import LogRecord
from schemas.rests_on import RestsOn
from schemas.state.contacts import Clocked
from schemas.state.inputs import CLAIM, TRANSFER, Claim, Transfer
from schemas.state.lessons import (
    ACTION_FACT,
    ITEM_FACT,
    LEARNER_MEMORY,
    LESSON,
    SESSION_FACT,
    ActionFact,
    LearnerMemory,
)
from schemas.state.outcomes import OUTCOME_MEMORY, SESSION_SHOWN, OutcomeMemory
from schemas.state.person import PERSON_STATE, PersonState
from schemas.state.session import SESSION_CONTEXT, SESSION_NEWS, SESSION_STATE
from tests.builders import NOON, make_catalogue, make_event, make_knowledge, make_record, track_all
from udfs.draw import identify_decision
from udfs.explain.fit_records import leave_out
from udfs.facts import cart, consent, contacts, exposures, grants, last_slates
from udfs.facts.features import FEATURE_SPACE
from udfs.facts.grants import remember_grant
from udfs.knowledge.knowledge import Knowledge
from udfs.knowledge.learn_facts import item_facts, session_fact
from udfs.outcomes.join_lesson import join_lesson, lessons_of
from udfs.policy.compile_policy import compile_policy
from udfs.policy.contact_rules import contact_rules
from udfs.session.limit_rate import Rate
from udfs.take_lessons import lesson_of, take_lesson

FOLDER: Final = Path(__file__).parent
CODECS: Final[dict[str, Codec[Any]]] = {
    "event": EVENT, "item": ITEM, "control": CONTROL,
    "decision": DECISION, "trace": TRACE, "dead_letter": DEAD_LETTER,
    "item_knowledge": ITEM_KNOWLEDGE, "past_session": PAST_SESSION, "epoch_end": EPOCH_END,
    "action_knowledge": ACTION_KNOWLEDGE, "outcome": OUTCOME, "alert": ALERT,
}  # fmt: skip
STATE_CODECS: Final[dict[str, StateCodec[Any]]] = {
    "session_state": SESSION_STATE, "session_context": SESSION_CONTEXT,
    "session_news": SESSION_NEWS, "person_state": PERSON_STATE,
    "item_knowledge": ITEM_KNOWLEDGE_STATE, "item_fact": ITEM_FACT, "session_fact": SESSION_FACT,
    "action_knowledge": ACTION_KNOWLEDGE_STATE, "action_fact": ACTION_FACT,
    "outcome_memory": OUTCOME_MEMORY, "session_shown": SESSION_SHOWN,
    "lesson": LESSON, "learner_memory": LEARNER_MEMORY, "claim": CLAIM, "transfer": TRANSFER,
}  # fmt: skip
EVERYTHING: Final[dict[str, Any]] = {
    "event_id": "e-everything", "event_type": "product_added_to_cart", "person_id": "p1",
    "channel": "web", "page": "/shoes/1", "placements": ["cart", "home"], "item_ids": ["i1", "i2"],
    "category": "Shop/C1", "query": "red shoes", "attribute": "size", "value": "42",
    "quantity": 2, "price": 5.25, "currency": "EUR", "value_amount": 10.5,
    "candidates": [{"item_id": "i3", "price": 1.5, "position": 0, "features": {"margin": 0.25}}],
    "decision_id": "0123456789abcdef0123456789abcdef", "request_id": "e-request",
    "consent": ["personalisation", "analytics", "advertising", "email", "push", "sms", "in_app"],
    "context": {
        "device": "phone", "os": "Android", "browser": "Firefox", "country": "DE",
        "city": "Köln", "referrer": "https://example.org/", "campaign": "spring",
        "utc_offset_min": 60, "gpc": True, "region": "NW", "latitude": 50.94, "longitude": 6.96, "currency": "EUR",
    },
    "properties": {"theme": "dunkel", "emoji": "👟"}, "sent_at_ms": NOON + 7,
    "is_unproven": True, "has_no_candidates": True, "imported_at_ms": NOON + 60_000,
}  # fmt: skip


CONVERTED: Final = Outcome(
    "89abcdef0123456789abcdef01234567", "converted", -1, 3, "0123456789abcdef0123456789abcdef", "p1", "s1", "e7",
    "purchase_completed", NOON + HOUR_MS, NOON, NOON + 4_000, "hero", "web", "welcome", ("i1", "i2"),
    {"price": "bold"}, True, "shop-3", "time_decay", 0.75, 129.9, "EUR", ("loyal", "new"), {"quantity": 2.0},
)  # fmt: skip
ALERTED: Final = Alert(
    "fedcba9876543210fedcba9876543210", NOON, "revenue", "less", True, "all", "", Off(310.5, 3_100.0, None, -7.5),
    Cause("placement", "cart", Off(12.0, 2_800.25, None, -9.0), 0.95, 0.5), (3_000.5, 3_200.0, 3_100.0), "EUR",
)  # fmt: skip
"""Revenue at the cart is gone."""
EVERYWHERE: Final = Off(90.0, 40.0, 100.0, 8.0)
KNOWN_ITEM: Final = ItemKnowledge(
    "item", "i1", 340_000_001, NOON + 8_000, NOON + 5_000, NOON - HOUR_MS, NOON + 4_000,
    views=8.5, clicks=2.0, carts=1.5, purchases=0.5, exposures=20.0, examined=11.25, taken=1.0,
    interest=17.5, interest_short=4.25, category="Shop/C1", price=5.25,
    next_items={"i2": 1.5, "i3": 0.25}, seen_with={"i2": 2.0}, bought_with={"i4": 0.5},
    sold=(NOON - HOUR_MS, NOON), held=(NOON + 1,),
)  # fmt: skip


TAGGED: Final = (
    Item("tagged", 0, "Soft shoe", "Shop/C1", tags=("Soft",), price=7.0),
    Item("passed", 0, "Hard shoe", "Shop/C1", tags=("Hard",), price=8.0),
)
KNOWN_ACTION: Final = ActionKnowledge(
    "action", "quiz", 340_000_001, NOON + 8_000, NOON + 5_000, NOON - HOUR_MS, NOON + 4_000,
    exposures=20.5, clicks=3.25, dismissals=1.5, exposures_total=24, peak=2.75,
    hour=472_222, hourly=(2, 0, 22), recent=(1, 0, 0, 1),
)  # fmt: skip


def story() -> list[Event]:
    """One visitor: two sessions full of everything, an identification, and two more visits."""
    steps: list[tuple[float, str, dict[str, Any]]] = [
        (0, "page_viewed", {"page": "/", "placements": ["home"], "channel": "web"}),
        (0.5, "search_performed", {"query": "Red Shoes", "page": "/search"}),
        (1, "filter_applied", {"attribute": "size", "value": "42"}),
        (1.5, "product_viewed", {"item_ids": ["i1"], "page": "/i1"}),
        (2, "product_viewed", {"item_ids": ["i5"], "page": "/i5", "price": 9.5}),
        (2.5, "product_viewed", {"item_ids": ["i1"], "page": "/i1"}),
        (3, "decision_exposed", {"item_ids": ["i9", "i13"]}),
        (3.1, "decision_clicked", {"item_ids": ["i9"], "decision_id": "d1"}),
        (3.5, "not_interested", {"item_ids": ["i17"]}),
        (4, "help_viewed", {"page": "/help"}),
        (6, "product_added_to_cart", {"item_ids": ["i1"], "quantity": 2, "price": 6.0}),
        (6.5, "product_added_to_cart", {"item_ids": ["i2"]}),
        (7, "product_removed_from_cart", {"item_ids": ["i2"]}),
        *((7.5 + n / 120, "element_clicked", {"value": "buy"}) for n in range(3)),
        (8, "identified", {"person_id": "p1"}),
        (9, "checkout_started", {"attribute": "step", "value": "address", "value_amount": 12.0}),
        (10, "purchase_completed", {"item_ids": ["i1"], "value_amount": 12.0, "quantity": 2}),
        (10.1, "review_read", {"item_ids": ["tagged"], "value": "Arch support"}),
        (10.2, "item_skipped", {"item_ids": ["passed"]}),
        (10.25, "search_performed", {"query": "red shoes"}),
        (10.3, "page_scrolled", {"value": "exit_intent"}),
        (10.4, "feature_opened", {"attribute": "forecast"}),
        (10.45, "feature_activated", {"attribute": "forecast"}),
        (10.5, "profile_updated", {"attribute": "loyalty_tier", "value": "gold"}),
        (10.55, "preference_stated", {"attribute": "style", "value": "plain"}),
        (10.6, "help_viewed", {"page": "/help/returns", "value": "Returns"}),
        (10.9, "page_viewed", {"page": "/"}),
        (11, "ranking_requested", {"candidates": [{"item_id": f"i{n}"} for n in (3, 4, 5)]}),
        (11.2, "ranking_clicked", {"item_ids": ["i4"], "request_id": "e-11"}),
        (12, "session_ended", {}),
        (90, "product_viewed", {"item_ids": ["i6"], "page": "/i6", "sent_at_ms": NOON + 1}),
        (91, "cart_viewed", {}),
        (92, "product_added_to_cart", {"item_ids": ["i6"], "quantity": 1}),
        (93, "element_clicked", {"value": "menu"}),
        (
            140,
            "product_viewed",
            {"item_ids": ["i7"], "page": "/i7", "attribute": "size", "value": "L"},
        ),
        (141, "product_added_to_cart", {"item_ids": ["i7"], "price": 8.5}),
        (141.5, "product_removed_from_cart", {"item_ids": ["i7"]}),
        (141.6, "product_viewed", {"item_ids": ["i8"], "page": "/i8"}),
        (142, "element_clicked", {"value": "menu"}),
    ]
    return [
        make_event(
            event_id=f"e-{minutes:g}", event_type=kind,
            event_time_ms=NOON + round(minutes * MINUTE_MS), **fields,
        )
        for minutes, kind, fields in steps
    ]  # fmt: skip


def wire_examples() -> dict[str, dict[str, Any]]:
    """Per record type, examples by name."""
    made = _decisions()
    reranked = next(one for one in made if one[0].placement == "rerank")
    next_item = [one for one in made if one[0].placement == "next_item"][-1]
    nothing, banner = _nothing(), _banner()
    purged = msgspec.structs.replace(
        next_item[0], kind="purged", items=(), session_id="", explanation=""
    )
    letter = LogRecord("events", 3, 42, NOON, "s1", b"\x00\xffnot an event")
    return {
        "event": _events(),
        "item": {
            "bare": Item("i1"),
            "everything": Item(
                "i2", NOON, "Läufer 3", "Sport/Shoes", "Acme", 79.95, "EUR", 12, ("new", "run"),
                {"colour": "red"}, "A shoe.", "https://example.org/i2.jpg", NOON - HOUR_MS,
            ),
            "gone": Item("i2", NOON + HOUR_MS, is_gone=True),
            "hotel": Item(
                "i3", NOON, "Haus am See", "Hotels", price=99.5, currency="CHF", place=Point(46.948, 7.4474),
                regions=("CH", "US-CA"), available_dates=(AvailableDates("2026-07-01", "2026-07-14"),),
                embedding=(0.5, -0.25, 0.1),
            ),
        },
        "control": {
            "policy": DEFAULT_CONTROL,
            "model": Control(
                "model", "ranker", "abcdef012345", NOON, None, "/models/a.kairos-model", "ab" * 32
            ),
            "signed": msgspec.structs.replace(
                DEFAULT_CONTROL, signature=bytes(range(64)), key_id="0123456789abcdef"
            ),
            "noted": msgspec.structs.replace(
                DEFAULT_CONTROL, note="as it comes", author="anna"
            ),
            "return": msgspec.structs.replace(
                DEFAULT_CONTROL, effective_from_ms=NOON, is_return=True
            ),
            "popularity": Control(
                "popularity", "shop", "1", NOON, b'{"i1":3.0,"i2":1.5}'
            ),
        },
        "alert": {
            "revenue": ALERTED,
            "everywhere": msgspec.structs.replace(
                ALERTED, kpi="bounce", direction="more", off=EVERYWHERE, cause=None, currency=None
            ),
        },
        "outcome": {
            "converted": CONVERTED,
            "visited": msgspec.structs.replace(
                CONVERTED, kind="visited", sign=1, revision=0, decision_id="", event_id="", name="", channel=None, decided_ms=0,
                exposed_ms=0, item_ids=(), arm={}, currency=None, segments=(), measures={"pages": 3.0, "length_ms": 4500.0},
            ),
        },
        "decision": {
            "slate": next_item[0], "rerank": reranked[0], "nothing": nothing[0], "purged": purged,
            "banner": banner[0],
            "telling": msgspec.structs.replace(
                banner[0], rests_on=(RestsOn("i1", {"item.stock": "3"}), RestsOn("i2", {}, True))
            ),
            "void": msgspec.structs.replace(next_item[0], kind="void", items=()),
        },
        "trace": {
            "slate": next_item[1], "rerank": reranked[1], "nothing": nothing[1], "banner": banner[1],
            "left_out": leave_out(next_item[1], LeftOut(len(next_item[1].features), 2, 1)),
            "withheld": msgspec.structs.replace(next_item[1], features=b""),
        },
        "dead_letter": {
            "undecodable": dead_letter(letter, InvalidEvent("malformed", "EOFError: 3 bytes")),
            "too_late": dead_letter(letter, InvalidEvent("too_late", "700 s behind", NOON)),
        },
        "item_knowledge": {
            "item": KNOWN_ITEM,
            "category": ItemKnowledge(
                "category", "Shop/C1", 340_000_001, NOON + 8_000, NOON + 5_000, NOON, NOON,
                views=1.0, interest=1.0, interest_short=1.0,
            ),
        },
        "action_knowledge": {
            "everywhere": KNOWN_ACTION,
            "in_a_placement": ActionKnowledge(
                "action", "quiz\thero\tviewed", 340_000_001, NOON + 8_000, NOON + 5_000, NOON, NOON,
                exposures=1.0,
            ),
        },
        "past_session": {
            "two_items": PastSession(
                "0123456789abcdef01234567", 340_000_001, NOON + 8_000, NOON, ("i1", "i2")
            ),
        },
        "epoch_end": {"three_records": EpochEnd("0", 340_000_001, NOON + 8_000, 3)},
    }  # fmt: skip


def _events() -> dict[str, Event]:
    return {
        "page_viewed": make_event(),
        "everything": make_event(**EVERYTHING),
        "ranking_requested": make_event(
            event_id="e-request", event_type="ranking_requested",
            candidates=[{"item_id": "i1", "position": 0}, {"item_id": "i2", "price": 0.0}],
        ),
        "purchase_completed": make_event(
            event_type="purchase_completed", item_ids=["i1", "i2"], value_amount=20.75,
            currency="EUR",
        ),
        "purchase_refunded": make_event(event_type="purchase_refunded", value_amount=-20.75),
        "consent_withdrawn": make_event(event_type="consent_changed", consent=[]),
        "clock_ticked": make_event(event_type="clock_ticked", session_id="clock/0"),
    }  # fmt: skip


def _decisions() -> list[tuple[Decision, DecisionTrace]]:
    fold = Fold(make_knowledge(*make_catalogue()), FoldRules(EVENT.decode, "seed"), Learner())
    log = [make_record(event, offset) for offset, event in enumerate(story())]
    return [made for one in fold.run(log) for made in one.decisions]


def _nothing() -> tuple[Decision, DecisionTrace]:
    log = [make_record(make_event(placements=["home"]))]
    fold = Fold(make_knowledge(), FoldRules(EVENT.decode, "seed"))
    return next(made for one in fold.run(log) for made in one.decisions)


def _banner() -> tuple[Decision, DecisionTrace]:
    """A banner beats another one; a third is excluded."""
    texts = {"title": {"en": "Hello"}}
    big = Treatment("big", content=texts)
    policy = Policy(
        placements=(Placement("hero", actions=()),),
        actions=(
            Action("hello", "content", ("hero",), (big,), value=2.0, reason={"en": "To greet you"}),
            Action("other", "content", ("hero",), (big,)),
            Action("never", "offer", ("hero",), (big,), (Requirement("no", "session.events < 0"),)),
        ),
        exploration=Exploration("epsilon_greedy", 0.1),
        holdout=Holdout(0.0),
    )
    knowledge = Knowledge()
    knowledge.add_policy("banners-1", 0, 0, compile_policy(policy))
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    log = [make_record(make_event(placements=["hero"]))]
    return next(made for one in fold.run(log) for made in one.decisions)


def _unproven() -> dict[str, bytes]:
    """What a browser's key leaves behind: a purchase, a touch too many, a burst."""
    rules = FoldRules(EVENT.decode, "seed", rate=Rate(1, 21))
    fold = Fold(make_knowledge(*make_catalogue()), rules)
    steps = [("purchase_completed", ["i1"])] + [("product_viewed", ["i2"])] * 22
    log = [
        make_record(make_event(event_id=f"e{n}", event_type=kind, item_ids=items, is_unproven=True))
        for n, (kind, items) in enumerate(steps)
    ]
    found: dict[str, bytes] = {}

    def told() -> Any:
        yield from log
        found["session_state.unproven"] = SESSION_STATE.encode(fold.sessions["s1"])

    news = [one.news for one in fold.run(told()) if one.news]
    last = next(one for one in news if one.uncounted and one.is_over_rate)
    history = ActionFact("quiz", NOON + 1, NOON, "exposures", spends=False)
    return {
        **found,
        "session_news.unproven": SESSION_NEWS.encode(last),
        "session_context.unproven": last.context,
        "person_state.unproven": PERSON_STATE.encode(fold.persons["a1"]),
        "action_fact.history": ACTION_FACT.encode(history),
    }


def _lessons() -> dict[str, bytes]:
    """What a visitor teaches without proof, a purchase, a response to a decision that nobody knows, signing in, the end."""
    steps: list[dict[str, Any]] = [
        {"event_type": "product_viewed", "item_ids": ["i1"], "is_unproven": True},
        {"event_type": "purchase_completed", "item_ids": ["i1"]},
        {
            "event_type": "decision_exposed", "decision_id": "d7", "properties": {"action_id": "quiz"},
        },
        {"event_type": "identified", "person_id": "p1"},
        {"event_type": "session_ended"},
    ]  # fmt: skip
    events = [make_event(**{"event_id": f"l{n}", **one}) for n, one in enumerate(steps)]
    asked, memory, found = b"", None, []
    for news in track_all(events, make_knowledge(*make_catalogue()))[1]:
        asked, lesson = lesson_of(asked, news, make_knowledge(*make_catalogue()))
        if lesson is not None:
            found.append(lesson)
        if lesson is not None and lesson.person == "a1":
            memory = take_lesson(memory, lesson, make_knowledge().assumed).memory
    moved = next(one for one in found if one.moved)
    return {
        "lesson.touched": LESSON.encode(found[0]),
        "lesson.bought": LESSON.encode(found[1]),
        "lesson.history": LESSON.encode(found[2]),
        "lesson.moved": LESSON.encode(moved),
        "lesson.ended": LESSON.encode(found[-1]),
        "learner_memory.full": LEARNER_MEMORY.encode(memory or LearnerMemory(0)),
    }


def _remembered() -> dict[str, bytes]:
    """What a purchase leaves behind, and a session that has been silent since."""
    fold = Fold(make_knowledge(*make_catalogue()), FoldRules(EVENT.decode, "seed"))
    bought = make_event(
        event_type="purchase_completed", event_time_ms=NOON - HOUR_MS, item_ids=["i1"],
        value_amount=6.0,
    )  # fmt: skip
    tick = make_event(event_type="clock_ticked", session_id="clock/0")
    news = [one.news for one in fold.run([make_record(bought), make_record(tick, 1)]) if one.news]
    return {
        "session_state.kept": SESSION_STATE.encode(fold.sessions["s1"]),
        "session_context.facts": _of_type(news, "purchase_completed").context,
        "person_state.facts": PERSON_STATE.encode(fold.persons["a1"]),
    }


def _declared() -> dict[str, bytes]:
    """What a game's own event leaves behind, of which a policy makes facts."""
    policy = Policy(
        events=(NamedEvent("level_completed", role="activate", fields={"attribute": "level"}),),
        facts=(
            DeclaredFact("levels", "level_completed", within_ms=7 * DAY_MS),
            DeclaredFact(
                "stars", "level_completed", "sum", "stars", of="session", within_ms=HOUR_MS
            ),
            DeclaredFact("score", "level_completed", "last", "score"),
            DeclaredFact("mode", "level_completed", "last", "mode", "text"),
        ),
    )
    knowledge = Knowledge()
    knowledge.add_policy("game-1", 0, 0, compile_policy(policy))
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    said = {"level": "3", "stars": "2.5", "score": "1200", "mode": "hard"}
    log = [make_record(make_event(event_type="level_completed", properties=said))]
    told = next(one.news for one in fold.run(log) if one.news)
    days = {"check_in": "2026-07-01", "check_out": "2026-07-04"}
    searched = make_record(make_event(event_type="search_performed", properties=days))
    stayed = next(one.news for one in Fold(Knowledge(), FoldRules(EVENT.decode, "seed")).run([searched]) if one.news)  # fmt: skip
    return {
        "session_news.own_name": SESSION_NEWS.encode(told),
        "session_context.declared": told.context,
        "session_context.stay": stayed.context,
        "person_state.declared": PERSON_STATE.encode(fold.persons["a1"]),
    }


def _imported() -> dict[str, Any]:
    """A visit of history."""
    state, _, _ = track_all([make_event(imported_at_ms=NOON + DAY_MS)])
    assert state is not None
    return {"session_state.imported": SESSION_STATE.encode(state)}


def state_examples() -> dict[str, Any]:
    """States by the name of their file."""
    fold = Fold(make_knowledge(*make_catalogue(), *TAGGED), FoldRules(EVENT.decode, "seed"))
    events = story()
    ended_at = next(n for n, one in enumerate(events) if one.event_type == "session_ended") + 1
    found: dict[str, Any] = {}

    def log() -> Any:
        for offset, event in enumerate(events):
            if offset == ended_at:
                found["session_state.ended"] = SESSION_STATE.encode(fold.sessions["s1"])
            yield make_record(event, offset)
        found["session_state.open"] = SESSION_STATE.encode(fold.sessions["s1"])

    news = [one.news for one in fold.run(log()) if one.news]
    last = events[-1].event_time_ms
    late = make_event(
        event_id="late", event_type="purchase_completed", event_time_ms=last - HOUR_MS,
        item_ids=["i30"], value_amount=7.5,
    )  # fmt: skip
    again = Fold(make_knowledge(*make_catalogue()), FoldRules(EVENT.decode, "seed"))
    told = again.run([make_record(one, n) for n, one in enumerate([*events, late])])
    is_late = [one.news for one in told if one.news and one.news.is_late]
    before = _of_type(news, "checkout_started")
    facts = [fact for one in news for fact in item_facts(one, Knowledge())]
    ended = next(fact for one in news if (fact := session_fact(one, Knowledge())))
    return {
        **found,
        **_unproven(),
        **_remembered(),
        **_lessons(),
        **_declared(),
        **_erased(),
        **_imported(),
        **_moved(),
        **_undone(),
        "session_context.full": before.context,
        "session_context.help": _of_type(news, "help_viewed").context,
        "session_context.emptied": news[-1].context,
        "session_news.event": SESSION_NEWS.encode(before),
        "session_news.placed": SESSION_NEWS.encode(before),
        "session_news.late": SESSION_NEWS.encode(is_late[0]),
        "session_news.handover": SESSION_NEWS.encode(_of_kind(news, "handover")),
        "session_news.ended": SESSION_NEWS.encode(_of_kind(news, "ended")),
        "session_context.slate": _of_type(news, "ranking_clicked").context,
        "session_news.remembered": SESSION_NEWS.encode(_of_kind(news, "ended")),
        "item_knowledge.full": ITEM_KNOWLEDGE_STATE.encode(KNOWN_ITEM),
        "item_knowledge.pieces": ITEM_KNOWLEDGE_STATE.encode(KNOWN_ITEM),
        "action_knowledge.full": ACTION_KNOWLEDGE_STATE.encode(KNOWN_ACTION),
        "action_fact.full": ACTION_FACT.encode(ActionFact("quiz", NOON + 1, NOON, "exposures")),
        "item_fact.count": ITEM_FACT.encode(next(one for one in facts if one.category)),
        "item_fact.link": ITEM_FACT.encode(
            next(one for one in facts if one.link and one.weight < 1.0)
        ),
        "session_fact.full": SESSION_FACT.encode(ended),
        "person_state.taken": PERSON_STATE.encode(_with_actions(fold.persons["p1"])),
        "person_state.full": PERSON_STATE.encode(fold.persons["p1"]),
        "person_state.unit": PERSON_STATE.encode(fold.persons["p1"]),
        "person_state.cart": PERSON_STATE.encode(_with_cart(fold.persons["p1"])),
        "person_state.parts": PERSON_STATE.encode(_with_cart(fold.persons["p1"])),
        "person_state.consent": PERSON_STATE.encode(_with_consent(fold.persons["p1"])),
        "person_state.contacts": PERSON_STATE.encode(_with_contacts(fold.persons["p1"])),
        "person_state.clock": PERSON_STATE.encode(
            msgspec.structs.replace(fold.persons["p1"], clock=Clocked(-300, NOON))
        ),
        "person_state.slates": PERSON_STATE.encode(_with_slates(fold.persons["p1"])),
        "session_context.consent": _consented().context,
        "session_news.consent": SESSION_NEWS.encode(_consented()),
        "session_news.restated": SESSION_NEWS.encode(
            msgspec.structs.replace(_consented(), says_anew=False)
        ),
        "lesson.consent": LESSON.encode(_consented_lesson()),
        "lesson.signed_in": LESSON.encode(_signed_in()),
        **_came_of(),
        "learner_memory.consent": _memory_of(_consented_lesson()),
        "person_state.anonymous": PERSON_STATE.encode(fold.persons["a1"]),
    }


def _came_of() -> dict[str, bytes]:
    """A visit that sees and clicks a decision, is told what somebody thinks of it, and signs in and buys something that is given back."""
    policy = Policy(
        placements=(Placement("home"),),
        outcomes=Outcomes(touch="exposed", attribution="linear", half_life_ms=HOUR_MS),
    )
    knowledge = Knowledge()
    knowledge.add_policy("shop-3", 0, 0, compile_policy(policy))
    said: list[dict[str, Any]] = [
        {"event_type": "page_viewed", "placements": ["home"]},
        *({"event_type": f"decision_{one}"} for one in ("exposed", "clicked", "dismissed")),
        {"event_type": "identified", "person_id": "p1"},
        {"event_type": "purchase_completed", "value_amount": 30.0},
        {"event_type": "purchase_refunded", "value_amount": 12.0},
        {"event_type": "purchase_refunded", "item_ids": ["i9"]}, {"event_type": "session_ended"},
    ]  # fmt: skip
    shown = {
        "channel": "web", "item_ids": ["i1"], "currency": "EUR", "context": {"device": "phone", "country": "AT"},
        "properties": {"action_id": "gift", "placement": "hero"}, "decision_id": identify_decision("a1", "s1", "came0", "home"),
    }  # fmt: skip
    events = [make_event(event_id=f"came{n}", event_time_ms=NOON + n * MINUTE_MS, **shown | one) for n, one in enumerate(said)]  # fmt: skip
    asked = seen = b""
    found: dict[str, bytes] = {}
    people: dict[str, LearnerMemory | None] = {}
    memories: dict[str, OutcomeMemory | None] = {}
    for news in track_all(events, knowledge)[1]:
        asked, seen, lessons = lessons_of(asked, seen, news, knowledge)
        for lesson in lessons:
            who = lesson.person
            taken = take_lesson(people.get(who), lesson, knowledge.assumed)
            people[who] = taken.memory
            memories[who] = join_lesson(memories.get(who), taken, knowledge, knowledge.assumed).memory  # fmt: skip
            if lesson.left or (lesson.deeds and lesson.is_handover):
                found["lesson.left" if lesson.left else "lesson.deeds"] = LESSON.encode(lesson)
                found["session_shown.full"] = seen
            found["lesson.visited"] = LESSON.encode(lesson)
    memory, person = memories["p1"], people["p1"]
    assert memory is not None
    assert person is not None
    found["outcome_memory.full"] = OUTCOME_MEMORY.encode(memory)
    found["learner_memory.unit"] = LEARNER_MEMORY.encode(person)
    return found


def _erased() -> dict[str, bytes]:
    """What is left of a session, a person and what the learn job remembered of them."""
    asked = make_event(event_id="forget", event_type="erasure_requested")
    fold = Fold(Knowledge(), FoldRules(EVENT.decode, "seed"))
    (news,) = [one.news for one in fold.run([make_record(asked)]) if one.news]
    _, lesson = lesson_of(b"", news, Knowledge())
    assert lesson is not None
    return {
        "session_state.erased": SESSION_STATE.encode(fold.sessions["s1"]),
        "person_state.erased": PERSON_STATE.encode(fold.persons["a1"]),
        "lesson.erased": LESSON.encode(lesson),
        "lesson.listed": LESSON.encode(msgspec.structs.replace(lesson, is_listed=True)),
        "learner_memory.erased": _memory_of(lesson),
    }


def _memory_of(lesson: Any) -> bytes:
    """What the learn job remembers of a person after it."""
    memory = take_lesson(None, lesson, Knowledge().assumed).memory
    assert memory is not None
    return LEARNER_MEMORY.encode(memory)


def _with_actions(state: PersonState) -> PersonState:
    """The same person, who was offered a chat and did not want it."""
    person = PERSON_STATE.decode(PERSON_STATE.encode(state))
    remember_grant(person, "chat", "d7", NOON, NOON + HOUR_MS)
    dismissed = {"event_type": "decision_dismissed", "decision_id": "d7"}
    grants.on_person_event(person, make_event(**dismissed), None)
    return person


def _with_cart(state: PersonState) -> PersonState:
    """The same person, with something in the cart."""
    person = PERSON_STATE.decode(PERSON_STATE.encode(state))
    cart.on_person_event(
        person, make_event(event_type="product_added_to_cart", price=9.5), Knowledge()
    )
    return person


def _with_slates(state: PersonState) -> PersonState:
    """The same person, for whom a list was decided that is steady."""
    person = PERSON_STATE.decode(PERSON_STATE.encode(state))
    last_slates.remember_last_slate(person, "home", "s1", NOON, ["i2", "i1"])
    return person


CONSENTED: Final = make_event(
    event_id="said", event_type="consent_changed", consent=["email", "analytics"], context={"gpc": True},
    properties={"text_version": "2", "source": "banner", "objection": "profiling"},
)  # fmt: skip


def _with_consent(state: PersonState) -> PersonState:
    """The same person, who said what they agree to, and for whom something was decided."""
    person = PERSON_STATE.decode(PERSON_STATE.encode(state))
    consent.on_person_event(person, CONSENTED, None)
    consent.place(person, "letter", NOON + HOUR_MS, ["email"])
    return person


def _with_contacts(state: PersonState) -> PersonState:
    """The same person, who was shown one offer and may be shown another, bought after a click, and does not want all of it."""
    person = PERSON_STATE.decode(PERSON_STATE.encode(state))
    rules = contact_rules(Policy(contact=Contact(per_day=3)))
    for number, (action_id, channel) in enumerate((("chat", "web"), ("letter", "email"))):
        action = Action(action_id, "offer", group="offers", limits=Limits(after_conversion_ms=1))
        decided_ms, decision_id = NOON + number, str(number) * 32
        remember_grant(person, action_id, decision_id, decided_ms, decided_ms + HOUR_MS)
        until_ms = decided_ms + HOUR_MS
        contacts.remember_contact(person, rules, action, decision_id, decided_ms, until_ms, channel)
    said: list[dict[str, Any]] = [
        {"event_type": "decision_clicked", "decision_id": "0" * 32},
        {"event_type": "purchase_completed"},
        {"event_type": "not_interested", "category": "Shop/C1"},
        {"event_type": "not_interested", "properties": {"action_id": "greet"}},
    ]
    for number, fields in enumerate(said):
        event = make_event(event_time_ms=NOON + MINUTE_MS + number, **fields)
        for room in (grants, contacts, exposures):
            if event.event_type in room.ROOM.person_events:
                room.on_person_event(person, event, None)
    return person


def _consented() -> Any:
    """The news of a visit that began with it."""
    return track_all([CONSENTED])[1][0]


def _consented_lesson() -> Any:
    return lesson_of(b"", _consented(), Knowledge())[1]


def _signed_in() -> Any:
    """The lesson of a visit that turns out to be a person's."""
    asks = make_event(
        event_id="in", event_type="identified", person_id="p1", event_time_ms=NOON + 1
    )
    handover = _of_kind(track_all([CONSENTED, asks])[1], "handover")
    return lesson_of(b"", handover, Knowledge())[1]


def _moved() -> dict[str, bytes]:
    """A visitor who has bought something signs in and looks at something."""
    steps = ("purchase_completed", "identified", "product_viewed")
    events = [
        make_event(
            event_id=f"moved{n}", event_type=kind, event_time_ms=NOON + n, item_ids=["i1"], value_amount=9.0,
            person_id="p1" if kind == "identified" else None, session_id="s1",
        )
        for n, kind in enumerate(steps)
    ]  # fmt: skip
    shop, rules = make_knowledge(*make_catalogue()), FoldRules(EVENT.decode, "seed")
    before, fold = Fold(shop, rules), Fold(shop, rules)
    list(before.run([make_record(events[0], 0)]))
    told = list(fold.run(make_record(one, n) for n, one in enumerate(events)))
    moves = [one.moved for one in told if one.moved is not None]
    news = [one.news for one in told if one.news is not None]
    awaited = _of_kind(news, "handover")
    return {
        "person_state.visitor": PERSON_STATE.encode(before.visitors["a1"]),
        "session_state.member": SESSION_STATE.encode(fold.sessions["s1"]),
        "session_news.member": SESSION_NEWS.encode(
            msgspec.structs.replace(awaited, is_merging=True)
        ),
        "person_state.member": PERSON_STATE.encode(fold.members["p1"]),
        "person_state.claimed": PERSON_STATE.encode(fold.visitors["a1"]),
        "claim.visitor": CLAIM.encode(next(one for one in moves if isinstance(one, Claim))),
        "claim.own": CLAIM.encode(
            next(one for one in moves if isinstance(one, Claim) and one.is_own)
        ),
        "transfer.visitor": TRANSFER.encode(
            next(one for one in moves if isinstance(one, Transfer))
        ),
        "transfer.own": TRANSFER.encode(
            next(one for one in moves if isinstance(one, Transfer) and one.is_own)
        ),
    }


def _undone() -> dict[str, bytes]:
    """Somebody signs in on two devices, one of which was not theirs."""

    def says(device: str, number: int, event_type: str, **fields: Any) -> Event:
        return make_event(
            event_id=f"undone{number}", event_type=event_type, event_time_ms=NOON + number, session_id=f"s-{device}",
            anonymous_id=device, item_ids=["i1"], **fields,
        )  # fmt: skip

    events = [
        says("mine", 0, "product_viewed"), says("mine", 1, "identified", person_id="p1"),
        says("other", 2, "product_viewed"), says("other", 3, "identified", person_id="p1"),
        says("other", 4, "signed_out", properties={UNMERGE: TRUE}),
    ]  # fmt: skip
    shop, rules = make_knowledge(*make_catalogue()), FoldRules(EVENT.decode, "seed")
    before, fold = Fold(shop, rules), Fold(shop, rules)
    list(before.run(make_record(one, n) for n, one in enumerate(events[:-1])))
    told = list(fold.run(make_record(one, n) for n, one in enumerate(events)))
    claim, transfer = [one.moved for one in told if one.moved is not None and one.moved.is_undone]
    return {
        "person_state.gave": PERSON_STATE.encode(before.visitors["other"]),
        "person_state.before": PERSON_STATE.encode(before.members["p1"]),
        "claim.undone": CLAIM.encode(claim),  # type: ignore[arg-type]
        "transfer.undone": TRANSFER.encode(transfer),  # type: ignore[arg-type]
        "transfer.purged": TRANSFER.encode(
            msgspec.structs.replace(transfer, is_purged=True)  # type: ignore[arg-type]
        ),
        "claim.limits": CLAIM.encode(
            msgspec.structs.replace(claim, is_undone=False, is_limits=True)  # type: ignore[arg-type]
        ),
        "transfer.limits": TRANSFER.encode(
            Transfer(
                "transfer",
                "p1",
                NOON + 4,
                "s-other",
                9,
                b"limits",
                "other",
                PERSON_STATE.encode(PersonState(NOON, NOON)),
                is_limits=True,
            )
        ),
    }


def _of_kind(news: list[Any], kind: str) -> Any:
    return next(one for one in news if one.kind == kind)


def _of_type(news: list[Any], event_type: str) -> Any:
    return next(one for one in news if one.event and one.event.event_type == event_type)


def readable(value: Any) -> Any:
    """A wire record as JSON: bytes as base64, a trace's features as rows with null for NaN."""
    fields = msgspec.to_builtins(value)
    if isinstance(value, DecisionTrace):
        rows = np.frombuffer(value.features, "<f4").reshape(-1, FEATURE_SPACE.count)
        fields["features"] = [[None if np.isnan(x) else float(x) for x in row] for row in rows]
    return fields


def unreadable(fields: dict[str, Any]) -> dict[str, Any]:
    """The inverse of `readable`."""
    rows = fields.get("features")
    if not isinstance(rows, list):
        return fields
    matrix = np.array([[np.nan if x is None else x for x in row] for row in rows], dtype="<f4")
    return fields | {"features": base64.b64encode(matrix.tobytes()).decode()}


def named(value: Any) -> Any:
    """State as JSON with the names of its fields, without those that have their default.

    So a field that is appended with a default later changes nothing here.
    """
    if isinstance(value, msgspec.Struct):
        return {
            one.name: named(getattr(value, one.name))
            for one in msgspec.structs.fields(value)
            if getattr(value, one.name) != _default(one)
        }
    if isinstance(value, dict):
        return {key: named(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [named(one) for one in value]
    return value.hex() if isinstance(value, bytes) else value


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(data)


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"


def main() -> None:
    """Writes what is missing."""
    for record, examples in wire_examples().items():
        codec = CODECS[record]
        folder = FOLDER / record / f"v{codec._newest.version}"
        for name, value in examples.items():
            _write(folder / f"{name}.json", _json(readable(value)))
            _write(folder / f"{name}.avro", codec.encode(value))
    for name, data in state_examples().items():
        codec_name = name.split(".")[0]
        path = FOLDER / "state" / f"{name}.v{data[0]}.msgpack"
        _write(path, data)
        _write(path.with_suffix(".json"), _json(named(STATE_CODECS[codec_name].decode(data))))


if __name__ == "__main__":
    main()
