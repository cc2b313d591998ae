"""The ladder of answers: fresh, recent, trending, default. Pure: what could be found out is handed in.

fresh     the engine's decision on this request's own event
recent    its last one for this person and placement, if it is still valid
trending  what is wanted most in the category that is looked at, else everywhere
default   what the policy says of the placement, else the catalogue's first items; at the end: nothing
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from channels.api.bodies import PRODUCTS, Answer, AnswerVersions, Source
from channels.api.read_events import hashed
from channels.api.stale_texts import is_stale, without_stale_reasons
from schemas import CODE_VERSION
from schemas.actions import Action, ActionKind
from schemas.decisions import Decision, DecisionItem
from schemas.items import Item
from schemas.limits import MINUTE_MS
from schemas.policy import NOTHING, RECOMMEND_ITEMS, Placement, Policy

FALLBACK_VALID_MS: Final = MINUTE_MS
"""What is no decision of the engine is to be asked for again soon."""
NO_MODEL: Final = "none"


class Wanted(NamedTuple):
    """What is asked for. `candidates` are the caller's own, in its order (None: it has no list); `size` bounds the items.

    Where `must_have_items`, an answer without any is passed over (a product list, never silence).
    """

    placement: str
    size: int | None = None
    candidates: tuple[str, ...] | None = None
    must_have_items: bool = False


class Found(NamedTuple):
    """What could be found out in time. `why_not` tells, for the caller, why there is nothing fresher.

    `avoid` are items that the person does not want or already has, `seen` the one being looked at.
    """

    fresh: Decision | None = None
    recent: Decision | None = None
    why_not_fresh: str = ""
    why_not_recent: str = ""
    category: str = ""
    trending_in_category: Sequence[str] = ()
    trending: Sequence[str] = ()
    avoid: frozenset[str] = frozenset()
    seen: str = ""
    session_id: str = ""
    language: str = ""


class Setting(NamedTuple):
    """The moment: policy and catalogue as the API knows them. `item` gives None for what is not known.

    `in_arms` is the policy of who is in these arms of its experiments; None = of everybody the same.
    """

    now_ms: int
    policy: Policy | None
    policy_version: str
    catalogue_ms: int
    item: Callable[[str], Item | None]
    first_items: Callable[[int, frozenset[str]], Iterable[Item]]
    say: Callable[[str, str, str], str]
    in_arms: Callable[[Mapping[str, str]], Policy] | None = None


def choose(wanted: Wanted, found: Found, setting: Setting) -> Answer:
    """The best answer that there is; there always is one."""
    placement = _placement(setting.policy, wanted.placement)
    rungs = (_fresh, _nothing_to_rank, _recent, _trending)
    why: list[str] = []
    for rung in rungs:
        answer = rung(wanted, found, setting, placement, why)
        if answer is not None:
            return answer
    return _default(wanted, found, setting, placement, why)


def _fresh(
    wanted: Wanted, found: Found, setting: Setting, placement: Placement | None, why: list[str]
) -> Answer | None:
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


def _nothing_to_rank(
    wanted: Wanted, found: Found, setting: Setting, placement: Placement | None, why: list[str]
) -> Answer | None:
    """Of an empty list the order is known, whoever answers: nothing of ours takes the place of the caller's."""
    if wanted.candidates is None or wanted.candidates:
        return None
    because = "The list that was to be ranked is empty."
    return _of_items((), "fresh", "caller", because, wanted, found, setting, placement)


