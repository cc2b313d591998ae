"""A topic of each format on a real Kafka and Flink: the same visit is decided the same."""

from pathlib import Path

import pytest

from schemas.codec import DECISION, EVENT
from schemas.formats import FORMATS, OF_OTHERS, SNOWPLOW
from schemas.topics import DEAD_LETTERS, DECISIONS
from scripts.files.item_files import read_items
from tests.flink.replays import Replays
from tests.flink.runs import Line, environment, fill_log, read_outputs

pytestmark = pytest.mark.flink

ROOT = Path(__file__).parents[2]
VISIT = ROOT / "tests/schemas/formats/visit"
ITEMS = tuple(read_items(ROOT / "docs/tutorial/items.jsonl"))
Decided = list[tuple[str, int, str, str, tuple[str, ...]]]


def decided(
    replays: Replays, kafka: str, home: Path, name: str, lines: list[Line], prefix: str = ""
) -> Decided:
    """Who was decided for, when, where and what, from a topic of this format; no record of it is a dead letter."""
    prefix = prefix or f"formats.{name}."
    fill_log(kafka, prefix, lines, ITEMS)
    settings = environment(prefix, home) | {"KAIROS_FORMAT": name}
    words = ("--kafka", kafka, "--replay", "--prefix", f"{prefix}out.")
    replays.run("jobs.run_decide", settings, *words)
    found = read_outputs(kafka, f"{prefix}out.")
    assert found[DEAD_LETTERS] == []
    made = (DECISION.decode(one.value) for one in found[DECISIONS])
    return sorted(
        (one.person, one.event_time_ms, one.placement, one.action_id, tuple(item.item_id for item in one.items))
        for one in made
    )  # fmt: skip


def lines_of(name: str) -> list[Line]:
    """The visit as records of a topic of the format: bytes as they stand, the session as key; the last one as we ourselves write it."""
    *others, last = (VISIT / f"{name}.jsonl").read_bytes().splitlines()
    events = [FORMATS[name].decode(one) for one in (*others, last)]
    values = [*others, EVENT.encode(events[-1])]
    return [
        Line(event.event_time_ms, event.session_id, value)
        for event, value in zip(events, values, strict=True)
    ]


@pytest.fixture(scope="module")
def own(replays: Replays, kafka: str, home: Path) -> Decided:
    lines = (VISIT / "kairos.jsonl").read_bytes().splitlines()
    events = [FORMATS["json"].decode(one) for one in lines]
    avro = [Line(one.event_time_ms, one.session_id, EVENT.encode(one)) for one in events]
    return decided(replays, kafka, home, "kairos", avro)


@pytest.mark.parametrize("name", OF_OTHERS)
def test_a_topic_of_another_format_is_decided_as_our_own(
    replays: Replays, kafka: str, home: Path, own: Decided, name: str
) -> None:
    assert {one[0] for one in own} == {"ada", "customer-7"}
    assert decided(replays, kafka, home, name, lines_of(name)) == own


def test_a_topic_of_snowplows_lines_is_decided_as_the_same_events_of_ours(
    replays: Replays, kafka: str, home: Path
) -> None:
    lines = (ROOT / "tests/schemas/formats/snowplow/enriched.tsv").read_bytes().splitlines()
    events = [FORMATS[SNOWPLOW].decode(one) for one in lines]
    theirs = [Line(one.event_time_ms, one.session_id, raw) for one, raw in zip(events, lines, strict=True)]  # fmt: skip
    ours = [Line(one.event_time_ms, one.session_id, EVENT.encode(one)) for one in events]
    assert (found := decided(replays, kafka, home, SNOWPLOW, theirs))
    assert (
        decided(replays, kafka, home, "kairos", ours, prefix="formats.ours-of-snowplow.") == found
    )
