"""What news teaches, and what of it counts where the memory of its person has a say.

By session, in the order of its log: `lesson_of`. By person, in the order of time: `take_lesson`. There a purchase counts once
whatever its session; of a person who does not agree to analytics nothing is learnt; a person without proof touches an item so many times a day and no more, in however many sessions; and a
response spends of a budget only where its decision was asked for in its session or by its person.
"""

from typing import NamedTuple

from msgspec.structs import replace

from schemas.events import Event
from schemas.knowledge import KEY_SEPARATOR
from schemas.limits import (
    DECISIONS_KNOWN_MAX,
    DECISIONS_KNOWN_MS,
    ERASED_KEPT_MS,
    FACT_IDS_MAX,
    FACTS_KEPT_MS,
    PERSON_EXPIRY_MS,
    SESSION_DECISIONS_MAX,
)
from schemas.state.consent import NO_CONSENT
from schemas.state.lessons import LearnerMemory, Lesson
from schemas.state.person import Unit
from schemas.state.session import SessionNews
from udfs.actions.asked_decisions import asked_decisions
from udfs.actions.draw_unit import merge_units
from udfs.facts.consent import Granted, agreed, later, stricter, told
from udfs.facts.erasure import is_erasure
from udfs.facts.purchases import fact_of
from udfs.knowledge.knowledge import Knowledge
from udfs.knowledge.learn_facts import SPENT, action_facts, item_facts, session_fact
from udfs.knowledge.pieces import MOVES
from udfs.session.deduplicate import hash_of, hashes_in, is_seen, remember
from udfs.session.weigh_proof import count_touches, touched_items


class Taken(NamedTuple):
    """The person's memory after a lesson (None: nothing is remembered), what of the lesson counts, and what to count."""

    memory: LearnerMemory | None
    lesson: Lesson
    counts: tuple[str, ...] = ()


def lesson_of(asked: bytes, news: SessionNews, knowledge: Knowledge) -> tuple[bytes, Lesson | None]:
    """What the open session has asked for by now (it was `asked` before), and the lesson of its news, if there is one."""
    event = news.event
    if news.kind == "ended":
        return b"", _ended(news, knowledge)
    if event is None or news.kind == "handover":
        return asked, _moved(asked, news)
    if is_erasure(news):
        erased_ms = event.event_time_ms
        is_listed = knowledge.erasures.is_erased("person", news.person, erased_ms)
        return b"", Lesson(
            news.person, news.order_ms, news.session_id, news.position, erased_ms=erased_ms,
            is_listed=is_listed,
        )  # fmt: skip
    actions, items = tuple(action_facts(news)), tuple(item_facts(news, knowledge))
    decision = b""
    if any(one.spends for one in actions):
        decision = hash_of(event.decision_id or "")
    mine = [hash_of(one) for one in asked_decisions(news, knowledge.policy_at(event.event_time_ms))]
    lesson = Lesson(
        news.person, news.order_ms, news.session_id, news.position, actions, items,
        _bought(event) if items else b"",
        _touches(news, event, knowledge) if items else (),
        b"" if is_seen(asked, decision) else decision,
        tuple(mine), consent=news.consent,
    )  # fmt: skip
    is_said = news.says_anew and told(NO_CONSENT, event) != NO_CONSENT
    for one in mine:
        asked, _ = remember(asked, one, news.order_ms, DECISIONS_KNOWN_MS, SESSION_DECISIONS_MAX)
    return asked, lesson if is_said or mine or actions or items else None