def _recent(
    wanted: Wanted, found: Found, setting: Setting, placement: Placement | None, why: list[str]
) -> Answer | None:
    decision = found.recent
    if wanted.candidates is not None:
        why.append("An earlier order of another list says nothing of this one.")
        return None
    if decision is None:
        why.append(found.why_not_recent or "No valid decision is known.")
        return None
    fault = _fault(decision, setting)
    decision = without_stale_reasons(decision, setting.item)
    kept = tuple(one for one in decision.items if _may_show(one.item_id, found, setting))
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
    policy, action_id = _policy_of(decision, setting), decision.action_id
    if policy is None or action_id in (RECOMMEND_ITEMS, NOTHING):
        return ""
    action = _action(policy, action_id)
    if action is None:
        return f"is for {action_id}, which the policy has no more"
    if not action.starts_ms <= setting.now_ms < action.ends_ms:
        return f"is for {action_id}, whose time is over"
    if is_stale(decision, setting.item):
        return "tells of an item what is not so any more"
    return ""


def _policy_of(decision: Decision, setting: Setting) -> Policy | None:
    """The policy as it is for whom the decision was made: their arm may have actions of its own."""
    if setting.policy is None or setting.in_arms is None:
        return setting.policy
    return setting.in_arms(decision.arm)


def _trending(
    wanted: Wanted, found: Found, setting: Setting, placement: Placement | None, why: list[str]
) -> Answer | None:
    if wanted.candidates is not None:
        return None
    if placement is not None and placement.fallback is not None and not wanted.must_have_items:
        return None
    size = _size(wanted, placement)
    for ids, where, reason in (
        (found.trending_in_category, f"in {found.category}", "trending_category"),
        (found.trending, "everywhere", "trending"),
    ):
        shown = [one for one in ids if one != found.seen and _may_show(one, found, setting)][:size]
        if shown:
            because = _because([*why, f"These items are wanted most {where} at the moment."])
            return _of_items(shown, "trending", reason, because, wanted, found, setting, placement)
    why.append("Nothing trends yet.")
    return None


def _default(
    wanted: Wanted, found: Found, setting: Setting, placement: Placement | None, why: list[str]
) -> Answer:
    if wanted.candidates is not None:
        because = _because([*why, "The list is in the order in which it was given."])
        return _of_items(
            wanted.candidates[: wanted.size],
            "default",
            "caller",
            because,
            wanted,
            found,
            setting,
            placement,
        )
    if placement is not None and placement.fallback is not None and not wanted.must_have_items:
        because = _because([*why, "The policy says so for this placement."])
        return _of_action(placement.fallback, because, wanted, found, setting, placement)
    size = _size(wanted, placement)
    avoid = found.avoid | {found.seen}
    shown = [one.item_id for one in setting.first_items(size, avoid)]
    last = "These are the first of the catalogue." if shown else "The catalogue is not known."
    because = _because([*why, last])
    return _of_items(shown, "default", "other", because, wanted, found, setting, placement)


def _size(wanted: Wanted, placement: Placement | None) -> int:
    """How many items there may be; where the policy is not known, as many as a list of products has."""
    return wanted.size or (placement.size if placement else PRODUCTS)


def _may_show(item_id: str, found: Found, setting: Setting) -> bool:
    """Not what is gone, sold out, or not wanted; what the catalogue never had is nobody's to forbid."""
    if item_id in found.avoid:
        return False
    item = setting.item(item_id)
    return item is None or not (item.is_gone or item.stock == 0)


# --- answers ----------------------------------------------------------------------------------------


def answer_of(
    decision: Decision,
    items: tuple[DecisionItem, ...],
    source: Source,
    why: str,
    wanted: Wanted,
    setting: Setting,
) -> Answer:
    """The answer that a decision of the engine is, with these of its items."""
    versions = decision.versions
    return Answer(
        placement=decision.placement,
        action_id=decision.action_id,
        treatment_id=decision.treatment_id,
        channel=decision.channel,
        kind=kind_of(_policy_of(decision, setting), decision.action_id, bool(decision.items)),
        items=items[: wanted.size],
        content=decision.content,
        explanation=decision.explanation,
        decision_id=decision.decision_id,
        source=source,
        why=why,
        versions=AnswerVersions(
            versions.policy, versions.model, versions.catalogue, versions.knowledge, versions.code
        ),
        valid_until_ms=decision.valid_until_ms,
        response_propensity=decision.response_propensity,
        action_probability=decision.action_probability,
        arm=decision.arm,
        is_holdout=decision.is_holdout,
    )


