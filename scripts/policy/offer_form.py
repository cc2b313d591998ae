"""One offer of a policy as a form, and the form back into the policy: what the form does not show stays as it is."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from channels.console.offer_bodies import OfferForm
from schemas.actions import Action, Budget, Treatment
from schemas.errors import ConfigError
from schemas.limits import DAY_MS, EVENT_TIME_MAX_MS, HOUR_MS
from schemas.policy import Policy
from scripts.policy.moments import moment_of, moment_shown
from scripts.policy.offer_who import requirements_of, who_of

OFFERS: Final = ("offer", "content", "assistance", "message")
"""Kinds of action that are one thing with texts: a form can show them."""
TEXTS: Final = ("title", "text", "code", "button", "link", "image")
"""Content that the form has fields for; other names stay as they are."""
CONSENT: Final = "personalisation"
NUMBER: Final = re.compile(r"\d{1,12}(\.\d{1,6})?")
WHOLE: Final = re.compile(r"\d{1,9}")


class FormFaults(ConfigError):
    """What is wrong in a form, by its field, in plain words."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = dict(faults)
        super().__init__("; ".join(f"{field}: {said}" for field, said in faults.items()))


class Drafted(NamedTuple):
    """The policy with the offer as the form says, and which field of the form a place in the policy is."""

    policy: Policy
    fields: Mapping[str, str]

    def field_of(self, place: str) -> str:
        """The form's field of `actions[3].limits.times`; empty where it has none."""
        found = [
            one for one in self.fields if place == one or place.startswith((f"{one}.", f"{one}["))
        ]
        if not found:
            return ""
        longest = max(found, key=len)
        field = self.fields[longest]
        if field not in ("content", "reason"):
            return field
        whole = ("content", "title") if field == "content" else ("reason",)
        parts = (field + place[len(longest) :]).split(".")
        return ".".join([*parts, *(*whole, self.policy.language)[len(parts) :]])


def offers_in(policy: Policy) -> list[Action]:
    """The actions that a form can show."""
    return [one for one in policy.actions if one.kind in OFFERS]


def languages_of(policy: Policy) -> list[str]:
    """The languages of the policy's texts, its own first."""
    used = [
        language
        for one in offers_in(policy)
        for texts in (
            one.reason,
            *(each for two in one.treatments for each in two.content.values()),
        )
        for language in texts
    ]
    return list(dict.fromkeys([policy.language, *used]))


def form_of(action: Action, policy: Policy) -> OfferForm:
    """The action as the form shows it."""
    zone, limits, budget = ZoneInfo(policy.time_zone), action.limits, action.budget
    content = action.treatments[0].content if action.treatments else {}
    return OfferForm(
        id=action.id,
        placements=action.placements,
        content={name: content[name] for name in TEXTS if name in content},
        reason=action.reason,
        who=who_of(action, policy),
        needs_consent=CONSENT in action.purposes,
        starts=_moment_shown(action.starts_ms, 0, zone),
        ends=_moment_shown(action.ends_ms, EVENT_TIME_MAX_MS, zone),
        value=_number_shown(action.value),
        times=_number_shown(limits.times, none=0),
        within_days=_number_shown(limits.within_ms / DAY_MS),
        cool_down_hours=_number_shown(limits.cool_down_ms / HOUR_MS, none=0),
        never_after_dismissal=limits.never_after_dismissal,
        never_after_click=limits.never_after_click,
        per_day=_number_shown(budget.per_day if budget else None),
        total=_number_shown(budget.total if budget else None),
        cost=_number_shown(budget.cost if budget else 1.0),
    )


def with_offer(policy: Policy, form: OfferForm, *, is_new: bool) -> Drafted:
    """The policy with this offer, new or changed; raises FormFaults, and ConfigError where the offer is gone.

    Whether names, bounds and conditions hold is for `check_policy` to say.
    """
    named = {one.id: at for at, one in enumerate(policy.actions)}
    faults: dict[str, str] = {}
    if not form.id.strip():
        faults["id"] = "give it a name, by which reports call it"
    elif is_new and form.id in named:
        faults["id"] = "there is another offer of this name"
    elif not is_new and form.id not in {one.id for one in offers_in(policy)}:
        raise ConfigError(f"the offer {form.id!r} is not there any more: somebody took it back")
    action = Action(form.id, "offer", treatments=(Treatment("main"),))
    if not is_new and form.id in named:
        action = policy.actions[named[form.id]]
    at = len(policy.actions) if is_new else named.get(form.id, 0)
    if not form.placements and not any(action.id in one.actions for one in policy.placements):
        faults["placements"] = "choose at least one place where it may be shown"
    before = form_of(action, policy)
    made = _filled(action, before, form, policy, faults, is_new=is_new)
    made, rows = requirements_of(made, before, form, policy, faults)
    if not made.treatments[0].content:
        faults[f"content.title.{policy.language}"] = "it says nothing yet: give it a title"
    if faults:
        raise FormFaults(faults)
    actions = (*policy.actions[:at], made, *policy.actions[at + 1 :])
    return Drafted(replace(policy, actions=actions), _fields(f"actions[{at}]", rows))


def without_offer(policy: Policy, action_id: str) -> Policy:
    """The policy without this offer; raises ConfigError where it has none of that name."""
    if action_id not in {one.id for one in offers_in(policy)}:
        raise ConfigError(f"there is no offer {action_id!r}: somebody has taken it back already")
    return replace(policy, actions=tuple(one for one in policy.actions if one.id != action_id))


