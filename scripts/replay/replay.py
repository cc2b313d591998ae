"""`kairos replay`: the decide job over a range of the log, into topics of its own, then live if wanted.

This process watches the job in a process of its own, which dies with it. What is done is in Flink's
checkpoints: after a pause, Ctrl-C or a crash the same command goes on from the newest.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import msgspec

from jobs.config import PROJECT, Config
from jobs.flink.counted import read_counts
from jobs.fold.replay import Plan, next_plan
from jobs.run_job import EXIT_STOPPED
from jobs.stack.causes import remedy
from jobs.stack.environment import job_environment
from jobs.stack.process import Child, Process
from schemas.counted import counted
from schemas.errors import ConfigError
from schemas.limits import MINUTE_MS
from scripts.replay.replay_job import (
    Job,
    job_of,
    left_on_cluster,
    name_of,
    places,
    plan_of,
    reached,
    savepoints_of,
    stop_with_savepoint,
    stopped_by_others,
)
from scripts.replay.replay_meter import Meter
from scripts.replay.replay_run import Run, RunFolder
from scripts.replay.replay_store import await_store, store_writer

POLL_S: Final = 0.1
LOOK_S: Final = 1.0
BYTES_LEFT_MIN: Final = 200 * 2**20
BEHIND_MAX_MS: Final = MINUTE_MS
"""What has come since the end is left to live if it is no longer: while live catches up, it takes partitions as
they come, and a person's sessions with them.
"""
TAKEN: Final = ("events", "duplicates", "clock_ticks", "passed_over", "dead_letters")
"""Each record of the log is counted as one of these."""
STOP_S_MAX: Final = 60.0


class Worker:
    """Works on one run, which has a plan. Use it from the main thread: its children die with that.

    `redis`: the store's address, where decisions are to go there; `watch` is called once a second.
    """

    def __init__(
        self,
        config: Config,
        kafka: str,
        redis: str | None,
        folder: RunFolder,
        run: Run,
        say: Callable[[str], None],
        watch: Callable[[Run], None],
    ) -> None:
        self._config, self._kafka, self._redis = config, kafka, redis
        self._folder, self._run = folder, run
        self._say, self._watch = say, watch

    def replay(self) -> None:
        """Returns when the whole range is decided and, if it is to go on live, its state at rest."""
        with store_writer(self._config, self._kafka, self._redis, self._run):
            while self._run.state != "live":
                self._keep(state="replaying")
                if not self._work_off():
                    self._rest()
                elif not self._run.asked.then_live:
                    break
                elif (follows := self._follows()) is not None:
                    self._say(
                        f"{counted(follows.range.count, 'record')} came meanwhile: replaying them, too"
                    )
                    total = self._run.progress.total + follows.range.count
                    progress = msgspec.structs.replace(self._run.progress, total=total)
                    self._keep(plan=follows, progress=progress, handover=self._run.savepoint)
                else:
                    self._keep(state="live", handover=self._run.savepoint)
            await_store(self._kafka, self._redis, self._run)
        if not self._run.asked.then_live:
            self._keep(state="done")

    def live(self) -> None:
        """Decides live with the replay's state, from the first record after its end, until interrupted."""
        with store_writer(self._config, self._kafka, self._redis, self._run):
            while True:
                with self._running(job := self._job(is_live=True)) as process:
                    starts = places(self._plan.range.ends)
                    self._say(f"live from {starts} on, into {self._run.prefix}*; Ctrl-C stops it")
                    while not self._folder.is_paused:
                        self._check(process)
                        time.sleep(POLL_S)
                    self._stop(process, job)
                self._rest()

    @property
    def _plan(self) -> Plan:
        return plan_of(self._run)

    def _keep(self, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(self._run, name, value)
        self._folder.write(self._run)
        self._watch(self._run)

    def _rest(self) -> None:
        """Waits for as long as a pause is asked for."""
        if self._run.state == "replaying":
            self._keep(state="paused")
        self._say(f"paused; `kairos replay resume {self._run.prefix}` goes on")
        while self._folder.is_paused:
            time.sleep(POLL_S)

    def _work_off(self) -> bool:
        """Runs the job; True when the range is done, False when a pause was asked for."""
        plan = self._plan
        progress, begun_s, next_look_s = self._run.progress, time.monotonic(), 0.0
        meter = Meter(progress, progress.total or plan.range.count, plan.range.end_ms)
        with self._running(job := self._job(is_live=False)) as process:
            try:
                while process.exit_code() != 0 and not self._is_at_rest(meter):
                    self._check(process)
                    if self._folder.is_paused:
                        self._stop(process, job)
                        return False
                    if time.monotonic() >= next_look_s:
                        self._look(job, meter)
                        next_look_s = time.monotonic() + LOOK_S
                    time.sleep(POLL_S)
            finally:
                self._run.busy_s += time.monotonic() - begun_s
            if process.exit_code() == 0:
                self._check_end(job)
            if plan.range.is_held and not self._stop(process, job):
                raise ConfigError(
                    f"the replay is done, but no savepoint could be made in {savepoints_of(self._config, self._folder, job)}: "
                    f"see {process.log}; the same command tries again"
                )
        self._keep(progress=meter.done())
        return True

    def _check_end(self, job: Job) -> None:
        """Raises ConfigError where a job that is over was stopped on its cluster before its range had ended."""
        if self._config.flink is None:
            return  # its Flink is gone with it, and its address was nobody else's
        savepoint = stopped_by_others(job)
        if savepoint is not None:
            self._keep(savepoint=savepoint)
            raise ConfigError(
                f"{job.name} was stopped on {job.rest.address} before it came to the end, its state is in "
                f"{savepoint}; the same command goes on from there"
            )

    def _is_at_rest(self, meter: Meter) -> bool:
        """Whether a job that stands still at its end has come to it, with nothing more to take."""
        return self._plan.range.is_held and meter.has_come_to_the_end

    def _look(self, job: Job, meter: Meter) -> None:
        """Takes down how far it is; raises ConfigError before the disk is full."""
        with suppress(ConfigError, KeyError):  # it is starting, or has just ended
            counts = read_counts(job.rest, job.name)
            meter.see(sum(counts[name] for name in TAKEN), reached(job))
        self._keep(progress=meter.progress)
        left = shutil.disk_usage(self._config.home).free
        if left < BYTES_LEFT_MIN:
            raise ConfigError(
                f"only {left / 2**20:.0f} MiB are left for {self._config.home}: free some space; "
                "the same command goes on"
            )

    def _check(self, process: Process) -> None:
        """Raises ConfigError where the job has died."""
        code = process.exit_code()
        if code == EXIT_STOPPED:
            raise ConfigError(
                "the job was asked to end before its range did; "
                "the same command goes on from its newest checkpoint"
            )
        if code is not None:
            cause = process.root_cause()
            raise ConfigError(
                f"the job ended with code {code}: {cause}; {remedy(cause)} ({process.log}); "
                "the same command goes on from its newest checkpoint"
            )

    def _stop(self, process: Process, job: Job) -> bool:
        """Stops the job with a savepoint, nothing drained; whether there is one."""
        is_saved = self._save(job)
        deadline_s = time.monotonic() + STOP_S_MAX
        while process.exit_code() is None and time.monotonic() < deadline_s:
            time.sleep(POLL_S)
        process.stop()
        return is_saved

    def _save(self, job: Job) -> bool:
        """Stops the job in Flink with a savepoint, which takes the place of the last; whether it did."""
        saved = stop_with_savepoint(job, savepoints_of(self._config, self._folder, job))
        if saved.uri is not None:
            self._keep(savepoint=saved.uri)
            for one in saved.before:
                shutil.rmtree(one, ignore_errors=True)
        return saved.uri is not None

    def _job(self, is_live: bool) -> Job:
        self._end_orphan(name_of(self._run, is_live=is_live))
        return job_of(self._config, self._kafka, self._folder, self._run, is_live=is_live)

    def _end_orphan(self, name: str) -> None:
        """Stops the job on the cluster that a killed process has left there: it is gone on with."""
        left = left_on_cluster(self._config, name)
        if left is None:
            return
        self._say(f"{name} still runs on the cluster: stopping it with a savepoint first")
        if not self._save(left):
            raise ConfigError(
                f"{name} runs on {self._config.flink} and could not be stopped: cancel it, "
                "then the same command goes on"
            )

    @contextmanager
    def _running(self, job: Job) -> Iterator[Process]:
        """The job in its process; when interrupted it is stopped with a savepoint, else it is gone after."""
        child = Child(
            name=job.name, argv=job.argv, is_healthy=lambda _: True, folder=PROJECT,
            environment=job_environment(self._config),
        )  # fmt: skip
        process = Process(child, self._config.home / "logs")
        try:
            yield process
        except KeyboardInterrupt:
            self._say("stopping with a savepoint")
            self._stop(process, job)
            if self._run.state == "replaying":
                self._keep(state="paused")
            raise
        finally:
            process.stop()

    def _follows(self) -> Plan | None:
        """What came after the end and is to be replayed as well; None where live may take it."""
        follows = next_plan(self._kafka, self._config.topic_prefix, self._plan)
        behind_ms = follows.range.end_ms - self._plan.range.end_ms
        return follows if follows.range.count and behind_ms > BEHIND_MAX_MS else None
