"""The audit log as people read it: each change once, with how it ended and how long it took."""

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

import msgspec

from channels.api.audit_log import Entry

BEGUN = "begun"


def changes_of(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """The entries, the newest first, each change once: at the time at which it ended, with what it has told till then.

    A change that has only begun stays so; what never says that it begins (a sign-in) is one entry anyway. Of the oldest the
    beginning may lie before what was read: it is told by its end.
    """
    made: list[dict[str, Any]] = []
    open_changes: defaultdict[tuple[str, ...], deque[dict[str, Any]]] = defaultdict(deque)
    for entry in reversed(entries):
        key = (entry.who, entry.role, entry.address, entry.what)
        if entry.outcome == BEGUN:
            shown = msgspec.to_builtins(entry) | {"begun_ms": entry.at_ms}
            open_changes[key].append(shown)
            made.append(shown)
            continue
        shown = next((one for one in open_changes[key] if _is_end_of(entry, one)), None)
        if shown is None:
            made.append(msgspec.to_builtins(entry) | {"begun_ms": entry.at_ms})
            continue
        open_changes[key].remove(shown)
        shown.update(msgspec.to_builtins(entry))
    return sorted(made, key=lambda one: one["at_ms"], reverse=True)


def _is_end_of(entry: Entry, begun: dict[str, Any]) -> bool:
    """Whether an entry tells the end of a change: it repeats what was told of its beginning."""
    details: dict[str, str] = begun["details"]
    return details.items() <= entry.details.items()
