"""Conditions: CEL expressions over named attributes, checked once and made into one function each.

The grammar is in conditions.lark. What it parses becomes nested closures; no text is ever run as Python.
"""

import operator
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from math import copysign, inf, isinf, nan
from typing import Any, Final, NamedTuple, NoReturn

from lark import Lark, Token, Tree, UnexpectedInput, UnexpectedToken

from schemas.limits import (
    CONDITION_LENGTH_MAX,
    PROPERTIES_PER_EVENT_MAX,
    SESSION_ITEMS_MAX,
    STRING_LENGTH_MAX,
)

COST_MAX: Final = 10_000
"""Steps that a condition may take at worst, each about 0.1 microseconds; one that may take more is refused."""
DEPTH_MAX: Final = 32
"""Expressions within expressions, parentheses included; deeper is refused."""
CHARACTERS_PER_COST: Final = 64
"""Characters that are looked through in the time of one step."""
ELEMENTS_PER_COST: Final = 8
"""Elements that `in` looks at in the time of one step."""
SHOWN_LENGTH_MAX: Final = 100
SHOWN_ELEMENTS_MAX: Final = 5
INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1


class Type(NamedTuple):
    """`kind` is bool, int, double, string, list or map; `of` the type of elements or of a map's values."""

    kind: str
    of: "Type | None" = None

    def __str__(self) -> str:
        return f"{self.kind} of {self.of}" if self.of else self.kind


BOOL: Final = Type("bool")
INT: Final = Type("int")
DOUBLE: Final = Type("double")
STRING: Final = Type("string")
NUMBERS: Final = {INT, DOUBLE}


def list_of(element: Type) -> Type:
    """The type of a list or tuple whose elements are of one type."""
    return Type("list", element)


def map_of(value: Type) -> Type:
    """The type of a dict from strings to values of one type."""
    return Type("map", value)


Types = Mapping[str, Type]
"""The attributes there are, by dotted name."""
Values = Mapping[str, object]
"""What they are; one that is absent or None is missing."""


class ConditionError(Exception):
    """A text that is no usable condition: why and where in it (`line` and `column` count from 1)."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"{message} (line {line}, column {column})")
        self.message = message
        self.line = line
        self.column = column


class ConditionFailed(Exception):
    """A condition is neither true nor false of these values; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Path = tuple[str, ...]
"""The name of an attribute and, if that is a map, keys within."""


class Condition(NamedTuple):
    """A condition ready for use: `holds` gives true or false, or raises ConditionFailed.

    `reads` are the attributes that it names, `paths` the same with the keys behind those that are maps;
    `cost` is how many steps it takes at worst.
    """

    text: str
    reads: frozenset[str]
    cost: int
    holds: Callable[[Values], bool]
    paths: tuple[Path, ...] = ()


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
    tree = _parse(text)
    paths: set[Path] = set()
    whole = _visit(tree, Scope(types, paths))
    if whole.type != BOOL:
        _refuse(tree, f"a condition must be bool; this is {whole.type}")
    if whole.cost > COST_MAX:
        _refuse(tree, f"may take more than {COST_MAX:,} steps")
    reads = frozenset(path[0] for path in paths)
    return Condition(text, reads, whole.cost, partial(_hold, whole.run), tuple(sorted(paths)))


def seen(condition: Condition, values: Values) -> dict[str, str]:
    """What the condition reads as it saw it, by dotted name: `missing` where missing, long values cut."""
    return {".".join(path): _shown(_looked_up(path, values)) for path in condition.paths}


def _looked_up(path: Path, values: Values) -> object:
    found: object = values
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _shown(value: object) -> str:
    match value:
        case None:
            text = "missing"
        case bool():
            text = "true" if value else "false"
        case list() | tuple():
            text = (
                f"[{_shown_some([_shown(one) for one in value[:SHOWN_ELEMENTS_MAX]], len(value))}]"
            )
        case dict():
            some = [f"{key}: {_shown(of)}" for key, of in [*value.items()][:SHOWN_ELEMENTS_MAX]]
            text = f"{{{_shown_some(some, len(value))}}}"
        case _:
            text = str(value)
    return _cut(text)


