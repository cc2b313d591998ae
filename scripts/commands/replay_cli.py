"""`kairos replay`: decide over history into topics of their own; pause, resume, status, drop."""

import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from jobs.config import Config, config_from
from schemas.errors import ConfigError
from scripts.commands.archive_cli import Archive
from scripts.console import say, show, show_json, show_table

POLL_S: Final = 0.1
PAUSE_S_MAX: Final = 120.0
RATE_MIN: Final = 20

app = typer.Typer(
    help="Decide again over history, into topics of its own (PREFIX), as fast as the machine can.",
    epilog="The same command goes on where it was, after Ctrl-C, a crash or a pause.",
)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value, for programs.")]
Prefix = Annotated[str, typer.Argument(help="The prefix of the replay.")]
Rate = Annotated[int | None, typer.Option(min=RATE_MIN, help="At most so many records a second.")]


@app.callback(invoke_without_command=True)
def replay(
    context: typer.Context,
    prefix: Annotated[
        str | None, typer.Option(help="Put before the names of the topics that are written.")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="From here on; without it, the whole log.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="… to before here; without it, to now.")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="What if this policy file had been in force?")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="What if this model had been? A version or file.")
    ] = None,
    then_live: Annotated[
        bool, typer.Option("--then-live", help="Go on live from the first event after the end.")
    ] = False,
    archive: Archive = None,
    rate: Rate = None,
    store: Annotated[
        bool, typer.Option("--store", help="Put the decisions into the store, too.")
    ] = False,
    store_prefix: Annotated[
        str | None, typer.Option(help="Before the keys in the store; without it, from PREFIX.")
    ] = None,
    niceness: Annotated[
        int, typer.Option("--nice", min=0, max=19, help="How far it stands back for others.")
    ] = 10,
    json: Json = False,
) -> None:
    """Decide again over a range of the log. Nothing but PREFIX's topics is written."""
    if context.invoked_subcommand is not None:
        return
    from scripts.ops.status import running_kafka
    from scripts.replay.replay_begin import asked, begin, check_prefix, check_twin, instead
    from scripts.replay.replay_run import Manner, RunFolder
    from scripts.times import parse_time

    if prefix is None:
        raise ConfigError("kairos replay needs --prefix, such as `--prefix may.`; see --help")
    config = config_from()
    check_prefix(config, prefix)
    check_twin(config, prefix)
    times = [parse_time(text) if text else None for text in (from_, to)]
    what_if = instead(config, policy, model)
    wanted = asked(config, times[0], times[1], what_if, then_live, archive)
    kafka = running_kafka(config)
    keys = store_prefix or f"{config.store_prefix}-{prefix.strip('._-')}"
    manner = Manner(rate, keys if store or store_prefix else None, niceness)
    if manner.store_prefix == config.store_prefix:
        raise ConfigError(f"--store-prefix {keys} is that of the live store: take another")
    folder = RunFolder(config, prefix)
    with folder.held():
        folder.go_on()
        run = begin(kafka, config, folder, wanted, what_if, manner)
        _work(config, kafka, folder, run, json)


@app.command()
def pause(prefix: Prefix) -> None:
    """Pause a replay: its job stops with a savepoint, and takes no memory meanwhile."""
    folder, run = _find(prefix)
    if folder.worker() is None:
        show(f"{prefix} is not running; `kairos replay resume {prefix}` goes on")
        return
    folder.pause()
    deadline_s = time.monotonic() + PAUSE_S_MAX
    while (run := _find(prefix)[1]).state == "replaying" and folder.worker() is not None:
        if time.monotonic() > deadline_s:
            raise ConfigError(f"{prefix} has not paused for {PAUSE_S_MAX:g} s; see its log")
        time.sleep(POLL_S)
    show(
        f"{prefix} {_STATES[run.state]} at {run.progress.taken:,} of {run.progress.total:,} records"
    )


@app.command()
def resume(prefix: Prefix, rate: Rate = None, json: Json = False) -> None:
    """Go on with a replay that was paused, interrupted or killed."""
    import msgspec

    from scripts.ops.status import running_kafka
    from scripts.replay.replay_begin import fixed

    folder, run = _find(prefix)
    if folder.worker() is not None:
        folder.go_on()
        show(f"{prefix} goes on, in the process {folder.worker()}")
        return
    config = fixed(config_from(), run.asked)
    kafka = running_kafka(config)
    if run.plan is None:
        raise ConfigError(f"{prefix} had not begun yet: type its `kairos replay` command again")
    if rate is not None:
        run.manner = msgspec.structs.replace(run.manner, rate=rate)
    with folder.held():
        folder.go_on()
        _work(config, kafka, folder, run, json)


