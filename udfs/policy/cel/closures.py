"""What runs: a checked part as a function of the values and of the elements that macros are at."""

from collections.abc import Callable
from typing import Any, Final

from udfs.policy.cel.parts import Bound, Failed, Part, Run
from udfs.policy.conditions import DOUBLE, ConditionFailed, Type, Values, cut

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
PYTHON_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "bool": (bool,),
    "int": (int,),
    "double": (float,),
    "string": (str,),
    "list": (list, tuple),
    "map": (dict,),
}


def hold(run: Run, values: Values) -> bool:
    """Whether a whole condition holds of the values; raises ConditionFailed."""
    result = run(values, ())
    if type(result) is Failed:
        raise ConditionFailed(result.reason)
    return bool(result)


def read(name: str, of: Type) -> Run:
    """An attribute."""
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


def read_variable(name: str, place: int, of: Type) -> Run:
    """The element that the macro at this place, counted from the outermost, is at."""
    settle = _settle(name, of)
    accepted = PYTHON_TYPES[of.kind]

    def run(values: Values, bound: Bound) -> object:
        value = bound[place]
        return value if isinstance(value, accepted) else settle(value)

    return run


def read_field(fields: Run, key: str, name: str, of: Type) -> Run:
    """What a map has under a key that is written out."""
    settle = _settle(name, of)
    accepted = PYTHON_TYPES[of.kind]

    def get(found: dict[str, object]) -> object:
        value = found.get(key)
        return value if isinstance(value, accepted) else settle(value)

    return apply(get, fields)


def read_entry(name: str, of: Type, fields: dict[str, object], key: str) -> object:
    """What a map has under any key."""
    value = fields.get(key)
    if isinstance(value, PYTHON_TYPES[of.kind]):
        return value
    return _settle(f"{name}.{key}", of)(value)


def _settle(name: str, of: Type) -> Callable[[object], object]:
    """What a value is that is not of its type: missing, wrong, or a whole number that stands for a double."""
    shown = cut(name)
    missing, wrong = Failed(f"{shown} is missing"), Failed(f"{shown} is not {of}")

    def settle(value: object) -> object:
        if value is None:
            return missing
        if of == DOUBLE and isinstance(value, int) and INT_MIN <= value <= INT_MAX:
            return float(value)
        return wrong

    return settle


def apply(operate: Callable[[Any], object], operand: Run) -> Run:
    """An operation on what another part gives."""

    def run(values: Values, bound: Bound) -> object:
        value = operand(values, bound)
        return value if type(value) is Failed else operate(value)

    return run


def apply_both(operate: Callable[[Any, Any], object], left: Part, right: Part) -> Run:
    """An operation on what two parts give."""
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


def choose(question: Run, yes: Run, no: Run) -> Run:
    """The one or the other, as the question is answered."""

    def run(values: Values, bound: Bound) -> object:
        answer = question(values, bound)
        if type(answer) is Failed:
            return answer
        return yes(values, bound) if answer else no(values, bound)

    return run


def collect(elements: list[Run]) -> Run:
    """A list, written out, of what is not."""

    def run(values: Values, bound: Bound) -> object:
        found = tuple(element(values, bound) for element in elements)
        return next((one for one in found if type(one) is Failed), found)

    return run


def settled_by(decides: bool, operands: list[Run]) -> Run:
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


def quantify(decides: bool | None, elements: Run, body: Run) -> Run:
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


def is_there(run: Run) -> Run:
    """Whether a part can be read at all."""
    return lambda values, bound: type(run(values, bound)) is not Failed
