"""A test without an assertion cannot fail: each asserts, expects an error, or calls a function of the tests that does.

Nor can one that returns before it comes to it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
ASSERTING = {"raises", "warns", "expect", "fail", "assert_array_equal"}
PASSES_WHERE_NOTHING_IS_RAISED = {
    "test_a_cluster_of_this_minor_version_with_the_jar_is_taken",
    "test_a_mangled_record_is_decoded_or_invalid",
    "test_an_embedded_job_is_no_hindrance_where_none_runs",
    "test_ids_that_look_odd_are_ids",
    "test_the_api_does_what_its_document_says",
}
"""What they call refuses by an error, and another test beside them shows that it does."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(source: str) -> Iterator[Function]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            yield node


def called(function: Function) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            named = node.func
            yield named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", "")


def asserting(sources: list[str]) -> tuple[set[str], set[str]]:
    """The names of all tests, and of all functions that assert something, however deep one looks."""
    calls: dict[str, set[str]] = {}
    found: set[str] = set()
    for one in (one for source in sources for one in functions(source)):
        names = calls.setdefault(one.name, set())
        names |= set(called(one))
        if names & ASSERTING or any(isinstance(node, ast.Assert) for node in ast.walk(one)):
            found.add(one.name)
    while more := {name for name, names in calls.items() if names & found} - found:
        found |= more
    return {name for name in calls if name.startswith("test_")}, found


def toothless(sources: list[str]) -> set[str]:
    """Names of tests that assert nothing."""
    tests, found = asserting(sources)
    return tests - found


def test_every_test_asserts_something() -> None:
    sources = [path.read_text() for path in sorted(TESTS.rglob("*.py"))]
    assert toothless(sources) == PASSES_WHERE_NOTHING_IS_RAISED


def silent(source: str) -> set[str]:
    """Names of tests that may return before they have asserted anything: some of their cases then test nothing.

    Where examples are drawn, some of them may be left out; and an error that is expected is an outcome.
    """
    found = set()
    for one in functions(source):
        is_drawn = any("given" in ast.unparse(decorator) for decorator in one.decorator_list)
        if one.name.startswith("test_") and not is_drawn:
            handled = {
                node for part in ast.walk(one) if isinstance(part, ast.ExceptHandler) for node in ast.walk(part)
            }  # fmt: skip
            asserts = [node.lineno for node in ast.walk(one) if isinstance(node, ast.Assert)]
            returns = [node for node in ast.walk(one) if isinstance(node, ast.Return)]
            early = [
                node for node in returns
                if node.value is None and node not in handled and node.lineno < min(asserts, default=0)
            ]  # fmt: skip
            found |= {one.name} if early else set()
    return found


def test_no_test_returns_in_silence() -> None:
    assert {
        name for path in sorted(TESTS.rglob("*.py")) for name in silent(path.read_text())
    } == set()


def test_one_that_returns_in_silence_is_found() -> None:
    cases = "@each\ndef test_it(one):\n    if one.is_odd:\n        return\n    assert one.works()\n"
    assert silent(cases) == {"test_it"}
    assert silent(cases.replace("@each", "@given(ones())")) == set()
    assert silent(cases.replace("    if", "    assert one\n    if", 1)) == set()


def test_one_without_an_assertion_is_found() -> None:
    helper = "def check(): assert False\ndef look(): pass\n"
    bad = "def test_bad():\n    look()\n"
    good = "def test_good():\n    check()\n"
    assert toothless([helper, bad, good]) == {"test_bad"}
