"""What `--help` says: commands in groups, two examples of each, exit codes and settings; as plain text, which is quick."""

from typing import TYPE_CHECKING, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command_name
from typer.models import CommandInfo, TyperInfo

from jobs.config import SETTINGS
from scripts.exit_codes import MEANINGS
from scripts.help_examples import EXAMPLES

if TYPE_CHECKING:  # Typer hands them over and does not export them
    from typer._click import Context, HelpFormatter

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "Begin": ("demo", "up", "status", "logs", "down", "reset", "doctor"),
    "Events and items": (
        "import",
        "items",
        "convert",
        "try",
        "audit-data",
        "infer",
        "mapping",
        "schemas",
        "archive",
        "dead-letters",
    ),
    "What is decided, and why": ("policy", "explain", "why-not", "verify"),
    "Models": ("train", "evaluate", "model"),
    "What it earns": ("kpi", "outcomes", "experiment", "evaluate-policy"),
    "History": ("replay", "compare"),
    "People's rights": ("forget", "export", "retention"),
    "Operate": (
        "api",
        "key",
        "consent",
        "control",
        "cluster",
        "decide",
        "learn",
        "upgrade",
        "package",
    ),
    "Measure, and look up": ("bench", "chaos", "features", "accepts", "docs"),
}
"""By the heading under which `kairos --help` shows them: commands in the order in which they are needed."""
WIDTH_MAX: Final = 110
AS_IT_IS: Final = "\b\n"
"""Before a paragraph whose lines are kept."""


class WordGroup(TyperGroup):
    """Commands behind a word; each with the first sentence of what it does, uncut."""

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Writes them below one heading."""
        self.write_section("Commands", tuple(self.commands), formatter)

    def write_section(
        self, heading: str, names: tuple[str, ...], formatter: "HelpFormatter"
    ) -> None:
        """Writes those of these names that are shown."""
        found = [self.commands[name] for name in names if name in self.commands]
        rows = [(one.name or "", one.get_short_help_str(1_000)) for one in found if not one.hidden]
        with formatter.section(heading):
            formatter.write_dl(rows)


class FirstLevel(WordGroup):
    """All commands in their groups, then how they end and what can be set."""

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Writes them group by group."""
        for heading, names in GROUPS.items():
            self.write_section(heading, names, formatter)

    def format_epilog(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Writes the exit codes and the settings."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in MEANINGS.items()])
        with formatter.section("Settings (environment)"):
            formatter.write_dl([(one.name, one.meaning) for one in SETTINGS])


def complete(app: typer.Typer, words: tuple[str, ...] = ()) -> None:
    """Gives every command and every word of commands its examples."""
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or get_command_name(command.callback.__name__)
        _add_examples(command, (*words, name))
    for group in app.registered_groups:
        assert group.typer_instance is not None
        has_word = isinstance(group.name, str)
        inner = (*words, str(group.name)) if has_word else words
        if has_word:
            group.cls = WordGroup
            _add_examples(group, inner)
        complete(group.typer_instance, inner)


def _add_examples(one: CommandInfo | TyperInfo, words: tuple[str, ...]) -> None:
    lines = [f"./kairos {line}" for line in EXAMPLES.get(" ".join(words), ())]
    if lines:
        one.epilog = f"Examples:\n\n{AS_IT_IS}" + "\n".join(lines)
