"""docs/cli.md: what `--help` says of every command, in the groups of `kairos --help`."""

from collections.abc import Iterator
from typing import Any, Final

import typer

from jobs.config import PROJECT
from scripts.exit_codes import MEANINGS
from scripts.help_pages import GROUPS, WIDTH_MAX

PAGE: Final = PROJECT / "docs" / "cli.md"
HEAD: Final = """\
# The command line

Written by `kairos docs --write` from the commands themselves; do not edit. `./kairos COMMAND --help` says the same.
What can be set stands in [settings.md](settings.md), what messages mean in [troubleshooting.md](troubleshooting.md).

| exit code | means |
| --- | --- |
"""


def page() -> str:
    """The whole page."""
    from scripts.cli import app  # which has the command that asks for this page

    root: Any = typer.main.get_command(app)
    codes = "".join(f"| {code} | {meaning} |\n" for code, meaning in MEANINGS.items())
    sections = (_section(root, heading, names) for heading, names in GROUPS.items())
    return HEAD + codes + "".join(sections)


def _section(root: Any, heading: str, names: tuple[str, ...]) -> str:
    commands = (one for name in names for one in _commands(root.commands[name], (name,)))
    return f"\n## {heading}\n" + "".join(commands)


def _commands(command: Any, words: tuple[str, ...]) -> Iterator[str]:
    """A command, and those behind its word."""
    if command.hidden:
        return
    context = command.context_class(
        command, info_name=f"./kairos {' '.join(words)}", terminal_width=WIDTH_MAX
    )
    lines = (line.rstrip() for line in command.get_help(context).splitlines())
    said = "\n".join(line for line in lines if not line.lstrip().startswith("--help "))
    yield f"\n### {' '.join(words)}\n\n```text\n{said.strip()}\n```\n"
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, (*words, name))