def _shown_some(some: list[str], count: int) -> str:
    return ", ".join([*some, f"… {count} in all"] if count > len(some) else some)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_LENGTH_MAX else text[: SHOWN_LENGTH_MAX - 1] + "…"


# --- parts of a condition ---------------------------------------------------------------------


class Failed(NamedTuple):
    """An error as a value: it goes up through everything but `&&`, `||`, `exists` and `all`."""

    reason: str


Bound = tuple[object, ...]
"""The elements that the variables of the macros around stand for, outermost first."""
Run = Callable[[Values, Bound], Any]
"""Gives a value of the part's type, or Failed."""


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
    """What names mean at a place, how deep it is, and the paths read so far (one set for all places)."""

    types: Types
    paths: set[Path]
    variables: tuple[tuple[str, Type], ...] = ()
    depth: int = 0


SIZES: Final = {
    "string": STRING_LENGTH_MAX,
    "list": SESSION_ITEMS_MAX,
    "map": PROPERTIES_PER_EVENT_MAX,
}
PYTHON_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "bool": (bool,),
    "int": (int,),
    "double": (float,),
    "string": (str,),
    "list": (list, tuple),
    "map": (dict,),
}


def _value(of: Type, run: Run, cost: int = 1, path: Path = ()) -> Part:
    """A part that comes from the attributes, so that only its type says how large it may be."""
    return Part(of, run, cost, SIZES.get(of.kind, 1), path)


def _literal(of: Type, value: object, size: int = 1) -> Part:
    return Part(of, lambda values, bound: value, size=size, literal=value)


# --- running ----------------------------------------------------------------------------------


def _hold(run: Run, values: Values) -> bool:
    result = run(values, ())
    if type(result) is Failed:
        raise ConditionFailed(result.reason)
    return bool(result)


def _read(name: str, of: Type) -> Run:
    settle = _settle(name, of)
    accepted = PYTHON_TYPES[of.kind]

    def run(values: Values, bound: Bound) -> object:
        value = values.get(name)
        return value if isinstance(value, accepted) else settle(value)

    return run


def _read_and(operate: Callable[[Any, Any], object], name: str, of: Type, constant: object) -> Run:
    """What most conditions are made of, in one call instead of two."""
    settle = _settle(name, of)
    accepted = PYTHON_TYPES[of.kind]

    def run(values: Values, bound: Bound) -> object:
        value = values.get(name)
        if not isinstance(value, accepted):
            value = settle(value)
            if type(value) is Failed:
                return value
        return operate(value, constant)

    return run


def _read_variable(name: str, place: int, of: Type) -> Run:
    settle = _settle(name, of)
    accepted = PYTHON_TYPES[of.kind]

    def run(values: Values, bound: Bound) -> object:
        value = bound[place]
        return value if isinstance(value, accepted) else settle(value)

    return run


def _read_field(fields: Run, key: str, name: str, of: Type) -> Run:
    settle = _settle(name, of)
    accepted = PYTHON_TYPES[of.kind]

    def get(found: dict[str, object]) -> object:
        value = found.get(key)
        return value if isinstance(value, accepted) else settle(value)

    return _one(get, fields)


def _read_entry(name: str, of: Type, fields: dict[str, object], key: str) -> object:
    value = fields.get(key)
    if isinstance(value, PYTHON_TYPES[of.kind]):
        return value
    return _settle(f"{name}.{key}", of)(value)


def _settle(name: str, of: Type) -> Callable[[object], object]:
    """What a value is that is not of its type: missing, wrong, or a whole number that stands for a double."""
    shown = _cut(name)
    missing, wrong = Failed(f"{shown} is missing"), Failed(f"{shown} is not {of}")

    def settle(value: object) -> object:
        if value is None:
            return missing
        if of == DOUBLE and isinstance(value, int) and INT_MIN <= value <= INT_MAX:
            return float(value)
        return wrong

    return settle


def _one(operate: Callable[[Any], object], operand: Run) -> Run:
    def run(values: Values, bound: Bound) -> object:
        value = operand(values, bound)
        return value if type(value) is Failed else operate(value)

    return run


