"""The jobs on a real cluster of several processes: killed, upgraded under load, rescaled, shadowed.

The tests go on from each other: one cluster, one job, one log.
"""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pytest
import xgboost

from channels.store.store import Store, open_store
from jobs.flink.counted import read_counts
from jobs.publish import Log, now_ms
from jobs.stack.state import read_state
from log.store_address import open_redis
from models.artefact import save_artefact
from models.learning.report import Report
from schemas.codec import DECISION
from schemas.decisions import Decision
from schemas.topics import DECISIONS
from scripts.bench.workload import shoppers
from scripts.ops.chaos_watch import Load, Watch
from tests.cluster.conftest import CHANGED_FEATURES, GONE_FEATURE, ITEMS, MARK, Cluster
from tests.e2e.homes import Tail, wait_for
from tests.models.made import artefact_of
from udfs.facts.features import FEATURE_SPACE

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]
RATE = 60
MARGIN = 60
"""Decisions that come before and after whatever is done to the job."""


def publish_model(cluster: Cluster) -> str:
    """A model that reads the features that the newer version has changed; its version."""
    names, width = FEATURE_SPACE.names, FEATURE_SPACE.count
    rows = np.random.default_rng(1).normal(0, 1, (400, width))
    read = [names.index(one) for one in CHANGED_FEATURES]
    label = rows[:, read].sum(axis=1) > 0
    settings = {"objective": "binary:logistic", "nthread": 1, "max_depth": 4}
    booster = bytes(xgboost.train(settings, xgboost.DMatrix(rows, label), 8).save_raw("ubj"))
    artefact = msgspec.structs.replace(
        artefact_of(booster, FEATURE_SPACE.versions),
        report=Report(8, 1, 1, 0, {GONE_FEATURE: 0.1}, {}),
    )
    published = save_artefact(artefact, cluster.home.path)
    said = cluster.home.json("model", "publish", published.uri, "--force", "--json")
    assert said["version"] == published.version
    return published.version


class Seen(Tail):
    """What has been decided so far on the events of a run, each time it was written; `decisions` stays when it is closed."""

    def __init__(self, cluster: Cluster, run: str, prefix: str = "") -> None:
        super().__init__(cluster.kafka, prefix + DECISIONS)
        self._run = run
        self._decoded = 0
        self.decisions: list[Decision] = []

    def all(self) -> list[Decision]:
        """All of it, in the order of the topic's partitions."""
        new = [DECISION.decode(one.value) for one in self.read()[self._decoded :]]
        self._decoded = len(self.records)
        self.decisions += [one for one in new if one.event_id.startswith(f"{self._run}-")]
        return self.decisions

    def events(self) -> set[str]:
        """The events that have caused a decision."""
        return {one.event_id for one in self.all()}


class Flowing(NamedTuple):
    """Events that flow, and what is decided on them."""

    load: Load
    seen: Seen


@contextmanager
def under_load(cluster: Cluster, run: str) -> Iterator[Flowing]:
    """Events flow, before, while and after; then every one of them has been decided and none twice in the store."""
    load = Load(Log(cluster.kafka), shoppers(run, ITEMS), RATE)
    redis = open_redis(cluster.redis)
    watch = Watch(redis, "kairos")
    with Seen(cluster, run) as seen:
        load.start()
        watch.start()
        try:
            wait_for(lambda: len(seen.all()) >= MARGIN)
            yield Flowing(load, seen)
            after = len(load.wanted) + MARGIN
            wait_for(lambda: len(load.wanted) >= after)
        finally:
            load.end()
            watch.end()
        wait_for(lambda: seen.events() >= set(load.wanted))
        assert seen.events() == set(load.wanted), "no more either"
        assert watch.looks > 0
        assert watch.repeats == 0
        newest = {one.person: one for one in sorted(seen.all(), key=lambda d: d.sequence)}
    store = open_store(cluster.redis, "kairos")
    wait_for(lambda: all(_shows(store, one) for one in newest.values()))
    redis.close()


def _shows(store: Store, newest: Decision) -> bool:
    """Whether the store shows this decision, or nothing of the person's because it is over."""
    shown = store.read(newest.person, newest.placement, now_ms())
    return shown == newest if shown is not None else newest.valid_until_ms <= now_ms()


def test_job_on_the_cluster_decides(cluster: Cluster) -> None:
    found = cluster.home.json("decide", "--cluster", cluster.address, "--json")
    job = cluster.rest.job_named("decide")
    assert job is not None
    assert (job.job_id, job.is_whole) == (found["job_id"], True)
    assert found["from"] is None
    with under_load(cluster, "first"):
        pass
    wait_for(lambda: read_counts(cluster.rest)["decisions"] >= MARGIN)
    assert cluster.home.status()["flink"]["state"] == "up"
    (shown,) = cluster.status()["jobs"]
    assert shown["name"] == "decide"
    assert wait_for(lambda: cluster.status()["jobs"][0]["checkpoints"]["completed"])


def test_what_cannot_run_is_refused_with_the_remedy(cluster: Cluster) -> None:
    at = ("--cluster", cluster.address)
    assert "decide runs on" in cluster.refused("decide", *at)
    assert "`kairos cluster up --task-managers 3`" in cluster.refused("learn", *at)
    assert "no Flink answers at 127.0.0.1:1" in cluster.refused(
        "decide", "--cluster", "127.0.0.1:1", code=3
    )
    assert "HOST:PORT is wanted" in cluster.refused("decide", "--cluster", "here")
    assert "there: decide" in cluster.refused("cluster", "stop", "nothing")
    assert "prefix of its own" in cluster.refused("decide", *at, "--shadow", "")
    busy = cluster.refused("cluster", "up", "--task-managers", "1")
    assert "decide runs on task-manager" in busy


