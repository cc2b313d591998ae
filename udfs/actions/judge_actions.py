"""Which actions may compete in a placement now: each that may not, with the rule and the values it saw.

In this order: eligibility (may), applicability (makes sense now), suitability (good for the person), constraints
(how often), suppression (stock), budget, treatment (is there one for this channel). The first that speaks against
an action is its verdict. A condition that fails for want of an attribute, or by an error, excludes.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from schemas.actions import Action, Budget, needs_of
from schemas.policy import NOTHING, Suppression
from schemas.state.person import PersonState
from udfs.actions.limit_contacts import beyond_contact
from udfs.actions.pace_budgets import Refusal, beyond_audience, within_budget
from udfs.calendars import local_day
from udfs.draw import draw
from udfs.facts.attributes import read_attributes
from udfs.facts.consent import Agreed
from udfs.facts.contacts import unanswered
from udfs.facts.exposures import dismissed_since, refused_since
from udfs.facts.grants import beyond_limits, stands
from udfs.items.suppress_candidates import sold_out, unreached
from udfs.items.withhold_sensitive import is_withheld
from udfs.moment import Moment
from udfs.policy.compiled_policy import (
    CompiledAction,
    CompiledPlacement,
    CompiledPolicy,
    CompiledTreatment,
)
from udfs.policy.conditions import ConditionFailed, seen

MISSING: Final = "missing"


class Verdict(NamedTuple):
    """`stage` and `rule` are empty where nothing speaks against it."""

    stage: str
    rule: str
    values: Mapping[str, str]


MAY: Final = Verdict("", "", {})


class Judged(NamedTuple):
    """An action and what may be done with it; `treatment` is the first that fits."""

    compiled: CompiledAction
    treatment: CompiledTreatment | None
    verdict: Verdict


class Checked:
    """What the conditions of a placement make of one moment."""

    def __init__(
        self, compiled: CompiledPolicy, placement: CompiledPlacement, moment: Moment
    ) -> None:
        self.moment = moment
        self.values = read_attributes(placement.reads, moment)
        self.failed = 0
        """Bits of the conditions that do not hold."""
        self.errors: dict[int, str] = {}
        self._conditions = compiled.conditions
        for name, condition in placement.segments:
            try:
                self.values[name] = condition.holds(self.values)
            except ConditionFailed:
                self.values[name] = None
        for at in placement.needed:
            try:
                is_met = compiled.conditions[at].holds(self.values)
            except ConditionFailed as error:
                is_met, self.errors[at] = False, error.reason
            if not is_met:
                self.failed |= 1 << at

    def holds(self, at: int | None) -> bool:
        """Whether a condition holds; one that is not there does."""
        return at is None or not self.failed >> at & 1

    def saw(self, at: int) -> dict[str, str]:
        """What a condition saw, and why it failed if it did."""
        values = seen(self._conditions[at], self.values)
        return values | {"error": self.errors[at]} if at in self.errors else values


def judge_actions(
    placement: CompiledPlacement,
    policy: CompiledPolicy,
    checked: Checked,
    person: str,
    seed: str,
    agreed: Agreed,
    state: PersonState,
) -> list[Judged]:
    """Every action of the placement, in the order of their ids; `state` is the person's own, also where the moment is masked."""
    channel = placement.placement.channel or checked.moment.event.channel
    found = []
    for one in placement.actions:
        verdict = _untimely(one.action, checked.moment.now_ms)
        if verdict is MAY:
            verdict = _refused(one.action, channel, agreed)
        if verdict is MAY:
            verdict = _verdict(one, policy, checked, person, seed, state, channel)
        treatment = None
        if verdict is MAY:
            treatment = _treatment(one, channel, checked)
            if treatment is None:
                verdict = Verdict("treatment", "no_treatment", {"channel": channel or MISSING})
        found.append(Judged(one, treatment, verdict))
    return found


def hold_out(
    placement: CompiledPlacement,
    default: str,
    policy: CompiledPolicy,
    moment: Moment,
    state: PersonState,
    agreed: Agreed,
) -> list[Judged]:
    """The same for a person in the holdout: only the default and doing nothing may be chosen, the default as consent and contacts allow."""
    channel = placement.placement.channel or moment.event.channel
    found = []
    for one in placement.actions:
        if one.action.id in (default, NOTHING):
            verdict = _refused(one.action, channel, agreed)
            if verdict is MAY:
                verdict = _beyond_contact(one.action, channel, policy, moment, state)
        else:
            verdict = Verdict("eligibility", "holdout", {"default": default})
        treatment = one.treatments[0] if verdict is MAY else None
        found.append(Judged(one, treatment, verdict))
    return found


