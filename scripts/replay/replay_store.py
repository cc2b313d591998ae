"""The store of a replay whose decisions are to be read there: its writer, and when that has taken all."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from jobs.config import Config
from jobs.stack.process import Process
from schemas.counted import counted
from schemas.errors import ConfigError
from scripts.ops.engine import Addresses, store_child
from scripts.replay.replay_run import Run
from scripts.replay.replay_topics import store_lag

POLL_S: Final = 0.5
STORE_S_MAX: Final = 300.0


@contextmanager
def store_writer(config: Config, kafka: str, redis: str | None, run: Run) -> Iterator[None]:
    """A store writer of the replay's decisions, if they are to be in a store."""
    store_prefix = run.manner.store_prefix
    if store_prefix is None or redis is None:
        yield
        return
    own = config._replace(topic_prefix=run.prefix, store_prefix=store_prefix)
    child = store_child(own, Addresses(kafka, redis, "", ""))
    with Process(child._replace(name=f"store.{run.prefix}"), config.home / "logs"):
        yield


def await_store(kafka: str, redis: str | None, run: Run) -> None:
    """Returns when the store has every decision; raises ConfigError if it does not take them."""
    store_prefix = run.manner.store_prefix
    if store_prefix is None:
        return
    deadline_s = time.monotonic() + STORE_S_MAX
    while (lag := store_lag(kafka, run.prefix, store_prefix)) > 0:
        if time.monotonic() > deadline_s:
            raise ConfigError(
                f"the store at {redis} has not taken {counted(lag, 'decision')}: is it up? "
                "the same command goes on"
            )
        time.sleep(POLL_S)
