"""What `bench decide` measures: policies of the size asked for, in which actions compete, split into its parts."""

import json
from typing import Any

import pytest

from scripts.bench import decide as bench_decide
from scripts.bench import requests as bench_requests
from scripts.bench.decide import Row, TraceBytes, bench
from scripts.bench.made_knowledge import Load
from scripts.bench.made_policy import Size, make_policy
from scripts.bench.stopwatch import PARTS, REST
from udfs.policy.compile_policy import compile_policy

LOAD = Load(warm_up=0, requests=4, items=1_000, sessions=100)
SIZES = (Size(12, 6, True), Size(6, 0, False))


@pytest.fixture(scope="module", autouse=True)
def _small() -> Any:
    """A small model and few people, so that it takes a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench_requests, "TREES", 3)
        patch.setattr(bench_requests, "TRAINING_REQUESTS", 10)
        patch.setattr(bench_requests, "SHOPPERS", 30)
        patch.setattr(bench_decide, "TRACES", 10)
        patch.setattr(bench_decide, "settle_memory", lambda: None)  # it would hold for other tests
        yield


def test_json_has_every_figure_of_every_size(capsys: pytest.CaptureFixture[str]) -> None:
    bench(LOAD, is_json=True, sizes=SIZES)
    found = json.loads(capsys.readouterr().out)
    assert (found["requests"], found["items"], len(found["decisions"])) == (4, 1_000, 2)
    slate, bare = found["decisions"]
    assert slate.keys() == set(Row._fields)
    assert [(one["actions"], one["rules"], one["candidates"]) for one in (slate, bare)] == [
        (12, 6, 24), (6, 0, 0),
    ]  # fmt: skip
    for row in (slate, bare):
        assert 0.0 < row["p50"] <= row["p99"]
        assert 0.0 < row["cpu_p50"] <= row["cpu_p99"]
        assert 1 < row["competing"] < row["actions"] + 2
        assert row["parts"].keys() == {REST, *(part for part, *_ in PARTS)}
        assert sum(row["parts"].values()) == pytest.approx(1.0, abs=0.01)
        idle = {part for part, share in row["parts"].items() if share <= 0.0}
        assert not idle - {REST}
        assert row["trace"].keys() == set(TraceBytes._fields)
        assert 0 < row["trace"]["actions"] < row["trace"]["compressed"] < row["trace"]["encoded"]
    assert slate["parts"]["ranking"] > bare["parts"]["ranking"]
    assert slate["trace"]["features"] == bare["trace"]["features"] == 0, "most hold a digest"


def test_tables_show_times_parts_and_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    tables: list[tuple[Any, ...]] = []
    monkeypatch.setattr(bench_decide, "show_table", lambda *told: tables.append(told))
    bench(LOAD, is_json=False, sizes=SIZES[:1])
    times, parts, traces = tables
    assert "p50 ms" in times[1]
    assert set(parts[1][3:]) == {REST, *(part for part, *_ in PARTS)}
    assert "trace bytes" in traces[1]
    assert all(len(columns) == len(row) for _, columns, (row,) in tables)


@pytest.mark.parametrize("size", [Size(200, 100, True), Size(50, 20, False)])
def test_a_policy_is_of_the_size_asked_and_its_conditions_differ(size: Size) -> None:
    compiled = compile_policy(make_policy(size))
    assert (len(compiled.policy.actions), len(compiled.policy.rules)) == (size.actions, size.rules)
    (placement,) = compiled.placements
    slates = [one for one in placement.actions if one.action.kind == "slate"]
    assert len(slates) == size.has_slate
    assert len(placement.actions) == size.actions + 1 + size.has_slate
    assert len(placement.reads) >= 12, "attributes that conditions look at"
    assert len(compiled.conditions) > size.actions + size.rules
    assert not compiled.warnings
