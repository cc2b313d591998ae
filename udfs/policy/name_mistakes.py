"""What placements, actions and treatments may be called: their names stand in keys, addresses, pages and reports.

Asked when a policy is checked, before it is published; a policy that is live already stays so whatever its names.
"""

import re
from collections.abc import Iterator
from typing import Final

from schemas.experiments import HOLDOUT
from schemas.limits import NAME_LENGTH_MAX
from schemas.policy import Policy
from udfs.policy.compiled_policy import CompiledPolicy, Mistake, Path

NAME: Final = re.compile(r"[\w.-]+\Z")
WANTED: Final = f"at most {NAME_LENGTH_MAX} letters, digits, `_`, `.` and `-` are wanted"


def name_mistakes(compiled: CompiledPolicy) -> list[Mistake]:
    """Each name that is none, in the policy and in what the arms of its experiments make of it."""
    own = dict(_named(compiled.policy))
    mistakes = [_mistake(path, name) for path, name in own.items() if not _is_name(name)]
    known = set(own.values())
    added = {
        name
        for variant in compiled.variants.values()
        for _, name in _named(variant.policy)
        if name not in known and not _is_name(name)
    }
    mistakes += [
        Mistake(
            ("experiments", at, "name"),
            f"{HOLDOUT!r} is the name of what everybody else is compared with",
        )
        for at, one in enumerate(compiled.policy.experiments)
        if one.name == HOLDOUT
    ]
    return mistakes + [_mistake(("experiments",), name) for name in sorted(added)]


def _named(policy: Policy) -> Iterator[tuple[Path, str]]:
    for at, placement in enumerate(policy.placements):
        yield ("placements", at, "name"), placement.name
    for at, action in enumerate(policy.actions):
        yield ("actions", at, "id"), action.id
        for number, treatment in enumerate(action.treatments):
            yield ("actions", at, "treatments", number, "id"), treatment.id


def _is_name(name: str) -> bool:
    return len(name) <= NAME_LENGTH_MAX and NAME.match(name) is not None


def _mistake(path: Path, name: str) -> Mistake:
    shown = name if len(name) <= NAME_LENGTH_MAX else f"{name[:NAME_LENGTH_MAX]}…"
    return Mistake(path, f"{shown!r} is no name: {WANTED}")
