"""What became of an action in a decision, in words for those who own the rules."""

from collections.abc import Callable, Mapping
from typing import Final

from schemas.actions import Limits
from schemas.contact import ContactLimit
from schemas.counted import counted
from schemas.decisions import DecisionTrace, TracedAction
from scripts.lengths import length_in_words
from scripts.times import utc
from udfs.actions.limit_contacts import PREFIX

STAGES: Final = {
    "eligibility": "may not be offered",
    "applicability": "makes no sense now",
    "suitability": "is not good for this person",
    "constraints": "is limited",
    "suppression": "is about an item that cannot be offered",
    "budget": "has no budget left",
    "treatment": "has no treatment that fits",
    "items": "has no item to show",
}
"""What an exclusion at a stage means."""

Values = Mapping[str, str]


def verdict_in_words(one: TracedAction) -> str:
    """Why an excluded action was excluded: the rule, and what it saw."""
    special = RULES.get((one.stage, one.rule))
    if special is not None:
        return special(one.values)
    if one.stage == "constraints" and one.rule.startswith(PREFIX):
        return _contacts(one.rule.removeprefix(PREFIX), one.values)
    saw = _saw(one.values)
    compliance = " (compliance)" if one.values.get("compliance") else ""
    error = one.values.get("error")
    if error:
        return f"rule {one.rule!r}{compliance} could not be checked, which excludes: {error}"
    return f"rule {one.rule!r}{compliance} does not hold" + (f": {saw}" if saw else "")


def priority_in_words(one: TracedAction) -> str:
    """The parts of a priority: P x C x V x L."""
    return (
        f"{one.priority:.4g} = propensity {one.propensity:.4g} ({one.propensity_source or 'none'})"
        f" x context {one.context_weight:g} x value {one.value:g} x lever {one.lever:g}"
        + _tired(one)
    )


def _tired(one: TracedAction) -> str:
    """That fatigue is in the context's weight."""
    if "fatigue" not in one.values:
        return ""
    times = counted(int(one.values["unanswered"]), "time")
    return f" (fatigue {one.values['fatigue']} in context: shown {times} without an answer)"


def fate_in_words(one: TracedAction, trace: DecisionTrace) -> str:
    """One sentence: what became of the action in this decision, and why."""
    where = f"at {trace.placement} on {utc(trace.event_time_ms)}"
    if one.verdict == "chosen":
        return f"{one.action_id} was chosen {where}: priority {priority_in_words(one)}."
    if one.verdict == "excluded":
        stage = STAGES.get(one.stage, "was excluded")
        return f"{one.action_id} was not chosen {where}: it {stage}: {verdict_in_words(one)}."
    winner = next(other for other in trace.actions if other.verdict == "chosen")
    how = "was outweighed by" if winner.priority >= one.priority else "lost the draw to"
    return (
        f"{one.action_id} was not chosen {where}: it {how} {winner.action_id}, whose priority is "
        f"{priority_in_words(winner)}; its own is {priority_in_words(one)}, "
        f"and its chance was {one.probability:.1%}."
    )


def limits_in_words(limits: Limits) -> str:
    """How often one person may get an action: `once in 14 days, never again once they closed it`."""
    said = []
    if limits.times:
        often = "once" if limits.times == 1 else counted(limits.times, "time")
        said.append(f"{often} in {length_in_words(limits.within_ms)}")
    if limits.cool_down_ms:
        said.append(f"not within {length_in_words(limits.cool_down_ms)} of the last")
    ends = [
        word
        for word, is_end in (
            ("closed", limits.never_after_dismissal),
            ("clicked", limits.never_after_click),
        )
        if is_end
    ]
    if limits.after_dismissal_ms and not limits.never_after_dismissal:
        said.append(f"not within {length_in_words(limits.after_dismissal_ms)} of being closed")
    if limits.after_conversion_ms:
        said.append(f"not within {length_in_words(limits.after_conversion_ms)} of a purchase by it")
    if limits.ignored_times:
        within = length_in_words(limits.ignored_within_ms)
        said.append(f"not while ignored {counted(limits.ignored_times, 'time')} in {within}")
    if ends:
        said.append(f"never again once they {' or '.join(ends)} it")
    return ", ".join(said)


def contact_limit_in_words(limit: ContactLimit) -> str:
    """How often a person may be contacted: `at most 3 contacts in 7 days, by email`."""
    of = f", of {' or '.join(limit.groups)}" if limit.groups else ""
    by = f", by {' or '.join(limit.channels)}" if limit.channels else ""
    if not limit.times:
        return f"no contacts{of}{by}"
    most = counted(limit.times, "contact")
    return f"at most {most} in {length_in_words(limit.within_ms)}{of}{by}"


