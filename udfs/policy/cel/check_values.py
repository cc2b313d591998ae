"""Checks of what stands for a value: literals, lists, attributes, variables of macros, entries of maps."""

from difflib import get_close_matches
from functools import partial
from math import isinf

from lark import Token, Tree

from udfs.policy.cel.closures import (
    INT_MAX,
    apply_both,
    collect,
    read,
    read_entry,
    read_field,
    read_variable,
)
from udfs.policy.cel.parse import refuse, suggested, token, trees, unescaped
from udfs.policy.cel.parts import Part, Scope, cost_of, expect, literal, value
from udfs.policy.conditions import BOOL, DOUBLE, INT, STRING, Type, cut, list_of


def group(tree: Tree[Token], scope: Scope) -> Part:
    """What is in parentheses."""
    return scope.check(trees(tree)[0])


def bool_literal(tree: Tree[Token], scope: Scope) -> Part:
    """`true` or `false`."""
    return literal(BOOL, token(tree) == "true")


def int_literal(tree: Tree[Token], scope: Scope) -> Part:
    """A whole number."""
    return literal(INT, written(tree, INT_MAX))


def written(tree: Tree[Token], bound: int) -> int:
    """The whole number that is written out, if it is within the bound."""
    digits = token(tree)
    number = int(digits, 16 if digits.startswith("0x") else 10)
    if number > bound:
        refuse(digits, "beyond 64 bits")
    return number


def double_literal(tree: Tree[Token], scope: Scope) -> Part:
    """A number with a point or an exponent."""
    number = float(token(tree))
    if isinf(number):
        refuse(tree, "beyond 64 bits")
    return literal(DOUBLE, number)


def string_literal(tree: Tree[Token], scope: Scope) -> Part:
    """A text."""
    text = unescaped(token(tree))
    return literal(STRING, text, len(text))


def list_literal(tree: Tree[Token], scope: Scope) -> Part:
    """A list of one type, constant where all of its elements are."""
    elements = trees(tree)
    if not elements:
        refuse(tree, "an empty list has no type; size(x) == 0 asks whether x is empty")
    parts = unified([scope.visit(one) for one in elements])
    for part, one in zip(parts, elements, strict=True):
        expect(parts[0].type, part, one, "this list")
    of = list_of(parts[0].type)
    literals = tuple(part.literal for part in parts)
    if None not in literals:
        return literal(of, literals, len(parts))
    return Part(of, collect([part.run for part in parts]), cost_of(*parts), len(parts))


def unified(parts: list[Part]) -> list[Part]:
    """Beside a double, whole numbers that are written out are doubles."""
    if all(part.type != DOUBLE for part in parts):
        return parts
    return [
        literal(DOUBLE, float(part.literal))
        if part.type == INT and isinstance(part.literal, int)
        else part
        for part in parts
    ]


def name(tree: Tree[Token], scope: Scope) -> Part:
    """A variable of the innermost macro that has it, or an attribute."""
    wanted = str(token(tree))
    for place, (variable, of) in reversed([*enumerate(scope.variables)]):
        if variable == wanted:
            return value(of, read_variable(wanted, place, of))
    return _attribute(wanted, tree, scope)


def _attribute(wanted: str, tree: Tree[Token], scope: Scope) -> Part:
    of = scope.types.get(wanted)
    if of is None:
        begin, end = f"{wanted}.", f".{wanted.rpartition('.')[2]}"
        alike = [one for one in scope.types if one.startswith(begin) or one.endswith(end)]
        near = sorted(alike) or get_close_matches(wanted, scope.types)
        refuse(
            tree, f"unknown name {cut(wanted)}{suggested(near, '`kairos policy docs` lists them')}"
        )
    return value(of, read(wanted, of), path=(wanted,))


def selection(tree: Tree[Token], scope: Scope) -> Part:
    """`a.b`: an attribute of that name, or the entry of a map under a key."""
    names = _dotted(tree, scope)
    dotted = ".".join(names)
    # the longest known name counts, as in CEL; what follows it are keys of maps
    starts = (".".join(names[:length]) for length in range(1, len(names)))
    if names and (dotted in scope.types or not any(start in scope.types for start in starts)):
        return _attribute(dotted, tree, scope)
    return _field(trees(tree)[0], str(token(tree)), tree, scope)


def _dotted(tree: Tree[Token], scope: Scope) -> list[str]:
    """The names of `a.b.c`; empty where it is anything else or begins with a variable."""
    names = []
    while tree.data == "select":
        names.append(str(token(tree)))
        tree = trees(tree)[0]
    root = str(token(tree)) if tree.data == "name" else None
    if root is None or root in dict(scope.variables):
        return []
    return [root, *reversed(names)]


def subscript(tree: Tree[Token], scope: Scope) -> Part:
    """`a["b"]`: the entry of a map; one whose key is not written out has no path."""
    operand, key_tree = trees(tree)
    key = expect(STRING, scope.visit(key_tree), key_tree, "`[]`")
    if isinstance(key.literal, str):
        return _field(operand, key.literal, tree, scope)
    fields = scope.visit(operand)
    of = _values_type(fields, tree)
    get = partial(read_entry, ".".join(fields.path) or "map", of)
    return value(of, apply_both(get, fields, key), cost_of(fields, key))


def _field(operand: Tree[Token], key: str, tree: Tree[Token], scope: Scope) -> Part:
    fields = scope.check(operand)
    of = _values_type(fields, tree)
    path = (*fields.path, key)
    run = read_field(fields.run, key, ".".join(path), of)
    return value(of, run, cost_of(fields), path if fields.path else ())


def _values_type(fields: Part, tree: Tree[Token]) -> Type:
    if fields.type.kind != "map" or fields.type.of is None:
        named = f"{'.'.join(fields.path)} is" if fields.path else "found"
        refuse(tree, f"only a map has fields; {named} {fields.type}")
    return fields.type.of
