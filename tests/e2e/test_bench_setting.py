"""A benchmark leaves nothing of itself, and nothing of anybody else is touched."""

from pathlib import Path

from jobs.config import config_from
from log.kafka import create_topics, topics_of
from log.store_address import open_redis
from schemas.topics import EVENTS, TOPICS, topics
from scripts.bench.setting import bench_config, forget
from tests.e2e.homes import Engine, wait_for


def test_what_a_benchmark_made_goes_and_all_else_stays(engine: Engine, tmp_path: Path) -> None:
    config = bench_config(config_from({"KAIROS_HOME": str(tmp_path)}))
    run, others = config.topic_prefix, {spec.name for spec in TOPICS}
    assert topics_of(engine.kafka) >= others
    create_topics(engine.kafka, topics(run))
    create_topics(engine.kafka, topics(f"{run}out1."))
    store = open_redis(engine.redis)
    store.set(f"{run}:decision:a:home", b"1")
    store.set("kairos:decision:bench-test:home", b"1")
    for name in (f"decide.{run}", "decide"):
        for folder in ("flink", "checkpoints"):
            (tmp_path / folder / name).mkdir(parents=True)
    assert run + EVENTS in topics_of(engine.kafka)
    forget(config, engine.kafka, engine.redis)
    # the broker says so a moment later, and makes topics of its own at any time
    wait_for(lambda: not [one for one in topics_of(engine.kafka) if one.startswith(run)])
    assert topics_of(engine.kafka) >= others
    assert store.exists(f"{run}:decision:a:home") == 0
    assert store.delete("kairos:decision:bench-test:home") == 1
    assert sorted(str(one.relative_to(tmp_path)) for one in tmp_path.glob("*/*")) == [
        "checkpoints/decide", "flink/decide",
    ]  # fmt: skip
