"""Checked parts of a condition: type, closure, what it costs at worst, and the scope in which names have a meaning."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from lark import Token, Tree

from schemas.limits import PROPERTIES_PER_EVENT_MAX, SESSION_ITEMS_MAX, STRING_LENGTH_MAX
from udfs.policy.cel.parse import refuse
from udfs.policy.conditions import Path, Type, Types, Values

DEPTH_MAX: Final = 32
"""Expressions within expressions, parentheses included; deeper is refused."""
CHARACTERS_PER_COST: Final = 64
"""Characters that are looked through in the time of one step."""
ELEMENTS_PER_COST: Final = 8
"""Elements that `in` looks at in the time of one step."""
SIZES: Final = {
    "string": STRING_LENGTH_MAX,
    "list": SESSION_ITEMS_MAX,
    "map": PROPERTIES_PER_EVENT_MAX,
}

Bound = tuple[object, ...]
"""The elements that the variables of the macros around stand for, outermost first."""
Run = Callable[[Values, Bound], Any]
"""Gives a value of the part's type, or Failed."""


class Failed(NamedTuple):
    """An error as a value: it goes up through everything but `&&`, `||`, `exists` and `all`."""

    reason: str


class Part(NamedTuple):
    """A checked expression: its steps (`cost`) and its elements or characters (`size`), both at worst.

    `path` is set where it is an attribute or what is under keys of one, `literal` where it is written out.
    """

    type: Type
    run: Run
    cost: int = 1
    size: int = 1
    path: Path = ()
    literal: object = None


class Scope(NamedTuple):
    """What names and rules mean at a place, how deep it is, and the paths read so far (one set for all places)."""

    types: Types
    paths: set[Path]
    rules: Mapping[str, Callable[[Tree[Token], "Scope"], Part]]
    variables: tuple[tuple[str, Type], ...] = ()
    depth: int = 0

    def visit(self, tree: Tree[Token]) -> Part:
        """The part that a tree stands for; what it reads is noted."""
        part = self.check(tree)
        if part.path:
            self.paths.add(part.path)
        return part

    def check(self, tree: Tree[Token]) -> Part:
        """The same, and what it reads is not noted: more of the path may follow."""
        if self.depth == DEPTH_MAX:
            refuse(tree, f"nested more than {DEPTH_MAX} deep")
        return self.rules[tree.data](tree, self._replace(depth=self.depth + 1))


def value(of: Type, run: Run, cost: int = 1, path: Path = ()) -> Part:
    """A part that comes from the attributes, so that only its type says how large it may be."""
    return Part(of, run, cost, SIZES.get(of.kind, 1), path)


def literal(of: Type, value: object, size: int = 1) -> Part:
    """A part that is written out."""
    return Part(of, lambda values, bound: value, size=size, literal=value)


def expect(expected: Type, part: Part, tree: Tree[Token], what: str) -> Part:
    """The part; ConditionError unless it is of the expected type."""
    if part.type != expected:
        refuse(tree, f"{what} expects {expected}; found {part.type}")
    return part


def cost_of(*parts: Part) -> int:
    """One step more than the parts take."""
    return 1 + sum(part.cost for part in parts)


def steps_through(characters: int) -> int:
    """Steps that it takes to look through so many characters."""
    return characters // CHARACTERS_PER_COST