@app.command()
def status(
    prefix: Annotated[str | None, typer.Argument(help="Without it: all of them.")] = None,
    json: Json = False,
) -> None:
    """How far replays are: records, rate, when they will be done."""
    from scripts.replay.replay_run import all_runs

    found = [_find(prefix)] if prefix else all_runs(config_from())
    rows = [_row(folder, run) for folder, run in found]
    if json:
        show_json(rows)
        return
    columns = ("prefix", "state", "records", "of", "a second", "left", "has come to", "pid")
    show_table("", columns, [tuple(_cells(row)) for row in rows])


@app.command()
def drop(prefix: Prefix) -> None:
    """Remove a replay: its topics with all they hold, its state, its keys in the store."""
    from scripts.ops.status import redis_of, running_kafka
    from scripts.replay.replay_run import RunFolder
    from scripts.replay.replay_topics import delete_topics, drop_keys, topics_under

    config = config_from()
    from scripts.replay.replay_begin import check_prefix, forget_state

    check_prefix(config, prefix)
    folder = RunFolder(config, prefix)
    kafka = running_kafka(config)
    with folder.held():
        run = folder.read_if_whole()
        names = topics_under(kafka, prefix)
        if run is None and not names:
            folder.remove()
            raise ConfigError(
                f"there is nothing under the prefix {prefix}; see `kairos replay status`"
            )
        delete_topics(kafka, names)
        if run is not None and run.manner.store_prefix is not None:
            drop_keys(redis_of(config), run.manner.store_prefix)
        forget_state(config, prefix)
        folder.remove()
    show(f"removed {', '.join(names) or 'no topics'}")


_STATES: Final = {
    "preparing": "is preparing", "replaying": "is replaying", "paused": "is paused",
    "live": "is live", "done": "is done",
}  # fmt: skip


def _work(config: Config, kafka: str, folder: Any, run: Any, json: bool) -> None:
    """Replays to the end, says what came of it and goes on live where that is wanted."""
    from scripts.ops.status import redis_of
    from scripts.replay.replay import Worker
    from scripts.replay.replay_view import View

    redis = redis_of(config) if run.manner.store_prefix is not None else None
    if run.state == "done":
        say(f"{run.prefix} is done already; `kairos replay drop {run.prefix}` removes it")
    with View(run) as view:
        worker = Worker(config, kafka, redis, folder, run, view.say, view.see)
        try:
            if run.state not in ("live", "done"):
                worker.replay()
        except KeyboardInterrupt:
            view.say(f"`kairos replay resume {run.prefix}`, or the same command, goes on")
            raise
    found = _summary(kafka, run)
    show_json(found) if json else show(_words(found))
    if run.state == "live":
        worker.live()


def _summary(kafka: str, run: Any) -> dict[str, Any]:
    from scripts.replay.replay_topics import records_under

    plan = run.plan
    return {
        "prefix": run.prefix,
        "state": run.state,
        "records": run.progress.taken,
        **records_under(kafka, run.prefix),
        "seconds": round(run.busy_s, 1),
        "starts": plan.range.starts,
        "ends": plan.range.ends,
        "end_ms": plan.range.end_ms,
        "policy": run.asked.policy,
        "model": run.asked.model,
        "store_prefix": run.manner.store_prefix,
    }


def _words(found: dict[str, Any]) -> str:
    from scripts.times import utc

    what_if = [f"{name} {found[name]}" for name in ("policy", "model") if found[name]]
    store = found["store_prefix"]
    return (
        f"{found['records']:,} records up to {utc(found['end_ms'])} replayed in {found['seconds']:,} s"
        + (f" with {' and '.join(what_if)}" if what_if else "")
        + f": {found['decisions']:,} decisions in {found['prefix']}decisions, "
        f"{found['traces']:,} traces, {found['dead_letters']:,} dead letters"
        + (f"; in the store under {store}:" if store else "")
    )


def _find(prefix: str) -> tuple[Any, Any]:
    from scripts.replay.replay_run import RunFolder

    folder = RunFolder(config_from(), prefix)
    run = folder.read()
    if run is None:
        raise ConfigError(f"there is no replay {prefix!r}: `kairos replay status` shows all")
    return folder, run


def _row(folder: Any, run: Any) -> dict[str, Any]:
    import msgspec

    pid = folder.worker()
    state = run.state if pid is not None or run.state == "done" else "stopped"
    return {
        "prefix": run.prefix,
        "state": state,
        **msgspec.to_builtins(run.progress),
        "pid": pid,
        "asked": msgspec.to_builtins(run.asked),
        "manner": msgspec.to_builtins(run.manner),
    }


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    from scripts.replay.replay_view import duration
    from scripts.times import utc

    is_busy = row["state"] == "replaying"
    return (
        row["prefix"],
        row["state"],
        row["taken"],
        row["total"],
        f"{row['per_s']:,.0f}" if is_busy else "",
        duration(row["left_s"]) if is_busy else "",
        utc(row["reached_ms"]) if row["reached_ms"] is not None else "",
        row["pid"] or "",
    )
