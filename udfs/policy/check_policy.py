"""What is wrong with a policy, or looks wrong, and does not show in the type of a field."""

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from schemas.actions import Action, Treatment
from schemas.policy import MODEL, NOTHING, RANKER, RECOMMEND_ITEMS, Policy
from udfs.items.orders import ORDERS
from udfs.policy.compiled_policy import Mistake, Path
from udfs.policy.conditions import STRING
from udfs.policy.contact_rules import DAILY, WEEKLY
from udfs.policy.gather_parts import Gathered

BUILT_IN: Final = (
    Action(RECOMMEND_ITEMS, "slate", treatments=(Treatment("slate"),)),
    Action(NOTHING, "nothing", treatments=(Treatment("none"),)),
)
RANKS_BY: Final = (MODEL, RANKER, *ORDERS)
RESERVED: Final = ("not_yet", "over", "consent", "holdout")
"""Rules of eligibility that are the engine's own (udfs/actions/judge_actions.py)."""
KEYS: Final = {
    "placements": "name",
    "actions": "id",
    "segments": "name",
    "rules": "name",
    "context_weights": "name",
    "experiments": "name",
    "limits": "name",
    "facts": "name",
    "treatments": "id",
    "arms": "name",
}
"""What tells the things of a list apart."""


def check_names(policy: Policy, gathered: Gathered) -> None:
    """No two things of one kind have one name, and what is named exists."""
    for path, several in _lists(policy):
        _check_unique(several, path, gathered)
    ids = {one.id for one in (*BUILT_IN, *policy.actions)}
    places = {one.name for one in policy.placements}
    for at, action in enumerate(policy.actions):
        for number, name in enumerate(action.placements):
            gathered.known(name, places, "placement", ("actions", at, "placements", number))
    for group in ("rules", "context_weights"):
        for at, one in enumerate(getattr(policy, group)):
            for number, name in enumerate(one.actions):
                gathered.known(name, ids, "action", (group, at, "actions", number))
    groups = {one.group for one in policy.actions if one.group is not None}
    for at, limit in enumerate(policy.contact.limits):
        for number, name in enumerate(limit.groups):
            gathered.known(
                name, groups, "group of actions", ("contact", "limits", at, "groups", number)
            )
        if limit.name in (DAILY, WEEKLY):
            gathered.wrong(
                ("contact", "limits", at, "name"), f"{limit.name!r} is a limit of its own"
            )
    for at, action in enumerate(policy.actions):
        for number, need in enumerate(action.eligibility):
            _check_reserved(need.name, ("actions", at, "eligibility", number, "name"), gathered)
    for at, rule in enumerate(policy.rules):
        if rule.stage == "eligibility":
            _check_reserved(rule.name, ("rules", at, "name"), gathered)
        if NOTHING in rule.actions or "nothing" in rule.kinds:
            gathered.wrong(("rules", at), "no rule can forbid doing nothing")


def _lists(policy: Policy) -> Iterator[tuple[Path, Sequence[Any]]]:
    """Each list of things with names, by its place."""
    for group in (
        "placements",
        "actions",
        "segments",
        "rules",
        "context_weights",
        "experiments",
        "facts",
    ):
        yield (group,), getattr(policy, group)
    yield ("contact", "limits"), policy.contact.limits
    for at, action in enumerate(policy.actions):
        yield ("actions", at, "treatments"), action.treatments
    for at, experiment in enumerate(policy.experiments):
        yield ("experiments", at, "arms"), experiment.arms


def _check_unique(several: Sequence[Any], path: Path, gathered: Gathered) -> None:
    key = KEYS[str(path[-1])]
    names = [getattr(one, key) for one in several]
    counted = Counter(names)
    seen: set[str] = set()
    for at, name in enumerate(names):
        if name in seen:
            gathered.wrong((*path, at, key), f"{name!r} is there {counted[name]} times")
        seen.add(name)


def _check_reserved(name: str, path: Path, gathered: Gathered) -> None:
    if name in RESERVED:
        gathered.wrong(path, f"{name!r} is what the engine calls a verdict of its own")


