"""Why two people got different offers: which rule, condition, arm or fact made the difference between two decisions of one placement.

A guard for prices that differ by person: what makes one cheaper for somebody must have a name that can be told.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from jobs.config import Config
from jobs.learning.trust import keys_of, trust_of
from schemas.actions import Action, Treatment
from schemas.decisions import Decision, DecisionTrace, TracedAction
from schemas.errors import ConfigError
from schemas.policy import Policy
from scripts.audit import explanation
from scripts.audit.explanation import Explained
from scripts.console import show
from scripts.ops.local_audit import note_look
from scripts.policy.action_words import STAGES, priority_in_words, verdict_in_words
from scripts.policy.policy_versions import announced
from udfs.language.render_texts import PLACEHOLDER


class Side(NamedTuple):
    """One person's decision, with its trace."""

    decision: Decision
    trace: DecisionTrace


class Difference(msgspec.Struct, frozen=True):
    """One reason of a difference: `kind` says what made it, `name` which one, `sentence` how, for a person."""

    kind: str
    name: str
    sentence: str


def differences(one: Side, other: Side, policy: Policy | None) -> list[Difference]:
    """What made the two differ, the first cause first; empty where the offers are the same.

    `policy`: the one that both name, for the conditions of treatments and texts. Raises ConfigError where the two are of different placements.
    """
    mine, theirs = one.decision, other.decision
    if mine.placement != theirs.placement:
        raise ConfigError(
            f"{mine.placement} and {theirs.placement} are different places: compare decisions of one placement"
        )
    if _offer(mine) == _offer(theirs):
        return []
    found = [*_before_rules(mine, theirs)]
    if mine.action_id != theirs.action_id:
        return [*found, *_actions(one, other), *_actions(other, one)]
    action = _action(policy, mine.action_id)
    if mine.treatment_id != theirs.treatment_id:
        return [*found, *_treatments(one, other, action), *_treatments(other, one, action)]
    return [*found, *_texts(one, other, action)]


def _offer(decision: Decision) -> tuple[str, str, dict[str, str]]:
    return decision.action_id, decision.treatment_id, decision.content


def _before_rules(mine: Decision, theirs: Decision) -> Iterator[Difference]:
    """What splits people before any rule is asked."""
    if mine.versions.policy != theirs.versions.policy:
        yield Difference(
            "policy", mine.versions.policy,
            f"policy {mine.versions.policy} decided for {mine.person}, {theirs.versions.policy} for {theirs.person}",
        )  # fmt: skip
    for one, another in ((mine, theirs), (theirs, mine)):
        if one.is_holdout and not another.is_holdout:
            yield Difference(
                "holdout", "holdout", f"{one.person} is in the holdout, which gets the default"
            )
    for name in sorted({*mine.arm, *theirs.arm}):
        arms = mine.arm.get(name, "none"), theirs.arm.get(name, "none")
        if arms[0] != arms[1]:
            yield Difference(
                "experiment", name, f"experiment {name!r}: {mine.person} is in arm {arms[0]}, {theirs.person} in {arms[1]}",
            )  # fmt: skip


def _actions(one: Side, other: Side) -> Iterator[Difference]:
    """Why the other did not get what the one got."""
    action_id, person = one.decision.action_id, other.decision.person
    traced = next((own for own in other.trace.actions if own.action_id == action_id), None)
    if traced is None:
        yield Difference("policy", action_id, f"{action_id} did not compete for {person}")
    elif traced.verdict == "excluded":
        what = f"{action_id} {STAGES.get(traced.stage, 'was excluded')} for {person}: {verdict_in_words(traced)}"
        yield Difference(traced.stage, traced.rule, what)
    elif traced.verdict == "not_chosen":
        yield _outweighed(action_id, person, traced, other.trace)