def _saw(values: Values) -> str:
    """`session.views_5min was 1, person.loyalty_tier was missing`."""
    shown = (f"{name} was {value}" for name, value in values.items() if name not in HIDDEN)
    return ", ".join(shown)


def _contacts(name: str, values: Values) -> str:
    within = length_in_words(int(values["within_ms"]))
    return (
        f"the limit {name!r} allows {values['times']} contacts in {within}: "
        f"{values['shown']} were shown, {values['reserved']} may still be"
    )


def _moment(values: Values, name: str) -> str:
    return utc(int(values[name]))


HIDDEN: Final = ("compliance", "error")
RULES: Final[dict[tuple[str, str], Callable[[Values], str]]] = {
    ("eligibility", "holdout"): lambda v: (
        f"the person is in the holdout, which gets {v.get('default', 'the default')}"
    ),
    ("eligibility", "not_yet"): lambda v: f"it starts on {_moment(v, 'starts_ms')}",
    ("eligibility", "over"): lambda v: f"it ended on {_moment(v, 'ends_ms')}",
    ("eligibility", "consent"): lambda v: (
        f"it needs consent to {v['needs']}, and consent is {v['consent']}"
    ),
    ("constraints", "limit"): lambda v: (
        f"given {v['times']} times of at most {v['limit']}, last on {_moment(v, 'granted_ms')}"
    ),
    ("constraints", "cool_down"): lambda v: f"it cools down since {_moment(v, 'granted_ms')}",
    ("constraints", "dismissed"): lambda v: (
        f"the person dismissed it on {_moment(v, 'dismissed_ms')}"
    ),
    ("constraints", "clicked"): lambda v: (
        f"the person has clicked it, on {_moment(v, 'clicked_ms')}"
    ),
    ("constraints", "after_dismissal"): lambda v: (
        f"it rests since the person dismissed it on {_moment(v, 'dismissed_ms')}"
    ),
    ("constraints", "after_conversion"): lambda v: (
        f"it rests since the person bought after a click on it, on {_moment(v, 'converted_ms')}"
    ),
    ("constraints", "ignored"): lambda v: (
        f"shown {v['times']} times of at most {v['limit']} without an answer, last on {_moment(v, 'shown_ms')}"
    ),
    ("constraints", "quiet_hours"): lambda v: (
        f"hours are quiet by {v['channel']} from {v['begin']} to {v['end']}, and it is {v['hour']} o'clock there ({v['zone']})"
    ),
    ("constraints", "contact_memory"): lambda v: (
        f"{v['contacts']} contacts are still counted, and no more are remembered"
    ),
    ("suppression", "refused"): lambda v: (
        f"the person does not want it, since {_moment(v, 'refused_ms')}"
    ),
    ("suppression", "dismissed"): lambda v: (
        f"the person does not want the item, since {_moment(v, 'dismissed_ms')}"
    ),
    ("suppression", "refused_category"): lambda v: (
        f"the person wants nothing of {v['category']}, since {_moment(v, 'refused_ms')}"
    ),
    ("suppression", "no_item"): lambda v: f"there is none: {_saw(v)}",
    ("suppression", "gone"): lambda v: f"it has left the catalogue: {_saw(v)}",
    ("suppression", "out_of_stock"): lambda v: f"it is out of stock: {_saw(v)}",
    ("suppression", "undelivered"): lambda v: f"it is not delivered there: {_saw(v)}",
    ("suppression", "unavailable"): lambda v: (
        f"it is not to be had on all the days that the visit is about: {_saw(v)}"
    ),
    ("suppression", "reserved"): lambda v: (
        f"others have bought its last pieces or have them in their carts: {_saw(v)}"
    ),
    ("suppression", "sensitive"): lambda v: (
        f"its category is sensitive, and this visit did not ask for it: {_saw(v)}"
    ),
    ("treatment", "no_treatment"): lambda v: (
        f"none for channel {v.get('channel', 'unknown')} whose condition holds"
    ),
    ("items", "no_items"): lambda v: "retrieval and rules left none",
    ("budget", "budget_total"): lambda v: f"all of it is spent ({_saw(v)})",
    ("budget", "budget_day"): lambda v: f"the day's is spent ({_saw(v)})",
    ("budget", "budget_pace"): lambda v: f"what is due of the day by now is spent ({_saw(v)})",
    ("budget", "budget_audience"): lambda v: (
        f"nothing tells what is shown by this channel, so it goes by lot, and this person has none ({_saw(v)})"
    ),
    ("budget", "budget_share"): lambda v: f"it ends, and only some people still get it ({_saw(v)})",
}
"""Verdicts that are no condition of the policy, by stage and rule."""