def _two(operate: Callable[[Any, Any], object], left: Part, right: Part) -> Run:
    first, second, constant = left.run, right.run, right.literal
    if constant is not None and len(left.path) == 1:
        return _read_and(operate, left.path[0], left.type, constant)

    def run(values: Values, bound: Bound) -> object:
        one = first(values, bound)
        if type(one) is Failed:
            return one
        other = second(values, bound)
        return other if type(other) is Failed else operate(one, other)

    return run


def _choose(question: Run, yes: Run, no: Run) -> Run:
    def run(values: Values, bound: Bound) -> object:
        answer = question(values, bound)
        if type(answer) is Failed:
            return answer
        return yes(values, bound) if answer else no(values, bound)

    return run


def _collect(elements: list[Run]) -> Run:
    def run(values: Values, bound: Bound) -> object:
        found = tuple(element(values, bound) for element in elements)
        return next((one for one in found if type(one) is Failed), found)

    return run


def _settled_by(decides: bool, operands: list[Run]) -> Run:
    """`&&` is settled by the first false, `||` by the first true; else an error comes through."""

    def run(values: Values, bound: Bound) -> object:
        failed = None
        for operand in operands:
            one = operand(values, bound)
            if type(one) is Failed:
                failed = failed or one
            elif bool(one) is decides:
                return decides
        return failed or not decides

    return run


def _quantify(decides: bool | None, elements: Run, body: Run) -> Run:
    """`exists` is decided by the first true, `all` by the first false; `exists_one` (None) asks every element."""

    def run(values: Values, bound: Bound) -> object:
        among = elements(values, bound)
        if type(among) is Failed:
            return among
        failed = None
        times = 0
        for element in among:
            one = body(values, (*bound, element))
            if type(one) is Failed:
                failed = failed or one
            elif bool(one) is decides:
                return decides
            elif one:
                times += 1
        return failed or (times == 1 if decides is None else not decides)

    return run


def _whole(number: int) -> object:
    return number if INT_MIN <= number <= INT_MAX else Failed("integer overflow")


def _whole_of(operate: Callable[..., int]) -> Callable[..., object]:
    return lambda *numbers: _whole(operate(*numbers))


def _divide_whole(one: int, other: int) -> object:
    """Truncates towards zero."""
    if other == 0:
        return Failed("division by zero")
    share = abs(one) // abs(other)
    return _whole(share if (one < 0) == (other < 0) else -share)


def _remain(one: int, other: int) -> object:
    """What that division leaves: its sign is that of the first."""
    if other == 0:
        return Failed("division by zero")
    rest = abs(one) % abs(other)
    return -rest if one < 0 else rest


def _divide(one: float, other: float) -> float:
    """As IEEE 754 has it: by zero it is infinite, or no number."""
    if other != 0:
        return one / other
    return copysign(inf, one) * copysign(1.0, other) if one > 0 or one < 0 else nan


def _is_among(one: object, elements: Any) -> bool:
    return one in elements


def _has_key(key: str, fields: dict[str, object]) -> bool:
    return fields.get(key) is not None


def _is_there(run: Run) -> Run:
    return lambda values, bound: type(run(values, bound)) is not Failed


