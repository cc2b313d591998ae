"""The ladder of answers: fresh, recent, trending, default. Pure: what could be found out is handed in.

fresh     the engine's decision on this request's own event
recent    its last one for this person and placement, if it is still valid
default   the caller's list as it was given; of a placement with a fallback in the policy, that action; where that, or the channel of
          the placement, needs the person's consent: nothing, for only the engine knows what they agreed to
trending  what is wanted most in the category that is looked at, else everywhere
default   the catalogue's first items; at the end: nothing
"""

from collections.abc import Callable, Iterable
from typing import Final

from channels.api.bodies import PRODUCTS, Answer
from channels.api.compose_answer import (
    Case,
    Found,
    Setting,
    Wanted,
    action_in,
    answer_of,
    of_action,
    of_items,
    policy_of,
    sensitive_in,
)
from channels.api.stale_texts import is_stale, without_stale_reasons
from schemas.actions import CHANNELS, needs_of
from schemas.decisions import Decision
from schemas.items import is_within
from schemas.policy import NOTHING, RECOMMEND_ITEMS, Placement, Policy


def choose(wanted: Wanted, found: Found, setting: Setting) -> Answer:
    """The best answer that there is; there always is one."""
    case = Case(wanted, found, setting, _placement(setting.policy, wanted.placement))
    why: list[str] = []
    answers = (rung(case, why) for rung in RUNGS)
    return next((one for one in answers if one is not None), None) or _first_items(case, why)


def _fresh(case: Case, why: list[str]) -> Answer | None:
    wanted, found, setting, _ = case
    decision = found.fresh
    if decision is None:
        why.append(found.why_not_fresh)
        return None
    if decision.valid_until_ms <= setting.now_ms:
        why.append("The engine's decision on it has expired.")
        return None
    if wanted.must_have_items and not decision.items:
        why.append(f"The engine chose {decision.action_id}, which has no items.")
        return None
    because = "The engine decided it on this request's own event."
    return answer_of(decision, decision.items, "fresh", because, wanted, setting)


def _nothing_to_rank(case: Case, _: list[str]) -> Answer | None:
    """Of an empty list the order is known, whoever answers: nothing of ours takes the place of the caller's."""
    if case.wanted.candidates is None or case.wanted.candidates:
        return None
    return of_items(case, (), "fresh", "caller", "The list that was to be ranked is empty.")


def _recent(case: Case, why: list[str]) -> Answer | None:
    wanted, found, setting, _ = case
    decision = found.recent
    if wanted.candidates is not None:
        why.append("An earlier order of another list says nothing of this one.")
        return None
    if decision is None:
        why.append(found.why_not_recent or "No valid decision is known.")
        return None
    fault = _fault(decision, setting)
    decision = without_stale_reasons(decision, setting.item)
    is_own = decision.session_id == found.session_id
    kept = tuple(
        one for one in decision.items if _may_show(one.item_id, found, setting, is_own=is_own)
    )
    if not fault and (decision.items or wanted.must_have_items) and not kept:
        fault = "has no item left that may be shown"
    if fault:
        why.append(f"The last decision {fault}.")
        return None
    ago_s = max(0, setting.now_ms - decision.event_time_ms) / 1_000
    dropped = len(decision.items) - len(kept)
    because = f"This is the engine's decision of {ago_s:.0f} s ago, which is still valid"
    because += f"; {dropped} items have gone since." if dropped else "."
    return answer_of(decision, kept, "recent", _because([*why, because]), wanted, setting)


def _fault(decision: Decision, setting: Setting) -> str:
    if decision.valid_until_ms <= setting.now_ms:
        return "has expired"
    policy, action_id = policy_of(decision, setting), decision.action_id
    if policy is None or action_id in (RECOMMEND_ITEMS, NOTHING):
        return ""
    action = action_in(policy, action_id)
    if action is None:
        return f"is for {action_id}, which the policy has no more"
    if not action.starts_ms <= setting.now_ms < action.ends_ms:
        return f"is for {action_id}, whose time is over"
    if is_stale(decision, setting.item):
        return "tells of an item what is not so any more"
    return ""


def _in_given_order(case: Case, why: list[str]) -> Answer | None:
    given = case.wanted.candidates
    if given is None:
        return None
    because = _because([*why, "The list is in the order in which it was given."])
    return of_items(case, given[: case.wanted.size], "default", "caller", because)


def _unasked(case: Case, why: list[str]) -> Answer | None:
    """What goes out to people by a channel of theirs only the engine may decide: it knows what they agreed to."""
    channel = case.placement.channel if case.placement else None
    if channel not in CHANNELS:
        return None
    return _silence(case, why, f"A message by {channel} needs the person's consent.")


def _fallback(case: Case, why: list[str]) -> Answer | None:
    """What the policy says of the placement stands before what trends."""
    fallback = case.placement.fallback if case.placement else None
    if fallback is None or case.wanted.must_have_items:
        return None
    action = action_in(case.setting.policy, fallback)
    if action is not None and needs_of(action, None):
        return _silence(case, why, f"{fallback} needs the person's consent.")
    because = _because([*why, "The policy says so for this placement."])
    return of_action(case, fallback, because)


def _silence(case: Case, why: list[str], because: str) -> Answer:
    return of_action(case, NOTHING, _because([*why, because]))


def _trending(case: Case, why: list[str]) -> Answer | None:
    wanted, found, setting, placement = case
    size = _size(wanted, placement)
    for ids, where, reason in (
        (found.trending_in_category, f"in {found.category}", "trending_category"),
        (found.trending, "everywhere", "trending"),
    ):
        shown = [one for one in ids if one != found.seen and _may_show(one, found, setting)][:size]
        if shown:
            because = _because([*why, f"These items are wanted most {where} at the moment."])
            return of_items(case, shown, "trending", reason, because)
    why.append("Nothing trends yet.")
    return None


def _first_items(case: Case, why: list[str]) -> Answer:
    wanted, found, setting, placement = case
    size = _size(wanted, placement)
    avoid = found.avoid | {found.seen}
    shown = [one.item_id for one in setting.first_items(size, avoid)]
    last = "These are the first of the catalogue." if shown else "The catalogue is not known."
    return of_items(case, shown, "default", "other", _because([*why, last]))


RUNGS: Final[tuple[Callable[[Case, list[str]], Answer | None], ...]] = (
    _fresh,
    _nothing_to_rank,
    _recent,
    _in_given_order,
    _unasked,
    _fallback,
    _trending,
)
"""Each gives an answer, or notes why it has none; the first items of the catalogue stand below all."""


def _size(wanted: Wanted, placement: Placement | None) -> int:
    """How many items there may be; where the policy is not known, as many as a list of products has."""
    return wanted.size or (placement.size if placement else PRODUCTS)


def _may_show(item_id: str, found: Found, setting: Setting, *, is_own: bool = False) -> bool:
    """Not what is gone, sold out, or not wanted; nor what is sensitive, where the engine has not decided it in this visit (`is_own`) and the
    visit is not about its category. What the catalogue never had is nobody's to forbid.
    """
    if item_id in found.avoid:
        return False
    item = setting.item(item_id)
    if item is None:
        return True
    if found.refused and is_within(item.category, found.refused):
        return False
    if not is_own and item.category in sensitive_in(setting) and item.category != found.category:
        return False
    return not (item.is_gone or item.stock == 0)


def _placement(policy: Policy | None, name: str) -> Placement | None:
    return next((one for one in policy.placements if one.name == name), None) if policy else None


def _because(sentences: Iterable[str]) -> str:
    return " ".join(filter(None, sentences))