def take_lesson(memory: LearnerMemory | None, lesson: Lesson, assumed: Granted) -> Taken:
    """One lesson for the person that it names; a due timer runs first. The memory is changed in place.

    `assumed` is granted where nothing was said of consent.
    """
    if memory is None or lesson.order_ms >= memory.timer_ms:
        memory = LearnerMemory(lesson.order_ms)
    if lesson.erased_ms or lesson.order_ms <= memory.erased_ms:
        return _erased(memory, lesson)
    memory.last_ms = max(memory.last_ms, lesson.order_ms)
    memory.timer_ms = memory.last_ms + PERSON_EXPIRY_MS
    memory.unit = _unit(memory.unit, lesson)
    counts: list[str] = []
    if lesson.bought:
        if is_seen(memory.fact_ids, lesson.bought):
            lesson = replace(lesson, items=(), deeds=())
            counts.append("facts_repeated")
        counts += _remember_facts(memory, [lesson.bought])
    if lesson.touches:
        over = frozenset(count_touches(memory, lesson.touches, memory.last_ms))
        if over:
            left = tuple(one for one in lesson.items if over.isdisjoint((one.item_id, one.other)))
            lesson = replace(lesson, items=left)
            counts.append("touches_uncounted")
    if lesson.decision and not is_seen(memory.asked, lesson.decision):
        history = tuple(replace(one, spends=False) for one in lesson.actions)
        lesson = replace(lesson, actions=history, deeds=())
        counts.append("decisions_unknown")
    memory.consent = (stricter if lesson.is_handover else later)(memory.consent, lesson.consent)
    if not agreed(memory.consent, assumed).is_counted:
        lesson = _uncounted(lesson)
        counts.append("lessons_refused")
    counts += _remember_facts(memory, lesson.moved)
    for one in lesson.asked:
        memory.asked, _ = remember(
            memory.asked, one, memory.last_ms, DECISIONS_KNOWN_MS, DECISIONS_KNOWN_MAX
        )
    return Taken(memory, lesson, tuple(counts))


def _erased(memory: LearnerMemory, lesson: Lesson) -> Taken:
    """Nothing is remembered but when it was asked, where no list says so; what is of before teaches nothing."""
    if not lesson.erased_ms:
        nothing = Lesson(lesson.person, lesson.order_ms, lesson.session_id, lesson.position)
        return Taken(memory, nothing, ("erased",))
    if lesson.is_listed:
        return Taken(None, lesson)
    left = LearnerMemory(lesson.order_ms, lesson.order_ms + ERASED_KEPT_MS)
    left.erased_ms = max(memory.erased_ms, lesson.erased_ms)
    return Taken(left, lesson)


def _unit(unit: Unit | None, lesson: Lesson) -> Unit | None:
    """Whose chance the person's arms are drawn from, as the state of the person has it (udfs/actions/draw_unit.py): who signs in takes over that of their visitor."""
    if not lesson.anonymous_id:
        return unit
    told = Unit(lesson.anonymous_id, lesson.is_identified, lesson.order_ms)
    if unit is None:
        return told
    return merge_units(unit, told) if lesson.is_handover else unit


def _ended(news: SessionNews, knowledge: Knowledge) -> Lesson | None:
    ended = session_fact(news, knowledge)
    if ended is None:
        return None
    return Lesson(
        news.person,
        news.order_ms,
        news.session_id,
        news.position,
        ended=ended,
        consent=news.consent,
    )


def _moved(asked: bytes, news: SessionNews) -> Lesson | None:
    """What a session brings to the person who signs in: what it asked for, and what was bought in it."""
    lesson = Lesson(
        news.person, news.order_ms, news.session_id, news.position,
        asked=tuple(hashes_in(asked)), moved=tuple(one.id_hash for one in news.visit.facts if not one.is_unproven),
        consent=news.consent, is_handover=True,
    )  # fmt: skip
    is_told = news.consent != NO_CONSENT
    return lesson if is_told or lesson.asked or lesson.moved else None


def _uncounted(lesson: Lesson) -> Lesson:
    """What it takes from budgets and from stock, and nothing that others learn from."""
    spent = tuple(
        replace(one, count=SPENT)
        for one in lesson.actions
        if one.spends and one.count == "exposures" and KEY_SEPARATOR not in one.key
    )
    taken = tuple(one for one in lesson.items if one.count in MOVES.values())
    return replace(lesson, actions=spent, items=taken, ended=None, deeds=())


def _bought(event: Event) -> bytes:
    fact = fact_of(event)
    return fact.id_hash if fact is not None and fact.is_bought else b""


def _touches(news: SessionNews, event: Event, knowledge: Knowledge) -> tuple[str, ...]:
    """The items that an event without proof may count for, as far as its session has touches left."""
    if not event.is_unproven:
        return ()
    return tuple(
        one
        for one in touched_items(event)
        if one not in news.uncounted and knowledge.is_known(one, event.event_time_ms)
    )


def _remember_facts(memory: LearnerMemory, hashes: list[bytes] | tuple[bytes, ...]) -> list[str]:
    dropped = 0
    for one in hashes:
        if not is_seen(memory.fact_ids, one):
            memory.fact_ids, is_full = remember(
                memory.fact_ids, one, memory.last_ms, FACTS_KEPT_MS, FACT_IDS_MAX
            )
            dropped += is_full
    return ["fact_ids_dropped"] * dropped
