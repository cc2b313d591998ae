"""Checks of operators: `?:`, `||`, `&&`, comparisons, `in`, calculations, `!` and `-`."""

import operator

from lark import Token, Tree

from udfs.policy.cel.check_values import unified, written
from udfs.policy.cel.closures import INT_MIN, apply, apply_both, choose, settled_by
from udfs.policy.cel.operations import CALCULATIONS, COMPARISONS, has_key, is_among, whole_of
from udfs.policy.cel.parse import refuse, token, trees
from udfs.policy.cel.parts import (
    ELEMENTS_PER_COST,
    Part,
    Scope,
    cost_of,
    expect,
    literal,
    steps_through,
)
from udfs.policy.conditions import BOOL, DOUBLE, INT, NUMBERS, STRING, Type


def conditional(tree: Tree[Token], scope: Scope) -> Part:
    """`question ? yes : no`, both of one type."""
    question_tree, yes_tree, no_tree = trees(tree)
    question = scope.visit(question_tree)
    yes, no = unified([scope.visit(yes_tree), scope.visit(no_tree)])
    expect(BOOL, question, question_tree, "`?`")
    expect(yes.type, no, no_tree, "`:`")
    cost = 1 + question.cost + max(yes.cost, no.cost)
    return Part(yes.type, choose(question.run, yes.run, no.run), cost, max(yes.size, no.size))


def disjunction(tree: Tree[Token], scope: Scope) -> Part:
    """`a || b || …`."""
    return _logic(True, tree, scope)


def conjunction(tree: Tree[Token], scope: Scope) -> Part:
    """`a && b && …`."""
    return _logic(False, tree, scope)


def _logic(decides: bool, tree: Tree[Token], scope: Scope) -> Part:
    parts = [scope.visit(one) for one in trees(tree)]
    for part, one in zip(parts, trees(tree), strict=True):
        expect(BOOL, part, one, f"`{token(tree)}`")
    return Part(BOOL, settled_by(decides, [part.run for part in parts]), cost_of(*parts))


def comparison(tree: Tree[Token], scope: Scope) -> Part:
    """`==`, `!=`, `<`, `<=`, `>`, `>=`."""
    left, right = (scope.visit(one) for one in trees(tree))
    sign = token(tree)
    if not _are_comparable(left.type, right.type):
        expected = "two bools, numbers or strings"
        refuse(sign, f"`{sign}` expects {expected}; found {left.type} and {right.type}")
    return Part(BOOL, apply_both(COMPARISONS[sign], left, right), cost_of(left, right))


def _are_comparable(one: Type, other: Type) -> bool:
    return one.of is None and (one == other or {one, other} == NUMBERS)


def membership(tree: Tree[Token], scope: Scope) -> Part:
    """`in`, of a list's elements or a map's keys."""
    left, right = (scope.visit(one) for one in trees(tree))
    of_keys = STRING if right.type.kind == "map" else right.type.of
    if of_keys is None or not _are_comparable(left.type, of_keys):
        expected = "a value in a list of its type, or a string in a map"
        refuse(token(tree), f"`in` expects {expected}; found {left.type} in {right.type}")
    if right.type.kind == "map":
        return Part(BOOL, apply_both(has_key, left, right), cost_of(left, right))
    cost = cost_of(left, right) + right.size // ELEMENTS_PER_COST
    return Part(BOOL, apply_both(is_among, left, right), cost)


def calculation(tree: Tree[Token], scope: Scope) -> Part:
    """`+`, `-`, `*`, `/`, `%` of two numbers of one type, `+` of two strings."""
    left, right = unified([scope.visit(one) for one in trees(tree)])
    sign = token(tree)
    operate = CALCULATIONS.get((str(sign), left.type))
    if operate is None or left.type != right.type:
        expected = " or ".join(f"two {of}s" for by, of in CALCULATIONS if by == sign)
        hint = "; double(x) makes a double of an int" if {left.type, right.type} == NUMBERS else ""
        refuse(sign, f"`{sign}` expects {expected}; found {left.type} and {right.type}{hint}")
    size = left.size + right.size if left.type == STRING else 1
    cost = cost_of(left, right) + steps_through(size)
    return Part(left.type, apply_both(operate, left, right), cost, size)


def negation(tree: Tree[Token], scope: Scope) -> Part:
    """`!`."""
    [operand] = trees(tree)
    part = expect(BOOL, scope.visit(operand), operand, "`!`")
    return Part(BOOL, apply(operator.not_, part.run), cost_of(part))


def minus(tree: Tree[Token], scope: Scope) -> Part:
    """`-` before a number."""
    [operand] = trees(tree)
    if operand.data == "int_literal":  # the least number's amount alone would be beyond 64 bits
        return literal(INT, -written(operand, -INT_MIN))
    part = scope.visit(operand)
    if part.type not in NUMBERS:
        refuse(tree, f"`-` expects int or double; found {part.type}")
    if isinstance(part.literal, float):
        return literal(DOUBLE, -part.literal)
    operate = whole_of(operator.neg) if part.type == INT else operator.neg
    return Part(part.type, apply(operate, part.run), cost_of(part))
