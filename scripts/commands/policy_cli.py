"""`kairos policy`: check a file, publish it, see what was published, compare, go back."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from jobs.config import config_from
from scripts.console import complain, say, show, show_json

EXIT_MISTAKES: Final = 1

app = typer.Typer(help="Check, publish, compare and take back policies.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value, for programs.")]
EffectiveFrom = Annotated[
    str | None, typer.Option("--effective-from", help="From when on; without it, in 2 seconds.")
]
Named = Annotated[str, typer.Argument(help="A version (or the beginning of it), or a file.")]


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Policy files (YAML).")], json: Json = False
) -> int:
    """Say ok, or name every mistake with its line; exit code 1 where there is one."""
    from scripts.policy.policy_file import PolicyMistakes, check_policy, counts_of, summary

    results: list[dict[str, Any]] = []
    lines: list[str] = []
    for file in files:
        try:
            checked = check_policy(file)
        except PolicyMistakes as error:
            mistakes = [one._asdict() for one in error.mistakes]
            results.append({"file": str(file), "is_ok": False, "mistakes": mistakes})
            lines.append(str(error))
        else:
            warnings = [one._asdict() for one in checked.warnings]
            counts = counts_of(checked.policy)
            results.append(
                {"file": str(file), "is_ok": True, "counts": counts, "warnings": warnings}
            )
            lines += [f"{file}:{one} (a warning)" for one in checked.warnings]
            lines.append(f"{file}: ok: {summary(checked.policy)}")
    show_json(results) if json else show("\n".join(lines))
    return 0 if all(one["is_ok"] for one in results) else EXIT_MISTAKES


@app.command()
def publish(
    file: Annotated[Path, typer.Argument(help="A policy file (YAML).")],
    name: Annotated[str, typer.Option(help="Whose policy it is.")] = "default",
    effective_from: EffectiveFrom = None,
    version: Annotated[
        str | None, typer.Option(help="What decisions call it; without it, a hash of the content.")
    ] = None,
    json: Json = False,
) -> None:
    """Check a file and put it in force: it decides events from then on."""
    from scripts.policy.policy_versions import Draft, version_of

    at_ms = _time(effective_from)
    found = checked(file)
    draft = Draft(version or version_of(found.policy), name, found.policy)
    warnings = [f"{file}:{one}" for one in found.warnings]
    _put_in_force("publish", _announced(), draft, at_ms, warnings, json)


@app.command()
def history(json: Json = False) -> None:
    """Show every version that was published, the newest first, and which of them decides now."""
    from jobs.publish import now_ms
    from scripts.policy.policy_versions import history_json, show_history

    rows = history_json(_announced(), now_ms())
    (show_json if json else show_history)(rows)


@app.command()
def diff(
    before: Named,
    after: Annotated[
        str | None, typer.Argument(help="Without it: the live one to the first.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what differs between two versions or files; with one given, from the live one to it."""
    from jobs.publish import now_ms
    from scripts.policy.policy_text import difference_json, difference_text, differences
    from scripts.policy.policy_versions import draft_again, live

    if after is None:
        pair = draft_again(live(_announced(), now_ms())).policy, _policy(before)
    else:
        pair = _policy(before), _policy(after)
    found = differences(*pair)
    if json:
        show_json([difference_json(one) for one in found])
    else:
        show("\n".join(map(difference_text, found)) or "nothing differs")


@app.command()
def rollback(
    version: Annotated[
        str | None, typer.Argument(help="Without it, the one that was before the present one.")
    ] = None,
    effective_from: EffectiveFrom = None,
    json: Json = False,
) -> None:
    """Put a policy in force again that was before; done twice, it is undone."""
    from jobs.publish import now_ms
    from scripts.policy.policy_versions import draft_again, find_version, previous

    at_ms = _time(effective_from)
    versions = _announced()
    if version is None:
        draft = previous(versions, now_ms())
    else:
        draft = draft_again(find_version(version, versions))
    _put_in_force("rollback", versions, draft, at_ms, [], json)


@app.command("show")
def show_one(
    version: Annotated[str | None, typer.Argument(help="Without it, the live one.")] = None,
) -> None:
    """Print a published policy as a file that reads as this policy."""
    from jobs.publish import now_ms
    from scripts.policy.policy_text import policy_yaml
    from scripts.policy.policy_versions import draft_again, find_version, live
    from scripts.times import utc

    versions = _announced()
    found = find_version(version, versions) if version else live(versions, now_ms())
    text = policy_yaml(draft_again(found).policy)
    show(f"# {found.version}, in force from {utc(found.effective_from_ms)} on\n{text.rstrip()}")


@app.command()
def docs(
    write: Annotated[bool, typer.Option("--write", help="Write docs/policy.md.")] = False,
) -> None:
    """Print what a policy's file may hold: every field and every attribute."""
    from scripts.policy import policy_docs

    if write:
        show(f"written to {policy_docs.write()}")
    else:
        show(policy_docs.page().rstrip())


def _time(effective_from: str | None) -> int | None:
    """The time, before anything is looked up; raises ConfigError."""
    from scripts.times import parse_time

    return parse_time(effective_from) if effective_from else None


def _announced() -> list[Any]:
    from jobs.learning.trust import keys_of
    from scripts.ops.status import running_kafka
    from scripts.policy.policy_versions import announced

    config = config_from()
    return announced(running_kafka(config), config.topic_prefix, keys_of(config))


def checked(file: Path) -> Any:
    """The policy in a file and its warnings; ends the command where it has mistakes."""
    from scripts.policy.policy_file import PolicyMistakes, check_policy

    try:
        return check_policy(file)
    except PolicyMistakes as error:
        complain(str(error))
        raise typer.Exit(EXIT_MISTAKES) from error


def _policy(named: str) -> Any:
    """The policy in this file, or of this version."""
    from scripts.policy.policy_versions import draft_again, find_version

    if Path(named).is_file():
        return checked(Path(named)).policy
    return draft_again(find_version(named, _announced())).policy


def _put_in_force(
    what: Literal["publish", "rollback"],
    versions: list[Any],
    draft: Any,
    at_ms: int | None,
    warnings: list[str],
    json: bool,
) -> None:
    """Publishes the draft and says from when on it decides, instead of what."""
    from jobs.learning.trust import signer_of
    from jobs.publish import Log, now_ms
    from scripts.ops.audited_change import Audited, change_policy
    from scripts.ops.local_audit import audit_log_of, local_actor
    from scripts.ops.status import running_kafka
    from scripts.policy.policy_versions import show_change, timing_warnings

    config = config_from()
    log = Log(running_kafka(config), config.topic_prefix, sign=signer_of(config))
    audited = Audited(audit_log_of(config), local_actor(), what)
    change = change_policy(audited, log, versions, draft, at_ms)
    warnings = warnings + timing_warnings(change, now_ms())
    for warning in warnings:
        say(f"warning: {warning}")
    show_json(change._asdict() | {"warnings": warnings}) if json else show_change(change)
