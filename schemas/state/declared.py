"""What is kept of facts that a policy declares (schemas/own_events.py), of a visit and of a person; arrays by position, like schemas/state/session.py."""

from msgspec import Struct, field

from schemas.numbers import Finite, Line, Whole


class Part(Struct, array_like=True):
    """What came of a declared fact in one part of its window; `index` is the time divided by the part's length."""

    index: Whole
    count: Whole = 0
    total: Finite = 0.0


class Declared(Struct, array_like=True):
    """What is kept of a fact that a policy declares: all of it, its newest value (a number or a text) with its time, and parts of its window."""

    count: Whole = 0
    total: Finite = 0.0
    last_ms: Whole = 0
    number: Finite | None = None
    text: Line = ""
    parts: list[Part] = field(default_factory=list)
