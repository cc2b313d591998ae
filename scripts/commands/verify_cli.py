"""`kairos verify replay`: prove to somebody why a decision was made as it was."""

from typing import Annotated

import typer

from jobs.config import config_from
from schemas.errors import ConfigError
from scripts.commands.archive_cli import Archive
from scripts.console import show_json

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]


def verify_replay(
    decision: Annotated[
        str | None, typer.Option("--decision", metavar="ID", help="Only this decision.")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="T", help="Decisions from here on.")
    ] = None,
    to: Annotated[str | None, typer.Option(metavar="T", help="… to before here.")] = None,
    archive: Archive = None,
    json: Json = False,
) -> int:
    """Make logged decisions again with the versions that they name, and compare byte by byte.

    The log is replayed from its beginning: a decision rests on all that was before it. Says what differs and
    why, and names the records; exit code 1 where something differs that nothing explains.
    """
    from jobs.audit.logged import Scope
    from scripts.audit import verify_replay as module
    from scripts.audit.deployed_log import Log
    from scripts.ops.status import running_kafka
    from scripts.times import parse_time

    if decision is not None and (from_ or to):
        raise ConfigError("--decision names one decision; leave --from and --to out")
    scope = Scope(decision_id=decision)
    scope = scope._replace(from_ms=parse_time(from_)) if from_ else scope
    scope = scope._replace(to_ms=parse_time(to)) if to else scope
    if scope.from_ms >= scope.to_ms:
        raise ConfigError("--from is not before --to: nothing lies between them")
    config = config_from()
    audit = module.verify(Log(running_kafka(config), config, archive), scope)
    show_json(module.audit_json(audit)) if json else module.show_audit(audit)
    return 0 if audit.is_whole else 1
