"""`kairos explain`, `why-not` and `verify`: how decisions came about, and whether what is promised of them holds."""

from functools import partial
from typing import Annotated

import typer

from jobs.config import config_from
from schemas.errors import ConfigError
from scripts.commands.options import Archive, DecisionsFrom, Json, JsonValue, To
from scripts.console import show, show_json
from scripts.exit_codes import passed
from scripts.times import time_or_none

app = typer.Typer()
verify_app = typer.Typer(
    help="Test what is promised on what has been logged; exit code 1 where it does not hold.",
)
app.add_typer(verify_app, name="verify")


@app.command()
def explain(
    decision_id: Annotated[str, typer.Argument(help="As the demo prints it.")],
    against: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Say what made it another offer than this decision's."),
    ] = None,
    archive: Archive = None,
    json: Json = False,
) -> None:
    """Show how a decision came about: candidates, features, contributions, verdicts, versions.

    Most traces hold a digest of the features (KAIROS_TRACE_SHARE): these are computed again from the log, from its
    beginning on.
    """
    from jobs.learning.trust import trust_of
    from scripts.audit import difference, explained_view, explanation, verify
    from scripts.audit.deployed_log import Log
    from scripts.ops.local_audit import note_look
    from scripts.ops.status import running_kafka, stored_at_ms

    config = config_from()
    kafka = running_kafka(config)
    again = partial(verify.trace_again, Log(kafka, config, archive))
    explained = explanation.find(kafka, config.topic_prefix, decision_id, trust_of(config), again)
    note_look(config, "read decision", [explained.decision.person], {"decision": decision_id})
    if against is not None:
        found = difference.find(config, kafka, explained, against)
        show_json(found) if json else difference.show_against(found)
    elif json:
        show_json(explanation.explained_json(explained))
    else:
        explained_view.show_explained(explained, stored_at_ms(config, explained.decision))


@app.command("why-not")
def why_not(
    person: Annotated[str, typer.Argument(help="A person, or an anonymous id.")],
    action: Annotated[str, typer.Argument(help="The id of an action of the policy.")],
    at: Annotated[
        str | None, typer.Option("--at", help="As of then (epoch ms or ISO 8601); without it, now.")
    ] = None,
    json: Json = False,
) -> None:
    """Say why a person did not get an action: the rule, and what it saw."""
    from scripts.audit import why_not as module
    from scripts.ops.local_audit import note_look
    from scripts.ops.status import running_kafka

    config, at_ms = config_from(), time_or_none(at)
    note_look(config, "read why not", [person], {"action": action})
    found = module.why_not(running_kafka(config), config.topic_prefix, person, action, at_ms)
    show_json(module.why_not_json(found)) if json else show(found.sentence)


@verify_app.callback(invoke_without_command=True)
def verify_all(
    context: typer.Context,
    from_: DecisionsFrom = None,
    to: To = None,
    archive: Archive = None,
    json: JsonValue = False,
) -> int | None:
    """Look at every promise on what has been logged: a row for each, with its figures.

    Every event is accounted for, nothing is lost, a replay decides as live did by the same features, numbers grow, chances sum to one,
    nothing is decided on what was refused, limits hold. Exit code 1 where one is broken. An exposure that was told after its
    decision had ended counts here as told in time.
    """
    if context.invoked_subcommand is not None:
        return None
    from scripts.audit import promises, verify
    from scripts.audit.deployed_log import Log
    from scripts.ops.status import running_kafka

    scope = verify.scope_of(time_or_none(from_), time_or_none(to))
    config = config_from()
    return promises.keep_promises(Log(running_kafka(config), config, archive), scope, is_json=json)


@verify_app.command("replay")
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
    from scripts.audit import replay_view, verify
    from scripts.audit.deployed_log import Log
    from scripts.ops.status import running_kafka

    if decision is not None and (from_ or to):
        raise ConfigError("--decision names one decision; leave --from and --to out")
    scope = verify.scope_of(time_or_none(from_), time_or_none(to), decision)
    config = config_from()
    audit = verify.verify(Log(running_kafka(config), config, archive), scope)
    show_json(replay_view.audit_json(audit)) if json else replay_view.show_audit(audit)
    return passed(audit.is_whole)


@verify_app.command("skew")
def verify_skew(
    from_: DecisionsFrom = None,
    to: To = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, sampled.")] = None,
    archive: Archive = None,
    json: Json = False,
) -> int:
    """Compute every logged feature vector again from the log, and compare bit by bit.

    The log is replayed from its beginning: a decision rests on all that was before it.
    """
    from scripts.audit import skew_view, verify
    from scripts.audit.deployed_log import Log
    from scripts.ops.status import running_kafka

    scope = verify.scope_of(time_or_none(from_), time_or_none(to))
    config = config_from()
    skew = verify.verify(Log(running_kafka(config), config, archive), scope, limit).skew
    show_json(skew_view.skew_json(skew)) if json else skew_view.show_skew(skew)
    return passed(skew.is_none)


@verify_app.command("archive")
def verify_archive(
    archive: Annotated[
        str | None, typer.Argument(help="The archive; without it, the one in KAIROS_HOME.")
    ] = None,
    json: JsonValue = False,
) -> int:
    """Check every file of an archive, and every record that Kafka still holds against it.

    Exit code 1 where Kafka holds another record than was archived; an archive that was altered is refused.
    """
    from scripts.ops.archive import verify

    return verify(config_from(), archive, is_json=json)
