"""What `kairos replay` does with the replays of this home: start, pause, go on, tell how far they are, remove."""

import time
from typing import Any, Final

import msgspec

from jobs.config import Config
from schemas.counted import counted
from schemas.errors import ConfigError
from scripts.console import say, show, show_json, show_table
from scripts.ops.status import redis_of, running_kafka
from scripts.replay.replay import Worker
from scripts.replay.replay_begin import (
    Wish,
    asked,
    begin,
    check_prefix,
    check_twin,
    fixed,
    forget_state,
    instead,
)
from scripts.replay.replay_job import plan_of
from scripts.replay.replay_run import Manner, Run, RunFolder, State, all_runs
from scripts.replay.replay_topics import delete_topics, drop_keys, records_under, topics_under
from scripts.replay.replay_view import View, duration
from scripts.times import utc

POLL_S: Final = 0.1
PAUSE_S_MAX: Final = 120.0
STATES: Final[dict[State, str]] = {
    "preparing": "is preparing", "replaying": "is replaying", "paused": "is paused",
    "live": "is live", "done": "is done",
}  # fmt: skip


def start(config: Config, prefix: str, wish: Wish, manner: Manner, *, is_json: bool) -> None:
    """Begins a replay, or goes on with the one of this prefix where the same is asked for; raises ConfigError.

    `manner.store_prefix`: None = nothing goes to the store, empty = under the keys that follow from the prefix.
    """
    check_prefix(config, prefix)
    check_twin(config, prefix)
    what_if = instead(config, wish.policy, wish.model)
    wanted = asked(config, wish, what_if)
    kafka = running_kafka(config)
    if manner.store_prefix == "":
        own = f"{config.store_prefix}-{prefix.strip('._-')}"
        manner = msgspec.structs.replace(manner, store_prefix=own)
    if manner.store_prefix == config.store_prefix:
        raise ConfigError(
            f"--store-prefix {manner.store_prefix} is that of the live store: take another"
        )
    folder = RunFolder(config, prefix)
    with folder.held():
        folder.go_on()
        run = begin(kafka, config, folder, wanted, what_if, manner)
        _work(config, kafka, folder, run, is_json=is_json)


def pause(config: Config, prefix: str) -> None:
    """Asks for a pause and returns when it rests; raises ConfigError where it does not."""
    folder, run = _find(config, prefix)
    if folder.worker() is None:
        show(f"{prefix} is not running; `kairos replay resume {prefix}` goes on")
        return
    folder.pause()
    deadline_s = time.monotonic() + PAUSE_S_MAX
    while (run := _find(config, prefix)[1]).state == "replaying" and folder.worker() is not None:
        if time.monotonic() > deadline_s:
            raise ConfigError(f"{prefix} has not paused for {PAUSE_S_MAX:g} s; see its log")
        time.sleep(POLL_S)
    show(
        f"{prefix} {STATES[run.state]} at {run.progress.taken:,} of {run.progress.total:,} records"
    )


def resume(config: Config, prefix: str, rate: int | None, *, is_json: bool) -> None:
    """Goes on with a replay, here unless a process works on it; raises ConfigError where it had not begun."""
    folder, run = _find(config, prefix)
    if folder.worker() is not None:
        folder.go_on()
        show(f"{prefix} goes on, in the process {folder.worker()}")
        return
    config = fixed(config, run.asked)
    kafka = running_kafka(config)
    if run.plan is None:
        raise ConfigError(f"{prefix} had not begun yet: type its `kairos replay` command again")
    if rate is not None:
        run.manner = msgspec.structs.replace(run.manner, rate=rate)
    with folder.held():
        folder.go_on()
        _work(config, kafka, folder, run, is_json=is_json)


def show_status(config: Config, prefix: str | None, *, is_json: bool) -> None:
    """How far replays are, the one of this prefix or all."""
    rows = [_row(*one) for one in ([_find(config, prefix)] if prefix else all_runs(config))]
    if is_json:
        show_json(rows)
        return
    columns = ("prefix", "state", "records", "of", "a second", "left", "has come to", "pid")
    show_table("", columns, [_cells(row) for row in rows])


def drop(config: Config, prefix: str) -> None:
    """Removes topics, state and keys of a replay; raises ConfigError where there are none."""
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


def _work(config: Config, kafka: str, folder: RunFolder, run: Run, *, is_json: bool) -> None:
    """Replays to the end, says what came of it and goes on live where that is wanted."""
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
    show_json(found) if is_json else show(_words(found))
    if run.state == "live":
        worker.live()


def _summary(kafka: str, run: Run) -> dict[str, Any]:
    plan = plan_of(run)
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
    what_if = [f"{name} {found[name]}" for name in ("policy", "model") if found[name]]
    store = found["store_prefix"]
    return (
        f"{counted(found['records'], 'record')} up to {utc(found['end_ms'])} replayed in {found['seconds']:,} s"
        + (f" with {' and '.join(what_if)}" if what_if else "")
        + f": {counted(found['decisions'], 'decision')} in {found['prefix']}decisions, "
        f"{counted(found['traces'], 'trace')}, {counted(found['dead_letters'], 'dead letter')}"
        + (f"; in the store under {store}:" if store else "")
    )


def _find(config: Config, prefix: str) -> tuple[RunFolder, Run]:
    folder = RunFolder(config, prefix)
    run = folder.read()
    if run is None:
        raise ConfigError(f"there is no replay {prefix!r}: `kairos replay status` shows all")
    return folder, run


def _row(folder: RunFolder, run: Run) -> dict[str, Any]:
    pid = folder.worker()
    return {
        "prefix": run.prefix,
        "state": run.state if pid is not None or run.state == "done" else "stopped",
        **msgspec.to_builtins(run.progress),
        "pid": pid,
        "asked": msgspec.to_builtins(run.asked),
        "manner": msgspec.to_builtins(run.manner),
    }


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
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
