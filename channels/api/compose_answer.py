"""Answers, composed: of a decision of the engine, of items, of an action. Pure, as is the ladder that chooses between them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from channels.api.bodies import Answer, AnswerVersions, Source
from channels.api.read_events import hashed
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

    `avoid` are items that the person does not want or already has, `refused` categories that they do not want, `seen` is the item being looked at.
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
    refused: frozenset[str] = frozenset()


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


class Case(NamedTuple):
    """One placement to be answered for: what is wanted, what was found, when. `placement` as the policy has it."""

    wanted: Wanted
    found: Found
    setting: Setting
    placement: Placement | None

    @property
    def language(self) -> str:
        """The person's, else the policy's."""
        policy = self.setting.policy
        return self.found.language or (policy.language if policy else "en")


class Chosen(NamedTuple):
    """What is shown where the engine decided nothing."""

    action_id: str
    treatment_id: str
    items: tuple[DecisionItem, ...]
    content: dict[str, str]
    explanation: str


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
        kind=kind_of(policy_of(decision, setting), decision.action_id, bool(decision.items)),
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


def of_items(case: Case, item_ids: Sequence[str], source: Source, reason: str, why: str) -> Answer:
    """These items, for everybody the same `reason`; silence where there are none."""
    setting, language = case.setting, case.language
    said = setting.say(reason, "", language)
    items = tuple(
        DecisionItem(item_id, 1.0 / (at + 1), said) for at, item_id in enumerate(item_ids)
    )
    action_id = RECOMMEND_ITEMS if items else NOTHING
    explanation = said if items else setting.say("silence", "", language)
    return _undecided(case, Chosen(action_id, "none", items, {}, explanation), source, why)


def of_action(case: Case, action_id: str, why: str) -> Answer:
    """The action that the policy names for a placement of which nothing else is known."""
    setting, language = case.setting, case.language
    action = action_in(setting.policy, action_id)
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
    chosen = Chosen(action_id, treatment_id, (), content, explanation)
    return _undecided(case, chosen, "default", why)


def _undecided(case: Case, chosen: Chosen, source: Source, why: str) -> Answer:
    """An answer that is no decision of the engine: the same for everybody, and soon to be asked again."""
    wanted, found, setting, placement = case
    decision_id = hashed(source, found.session_id, wanted.placement, str(setting.now_ms))
    return Answer(
        placement=wanted.placement,
        action_id=chosen.action_id,
        treatment_id=chosen.treatment_id,
        channel=placement.channel if placement else None,
        kind=kind_of(setting.policy, chosen.action_id, bool(chosen.items)),
        items=chosen.items,
        content=chosen.content,
        explanation=chosen.explanation,
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
    action = action_in(policy, action_id)
    if action is not None:
        return action.kind
    return "slate" if has_items or action_id == RECOMMEND_ITEMS else "content"


def policy_of(decision: Decision, setting: Setting) -> Policy | None:
    """The policy as it is for whom the decision was made: their arm may have actions of its own."""
    if setting.policy is None or setting.in_arms is None:
        return setting.policy
    return setting.in_arms(decision.arm)


def sensitive_in(setting: Setting) -> tuple[str, ...]:
    """The categories that the policy declares sensitive."""
    return setting.policy.suppression.sensitive if setting.policy else ()


def action_in(policy: Policy | None, action_id: str) -> Action | None:
    """The action of this id; None where the policy, or the action in it, is not known."""
    return next((one for one in policy.actions if one.id == action_id), None) if policy else None


def _in_language(texts: dict[str, str], language: str, otherwise: str) -> str:
    return texts.get(language) or texts.get(otherwise) or next(iter(texts.values()), "")
