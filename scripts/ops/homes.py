"""Where homes lie: the usual one, the demo's own, and how a command is typed that means one of them."""

import shlex
from pathlib import Path
from typing import Final

from jobs.config import PROJECT
from jobs.stack.state import is_held, read_state

USUAL: Final = PROJECT / ".kairos"
DEMOS: Final = USUAL / "demo"
"""Where `kairos demo` keeps its data, unless KAIROS_HOME names another folder."""


def in_home(home: Path, words: str, here: Path | None = None) -> str:
    """A command of this home as it is typed, standing `here` (None: where this process stands)."""
    is_project = (here or Path.cwd()).resolve() == PROJECT
    command = "./kairos" if is_project else shlex.quote(str(PROJECT / "kairos"))
    path = home.absolute()
    if path == USUAL:
        return f"{command} {words}"
    shown = path.relative_to(PROJECT) if is_project and path.is_relative_to(PROJECT) else path
    return f"KAIROS_HOME={shlex.quote(str(shown))} {command} {words}"


def elsewhere(home: Path, words: str, demos: Path = DEMOS) -> str:
    """What follows where the usual home has nothing while the demo runs in its own: the command that reaches it; else empty."""
    found = read_state(demos) if home.absolute() == USUAL else None
    if found is None or not is_held(found):
        return ""
    return f"; the demo runs, in a home of its own: `{in_home(demos, words)}`"