def _verdict(
    one: CompiledAction, policy: CompiledPolicy, checked: Checked, person: str, seed: str,
    state: PersonState, channel: str | None,
) -> Verdict:  # fmt: skip
    action, now_ms = one.action, checked.moment.now_ms
    failed = one.mask & checked.failed
    if failed:
        check = one.checks[(failed & -failed).bit_length() - 1]
        values = checked.saw(check.at)
        if check.is_compliance:
            values["compliance"] = "true"
        return Verdict(check.stage, check.name, values)
    history = state.actions.get(action.id)
    limit = beyond_limits(history, action.limits, now_ms) or _ignored(action, state, now_ms)
    if limit is not None:
        return Verdict("constraints", *limit)
    verdict = _beyond_contact(action, channel, policy, checked.moment, state)
    if verdict is not MAY:
        return verdict
    refused_ms = refused_since(state, action.id, now_ms, policy.policy.suppression.dismissed_ms)
    if refused_ms is not None:
        return Verdict("suppression", "refused", {"refused_ms": str(refused_ms)})
    if action.item is not None:
        suppressed = _suppressed(action.item, checked.moment, policy.policy.suppression)
        if suppressed is not None:
            return suppressed
    if action.budget is not None and not stands(history, now_ms):
        is_told = channel not in policy.contact.unreported
        spent = _spent(action, action.budget, policy, checked.moment, person, seed, is_told)
        if spent is not None:
            return Verdict("budget", *spent)
    return MAY


def _spent(
    action: Action, budget: Budget, policy: CompiledPolicy, moment: Moment, person: str, seed: str,
    is_told: bool,
) -> Refusal | None:  # fmt: skip
    """What of its budget speaks against it; `is_told`: the channel says what is shown."""
    drawn, zone, now_ms = draw(seed, person, action.id), policy.policy.time_zone, moment.now_ms
    if not is_told and budget.audience is not None:
        today = str(local_day(zone, now_ms).start_ms)
        drawn_today = draw(seed, person, action.id, today)
        lost = beyond_audience(budget, action.limits.times, drawn, drawn_today)
        if lost is not None:
            return lost
    return within_budget(
        action.id, budget, moment.knowledge.actions, moment.known.epoch, now_ms, zone, drawn
    )


def _ignored(action: Action, state: PersonState, now_ms: int) -> tuple[str, dict[str, str]] | None:
    """Whether it was shown as often as may be ignored, and nobody answered."""
    limits = action.limits
    if not limits.ignored_times or stands(state.actions.get(action.id), now_ms):
        return None
    shown_ms = unanswered(state, action.id, limits.ignored_within_ms, now_ms)
    if len(shown_ms) < limits.ignored_times:
        return None
    values = {"times": str(len(shown_ms)), "limit": str(limits.ignored_times)}
    return "ignored", values | {"shown_ms": str(shown_ms[-1])}


def _beyond_contact(
    action: Action, channel: str | None, policy: CompiledPolicy, moment: Moment, state: PersonState
) -> Verdict:
    rules = policy.contact
    if not rules.holds_back:
        return MAY  # as most policies
    offset_min = moment.told.utc_offset_min
    if offset_min is None and state.clock is not None:
        offset_min = state.clock.utc_offset_min
    found = beyond_contact(action, channel, policy.policy, rules, state, moment.now_ms, offset_min)
    return MAY if found is None else Verdict("constraints", *found)


def _untimely(action: Action, now_ms: int) -> Verdict:
    if action.starts_ms <= now_ms < action.ends_ms:
        return MAY
    rule = "not_yet" if now_ms < action.starts_ms else "over"
    values = {"starts_ms": str(action.starts_ms), "ends_ms": str(action.ends_ms)}
    return Verdict("eligibility", rule, values)


def _refused(action: Action, channel: str | None, agreed: Agreed) -> Verdict:
    """Whether the person did not agree to it."""
    refused = [name for name in needs_of(action, channel) if name not in agreed.granted]
    if not refused:
        return MAY
    return Verdict("eligibility", "consent", {"consent": agreed.said, "needs": ", ".join(refused)})


def _suppressed(attribute: str, moment: Moment, rules: Suppression) -> Verdict | None:
    """Whether the one item that an action is about cannot be offered now."""
    item_id = read_attributes((attribute,), moment)[attribute]
    if not isinstance(item_id, str):
        return Verdict("suppression", "no_item", {attribute: MISSING})
    item = moment.item(item_id)
    if item is None:
        return Verdict("suppression", "gone", {attribute: item_id})
    dismissed = dismissed_since(item, moment.state, moment.now_ms, rules.dismissed_ms)
    if dismissed is not None:
        return Verdict("suppression", *dismissed)
    gone = sold_out(item, moment, rules) or unreached(item, moment, rules)
    if gone is not None:
        return Verdict("suppression", gone.rule, {attribute: item_id, **gone.values})
    if rules.sensitive and is_withheld(item, rules.sensitive, moment):
        return Verdict("suppression", "sensitive", {"category": str(item.category)})
    return None


def _treatment(
    one: CompiledAction, channel: str | None, checked: Checked
) -> CompiledTreatment | None:
    for treatment in one.treatments:
        wanted = treatment.treatment.channel
        if wanted in (None, channel) and checked.holds(treatment.when):
            return treatment
    return None
