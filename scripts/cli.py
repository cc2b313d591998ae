"""The `kairos` command line: every command prints what it did and ends as scripts/exit_codes.py says.

Here they are put together. Their words and options are in `scripts/commands/`, what they do in the folders beside it, which
a command imports when it runs; where they stand in the help, and their examples, in `scripts/help_pages.py`.
"""

import logging
import signal
import sys
from contextlib import suppress
from typing import Annotated, Final, NoReturn

import typer

from jobs.config import config_from
from jobs.stack.interrupts import heed_interrupts
from jobs.stack.private import close_to_others
from schemas import CODE_VERSION
from schemas.errors import ConfigError
from scripts.commands import (
    archive_cli,
    bench_cli,
    cluster_cli,
    consent_cli,
    control_cli,
    decision_cli,
    engine_cli,
    experiment_cli,
    files_cli,
    items_cli,
    job_cli,
    key_cli,
    letters_cli,
    mapping_cli,
    model_cli,
    outcomes_cli,
    policy_cli,
    privacy_cli,
    replay_cli,
    retention_cli,
    schema_cli,
    training_cli,
)
from scripts.console import complain
from scripts.exit_codes import DONE, INTERRUPTED, REFUSED, code_of
from scripts.help_pages import WIDTH_MAX, FirstLevel, complete

ALONE: Final = (
    engine_cli,
    files_cli,
    training_cli,
    decision_cli,
    archive_cli,
    privacy_cli,
    job_cli,
    outcomes_cli,
)
"""Their commands stand by themselves: `kairos up`."""
GROUPS: Final = {
    "items": items_cli,
    "policy": policy_cli,
    "experiment": experiment_cli,
    "model": model_cli,
    "control": control_cli,
    "key": key_cli,
    "consent": consent_cli,
    "retention": retention_cli,
    "dead-letters": letters_cli,
    "mapping": mapping_cli,
    "schemas": schema_cli,
    "replay": replay_cli,
    "cluster": cluster_cli,
    "bench": bench_cli,
}
"""Theirs stand behind a word: `kairos policy check`."""

app = typer.Typer(
    name="kairos",
    cls=FirstLevel,
    context_settings={"max_content_width": WIDTH_MAX},
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in ALONE:
    app.add_typer(module.app)
for name, module in GROUPS.items():
    app.add_typer(module.app, name=name)
complete(app)


def _tell_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"kairos {CODE_VERSION}")
        raise typer.Exit(DONE)


@app.callback()
def kairos(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Kairos decides the next best action, a few milliseconds after a person did something."""


def main() -> NoReturn:
    """Runs the command line. A ConfigError is one message and the exit code of its kind."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, _raise_interrupt)
    heed_interrupts()
    _close_home()
    try:
        code = app(prog_name="kairos", standalone_mode=False)
    except ConfigError as error:
        complain(f"kairos: {error}")
        code = code_of(error)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except typer.Exit as ended:
        code = ended.exit_code
    except (typer.Abort, Exception) as error:
        code = _usage_error(error)
    sys.stdout.flush()
    sys.exit(code if isinstance(code, int) else DONE)


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
    return REFUSED


def _raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt
