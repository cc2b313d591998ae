"""The `kairos` command line: every command prints what it did and exits non-zero on failure.

Here they are put together. Their words and options are in `scripts/commands/`, what they do in the folders beside it, which
a command imports when it runs.
"""

import logging
import signal
import sys
from contextlib import suppress
from typing import Final, NoReturn

import typer

from jobs.config import SETTINGS, config_from
from jobs.stack.private import close_to_others
from schemas.errors import ConfigError, UnusableInput
from scripts.commands import (
    archive_cli,
    bench_cli,
    cluster_cli,
    control_cli,
    decision_cli,
    engine_cli,
    files_cli,
    job_cli,
    key_cli,
    model_cli,
    policy_cli,
    replay_cli,
    shop_cli,
    training_cli,
)
from scripts.console import complain

EXIT_UNUSABLE: Final = 1
EXIT_REFUSED: Final = 2
EXIT_INTERRUPTED: Final = 130
SETTINGS_HELP: Final = "Settings (environment): " + " · ".join(
    f"{one.name} ({one.meaning})" for one in SETTINGS
)
ALONE: Final = (engine_cli, files_cli, training_cli, decision_cli, archive_cli, job_cli)
"""Their commands stand by themselves: `kairos up`."""
GROUPS: Final = {
    "policy": policy_cli,
    "model": model_cli,
    "control": control_cli,
    "key": key_cli,
    "replay": replay_cli,
    "cluster": cluster_cli,
    "shop": shop_cli,
    "bench": bench_cli,
}
"""Theirs stand behind a word: `kairos policy check`."""

app = typer.Typer(
    name="kairos",
    help="Kairos decides the next best action, a few milliseconds after a person did something.",
    epilog=SETTINGS_HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in ALONE:
    app.add_typer(module.app)
for name, module in GROUPS.items():
    app.add_typer(module.app, name=name)


def main() -> NoReturn:
    """Runs the command line. A ConfigError is one message and exit code 2."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, _raise_interrupt)
    _close_home()
    try:
        code = app(prog_name="kairos", standalone_mode=False)
    except ConfigError as error:
        complain(f"kairos: {error}")
        code = EXIT_UNUSABLE if isinstance(error, UnusableInput) else EXIT_REFUSED
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except typer.Exit as ended:
        code = ended.exit_code
    except (typer.Abort, Exception) as error:
        code = _usage_error(error)
    sys.stdout.flush()
    sys.exit(code if isinstance(code, int) else 0)


def _close_home() -> None:
    """A home of an earlier version was open to other users of the machine."""
    with suppress(ConfigError, OSError):  # the command that needs it says so
        home = config_from().home
        if home.is_dir():
            close_to_others(home)


def _usage_error(error: BaseException) -> int:
    """Prints a usage error as click does; anything else is a bug and goes on."""
    show_error = getattr(error, "show", None)
    if show_error is None:
        raise error
    show_error()
    return EXIT_REFUSED


def _raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt
