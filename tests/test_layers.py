"""The layer rule: imports point leftwards only."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "schemas": set(),
    "models": {"schemas"},
    "udfs": {"schemas", "models"},
    "log": {"schemas"},
    "jobs": {"schemas", "log", "models", "udfs"},
    "channels": {"schemas", "log"},
    "scripts": {"schemas", "log", "models", "udfs", "jobs", "channels"},
}


def imported(source: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def faults(layer: str, source: str) -> set[str]:
    ours = imported(source) & set(ALLOWED) - {layer} - ALLOWED[layer]
    flink = imported(source) & {"pyflink"} if layer != "jobs" else set()
    return ours | flink


@pytest.mark.parametrize("layer", ALLOWED)
def test_imports_point_leftwards(layer: str) -> None:
    for path in (ROOT / layer).rglob("*.py"):
        assert not faults(layer, path.read_text()), path


def test_a_wrong_import_is_found() -> None:
    assert faults("schemas", "from udfs.decide import decide") == {"udfs"}
    assert faults("udfs", "import pyflink.datastream") == {"pyflink"}
    assert faults("scripts", "from pyflink.find_flink_home import x") == {"pyflink"}
    assert faults("channels", "import jobs.config") == {"jobs"}


LOGIC = (ast.For, ast.While, ast.Try, ast.With, ast.ClassDef, ast.Lambda, ast.comprehension)


def logic_in(source: str) -> list[str]:
    """What a module of commands holds beside words, options and calls: functions that are no command, loops and the like."""
    tree = ast.parse(source)
    helpers = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not any("app." in ast.unparse(one) for one in node.decorator_list)
    ]
    inside = [
        node for one in tree.body if isinstance(one, ast.FunctionDef) for node in ast.walk(one)
    ]
    return helpers + [type(one).__name__ for one in inside if isinstance(one, LOGIC)]


def test_commands_hold_no_logic() -> None:
    for path in (ROOT / "scripts" / "commands").glob("*.py"):
        assert not logic_in(path.read_text()), path


def test_logic_in_a_command_is_found() -> None:
    head = "@app.command()\ndef up(a: int) -> None:\n"
    assert logic_in(head + "    run(a)\n") == []
    assert logic_in(head + "    for one in a:\n        run(one)\n") == ["For"]
    assert logic_in("def _run() -> None:\n    pass\n") == ["_run"]


def test_nothing_but_the_command_line_imports_commands() -> None:
    for path in (ROOT / "scripts").rglob("*.py"):
        is_command = path == ROOT / "scripts" / "cli.py" or path.parent.name == "commands"
        assert is_command or "scripts.commands" not in path.read_text(), path


def reads_of_the_environment(source: str) -> list[int]:
    """Lines that look a variable up; setting one or handing all of them to a child is no reading."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            text = ast.unparse(node.value)
        elif isinstance(node, ast.Call):
            text = ast.unparse(node.func)
        else:
            continue
        if text in ("os.environ", "os.environ.get", "os.getenv", "environ.get", "environ"):
            found.append(node.lineno)
    return found


def test_only_the_configuration_reads_the_environment() -> None:
    for layer in ALLOWED:
        for path in (ROOT / layer).rglob("*.py"):
            if path != ROOT / "jobs" / "config.py":
                assert not reads_of_the_environment(path.read_text()), path


def test_a_read_of_the_environment_is_found() -> None:
    assert reads_of_the_environment("import os\nx = os.environ['A']\ny = os.getenv('B')") == [2, 3]
    assert not reads_of_the_environment("import os\nos.environ['A'] = 'x'")


RUN_WHAT_THEY_READ = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}


def loads_of_objects(source: str) -> bool:
    """Whether it can make objects of bytes, and so run what somebody wrote there."""
    return bool(imported(source) & RUN_WHAT_THEY_READ) or "PICKLED_BYTE_ARRAY()" in source


def test_foreign_bytes_are_never_unpickled() -> None:
    for layer in ALLOWED:
        for path in (ROOT / layer).rglob("*.py"):
            assert not loads_of_objects(path.read_text()), path


def test_an_unpickling_is_found() -> None:
    assert loads_of_objects("from pickle import loads")
    assert loads_of_objects("state = Types.PICKLED_BYTE_ARRAY()")
    assert not loads_of_objects("from pickletools import genops")