def _filled(
    action: Action, before: OfferForm, form: OfferForm, policy: Policy, faults: dict[str, str],
    *, is_new: bool,
) -> Action:  # fmt: skip
    """The action with the form's texts, times, limits and budget; what the form leaves as it was stays to the last digit."""
    zone = ZoneInfo(policy.time_zone)
    typed = _Typed(before, form, faults, is_new=is_new)
    limits = replace(
        action.limits,
        times=typed.take("times", lambda text: _whole(text, 0), action.limits.times),
        within_ms=typed.take(
            "within_days", lambda text: _length(text, DAY_MS, 400 * DAY_MS), action.limits.within_ms
        ),
        cool_down_ms=typed.take(
            "cool_down_hours", lambda text: _length(text, HOUR_MS, 0), action.limits.cool_down_ms
        ),
        never_after_dismissal=form.never_after_dismissal,
        never_after_click=form.never_after_click,
    )
    others = tuple(one for one in action.purposes if one != CONSENT)
    is_kept = form.needs_consent == (CONSENT in action.purposes)
    return replace(
        action,
        placements=form.placements,
        treatments=_treatments(action, form),
        reason=_said(form.reason),
        value=typed.take("value", lambda text: _number(text, 1.0), action.value),
        limits=limits,
        budget=_budget(action.budget, typed),
        purposes=action.purposes
        if is_kept
        else (*others, *([CONSENT] if form.needs_consent else [])),
        starts_ms=typed.take("starts", lambda text: _moment(text, 0, zone), action.starts_ms),
        ends_ms=typed.take(
            "ends", lambda text: _moment(text, EVENT_TIME_MAX_MS, zone), action.ends_ms
        ),
    )


class _Typed(NamedTuple):
    """What was typed beside what was shown before; what cannot be read is noted in `faults`."""

    before: OfferForm
    form: OfferForm
    faults: dict[str, str]
    is_new: bool

    def take(self, field: str, read: Callable[[str], Any], kept: Any) -> Any:
        """What is typed in a field, `kept` where that is what was shown."""
        text = getattr(self.form, field).strip()
        if text == getattr(self.before, field) and not self.is_new:
            return kept
        try:
            return read(text)
        except ValueError as error:
            self.faults[field] = str(error)
            return kept


def _budget(budget: Budget | None, typed: _Typed) -> Budget | None:
    old = budget or Budget()
    found = {
        "per_day": typed.take("per_day", lambda text: _number(text, None), old.per_day),
        "total": typed.take("total", lambda text: _number(text, None), old.total),
        "cost": typed.take("cost", lambda text: _number(text, 1.0), old.cost),
    }
    is_bounded = found["per_day"] is not None or found["total"] is not None
    return replace(old, **found) if is_bounded else None


def _treatments(action: Action, form: OfferForm) -> tuple[Treatment, ...]:
    """The first one with the form's texts; the others, and texts that the form has no fields for, stay."""
    first = action.treatments[0] if action.treatments else Treatment("main")
    said = {name: _said(form.content.get(name, {})) for name in TEXTS}
    names = [*first.content, *(name for name in TEXTS if name not in first.content)]
    content = {name: said.get(name, first.content.get(name, {})) for name in names}
    made = {name: texts for name, texts in content.items() if texts}
    return (replace(first, content=made), *action.treatments[1:])


def _said(texts: Mapping[str, str]) -> dict[str, str]:
    return {language: text for language, text in texts.items() if text.strip()}


def _fields(place: str, rows: Mapping[str, str]) -> dict[str, str]:
    """The form's field by the place in the policy."""
    return dict(_pairs(place)) | {f"{place}.{one}": field for one, field in rows.items()}


def _pairs(place: str) -> Iterator[tuple[str, str]]:
    yield f"{place}.treatments[0].content", "content"
    for one in ("id", "placements", "reason", "value", "starts", "ends"):
        yield f"{place}.{one}", one
    for one in ("starts", "ends"):
        yield f"{place}.{one}_ms", one
    for one, field in (
        ("times", "times"),
        ("within", "within_days"),
        ("cool_down", "cool_down_hours"),
    ):
        yield f"{place}.limits.{one}", field
    for one in ("per_day", "total", "cost"):
        yield f"{place}.budget.{one}", one
    yield f"{place}.budget", "per_day"


def _whole(text: str, empty: int) -> int:
    if text and not WHOLE.fullmatch(text):
        raise ValueError("a whole number such as 1 or 3 is wanted, or nothing for no limit")
    return int(text) if text else empty


def _number(text: str, empty: float | None) -> float | None:
    if text and not NUMBER.fullmatch(text):
        raise ValueError("a number such as 50 or 12.5 is wanted")
    return float(text) if text else empty


def _length(text: str, unit_ms: int, empty_ms: int) -> int:
    number = _number(text, None)
    return empty_ms if number is None else round(number * unit_ms)


def _moment(text: str, empty_ms: int, zone: ZoneInfo) -> int:
    return moment_of(text, zone) if text else empty_ms


def _moment_shown(time_ms: int, none_ms: int, zone: ZoneInfo) -> str:
    return "" if time_ms == none_ms else moment_shown(time_ms, zone)


def _number_shown(number: float | None, none: float | None = None) -> str:
    return "" if number in (None, none) else f"{number:.6f}".rstrip("0").rstrip(".")