def test_killed_task_manager_loses_nothing_and_repeats_nothing_in_the_store(
    cluster: Cluster,
) -> None:
    with under_load(cluster, "killed") as (load, seen):
        services = read_state(cluster.home.path / "cluster")
        assert services is not None
        task_managers = cluster.rest.task_managers()
        (process,) = (one.process for one in services.services if one.name == task_managers[0])
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        killed_at = len(load.wanted)
        # decisions flow again: of events that were sent well after
        wait_for(lambda: len(load.wanted) >= killed_at + MARGIN)
        last = load.wanted[killed_at + MARGIN - 1]
        wait_for(lambda: last in seen.events())
    assert sorted(cluster.rest.task_managers()) == sorted(task_managers), "it came back"


def test_upgrade_under_load_takes_the_state_to_its_new_version_and_more_task_managers(
    cluster: Cluster, newer_tree: Path
) -> None:
    before = set(cluster.rest.task_managers())
    model = publish_model(cluster)
    with under_load(cluster, "upgraded") as (_, seen):
        wait_for(lambda: seen.all()[-1].versions.model == model)
        said = cluster.run_tree(newer_tree, "upgrade", "--parallelism", "2")
    assert "at the offsets 0: " in said
    assert not before & set(cluster.rest.task_managers()), "new interpreters"
    assert (len(cluster.rest.task_managers()), cluster.rest.free_slots()) == (4, 0)
    found = seen.decisions
    old = {one.person for one in found if not one.versions.code.startswith("newer-")}
    new = [one for one in found if one.versions.code.startswith("newer-")]
    assert {one.sequence > MARK for one in new if one.person in old} == {True}
    assert Counter(one.decision_id for one in found).most_common(1)[0][1] == 1, (
        "stopped, not killed"
    )


def test_the_model_decides_on_though_its_features_have_changed(
    cluster: Cluster, newer_tree: Path
) -> None:
    """One renamed, one with another meaning, one gone, one new: what it reads is served, and what is gone is told."""
    (published,) = cluster.home.json("model", "list", "--json")
    with under_load(cluster, "ranked") as (_, seen):
        pass
    made = [one for one in seen.decisions if one.placement == "next_item"]
    assert {(one.versions.model, one.versions.code[:6]) for one in made} == {(published["version"], "newer-")}  # fmt: skip
    (listed,) = json.loads(cluster.run_tree(newer_tree, "model", "list", "--json"))
    assert f"{GONE_FEATURE}: gone since it was trained (10% of its gain)" in listed["remark"]
    assert listed["is_live"]


def test_rescale_down_again(cluster: Cluster, newer_tree: Path) -> None:
    with under_load(cluster, "rescaled"):
        cluster.run_tree(newer_tree, "upgrade", "--parallelism", "1")
    assert (len(cluster.rest.task_managers()), cluster.rest.free_slots()) == (2, 0)


@pytest.mark.long
def test_shadow_decides_the_same_and_its_version_takes_over(
    cluster: Cluster, newer_tree: Path
) -> None:
    up = cluster.home.json("cluster", "up", "--task-managers", "3", "--json")
    assert (len(up["task_managers"]), up["free_slots"]) == (3, 1)
    with under_load(cluster, "shadowed") as (load, _):
        words = ("decide", "--cluster", cluster.address, "--shadow", "green.")
        cluster.run_tree(newer_tree, *words, KAIROS_SLOTS="shared")
    with Seen(cluster, "shadowed", "green.") as shadow:
        wait_for(lambda: load.wanted[-1] in shadow.events())
    found = cluster.home.json("compare", "green.", "--json")
    assert found["total"]["compared"] >= MARGIN
    assert (found["total"]["differing"], found["only_live"], found["only_shadow"]) == (0, 0, 0)
    assert "0 differ" in cluster.home.kairos("compare", "green.").stdout
    said = cluster.run_tree(newer_tree, "upgrade", "--end-shadow", "green.")
    assert "at the offsets 0: " in said
    (job,) = cluster.status()["jobs"]
    assert job["name"] == "decide"
    with under_load(cluster, "green"):
        pass


@pytest.mark.long
def test_stopped_with_a_savepoint_it_goes_on_from_there(cluster: Cluster, newer_tree: Path) -> None:
    stopped = cluster.home.json("cluster", "stop", "decide", "--json")
    at = ("--cluster", cluster.address)
    other = cluster.home.kairos("learn", *at, "--from-savepoint", stopped["savepoint"])
    assert other.returncode == 1
    assert "the state of another job" in other.stderr
    missing = cluster.refused("decide", *at, "--from-savepoint", f"{cluster.home.path}/none")
    assert "no file _metadata" in missing
    read_only = cluster.refused("decide", *at, KAIROS_CHECKPOINTS="/proc/checkpoints")
    assert "set KAIROS_CHECKPOINTS to another folder" in read_only
    words = ("decide", *at, "--from-savepoint", stopped["savepoint"], "--json")
    cluster.run_tree(newer_tree, *words)
    with under_load(cluster, "again"):
        pass
