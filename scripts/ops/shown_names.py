"""What ids and hashes on the console are called: items by the catalogue, versions of the policy by note, name and time."""

from collections.abc import Iterable

from channels.api.knowledge import Snapshot
from schemas.decisions import Decision
from scripts.policy.policy_versions import PolicyVersion
from scripts.times import utc


def item_names(ids: Iterable[str], catalogue: Snapshot) -> dict[str, str]:
    """The names of those that have one."""
    found = {one: catalogue.items.get(one) for one in ids}
    return {one: item.name for one, item in found.items() if item is not None and item.name}


def policy_names(versions: Iterable[PolicyVersion]) -> dict[str, str]:
    """What each version is called: the note of its first publication (a later one says why it is back), else name and time."""
    found: dict[str, str] = {}
    for one in versions:
        at = one.effective_from_ms
        since = f"{utc(at)[:10]} {utc(at)[11:16]} UTC" if at else "the beginning"
        called = " ".join(one.note.split()) or f"{one.name} of {since}"
        found.setdefault(one.version, f"{called}, by {one.author}" if one.author else called)
    return found


def items_in(decisions: Iterable[Decision]) -> set[str]:
    """The ids of the items in these decisions."""
    return {item.item_id for one in decisions for item in one.items}