def _of_items(
    item_ids: Sequence[str],
    source: Source,
    reason: str,
    why: str,
    wanted: Wanted,
    found: Found,
    setting: Setting,
    placement: Placement | None,
) -> Answer:
    language = _language(found, setting)
    said = setting.say(reason, "", language)
    items = tuple(
        DecisionItem(item_id, 1.0 / (at + 1), said) for at, item_id in enumerate(item_ids)
    )
    action_id = RECOMMEND_ITEMS if items else NOTHING
    explanation = said if items else setting.say("silence", "", language)
    return _undecided(
        action_id, "none", items, {}, explanation, source, why, wanted, found, setting, placement
    )


def _of_action(
    action_id: str,
    why: str,
    wanted: Wanted,
    found: Found,
    setting: Setting,
    placement: Placement,
) -> Answer:
    """The action that the policy names for a placement of which nothing else is known."""
    language = _language(found, setting)
    action = _action(setting.policy, action_id)
    treatment = action.treatments[0] if action and action.treatments else None
    own = setting.policy.language if setting.policy else ""
    content = {
        name: text
        for name, texts in (treatment.content if treatment else {}).items()
        # half a sentence is not shown: nobody knows the values here
        if "{" not in (text := _in_language(texts, language, own))
    }
    explanation = setting.say("silence", "", language) if action_id == NOTHING else ""
    treatment_id = treatment.id if treatment else "none"
    return _undecided(
        action_id,
        treatment_id,
        (),
        content,
        explanation,
        "default",
        why,
        wanted,
        found,
        setting,
        placement,
    )


def _undecided(
    action_id: str,
    treatment_id: str,
    items: tuple[DecisionItem, ...],
    content: dict[str, str],
    explanation: str,
    source: Source,
    why: str,
    wanted: Wanted,
    found: Found,
    setting: Setting,
    placement: Placement | None,
) -> Answer:
    """An answer that is no decision of the engine: the same for everybody, and soon to be asked again."""
    decision_id = hashed(source, found.session_id, wanted.placement, str(setting.now_ms))
    return Answer(
        placement=wanted.placement,
        action_id=action_id,
        treatment_id=treatment_id,
        channel=placement.channel if placement else None,
        kind=kind_of(setting.policy, action_id, bool(items)),
        items=items,
        content=content,
        explanation=explanation,
        decision_id=f"{source}-{decision_id}",
        source=source,
        why=why,
        versions=AnswerVersions(
            setting.policy_version, NO_MODEL, setting.catalogue_ms, 0, CODE_VERSION
        ),
        valid_until_ms=setting.now_ms + FALLBACK_VALID_MS,
        response_propensity=None,
        action_probability=1.0,
        arm={},
        is_holdout=False,
    )


def kind_of(policy: Policy | None, action_id: str, has_items: bool) -> ActionKind:
    """What kind of action it is; of one that the policy does not list, by what it brings."""
    if action_id == NOTHING:
        return "nothing"
    action = _action(policy, action_id)
    if action is not None:
        return action.kind
    return "slate" if has_items or action_id == RECOMMEND_ITEMS else "content"


def _placement(policy: Policy | None, name: str) -> Placement | None:
    return next((one for one in policy.placements if one.name == name), None) if policy else None


def _action(policy: Policy | None, action_id: str) -> Action | None:
    return next((one for one in policy.actions if one.id == action_id), None) if policy else None


def _language(found: Found, setting: Setting) -> str:
    return found.language or (setting.policy.language if setting.policy else "en")


def _in_language(texts: dict[str, str], language: str, otherwise: str) -> str:
    return texts.get(language) or texts.get(otherwise) or next(iter(texts.values()), "")


def _because(sentences: Iterable[str]) -> str:
    return " ".join(filter(None, sentences))
