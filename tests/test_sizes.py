"""Modules and functions stay small enough to be read at once; what is larger is listed, and may only shrink."""

from typing import Final

from tests.sizes import LAYERS, Function, all_functions, count, functions_in, lines_of, modules

MODULE_MAX: Final = 300
FUNCTION_MAX: Final = 40
PARAMETERS_MAX: Final = 7

MODULES: Final[dict[str, int]] = {}
FUNCTIONS: Final[dict[str, int]] = {}
"""What may be larger, and how large; nothing is. An entry says why beside it."""
PARAMETERS: Final[dict[str, int]] = {
    "log/following.py:Follower.__init__": 8,
    "udfs/actions/pace_budgets.py:within_budget": 8,
    "udfs/facts/fact.py:item": 9,
    "udfs/facts/fact.py:_of_all": 9,
}
"""Likewise: what they are all about wants to be one value. Those of `fact.py` are the columns of a table, by name."""


def grown(found: dict[str, int], allowed: dict[str, int], most: int) -> dict[str, str]:
    """What is larger than it may be, and what is listed and need not be any more."""
    over = {
        name: f"{size}, {allowed.get(name, most)} may be"
        for name, size in found.items()
        if size > allowed.get(name, most)
    }
    small = {name for name in allowed if found.get(name, 0) <= most}
    return over | dict.fromkeys(small, "is small now: take it off the list")


def test_no_module_grows_too_large_to_be_read() -> None:
    found = {path: lines_of(text) for one in LAYERS for path, text in modules(one).items()}
    assert grown(found, MODULES, MODULE_MAX) == {}


def test_no_function_grows_too_large_to_be_read() -> None:
    found = {name: one.lines for name, one in all_functions().items()}
    assert grown(found, FUNCTIONS, FUNCTION_MAX) == {}


def test_no_function_is_handed_more_than_can_be_kept_in_mind() -> None:
    found = {name: one.parameters for name, one in all_functions().items()}
    assert grown(found, PARAMETERS, PARAMETERS_MAX) == {}


def test_what_has_grown_is_found() -> None:
    source = "class A:\n    def f(self, b, *, c, **d):\n        '''Says.'''\n        a = 1\n        b = 2\n        return a + b\n"
    assert functions_in(source) == {"A.f": Function(3, 3)}
    command = "@app.command()\ndef f(a, b): return a\n"
    assert functions_in(command) == {"f": Function(1, 0)}, "a command's parameters are its options"
    assert grown({"m": 12}, {}, 10) == {"m": "12, 10 may be"}
    assert grown({"m": 12}, {"m": 11}, 10) == {"m": "12, 11 may be"}
    assert grown({"m": 11}, {"m": 11}, 10) == {}
    assert grown({"m": 10}, {"m": 11}, 10) == {"m": "is small now: take it off the list"}
    assert grown({}, {"m": 11}, 10) == {"m": "is small now: take it off the list"}


def test_what_is_counted_is_told_with_the_largest_of_each() -> None:
    told = count().splitlines()
    lines = [int(one.split()[-1].replace(",", "")) for one in told]
    assert sum(lines[: len(LAYERS)]) == lines[len(LAYERS)]
    assert lines[-2:] == [
        max(one.lines for one in all_functions().values()),
        max(one.parameters for one in all_functions().values()),
    ]
