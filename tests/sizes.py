"""How large modules and functions are: for the tests that hold them small, and for `make count`."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parent.parent
LAYERS: Final = ("schemas", "log", "models", "udfs", "jobs", "channels", "scripts")


class Function(NamedTuple):
    """Lines of a function's body without its docstring, and its parameters without `self`. A command's are its options."""

    lines: int
    parameters: int


@cache
def modules(layer: str) -> dict[str, str]:
    """The source of each module of a layer."""
    paths = sorted((ROOT / layer).rglob("*.py"))
    return {str(path.relative_to(ROOT)): path.read_text() for path in paths}


def lines_of(source: str) -> int:
    """Lines of a module, all of them."""
    return len(source.splitlines())


def functions_in(source: str) -> dict[str, Function]:
    """Each function by its qualified name; the outermost only."""
    return dict(_functions(ast.parse(source), ""))


def _functions(node: ast.AST, above: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            body = child.body[1:] if ast.get_docstring(child) else child.body
            lines = (child.end_lineno or 0) - body[0].lineno + 1 if body else 0
            yield f"{above}{child.name}", Function(lines, _parameters(child))
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{above}{child.name}.")
        else:
            yield from _functions(child, above)


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if any("app." in ast.unparse(one) for one in function.decorator_list):
        return 0
    given = function.args
    named = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    further = [one for one in (given.vararg, given.kwarg) if one is not None]
    return len([one for one in named if one not in ("self", "cls")]) + len(further)


@cache
def all_functions() -> dict[str, Function]:
    """Each function of production code, as MODULE:NAME."""
    return {
        f"{path}:{name}": function
        for layer in LAYERS
        for path, source in modules(layer).items()
        for name, function in functions_in(source).items()
    }


def count() -> str:
    """Production lines by layer, and the largest of everything."""
    sources = {layer: modules(layer) for layer in LAYERS}
    lines = {layer: sum(map(lines_of, found.values())) for layer, found in sources.items()}
    of_module = {path: lines_of(text) for found in sources.values() for path, text in found.items()}
    functions = all_functions()
    module = max(of_module, key=lambda one: of_module[one])
    longest = max(functions, key=lambda one: functions[one].lines)
    widest = max(functions, key=lambda one: functions[one].parameters)
    rows = [
        *((f"{layer}/", f"{count:,}") for layer, count in lines.items()),
        ("production lines (Python, with comments and blank ones)", f"{sum(lines.values()):,}"),
        ("modules", f"{len(of_module):,}"),
        (f"largest module, in lines: {module}", f"{of_module[module]:,}"),
        (f"longest function, in lines without docstring: {longest}", str(functions[longest].lines)),
        (f"most parameters, commands left out: {widest}", str(functions[widest].parameters)),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {figure:>7}" for name, figure in rows)


if __name__ == "__main__":
    print(count())
