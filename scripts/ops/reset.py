"""`kairos reset`, which empties a home, and the demo, which begins anew in its own."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from jobs.config import Config
from jobs.stack import state
from jobs.stack.local_cluster import local_address
from jobs.stack.private import make_private
from schemas.errors import ConfigError
from scripts.console import say, show
from scripts.ops.home_note import NOTE, has_data, read_note, whose, write_note
from scripts.ops.homes import DEMOS, USUAL, in_home

EMPTIED: Final = (
    "kafka", "valkey", "flink", "checkpoints", "savepoints", "models", "tried-models", "replays", "cluster", "logs",
    NOTE, "stack.json",
)  # fmt: skip
"""What `reset` takes away: what happened, and all that was made of it."""
KEPT: Final = (
    "jars, passwords and keys, drafts of policies, the audit log, and what `kairos archive` wrote"
)


def begin_demo(config: Config) -> None:
    """Makes a home ready for a demo, which begins anew; ConfigError where it holds data of somebody's own."""
    home = config.home.absolute()
    if home == DEMOS:
        _share_jars(home)
    if config.kafka is not None:
        return
    _check_quiet(home)
    if has_data(home):
        note = read_note(home)
        if not note.is_demo or note.imported:
            raise ConfigError(
                f"{whose(home)}: the demo would put its own among them. Without KAIROS_HOME it has a home of its own; "
                f"`{in_home(home, 'reset')}` empties this one"
            )
        say(f"the demo begins anew: what the last one left in {home} is removed")
        empty(home)
    make_private(home)
    write_note(home, is_demo=True)


def _share_jars(home: Path) -> None:
    """The demo's own home takes the jars of the usual one: they are the same, and large."""
    make_private(home)
    (USUAL / "jars").mkdir(parents=True, exist_ok=True)
    if not (home / "jars").exists():
        (home / "jars").symlink_to(USUAL / "jars")


def empty(home: Path) -> None:
    """Removes what a home holds; ConfigError while something runs there."""
    with state.lock(home):
        state.end_leftovers(home)
        for path in (home / name for name in EMPTIED):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def reset(config: Config, *, is_sure: bool, ask: Callable[[str], bool]) -> None:
    """Empties the home of these settings once somebody is sure of it; raises ConfigError while something runs there."""
    home = config.home
    if not any((home / name).exists() for name in EMPTIED):
        show(f"{home} is empty")
        return
    _check_quiet(home)
    if not is_sure and not sys.stdin.isatty():
        raise ConfigError(f"{whose(home)}; `{in_home(home, 'reset --yes')}` deletes it for good")
    if not is_sure and not ask(f"{whose(home)}. Delete all of it for good?"):
        show("nothing was changed")
        return
    empty(home)
    show(f"{home} is empty now; kept are {KEPT}")
    for what, place in (
        ("the log", config.kafka),
        ("the store", config.redis),
        ("the checkpoints", config.checkpoints),
    ):
        if place:
            say(f"untouched: {what} at {place}")


def _check_quiet(home: Path) -> None:
    """Raises ConfigError, with what stops it, where an engine or a cluster runs in this home."""
    owner = state.read_state(home)
    if owner is not None and state.is_held(owner):
        raise ConfigError(f"the engine of {home} is up: `{in_home(home, 'down')}` stops it first")
    if local_address(home) is not None:
        raise ConfigError(
            f"a cluster runs in {home}: `{in_home(home, 'cluster down')}` stops it first"
        )