def check_action(action: Action, path: Path, gathered: Gathered) -> None:
    """The fields of an action go together."""
    if action.id in (RECOMMEND_ITEMS, NOTHING):
        wanted = "slate" if action.id == RECOMMEND_ITEMS else "nothing"
        if action.kind != wanted:
            gathered.wrong((*path, "kind"), f"{action.id} is of kind {wanted}")
    elif action.kind == "nothing":
        gathered.wrong((*path, "kind"), f"only the action {NOTHING!r} is of this kind")
    if not action.treatments:
        gathered.wrong(path, "an action needs at least one treatment")
    if action.starts_ms >= action.ends_ms:
        gathered.wrong((*path, "ends_ms"), "it ends before it starts")
    if action.kind != "slate" and action.items != type(action.items)():
        gathered.wrong((*path, "items"), "only a slate has rules for items")
    if action.item is not None and gathered.types.get(action.item) != STRING:
        texts = {name for name, kind in gathered.types.items() if kind == STRING}
        gathered.known(action.item, texts, "attribute of one item's id called", (*path, "item"))
    budget = action.budget
    if budget is not None and budget.total is None and budget.per_day is None:
        gathered.wrong((*path, "budget"), "it needs `total` or `per_day`")
    if budget is not None and budget.audience is not None and not action.limits.times:
        gathered.wrong(
            (*path, "budget", "audience"), "it needs `limits.times`: how often each may have it"
        )


def check_setting(policy: Policy, gathered: Gathered) -> None:
    """What holds for all of a policy is there."""
    try:
        ZoneInfo(policy.time_zone)
    except (KeyError, ValueError, OSError):  # unknown, not a name, a folder of names
        gathered.known(policy.time_zone, _zones(policy.time_zone), "time zone", ("time_zone",))


def _zones(name: str) -> set[str]:
    """Time zones that may be meant; a place's name alone is the end of one."""
    found = available_timezones()
    places = {one for one in found if one.endswith(f"/{name}")}
    return places or set(get_close_matches(name, found, n=3)) or {"UTC", "Europe/Berlin"}


def warnings_of(policy: Policy) -> tuple[Mistake, ...]:
    """What is allowed and looks wrong."""
    asked = [
        Mistake(("placements", at), "no event type asks for it: only events that name it do")
        for at, one in enumerate(policy.placements)
        if not one.event_types
    ]
    placed = {name for one in policy.placements for name in one.actions}
    idle = [
        Mistake(("actions", at), f"{one.id!r} competes in no placement")
        for at, one in enumerate(policy.actions)
        if not one.placements and one.id not in placed and one.id not in (NOTHING, RECOMMEND_ITEMS)
    ]
    return (*asked, *idle, *_ranked_by(policy), *pointless(policy))


def _ranked_by(policy: Policy) -> Iterator[Mistake]:
    """Names of models that are nearly those of orders: any name may be a model's."""
    for at, one in enumerate(policy.placements):
        near = get_close_matches(one.rank_by, RANKS_BY, 1)
        if one.rank_by not in RANKS_BY and near:
            message = f"{one.rank_by!r} is the name of a model that somebody publishes: {near[0]!r} is meant?"
            yield Mistake(("placements", at, "rank_by"), message)


def pointless(policy: Policy) -> Iterator[Mistake]:
    """Limits that say less or more than whoever wrote them may mean."""
    hours = policy.contact.quiet_hours
    if hours is not None and hours.begin == hours.end:
        yield Mistake(("contact", "quiet_hours"), "it ends when it begins: all hours are quiet")
    silent = {one.name for one in policy.placements if one.channel in policy.contact.unreported}
    for at, one in enumerate(policy.actions):
        places = {*one.placements, *(it.name for it in policy.placements if one.id in it.actions)}
        if one.budget is not None and one.budget.audience is None and silent & places:
            message = (
                "a channel of it tells nothing back, so this is spent without end: say `audience`"
            )
            yield Mistake(("actions", at, "budget"), message)
        if one.limits.after_dismissal_ms and one.limits.never_after_dismissal:
            path = ("actions", at, "limits", "after_dismissal_ms")
            yield Mistake(
                path, "never_after_dismissal holds beside it: say `false` to have it rest only"
            )
