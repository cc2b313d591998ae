"""Where parts of a policy's file could not be read: which mistakes of the rest are its own, and where in the file they stand."""

from collections.abc import Iterator
from collections.abc import Mapping as Map
from typing import Final

import msgspec

from schemas.marked_yaml import Listing, Mapping, Node, Place, Scalar
from schemas.policy import Policy
from scripts.policy.policy_reader import UNKNOWN_FIELD, PolicyReader
from udfs.policy.compiled_policy import Mistake

NAMES: Final = ("id", "name")


def own_mistakes(
    root: Node, reader: PolicyReader, policy: Policy, found: list[Mistake]
) -> list[Mistake]:
    """Those of `found` that no fault of the reader brought about, at their places in the file.

    What could not be read is not missed where something names it, and a field that nobody knows may be the one that its thing lacks.
    """
    places = [fault.path for fault in reader.faults]
    things = {fault.path[:-1] for fault in reader.faults if fault.message.startswith(UNKNOWN_FIELD)}
    missing = set(_names_in(root)) - set(_names_of(msgspec.to_builtins(policy)))
    moved = [Mistake(_in_file(one.path, reader.kept), one.message) for one in found]
    return [
        one
        for one in moved
        if one.path not in things
        and not any(path == one.path[: len(path)] for path in places if path)
        and not any(f"'{name}'" in one.message or f".{name}" in one.message for name in missing)
    ]


def _in_file(path: Place, kept: Map[Place, list[int]]) -> Place:
    """The same place counted as the file counts, with what was left out."""
    found: Place = ()
    for step in path:
        places = kept.get(found)
        found = (*found, places[step] if places and isinstance(step, int) else step)
    return found


def _names_in(node: Node) -> Iterator[str]:
    """The ids and names that the file gives to anything."""
    if isinstance(node, Listing):
        for one in node.items:
            yield from _names_in(one)
    elif isinstance(node, Mapping):
        for field, (_, one) in node.fields.items():
            if field in NAMES and isinstance(one, Scalar):
                yield one.text
            yield from _names_in(one)


def _names_of(document: object) -> Iterator[str]:
    """The same of a policy as plain values."""
    if isinstance(document, list | tuple):
        for one in document:
            yield from _names_of(one)
    elif isinstance(document, dict):
        for field, one in document.items():
            if field in NAMES and isinstance(one, str):
                yield one
            yield from _names_of(one)
