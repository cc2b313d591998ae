"""A topic of Avro behind a real registry, on a real Kafka and Flink: known schemas go on without it, others are mended when it is back."""

import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import fastavro
import pytest

from jobs.publish import now_ms
from jobs.stack.ports import free_port
from log.schema_registry import registry_at
from schemas.codec import DEAD_LETTER, DECISION
from schemas.errors import InvalidEvent
from schemas.formats.registered import header_of
from schemas.limits import MINUTE_MS
from schemas.topics import DEAD_LETTERS, DECISIONS, EVENTS
from tests.builders import make_catalogue
from tests.flink.replays import Replays
from tests.flink.runs import Line, environment, fill_log, produce, read_outputs, start_decide
from tests.flink.test_mend_dead_letters import Told
from tests.registry import register, running

pytestmark = [pytest.mark.flink, pytest.mark.long]

PREFIX: Final = "registered."
NAMES: Final = ("event_id", "event_type", "session_id", "anonymous_id", "product_id")
OLD: Final[dict[str, Any]] = {
    "type": "record", "name": "shop.Viewed",
    "fields": [*({"name": one, "type": "string"} for one in NAMES), {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}}],
}  # fmt: skip
PLACE: Final[dict[str, Any]] = {
    "type": "record", "name": "shop.Place", "fields": [{"name": "country", "type": "string"}],
}  # fmt: skip
NEW: Final[dict[str, Any]] = OLD | {"fields": [*OLD["fields"], {"name": "context", "type": "shop.Place"}]}  # fmt: skip
REFERENCE: Final = {"name": "shop.Place", "subject": "place", "version": 1}


def line(schema_id: int, schema: Any, number: int, **more: Any) -> Line:
    """A view of a minute ago, in a visit of its own, framed as Confluent's serializer frames it."""
    time_ms = now_ms() - MINUTE_MS
    said = {
        "event_id": f"e{number}", "event_type": "product_viewed", "session_id": f"s{number}", "anonymous_id": f"a{number}",
        "product_id": "i1", "timestamp": time_ms,
    } | more  # fmt: skip
    body = BytesIO()
    named: dict[str, Any] = {}
    fastavro.parse_schema(PLACE, named_schemas=named)
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema, named_schemas=named), said)
    return Line(time_ms, f"s{number}", header_of(schema_id) + body.getvalue())


def wait_for(is_so: Callable[[], bool]) -> None:
    while not is_so():  # the suite's own time ends it
        time.sleep(0.2)


def decided(kafka: str, prefix: str = PREFIX) -> list[str]:
    found = read_outputs(kafka, prefix)[DECISIONS]
    return sorted(DECISION.decode(one.value).event_id for one in found)


def letters(kafka: str) -> list[str]:
    found = read_outputs(kafka, PREFIX)[DEAD_LETTERS]
    return sorted(DEAD_LETTER.decode(one.value).reason for one in found)


def test_a_real_registry_is_read_with_its_references(tmp_path: Path) -> None:
    with running(free_port(), tmp_path) as url:
        register(url, "place", PLACE)
        new = register(url, "viewed", NEW, REFERENCE)
        registry = registry_at(url)
        assert [one["name"] for one in registry(new).parsed["fields"]] == [*NAMES, "timestamp", "context"]  # fmt: skip
        with pytest.raises(InvalidEvent, match="unknown_schema: schema 999999 is not in the registry"):  # fmt: skip
            registry(999_999)


def test_known_schemas_go_on_without_the_registry_and_others_when_it_is_back(
    replays: Replays, kafka: str, home: Path, tmp_path: Path
) -> None:
    port = free_port()
    with running(port, tmp_path) as url:
        old = register(url, "viewed", OLD)
        settings = {"KAIROS_FORMAT": "confluent-avro", "KAIROS_SCHEMA_REGISTRY": url}
        fill_log(kafka, PREFIX, [line(old, OLD, 1)], make_catalogue())
        decide = start_decide(kafka, PREFIX, home, settings=settings)
        try:
            decide.wait_until_ready()
            wait_for(lambda: decided(kafka) == ["e1"])
        except BaseException:
            decide.process.kill()
            raise
    try:
        new = old + 2  # as it will be called: the place before it
        more = [line(new, NEW, 2, context={"country": "DE"}), line(old, OLD, 3)]
        produce(kafka, PREFIX + EVENTS, more)
        wait_for(lambda: decided(kafka) == ["e1", "e3"] and letters(kafka) == ["schema_unavailable"])  # fmt: skip
        with running(port, tmp_path) as url:
            assert register(url, "viewed", OLD) == old
            register(url, "place", PLACE)
            assert register(url, "viewed-2", NEW, REFERENCE) == new
            told = Told(kafka, home, "replay", "--reason", "schema_unavailable", prefix=PREFIX, settings=settings)  # fmt: skip
            assert (told.code, told.said["sent"]) == (0, 1)
            again = Told(kafka, home, "replay", "--reason", "schema_unavailable", prefix=PREFIX, settings=settings)  # fmt: skip
            assert (again.said["sent"], again.said["replayed_before"]) == (0, 1)
            wait_for(lambda: decided(kafka) == ["e1", "e2", "e3"])
            words = ("--kafka", kafka, "--replay", "--prefix", f"{PREFIX}out.")
            replays.run("jobs.run_decide", environment(PREFIX, home) | settings, *words)
            assert decided(kafka, f"{PREFIX}out.") == ["e1", "e2", "e3"], "in its own place, once"
    finally:
        decide.process.kill()
        decide.process.communicate()
