"""From news to outcomes: what a session keeps and tells for it, and the join of what a person's lesson tells, as far as its person agrees."""

from functools import partial
from typing import Final, NamedTuple

from msgspec.structs import replace

from schemas.experiments import HELD_OUT, HOLDOUT, PERSONAL
from schemas.policy import Outcomes
from schemas.state.lessons import LearnerMemory, Lesson
from schemas.state.outcomes import Deed, OutcomeMemory
from schemas.state.session import SessionNews
from udfs.actions.assign_arms import assign_arms, is_held_out
from udfs.actions.draw_unit import told_unit
from udfs.facts.consent import Granted, agreed
from udfs.facts.erasure import is_erasure
from udfs.facts.purchases import fact_of
from udfs.knowledge.knowledge import Knowledge
from udfs.outcomes.deeds import RESPONSES, asked_ms, deed_of, deeds_in, session_shown
from udfs.outcomes.join import Deeds, Joined, Rules, join
from udfs.session.deduplicate import hash_of
from udfs.take_lessons import Taken, lesson_of

NO_POLICY: Final = Outcomes()
"""By which outcomes count where no policy is in force."""


class Told(NamedTuple):
    """What the open session has asked for and seen by now, and the lessons of its news."""

    asked: bytes
    shown: bytes
    lessons: tuple[Lesson, ...]


def looks_at_shown(news: SessionNews) -> bool:
    """Whether what the session has seen bears on its news, or is changed by it."""
    event = news.event
    return news.kind != "event" or event is None or event.event_type in RESPONSES or is_erasure(news)  # fmt: skip


def lessons_of(asked: bytes, shown: bytes, news: SessionNews, knowledge: Knowledge) -> Told:
    """The lessons of a session's news, with its deeds; who signs in takes those of the visit so far, and the visitor is told so."""
    deed = deed_of(asked, news, knowledge)
    asked, lesson = lesson_of(asked, news, knowledge)
    if is_erasure(news):
        return Told(asked, b"", _named(lesson, news))
    if news.kind == "handover":
        deeds = deeds_in(shown)
        found = _named(replace(lesson or _empty(news), deeds=deeds, is_handover=True), news)
        visitor = _empty(news, found[0].anonymous_id)
        return Told(asked, shown, (*found, replace(visitor, left=True)) if deeds else found)
    shown = session_shown(shown, news, deed)
    if deed is not None:
        lesson = _with_deed(lesson or _empty(news), deed, news)
    return Told(asked, shown, _named(lesson, news))


def _empty(news: SessionNews, person: str = "") -> Lesson:
    who = person or news.person
    return Lesson(who, news.order_ms, news.session_id, news.position, consent=news.consent)


def _with_deed(lesson: Lesson, deed: Deed, news: SessionNews) -> Lesson:
    """The lesson with the deed; a purchase counts once, whether or not its items are known."""
    fact = fact_of(news.event) if news.event is not None else None
    bought = fact.id_hash if fact is not None and fact.is_bought else lesson.bought
    return replace(lesson, deeds=(deed,), bought=bought)


def _named(lesson: Lesson | None, news: SessionNews) -> tuple[Lesson, ...]:
    """With whose chance arms are drawn from, as this news tells it."""
    if lesson is None:
        return ()
    unit = told_unit(news)
    return (replace(lesson, anonymous_id=unit.id, is_identified=unit.is_identified),)


def bears_on_outcomes(taken: Taken) -> bool:
    """Whether a lesson changes what is remembered of outcomes; most do not."""
    lesson = taken.lesson
    is_refused = "lessons_refused" in taken.counts
    return bool(lesson.deeds or lesson.left or lesson.erased_ms) or is_refused


def join_lesson(
    memory: OutcomeMemory | None, taken: Taken, knowledge: Knowledge, assumed: Granted
) -> Joined:
    """What comes of a lesson that its person's memory has taken. Of who was erased or does not agree to analytics nothing is remembered."""
    lesson, person = taken.lesson, taken.memory
    if person is None or lesson.erased_ms:
        return Joined(None, ())
    holds = agreed(person.consent, assumed)
    if not holds.is_counted:
        return Joined(None, ())
    if not lesson.deeds and not lesson.left:
        return Joined(memory, ())
    given = Deeds(
        lesson.person, lesson.order_ms, lesson.deeds, _decided(person, lesson),
        lesson.is_handover, lesson.session_id if lesson.left else "",
    )  # fmt: skip
    unit = person.unit.id if person.unit is not None else lesson.person
    if lesson.is_handover:
        unit = lesson.anonymous_id  # it was decided for the visitor
    return join(memory, given, partial(rules_at, knowledge, unit, holds.is_personal))


def rules_at(
    knowledge: Knowledge, unit: str, is_personal: bool, time_ms: int, session_id: str
) -> Rules:
    """Those of the policy in force; an arm and the holdout are for those whose decisions are personal (udfs/decide.py).

    The holdout is one more arm: so who is neither in it nor personal is told from who is not held out.
    """
    known = knowledge.at(time_ms)
    if known.policy is None:
        return Rules(known.policy_version, NO_POLICY, {}, False)
    policy = known.policy.policy
    if not is_personal:
        return Rules(known.policy_version, policy.outcomes, {}, False)
    arm = assign_arms(policy.experiments, unit, session_id, time_ms)
    is_out = is_held_out(policy.holdout, unit, time_ms)
    if policy.holdout.share and policy.holdout.runs(time_ms):
        arm[HOLDOUT] = HELD_OUT if is_out else PERSONAL
    return Rules(known.policy_version, policy.outcomes, arm, is_out)


def _decided(person: LearnerMemory, lesson: Lesson) -> dict[str, int]:
    return {
        one.decision_id: asked_ms(person.asked, hash_of(one.decision_id))
        for one in lesson.deeds
        if one.decision_id and not one.decided_ms
    }