def _outweighed(
    action_id: str, person: str, traced: TracedAction, trace: DecisionTrace
) -> Difference:
    winner = next(own for own in trace.actions if own.verdict == "chosen")
    is_drawn = winner.priority < traced.priority
    how = "lost the draw to" if is_drawn else "was outweighed by"
    return Difference(
        "draw" if is_drawn else "priority", winner.action_id,
        f"for {person} {action_id} ({priority_in_words(traced)}) {how} {winner.action_id} ({priority_in_words(winner)})",
    )  # fmt: skip


def _treatments(one: Side, other: Side, action: Action | None) -> Iterator[Difference]:
    """The first treatment whose condition holds is the one: that of the person who has the earlier one decides."""
    treatments: Mapping[str, Treatment] = (
        {own.id: own for own in action.treatments} if action else {}
    )
    mine = treatments.get(one.decision.treatment_id)
    order = list(treatments)
    theirs = other.decision.treatment_id
    if mine is None or theirs not in order:
        yield Difference(
            "treatment",
            one.decision.treatment_id,
            f"{one.decision.person} got the treatment {one.decision.treatment_id}",
        )
    elif order.index(mine.id) < order.index(theirs):
        why = f": {mine.when}" if mine.when else ""
        where = f" or its channel {mine.channel}" if mine.channel else ""
        yield Difference(
            "treatment", mine.id,
            f"the treatment {mine.id} holds for {one.decision.person} and not for {other.decision.person}, by its condition{where}{why}",
        )  # fmt: skip


def _texts(one: Side, other: Side, action: Action | None) -> Iterator[Difference]:
    """Texts that say something else, and the facts that they are made of."""
    mine, theirs = one.decision.content, other.decision.content
    treatments = action.treatments if action else ()
    treatment = next((own for own in treatments if own.id == one.decision.treatment_id), None)
    for name in sorted({*mine, *theirs}):
        said, says = mine.get(name, "nothing"), theirs.get(name, "nothing")
        if said == says:
            continue
        texts = treatment.content.get(name, {}).values() if treatment else ()
        facts = sorted({fact for text in texts for fact in PLACEHOLDER.findall(text)})
        by = f", by {', '.join(facts)}" if facts else ", by the language"
        yield Difference(
            "text", name, f"{name} says {said!r} to {one.decision.person} and {says!r} to {other.decision.person}{by}"
        )  # fmt: skip


def find(config: Config, kafka: str, one: Explained, decision_id: str) -> dict[str, Any]:
    """What made an explained decision another offer than the one with this id, whose person is looked at, too."""
    prefix, keys = config.topic_prefix, keys_of(config)
    other = explanation.find(kafka, prefix, decision_id, trust_of(config))
    note_look(config, "read decision", [other.decision.person], {"decision": decision_id})
    version = one.decision.versions.policy
    policies = announced(kafka, prefix, keys)
    policy = next((known.policy for known in policies if known.version == version), None)
    return against(one.decision, other.decision, (one.trace, other.trace), policy)


def against(
    one: Decision,
    other: Decision,
    traces: tuple[DecisionTrace, DecisionTrace],
    policy: Policy | None,
) -> dict[str, Any]:
    """What `kairos explain ID --against ID` prints, for programs."""
    sides = Side(one, traces[0]), Side(other, traces[1])
    return {
        "placement": one.placement,
        "offers": [
            {"person": side.decision.person, "decision_id": side.decision.decision_id, "action_id": side.decision.action_id,
             "treatment_id": side.decision.treatment_id, "content": side.decision.content}
            for side in sides
        ],
        "differences": msgspec.to_builtins(differences(*sides, policy)),
    }  # fmt: skip


def show_against(found: Mapping[str, Any]) -> None:
    """The same for people."""
    for offer in found["offers"]:
        show(
            f"{offer['person']}: {offer['action_id']} ({offer['treatment_id']}) at {found['placement']}"
        )
    for one in found["differences"]:
        show(f"  {one['kind']:<12}{one['name']:<24}{one['sentence']}")
    if not found["differences"]:
        show("  the same offer")


def _action(policy: Policy | None, action_id: str) -> Action | None:
    return next((one for one in policy.actions if one.id == action_id), None) if policy else None
