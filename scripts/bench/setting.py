"""What the benchmarks share: topics of their own, a catalogue, a model, and what they ran on."""

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

import msgspec
from redis import RedisError

from jobs.config import PROJECT, Config
from jobs.flink.settings import folder_uri, local_path
from jobs.fold.fold import FoldRules
from jobs.publish import now_ms
from jobs.stack.ports import ANY_FREE
from log.kafka import topics_of
from models.content import Published
from schemas.codec import EVENT
from schemas.control import Control
from schemas.errors import ConfigError
from schemas.events import ALL_PURPOSES
from schemas.policy import RANKER, Holdout, Placement, Policy
from schemas.records import LogRecord
from scripts.bench.workload import catalogue, shoppers
from scripts.console import complain, say
from scripts.ops.engine import Engine
from scripts.replay.replay_topics import delete_topics, drop_keys
from scripts.training import training
from scripts.training.model_versions import announce
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

TRAINING_EVENTS: Final = 10_000
TRAINING_ITEMS: Final = 500
BROADCAST_S: Final = 2.0
CANDIDATES: Final = 24
"""Per decision: what the figures of throughput are stated for."""
POLICY: Final = Policy(
    placements=(Placement("next_item", event_types=("product_viewed",), candidates=CANDIDATES),),
    holdout=Holdout(share=0.0),
)


def bench_config(config: Config) -> Config:
    """Topics, store keys and ports of their own, so that a benchmark touches nobody's data."""
    run = f"bench-{now_ms()}-"
    # people who agree to everything: theirs are the dear decisions
    return config._replace(
        topic_prefix=run, store_prefix=run, ports=ANY_FREE, api_port=0, consent=ALL_PURPOSES
    )


class BenchEngine(Engine):
    """An engine under the prefixes of `bench_config`; what lies under them goes when it is left."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self._stack.stop_children()
            if hasattr(self, "addresses"):
                forget(self._config, self.addresses.kafka, self.addresses.redis)
        finally:
            super().__exit__(kind, error, trace)


def forget(config: Config, kafka: str, redis: str) -> None:
    """Removes the topics, the keys and the state of one run of a benchmark; what will not go is said."""
    run = config.topic_prefix
    try:
        delete_topics(kafka, [name for name in topics_of(kafka) if name.startswith(run)])
        drop_keys(redis, config.store_prefix)
    except (ConfigError, RedisError) as error:
        complain(f"the data of {run} stays: {error}")
    kept = local_path(folder_uri(config.checkpoints or config.home / "checkpoints"))
    for folder in (config.home / "flink", kept):
        for one in folder.glob(f"*.{run}*") if folder is not None else ():
            shutil.rmtree(one, ignore_errors=True)


def prepare(engine: Engine, config: Config, items: int) -> Published:
    """Publishes a policy, a catalogue and a trained model, in force since ever; the model."""
    say(f"publishing {items} items and training a model")
    engine.log.control(
        Control("policy", "default", "bench", 0, payload=msgspec.json.encode(POLICY))
    )
    for item in catalogue(items):
        engine.log.item(item)
    _, published = training.train_from(training_source(config), config)
    announce(engine.log, RANKER, published, at_ms=0)  # whatever it is worth: its time is measured
    time.sleep(BROADCAST_S)  # until every operator has read it
    return published


def training_source(config: Config) -> training.Source:
    """A made-up log, to train a model of the usual size on."""
    log = records(TRAINING_EVENTS, TRAINING_ITEMS)
    rules = FoldRules(EVENT.decode, config.seed)
    return training.Source(log, bench_knowledge(TRAINING_ITEMS), rules)


def bench_knowledge(items: int) -> Knowledge:
    """POLICY and the made-up catalogue."""
    knowledge = Knowledge()
    knowledge.add_policy("bench", 0, 0, compile_policy(POLICY))
    for position, item in enumerate(catalogue(items)):
        knowledge.add_item(item, position)
    return knowledge


def records(count: int, items: int, every_ms: int = 10) -> list[LogRecord]:
    """`count` events, one every so many milliseconds, as a log."""
    begun_ms = 1_700_000_000_000
    events = (
        msgspec.structs.replace(event, event_time_ms=begun_ms + every_ms * number)
        for number, event in enumerate(islice(shoppers("log", items), count))
    )
    return [
        LogRecord("events", 0, at, event.event_time_ms, event.session_id, EVENT.encode(event))
        for at, event in enumerate(events)
    ]


def as_title(setting: Mapping[str, Any]) -> str:
    """What was measured and where, above a table."""
    return "  ".join(f"{name} {value}" for name, value in setting.items())


def describe() -> dict[str, Any]:
    """The machine and the commit."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return {"cores": os.cpu_count(), "machine": platform.machine(), "commit": commit or "unknown"}