def _lower_ascii(text: str) -> str:
    """Only A to Z change: bytes know no other letters."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


COMPARISONS: Final[dict[str, Callable[[Any, Any], object]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
CALCULATIONS: Final[dict[tuple[str, Type], Callable[[Any, Any], object]]] = {
    ("+", INT): _whole_of(operator.add),
    ("-", INT): _whole_of(operator.sub),
    ("*", INT): _whole_of(operator.mul),
    ("/", INT): _divide_whole,
    ("%", INT): _remain,
    ("+", DOUBLE): operator.add,
    ("-", DOUBLE): operator.sub,
    ("*", DOUBLE): operator.mul,
    ("/", DOUBLE): _divide,
    ("+", STRING): operator.add,
}
SEARCHES: Final[dict[str, Callable[[str, str], object]]] = {
    "contains": operator.contains,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
}
MACROS: Final[dict[str, bool | None]] = {"exists": True, "all": False, "exists_one": None}
METHODS: Final = (*SEARCHES, *MACROS, "size", "lowerAscii")
FUNCTIONS: Final = ("has", "size", "double")


# --- checking ---------------------------------------------------------------------------------


def _visit(tree: Tree[Token], scope: Scope) -> Part:
    """The part that a tree stands for; what it reads is noted in the scope."""
    part = _check(tree, scope)
    if part.path:
        scope.paths.add(part.path)
    return part


def _check(tree: Tree[Token], scope: Scope) -> Part:
    if scope.depth == DEPTH_MAX:
        _refuse(tree, f"nested more than {DEPTH_MAX} deep")
    return RULES[tree.data](tree, scope._replace(depth=scope.depth + 1))


def _group(tree: Tree[Token], scope: Scope) -> Part:
    return _check(_trees(tree)[0], scope)


def _bool_literal(tree: Tree[Token], scope: Scope) -> Part:
    return _literal(BOOL, _token(tree) == "true")


def _int_literal(tree: Tree[Token], scope: Scope) -> Part:
    return _literal(INT, _written(tree, INT_MAX))


def _written(tree: Tree[Token], bound: int) -> int:
    digits = _token(tree)
    number = int(digits, 16 if digits.startswith("0x") else 10)
    if number > bound:
        _refuse(digits, "beyond 64 bits")
    return number


def _double_literal(tree: Tree[Token], scope: Scope) -> Part:
    number = float(_token(tree))
    if isinf(number):
        _refuse(tree, "beyond 64 bits")
    return _literal(DOUBLE, number)


def _string_literal(tree: Tree[Token], scope: Scope) -> Part:
    text = _unescaped(_token(tree))
    return _literal(STRING, text, len(text))


def _list_literal(tree: Tree[Token], scope: Scope) -> Part:
    trees = _trees(tree)
    if not trees:
        _refuse(tree, "an empty list has no type; size(x) == 0 asks whether x is empty")
    parts = _unified([_visit(one, scope) for one in trees])
    for part, one in zip(parts, trees, strict=True):
        _expect(parts[0].type, part, one, "this list")
    of = list_of(parts[0].type)
    literals = tuple(part.literal for part in parts)
    if None not in literals:
        return _literal(of, literals, len(parts))
    return Part(of, _collect([part.run for part in parts]), _cost(*parts), len(parts))


def _unified(parts: list[Part]) -> list[Part]:
    """Beside a double, whole numbers that are written out are doubles."""
    if all(part.type != DOUBLE for part in parts):
        return parts
    return [
        _literal(DOUBLE, float(part.literal))
        if part.type == INT and isinstance(part.literal, int)
        else part
        for part in parts
    ]


def _conditional(tree: Tree[Token], scope: Scope) -> Part:
    trees = _trees(tree)
    question = _visit(trees[0], scope)
    yes, no = _unified([_visit(one, scope) for one in trees[1:]])
    _expect(BOOL, question, trees[0], "`?`")
    _expect(yes.type, no, trees[2], "`:`")
    cost = 1 + question.cost + max(yes.cost, no.cost)
    return Part(yes.type, _choose(question.run, yes.run, no.run), cost, max(yes.size, no.size))


def _logic(combine: Callable[[list[Run]], Run], tree: Tree[Token], scope: Scope) -> Part:
    parts = [_visit(one, scope) for one in _trees(tree)]
    for part, one in zip(parts, _trees(tree), strict=True):
        _expect(BOOL, part, one, f"`{_token(tree)}`")
    return Part(BOOL, combine([part.run for part in parts]), _cost(*parts))


def _comparison(tree: Tree[Token], scope: Scope) -> Part:
    left, right = (_visit(one, scope) for one in _trees(tree))
    sign = _token(tree)
    if not _are_comparable(left.type, right.type):
        expected = "two bools, numbers or strings"
        _refuse(sign, f"`{sign}` expects {expected}; found {left.type} and {right.type}")
    return Part(BOOL, _two(COMPARISONS[sign], left, right), _cost(left, right))


def _are_comparable(one: Type, other: Type) -> bool:
    return one.of is None and (one == other or {one, other} == NUMBERS)


def _membership(tree: Tree[Token], scope: Scope) -> Part:
    left, right = (_visit(one, scope) for one in _trees(tree))
    of_keys = STRING if right.type.kind == "map" else right.type.of
    if of_keys is None or not _are_comparable(left.type, of_keys):
        expected = "a value in a list of its type, or a string in a map"
        _refuse(_token(tree), f"`in` expects {expected}; found {left.type} in {right.type}")
    if right.type.kind == "map":
        return Part(BOOL, _two(_has_key, left, right), _cost(left, right))
    cost = _cost(left, right) + right.size // ELEMENTS_PER_COST
    return Part(BOOL, _two(_is_among, left, right), cost)


def _calculation(tree: Tree[Token], scope: Scope) -> Part:
    left, right = _unified([_visit(one, scope) for one in _trees(tree)])
    sign = _token(tree)
    operate = CALCULATIONS.get((str(sign), left.type))
    if operate is None or left.type != right.type:
        expected = " or ".join(f"two {of}s" for by, of in CALCULATIONS if by == sign)
        hint = "; double(x) makes a double of an int" if {left.type, right.type} == NUMBERS else ""
        _refuse(sign, f"`{sign}` expects {expected}; found {left.type} and {right.type}{hint}")
    size = left.size + right.size if left.type == STRING else 1
    cost = _cost(left, right) + _steps_through(size)
    return Part(left.type, _two(operate, left, right), cost, size)


def _negation(tree: Tree[Token], scope: Scope) -> Part:
    [operand] = _trees(tree)
    part = _expect(BOOL, _visit(operand, scope), operand, "`!`")
    return Part(BOOL, _one(operator.not_, part.run), _cost(part))


def _minus(tree: Tree[Token], scope: Scope) -> Part:
    [operand] = _trees(tree)
    if operand.data == "int_literal":  # the least number's amount alone would be beyond 64 bits
        return _literal(INT, -_written(operand, -INT_MIN))
    part = _visit(operand, scope)
    if part.type not in NUMBERS:
        _refuse(tree, f"`-` expects int or double; found {part.type}")
    if isinstance(part.literal, float):
        return _literal(DOUBLE, -part.literal)
    operate = _whole_of(operator.neg) if part.type == INT else operator.neg
    return Part(part.type, _one(operate, part.run), _cost(part))


def _name(tree: Tree[Token], scope: Scope) -> Part:
    name = str(_token(tree))
    for place, (variable, of) in reversed([*enumerate(scope.variables)]):
        if variable == name:
            return _value(of, _read_variable(name, place, of))
    return _attribute(name, tree, scope)


def _attribute(name: str, tree: Tree[Token], scope: Scope) -> Part:
    of = scope.types.get(name)
    if of is None:
        begin, end = f"{name}.", f".{name.rpartition('.')[2]}"
        alike = [one for one in scope.types if one.startswith(begin) or one.endswith(end)]
        near = sorted(alike) or get_close_matches(name, scope.types)
        _refuse(tree, f"unknown name {_cut(name)}{_suggested(near)}")
    return _value(of, _read(name, of), path=(name,))


def _suggested(names: list[str]) -> str:
    return f"; did you mean {' or '.join(names[:3])}?" if names else ""


def _selection(tree: Tree[Token], scope: Scope) -> Part:
    names = _dotted(tree, scope)
    dotted = ".".join(names)
    # the longest known name counts, as in CEL; what follows it are keys of maps
    starts = (".".join(names[:length]) for length in range(1, len(names)))
    if names and (dotted in scope.types or not any(start in scope.types for start in starts)):
        return _attribute(dotted, tree, scope)
    return _field(_trees(tree)[0], str(_token(tree)), tree, scope)


def _dotted(tree: Tree[Token], scope: Scope) -> list[str]:
    """The names of `a.b.c`; empty where it is anything else or begins with a variable."""
    names = []
    while tree.data == "select":
        names.append(str(_token(tree)))
        tree = _trees(tree)[0]
    root = str(_token(tree)) if tree.data == "name" else None
    if root is None or root in dict(scope.variables):
        return []
    return [root, *reversed(names)]


def _subscript(tree: Tree[Token], scope: Scope) -> Part:
    operand, key_tree = _trees(tree)
    key = _expect(STRING, _visit(key_tree, scope), key_tree, "`[]`")
    if isinstance(key.literal, str):
        return _field(operand, key.literal, tree, scope)
    fields = _visit(operand, scope)
    of = _values_type(fields, tree)
    get = partial(_read_entry, ".".join(fields.path) or "map", of)
    return _value(of, _two(get, fields, key), _cost(fields, key))


def _field(operand: Tree[Token], key: str, tree: Tree[Token], scope: Scope) -> Part:
    fields = _check(operand, scope)
    of = _values_type(fields, tree)
    path = (*fields.path, key)
    run = _read_field(fields.run, key, ".".join(path), of)
    return _value(of, run, _cost(fields), path if fields.path else ())


def _values_type(fields: Part, tree: Tree[Token]) -> Type:
    if fields.type.kind != "map" or fields.type.of is None:
        named = f"{'.'.join(fields.path)} is" if fields.path else "found"
        _refuse(tree, f"only a map has fields; {named} {fields.type}")
    return fields.type.of


def _function(tree: Tree[Token], scope: Scope) -> Part:
    name = _token(tree)
    if name not in FUNCTIONS:
        near = get_close_matches(name, FUNCTIONS)
        unknown = f"unknown function {_cut(name)}{_suggested(near)}"
        _refuse(name, ADVICE.get(name.lower(), unknown))
    [argument] = _arguments(tree, 1)
    part = _visit(argument, scope)
    if name == "size":
        return _size(part, argument)
    if name == "double":
        if part.type not in NUMBERS:
            _refuse(argument, f"double expects int or double; found {part.type}")
        return Part(DOUBLE, _one(float, part.run), _cost(part))
    if not part.path:
        _refuse(argument, "has expects an attribute, or a field of one that is a map")
    return Part(BOOL, _is_there(part.run), _cost(part))


def _size(part: Part, tree: Tree[Token]) -> Part:
    if part.type.kind not in SIZES:
        _refuse(tree, f"size expects string, list or map; found {part.type}")
    return Part(INT, _one(len, part.run), _cost(part))


def _method(tree: Tree[Token], scope: Scope) -> Part:
    operand, name = _trees(tree)[0], _token(tree)
    if name == "matches":
        _refuse(name, "matches is not supported: a regular expression could run for ever")
    if name not in METHODS:
        near = get_close_matches(name, METHODS)
        _refuse(name, f"unknown method {_cut(name)}{_suggested(near)}")
    part = _visit(operand, scope)
    if name in MACROS:
        return _macro(part, tree, scope)
    if name == "size":
        _arguments(tree, 0)
        return _size(part, operand)
    _expect(STRING, part, operand, name)
    if name == "lowerAscii":
        _arguments(tree, 0)
        cost = _cost(part) + _steps_through(part.size)
        return Part(STRING, _one(_lower_ascii, part.run), cost, part.size)
    [argument] = _arguments(tree, 1)
    sought = _expect(STRING, _visit(argument, scope), argument, name)
    cost = _cost(part, sought) + (_steps_through(part.size) if name == "contains" else 0)
    return Part(BOOL, _two(SEARCHES[name], part, sought), cost)


def _macro(elements: Part, tree: Tree[Token], scope: Scope) -> Part:
    name = _token(tree)
    variable, body_tree = _arguments(tree, 2)
    if elements.type.kind != "list" or elements.type.of is None:
        _refuse(name, f"{name} expects a list; found {elements.type}")
    if variable.data != "name":
        _refuse(variable, f"{name} expects the name of its variable first, as in {name}(x, x > 0)")
    bound = (str(_token(variable)), elements.type.of)
    body = _visit(body_tree, scope._replace(variables=(*scope.variables, bound)))
    _expect(BOOL, body, body_tree, name)
    cost = _cost(elements) + elements.size * (1 + body.cost)
    return Part(BOOL, _quantify(MACROS[name], elements.run, body.run), cost)


def _cost(*parts: Part) -> int:
    return 1 + sum(part.cost for part in parts)


def _steps_through(characters: int) -> int:
    return characters // CHARACTERS_PER_COST


RULES: Final[dict[str, Callable[[Tree[Token], Scope], Part]]] = {
    "choose": _conditional,
    "any_of": partial(_logic, partial(_settled_by, True)),
    "all_of": partial(_logic, partial(_settled_by, False)),
    "compare": _comparison,
    "contained": _membership,
    "calculate": _calculation,
    "negate": _negation,
    "minus": _minus,
    "select": _selection,
    "method": _method,
    "index": _subscript,
    "name": _name,
    "function": _function,
    "group": _group,
    "list_literal": _list_literal,
    "bool_literal": _bool_literal,
    "int_literal": _int_literal,
    "double_literal": _double_literal,
    "string_literal": _string_literal,
}


# --- text -------------------------------------------------------------------------------------

GRAMMAR: Final = Lark.open(
    "conditions.lark", rel_to=__file__, parser="lalr", propagate_positions=True
)
WORD: Final = re.compile(r"\w+|.", re.DOTALL)
NOT_BEFORE: Final = re.compile(r"\b(?i:not)\s+\Z")
ADVICE: Final = {
    "=": "equality is `==`",
    "&": "`and` is `&&`",
    "|": "`or` is `||`",
    "and": "`and` is `&&`",
    "or": "`or` is `||`",
    "not": "`not` is `!`",
    "null": "null is not supported; has(x) asks whether x is there",
    '"': "this string does not end",
    "'": "this string does not end",
    "{": "maps cannot be written out",
}
ESCAPE: Final = re.compile(
    r"""\\(?:([abfnrtv\\?"'`])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|)"""
)
ESCAPED: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _parse(text: str) -> Tree[Token]:
    try:
        return GRAMMAR.parse(text)
    except UnexpectedInput as error:
        message, at = _what_is_wrong(text, error)
        raise ConditionError(message, *_place(text, at)) from error


def _what_is_wrong(text: str, error: UnexpectedInput) -> tuple[str, int]:
    """What to tell about a syntax error, and its offset in the text."""
    at = error.pos_in_stream
    if at is None or (isinstance(error, UnexpectedToken) and error.token.type == "$END"):
        return ("it ends too soon" if text.strip() else "it is empty"), len(text.rstrip())
    before = NOT_BEFORE.search(text, 0, at)
    if before:
        return ADVICE["not"], before.start()
    [word] = WORD.findall(text, at)[:1]
    return ADVICE.get(word.lower(), f"`{_cut(word)}` does not fit here"), at


def _place(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _unescaped(token: Token) -> str:
    def replace(escape: re.Match[str]) -> str:
        plain, *codes, octal = escape.groups()
        if plain:
            return ESCAPED.get(plain, plain)
        digits = next(filter(None, codes), None)
        code = int(digits, 16) if digits else int(octal, 8) if octal else -1
        if not 0 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            place = (token.line or 1, (token.column or 1) + 1 + escape.start())
            raise ConditionError("`\\` is not followed by a known escape", *place)
        return chr(code)

    return ESCAPE.sub(replace, token[1:-1])


def _refuse(at: Tree[Token] | Token, message: str) -> NoReturn:
    place = at if isinstance(at, Token) else at.meta
    raise ConditionError(message, place.line or 1, place.column or 1)


def _expect(expected: Type, part: Part, tree: Tree[Token], what: str) -> Part:
    if part.type != expected:
        _refuse(tree, f"{what} expects {expected}; found {part.type}")
    return part


def _trees(tree: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in tree.children if isinstance(child, Tree)]


def _token(tree: Tree[Token]) -> Token:
    return next(child for child in tree.children if isinstance(child, Token))


def _arguments(tree: Tree[Token], count: int) -> list[Tree[Token]]:
    found = _trees(_trees(tree)[-1])
    if len(found) != count:
        name = _token(tree)
        _refuse(
            name, f"{name} expects {count or 'no'} argument{'s'[count == 1 :]}; found {len(found)}"
        )
    return found
