"""What a fact is: declared once in its room, read by rules, models, texts and documentation.

A number that both rules and models read has one expression: the column is made of `read`, or where it is made for all
candidates at once, tests/contracts/test_facts.py holds it to what `read_item` says of each.
"""

from collections.abc import Callable, Mapping
from functools import partial
from math import nan
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.state.person import PersonState
from udfs.facts.types import Type
from udfs.facts.view import View
from udfs.items.retrieve_candidates import Retrieved
from udfs.moment import Moment

Entity = Literal[
    "session", "person", "context", "item", "session_item", "person_item", "slate", "caller"
]
Purpose = Literal["service", "personalisation"]
"""`service`: of this visit and the catalogue alone; `personalisation`: of the person beyond it. It says what `purge_person` leaves
(udfs/facts/rooms.py) of a person who has not agreed to that."""
PERSONAL: Final = frozenset({"person", "person_item"})
Column = NDArray[np.float64] | float
"""One value per candidate, or one for all of them; NaN = missing."""
Read = Callable[[Moment], object]
ReadItem = Callable[[Moment, Retrieved], object]
Compute = Callable[[View], Column]
Scale = Callable[[Any], float]
"""How a value that rules read stands in a column."""
Merge = Callable[[PersonState, PersonState, str], Any]
"""Of a field of two states, by its name; commutative and associative."""


class Fact(NamedTuple):
    """A fact of a moment (`read`) or of a candidate in it (`read_item`); None = missing.

    `attribute` is its name in conditions, `feature` that of its column; either may be empty: rules, or models, do not know it.
    `scale` makes a column's number of what is read. Raise `version` when the meaning of the column changes.
    """

    entity: Entity
    meaning: str
    attribute: str = ""
    type: Type | None = None
    read: Read | None = None
    read_item: ReadItem | None = None
    feature: str = ""
    column: Compute | None = None
    scale: Scale = float
    version: int = 1

    @property
    def purpose(self) -> Purpose:
        """What it is of."""
        return "personalisation" if self.entity in PERSONAL else "service"


class Apart(NamedTuple):
    """What a person is split by: the state of `now`, and the merged one (`joined`) that came of their `own` and of what a visitor had `given`."""

    now: PersonState
    joined: PersonState
    own: PersonState
    given: PersonState


Split = Callable[[Apart, str], Any]
"""Of a field, by its name: what it would be without what was given."""


class Kept(NamedTuple):
    """A field of the person's state: how two are merged, and the purpose for which it is kept.

    `purged` makes what is left of it where that purpose is not granted; None = its default. `split` takes a merge back (udfs/facts/splitting.py);
    None = what is as it was joined becomes what it was before, what has changed since stays.
    """

    merge: Merge
    purpose: Purpose = "personalisation"
    purged: Callable[[PersonState], Any] | None = None
    split: Split | None = None


class Room(NamedTuple):
    """One group of facts with all that belongs to it, and nowhere else.

    `visit` names the fields of SessionContext that are its own, `person` those of PersonState. `on_event` folds an event into
    the visit, `on_person_event` into the person, `on_handover` a visit that turns out to be the person's, `on_end` the end of one. `events` and
    `person_events` are the types of events that the first two look at; None = all of them.
    """

    name: str
    facts: tuple[Fact, ...] = ()
    visit: tuple[str, ...] = ()
    person: Mapping[str, Kept] = {}
    on_event: Callable[..., None] | None = None
    events: frozenset[str] | None = None
    on_person_event: Callable[..., None] | None = None
    person_events: frozenset[str] | None = None
    on_handover: Callable[..., None] | None = None
    on_end: Callable[..., None] | None = None


def _of_all(
    entity: Entity, name: str, kind: Type, meaning: str, read: Read, feature: str = "", *,
    column: Compute | None = None, scale: Scale = float, version: int = 1,
) -> Fact:  # fmt: skip
    """A fact that is the same for all candidates; its column is made of what is read where it has none of its own."""
    if feature and column is None:
        column = _number_of(read, scale)
    return Fact(
        entity, meaning, f"{entity}.{name}", kind, read, None, feature, column, scale, version
    )


def _number_of(read: Read, scale: Scale) -> Compute:
    def column(view: View) -> float:
        value = read(view.moment)
        return nan if value is None else scale(value)

    return column


session: Final = partial(_of_all, "session")
"""A fact of the visit."""
person: Final = partial(_of_all, "person")
"""A fact of the person, over all visits."""
context: Final = partial(_of_all, "context")
"""A fact of the event that asks."""


def item(
    name: str, kind: Type, meaning: str, read: ReadItem, entity: Entity = "session_item",
    feature: str = "", *, column: Compute | None = None, scale: Scale = float, version: int = 1,
) -> Fact:  # fmt: skip
    """A fact of a candidate; a feature of it needs its `column`."""
    return Fact(entity, meaning, f"item.{name}", kind, None, read, feature, column, scale, version)


def feature(name: str, entity: Entity, meaning: str, column: Compute, version: int = 1) -> Fact:
    """What models read and rules do not."""
    return Fact(entity, meaning, feature=name, column=column, version=version)
