"""A condition's text checked once and made into one function: nested closures; no text is ever run as Python."""

from collections.abc import Callable
from functools import partial
from typing import Final

from lark import Token, Tree

from schemas.limits import CONDITION_LENGTH_MAX
from udfs.policy.cel import check_calls, check_operators, check_values
from udfs.policy.cel.closures import hold
from udfs.policy.cel.parse import parse, refuse
from udfs.policy.cel.parts import Part, Scope
from udfs.policy.conditions import BOOL, Condition, ConditionError, Path, Types

COST_MAX: Final = 10_000
"""Steps that a condition may take at worst, each about 0.1 microseconds; one that may take more is refused."""

RULES: Final[dict[str, Callable[[Tree[Token], Scope], Part]]] = {
    "choose": check_operators.conditional,
    "any_of": check_operators.disjunction,
    "all_of": check_operators.conjunction,
    "compare": check_operators.comparison,
    "contained": check_operators.membership,
    "calculate": check_operators.calculation,
    "negate": check_operators.negation,
    "minus": check_operators.minus,
    "select": check_values.selection,
    "method": check_calls.method,
    "index": check_values.subscript,
    "name": check_values.name,
    "function": check_calls.function,
    "group": check_values.group,
    "list_literal": check_values.list_literal,
    "bool_literal": check_values.bool_literal,
    "int_literal": check_values.int_literal,
    "double_literal": check_values.double_literal,
    "string_literal": check_values.string_literal,
}
"""What checks each rule of the grammar and makes a part of it."""


def compile_condition(text: str, types: Types) -> Condition:
    """The condition that `text` states over the attributes of `types`; ConditionError if it is none.

    The language is CEL (https://github.com/google/cel-spec) without dyn, null, uint, bytes, messages, map
    literals, regular expressions, indices and comparison of lists, and the macros map and filter. As in CEL
    `&&` is false and `||` true if one side is, whatever error the other is; other errors come through.
    Beyond CEL's checker int and double may be compared, and a whole number that is written out stands for
    a double where one is expected (elsewhere `double(x)` makes one). A missing attribute or key is an error
    (`has(x)` asks for either, `"key" in x` for a key), and so is a value that is not of its declared type.
    """
    if len(text) > CONDITION_LENGTH_MAX:
        message = f"{len(text):,} characters; at most {CONDITION_LENGTH_MAX:,} are allowed"
        raise ConditionError(message, 1, 1)
    tree = parse(text)
    paths: set[Path] = set()
    whole = Scope(types, paths, RULES).visit(tree)
    if whole.type != BOOL:
        refuse(tree, f"a condition must be bool; this is {whole.type}")
    if whole.cost > COST_MAX:
        refuse(tree, f"may take more than {COST_MAX:,} steps")
    reads = frozenset(path[0] for path in paths)
    return Condition(text, reads, whole.cost, partial(hold, whole.run), tuple(sorted(paths)))
