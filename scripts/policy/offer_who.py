"""Who gets an offer, in a form's rows: one row is one requirement; what no row can say stays where it is."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from channels.console.offer_bodies import OfferForm, Who
from schemas.actions import Action, Requirement
from schemas.policy import Policy
from scripts.policy.offer_rows import Row, Unsaid, condition_of, name_of, row_of, types_of

STAGES: Final = ("eligibility", "applicability", "suitability")
OF_NEW: Final = "applicability"
"""The stage of a row that is new."""


def who_of(action: Action, policy: Policy) -> tuple[Who, ...]:
    """The requirements that a row can say."""
    return tuple(
        Who(row.of, row.how, row.value, f"{stage}/{one.name}")  # type: ignore[arg-type]
        for stage, one, row in _with_rows(action, policy)
        if row
    )


def kept_of(action: Action, policy: Policy) -> list[str]:
    """The requirements that no row can say, and other looks of the offer: they stay as they are."""
    conditions = [
        f"{one.name}: {' '.join(one.when.split())}"
        for _, one, row in _with_rows(action, policy)
        if row is None
    ]
    return conditions + [f"another look: {one.id}" for one in action.treatments[1:]]


def requirements_of(
    action: Action, before: OfferForm, form: OfferForm, policy: Policy, faults: dict[str, str]
) -> tuple[Action, dict[str, str]]:
    """The action with the form's rows as requirements, and the row (`who.2`) of each place such as `applicability[0]`.

    A row that is as it was leaves its condition as it is written; one that makes none is noted in `faults`.
    """
    shown = {one.name: one for one in before.who}
    rows = {one.name: (at, one) for at, one in enumerate(form.who) if one.name in shown}
    made: dict[str, list[Requirement]] = {stage: [] for stage in STAGES}
    fields: dict[str, str] = {}
    types = types_of(policy)

    def add(stage: str, requirement: Requirement, at: int) -> None:
        fields[f"{stage}[{len(made[stage])}]"] = f"who.{at}"
        made[stage].append(requirement)

    def condition(at: int, one: Who) -> str:
        try:
            return condition_of(_row(one), types)
        except Unsaid as error:
            faults[f"who.{at}"] = str(error)
            return ""

    for stage, old in _requirements(action):
        name = f"{stage}/{old.name}"
        if name not in shown:
            made[stage].append(old)
        elif name in rows:
            at, one = rows[name]
            is_same = _row(one) == _row(shown[name])
            add(stage, old if is_same else replace(old, when=condition(at, one)), at)
    for at, one in enumerate(form.who):
        if one.name not in shown:
            taken = {each.name for several in made.values() for each in several}
            name = _unique(name_of(_row(one)) or "who", taken)
            add(OF_NEW, Requirement(name, condition(at, one)), at)
    return replace(action, **{stage: tuple(several) for stage, several in made.items()}), fields


def _with_rows(action: Action, policy: Policy) -> Iterator[tuple[str, Requirement, Row | None]]:
    """Each requirement and its row; None where no row says it, or another of its stage has its name."""
    types = types_of(policy)
    names = Counter((stage, one.name) for stage, one in _requirements(action))
    for stage, one in _requirements(action):
        is_alone = names[stage, one.name] == 1
        yield stage, one, row_of(one.when, types) if is_alone else None


def _requirements(action: Action) -> Iterator[tuple[str, Requirement]]:
    for stage in STAGES:
        for one in getattr(action, stage):
            yield stage, one


def _row(one: Who) -> Row:
    return Row(one.of, one.how, one.value)


def _unique(name: str, taken: set[str]) -> str:
    number, found = 2, name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found
