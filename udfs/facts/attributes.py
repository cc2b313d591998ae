"""The attributes: what conditions of a policy may name, by name, with type, meaning and how they are read.

They are facts of the moment a placement asks: of the visit, the person, the context and an item, after the
event was counted. None = missing. Lists have the newest first, unless the meaning says otherwise; `_s` are seconds.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from udfs.facts.declared import read_declared
from udfs.facts.fact import Fact, Read, ReadItem
from udfs.facts.rooms import FACTS
from udfs.facts.types import Type
from udfs.items.retrieve_candidates import Retrieved
from udfs.moment import Moment
from udfs.policy.compiled_events import PREFIX

_GROUPS: Final = ("session", "person", "context")

ATTRIBUTES: Final = tuple(
    one for group in _GROUPS for one in FACTS if one.read and one.entity == group
)
ITEM_ATTRIBUTES: Final = tuple(one for one in FACTS if one.read_item)

_READ: Final[Mapping[str, Read]] = {one.attribute: one.read for one in ATTRIBUTES if one.read}
_READ_ITEM: Final[Mapping[str, ReadItem]] = {
    one.attribute: one.read_item for one in ITEM_ATTRIBUTES if one.read_item
}


def _types(facts: Iterable[Fact]) -> dict[str, Type]:
    return {one.attribute: one.type for one in facts if one.type}


ATTRIBUTE_TYPES: Final[Mapping[str, Type]] = _types(ATTRIBUTES)
"""Without those of an item, as for a condition on an action."""
ITEM_ATTRIBUTE_TYPES: Final[Mapping[str, Type]] = _types(ATTRIBUTES + ITEM_ATTRIBUTES)
"""With those of an item, as for a condition on the items of a slate."""


def read_attributes(names: Iterable[str], moment: Moment) -> dict[str, object]:
    """The values of the named attributes (of ATTRIBUTES, or `fact.NAME`) in this moment, None where one is missing.

    The values are the state's own: a caller that wants to change one makes a copy.
    """
    return {
        name: read_declared(name, moment) if name.startswith(PREFIX) else _READ[name](moment)
        for name in names
    }


def read_item_attributes(
    names: Iterable[str], moment: Moment, candidate: Retrieved
) -> dict[str, object]:
    """The values of the named ITEM_ATTRIBUTES of one candidate, None where one is missing."""
    return {name: _READ_ITEM[name](moment, candidate) for name in names}
