"""Checks of what is called: functions, methods of strings, and macros over lists."""

from collections.abc import Callable
from typing import Final

from lark import Token, Tree

from udfs.policy.cel.closures import apply, apply_both, is_there, quantify
from udfs.policy.cel.operations import MACROS, SEARCHES, lower_ascii
from udfs.policy.cel.parse import ADVICE, arguments, refuse, refuse_unknown, token, trees
from udfs.policy.cel.parts import SIZES, Part, Scope, cost_of, expect, steps_through
from udfs.policy.conditions import BOOL, DOUBLE, INT, NUMBERS, STRING


def function(tree: Tree[Token], scope: Scope) -> Part:
    """`size(x)`, `double(x)`, `has(x)`."""
    name = token(tree)
    if name not in FUNCTIONS:
        if name.lower() in ADVICE:
            refuse(name, ADVICE[name.lower()])
        refuse_unknown(name, "function", FUNCTIONS)
    [argument] = arguments(tree, 1)
    return FUNCTIONS[name](scope.visit(argument), argument)


def _has(part: Part, tree: Tree[Token]) -> Part:
    if not part.path:
        refuse(tree, "has expects an attribute, or a field of one that is a map")
    return Part(BOOL, is_there(part.run), cost_of(part))


def _double(part: Part, tree: Tree[Token]) -> Part:
    if part.type not in NUMBERS:
        refuse(tree, f"double expects int or double; found {part.type}")
    return Part(DOUBLE, apply(float, part.run), cost_of(part))


def _size(part: Part, tree: Tree[Token]) -> Part:
    if part.type.kind not in SIZES:
        refuse(tree, f"size expects string, list or map; found {part.type}")
    return Part(INT, apply(len, part.run), cost_of(part))


def method(tree: Tree[Token], scope: Scope) -> Part:
    """`x.size()`, what is asked of a string, and the macros over a list."""
    name = token(tree)
    if name == "matches":
        refuse(name, "matches is not supported: a regular expression could run for ever")
    if name not in METHODS:
        refuse_unknown(name, "method", METHODS)
    return METHODS[name](scope.visit(trees(tree)[0]), tree, scope)


def _size_method(part: Part, tree: Tree[Token], scope: Scope) -> Part:
    arguments(tree, 0)
    return _size(part, trees(tree)[0])


def _lowered(text: Part, tree: Tree[Token], scope: Scope) -> Part:
    expect(STRING, text, trees(tree)[0], token(tree))
    arguments(tree, 0)
    cost = cost_of(text) + steps_through(text.size)
    return Part(STRING, apply(lower_ascii, text.run), cost, text.size)


def _search(text: Part, tree: Tree[Token], scope: Scope) -> Part:
    name = token(tree)
    expect(STRING, text, trees(tree)[0], name)
    [argument] = arguments(tree, 1)
    sought = expect(STRING, scope.visit(argument), argument, name)
    cost = cost_of(text, sought) + (steps_through(text.size) if name == "contains" else 0)
    return Part(BOOL, apply_both(SEARCHES[name], text, sought), cost)


def _macro(elements: Part, tree: Tree[Token], scope: Scope) -> Part:
    name = token(tree)
    variable, body_tree = arguments(tree, 2)
    if elements.type.kind != "list" or elements.type.of is None:
        refuse(name, f"{name} expects a list; found {elements.type}")
    if variable.data != "name":
        refuse(variable, f"{name} expects the name of its variable first, as in {name}(x, x > 0)")
    bound = (str(token(variable)), elements.type.of)
    body = scope._replace(variables=(*scope.variables, bound)).visit(body_tree)
    expect(BOOL, body, body_tree, name)
    cost = cost_of(elements) + elements.size * (1 + body.cost)
    return Part(BOOL, quantify(MACROS[name], elements.run, body.run), cost)


FUNCTIONS: Final[dict[str, Callable[[Part, Tree[Token]], Part]]] = {
    "has": _has,
    "size": _size,
    "double": _double,
}
METHODS: Final[dict[str, Callable[[Part, Tree[Token], Scope], Part]]] = {
    **dict.fromkeys(SEARCHES, _search),
    **dict.fromkeys(MACROS, _macro),
    "size": _size_method,
    "lowerAscii": _lowered,
}
