"""What jobs have counted is summed over their parts, over one connection, by the one client of Flink's REST interface."""

import ast
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from jobs.config import PROJECT
from jobs.flink.counted import (
    CountsOf,
    Progress,
    is_running,
    read_counts,
    read_instances,
    read_progress,
)
from jobs.flink.rest import FlinkRest
from schemas.errors import ConfigError

SOURCE: Final = "Source__KafkaSource-default_catalog_default_database_"
METRICS: Final = "/jobs/{}/vertices/{}/subtasks/metrics"
PATHS: Final[dict[str, Any]] = {
    "/jobs/overview": {
        "jobs": [
            {"jid": "d", "name": "decide.p", "state": "RUNNING", "tasks": {"running": 3, "total": 3}, "start-time": 2},
            {"jid": "l", "name": "learn", "state": "RUNNING", "tasks": {"running": 1, "total": 2}, "start-time": 1},
            {"jid": "x", "name": "decide.p", "state": "CANCELED", "tasks": {"running": 0, "total": 3}, "start-time": 0},
        ]
    },
    "/jobs/d": {"vertices": [{"id": "s", "parallelism": 2}, {"id": "k", "parallelism": 1}]},
    METRICS.format("d", "s"): [{"id": "a.events"}, {"id": "numRecordsIn"}],
    METRICS.format("d", "k"): [{"id": "a.decisions"}, {"id": "b.events"}],
    METRICS.format("d", "s") + "?agg=sum&get=a.events": [{"id": "a.events", "sum": 5.0}],
    METRICS.format("d", "k") + "?agg=sum&get=a.decisions,b.events": [
        {"id": "a.decisions", "sum": 2.0}, {"id": "b.events", "sum": 1.0},
    ],
    "/jobs/d/metrics?get=numRestarts": [{"id": "numRestarts", "value": "3"}],
    "/jobs/l/metrics?get=numRestarts": [],
    "/jobs/l": {"vertices": [{"id": "s", "parallelism": 2}]},
    METRICS.format("l", "s"): [{"id": f"{SOURCE}events.pendingRecords"}, {"id": "numRecordsIn"}],
    METRICS.format("l", "s") + f"?agg=sum&get={SOURCE}events.pendingRecords": [
        {"id": f"{SOURCE}events.pendingRecords", "sum": 70.0},
    ],
}  # fmt: skip


class Answers(BaseHTTPRequestHandler):
    """A Flink that keeps its connections, and counts them."""

    protocol_version = "HTTP/1.1"
    connections = 0

    def setup(self) -> None:
        super().setup()
        type(self).connections += 1

    def do_GET(self) -> None:
        body = json.dumps(PATHS[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def rest() -> Iterator[FlinkRest]:
    Answers.connections = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield FlinkRest(f"127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()
    thread.join()


def test_counts_are_summed_over_all_parts_of_running_jobs_over_one_connection(
    rest: FlinkRest,
) -> None:
    counts = read_counts(rest)
    assert {name: count for name, count in counts.items() if count} == {"events": 6, "decisions": 2}
    assert Answers.connections == 1
    assert read_counts(rest, "decide.p") == counts, "a job by its whole name"
    assert read_instances(rest, "events") == 3, "two of one part, one of the other"


def test_some_counters_are_read_again_without_looking_them_up(
    rest: FlinkRest, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = CountsOf(rest, ("events",))
    only = {path: PATHS[path] for path in PATHS if path.endswith("get=a.events")}
    again = METRICS.format("d", "k") + "?agg=sum&get=b.events"
    monkeypatch.setattr(f"{__name__}.PATHS", only | {again: [{"id": "b.events", "sum": 1.0}]})
    assert counts.read() == counts.read() == {"events": 6}


def test_progress_is_the_restarts_of_a_job_and_the_records_that_wait_by_topic(
    rest: FlinkRest,
) -> None:
    assert read_progress(rest) == Progress({}, 3)
    assert read_progress(rest, "learn") == Progress({"events": 70}, None)
    assert read_progress(rest, "replay") == Progress({}, None)


def test_a_job_runs_when_all_of_its_tasks_do(rest: FlinkRest) -> None:
    assert is_running(rest)
    assert not is_running(rest, "learn")
    assert not is_running(rest, "replay")


def test_where_no_flink_answers_nothing_runs_and_counting_says_so() -> None:
    nobody = FlinkRest("127.0.0.1:1")
    assert not is_running(nobody)
    with pytest.raises(ConfigError, match=r"no Flink answers at 127\.0\.0\.1:1"):
        read_counts(nobody)


def clients_in(source: str) -> set[str]:
    """Modules of HTTP clients that a source imports."""
    names = {
        name
        for node in ast.walk(ast.parse(source))
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom)
            else [one.name for one in node.names] if isinstance(node, ast.Import)
            else []
        )
    }  # fmt: skip
    return names & {"http.client", "urllib.request", "urllib3", "httpx", "requests"}


def test_there_is_one_client_of_flinks_rest_interface() -> None:
    layers = ("jobs", "channels", "scripts", "log")
    files = [path for layer in layers for path in (PROJECT / layer).rglob("*.py")]
    found = {str(path.relative_to(PROJECT)) for path in files if clients_in(path.read_text())}
    own = Path("scripts/ops/engine.py")
    assert "/healthz" in (PROJECT / own).read_text(), "it asks our own API"
    registry = Path("log/schema_answers.py")
    assert "schemas/ids" in (PROJECT / registry).read_text(), "it asks a registry of schemas"
    webhook = Path("scripts/outcomes/alerts.py")
    assert "KAIROS_ALERT_WEBHOOK" in (PROJECT / webhook).read_text(), "it tells the operator's own"
    assert found == {"jobs/flink/rest.py", str(own), str(registry), str(webhook)}
    assert clients_in("from urllib.request import urlopen\nimport http.client") == {
        "urllib.request", "http.client",
    }  # fmt: skip
