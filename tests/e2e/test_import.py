"""README's own line in a clean home: what is imported is accounted for, and what was decided on it is reproduced."""

import gzip
import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from jobs.config import PROJECT
from jobs.publish import Log, now_ms
from schemas.limits import DAY_MS
from schemas.topics import DECISIONS, TRACES
from scripts.bench.workload import catalogue, shoppers
from tests.e2e.homes import Decisions, Home, fresh_home, kafka_of, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.stack, pytest.mark.timeout(600)]
EVENTS = 150
POLICY = PROJECT / "docs" / "tutorial" / "policy.yaml"
BAD = ("junk", '{"event_id": "no type"}', '{"event_type": "page_viewed", "query": "cut \\ud83d"}')


class Files(NamedTuple):
    """A clean home with an engine, and the files that are imported into it."""

    home: Home
    events: Path
    items: Path


def event_lines(seed: str = "import", ago_ms: int = 2 * DAY_MS, apart_ms: int = 2_000) -> list[str]:
    begun_ms = time.time_ns() // 1_000_000 - ago_ms
    events = islice(shoppers(seed, 30), EVENTS)
    return [
        msgspec.json.encode(
            msgspec.structs.replace(
                one,
                event_time_ms=begun_ms + number * apart_ms,
                sent_at_ms=None,
            )
        ).decode()
        for number, one in enumerate(events)
    ]


def item_lines(price: float) -> list[str]:
    found = [msgspec.to_builtins(one) for one in catalogue(30)]
    for one in found:
        del one["effective_from_ms"]
    found[0]["price"] = price
    return [json.dumps(one) for one in found]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    folder = tmp_path_factory.mktemp("import")
    with fresh_home(folder / "home") as home:
        started = home.kairos("up")
        assert started.returncode == 0, started.stderr
        events, items = folder / "events.jsonl", folder / "items.jsonl.gz"
        lines = event_lines()
        future = msgspec.json.decode(lines[0])
        future["event_time_ms"] += 3 * DAY_MS
        nobody = msgspec.json.decode(lines[1]) | {"event_type": "identified", "person_id": "null"}
        newest_first = [*BAD, json.dumps(future), json.dumps(nobody), lines[5], *reversed(lines)]
        events.write_text("\r\n".join(newest_first))
        items.write_bytes(gzip.compress("\n".join(item_lines(9.5)).encode()))
        yield Files(home, events, items)
        assert home.kairos("down").returncode == 0


def counts(home: Home) -> dict[str, int]:
    found: dict[str, int] = home.status()["flink"].get("counts", {})
    return found


def verified(home: Home) -> dict[str, Any]:
    found: dict[str, Any] = home.json("verify", "replay", "--json")
    return found


def audits_find_nothing(home: Home) -> None:
    """Every decision is made again byte by byte, and every number that a model saw is computed again."""
    found = verified(home)
    assert (found["is_whole"], found["unexplained"]) == (True, 0), found["differences"][:3]
    assert found["differing"] == {}, found["differing"]
    skew = home.json("verify", "skew", "--json")
    assert (skew["is_none"], skew["compared"]) == (True, found["decisions"]), skew
    assert skew["differing"] == skew["missing"] == skew["other_candidates"] == 0


@pytest.fixture(scope="module")
def imported(files: Files) -> dict[str, Any]:
    found: dict[str, Any] = files.home.json(
        "import", str(files.events), "--items", str(files.items), "--json"
    )
    return found


def test_every_line_is_accounted_for_as_the_engine_has_it(
    files: Files, imported: dict[str, Any]
) -> None:
    lines = len(files.events.read_text().splitlines())
    assert imported["read"] == lines == EVENTS + 6
    assert (imported["events"], imported["duplicates"], imported["invalid"]) == (EVENTS, 1, 5)
    assert imported["items"] == 30
    wait_for(lambda: counts(files.home).get("events", 0) >= EVENTS)
    assert counts(files.home)["events"] == EVENTS
    assert counts(files.home).get("dead_letters", 0) == 0


def test_what_was_decided_is_reproduced_with_the_catalogue_that_came_along(
    files: Files, imported: dict[str, Any]
) -> None:
    wait_for(lambda: counts(files.home).get("decisions", 0) > EVENTS // 5)
    audits_find_nothing(files.home)
    assert verified(files.home)["reproduced"] > EVENTS // 5


def test_the_same_again_changes_nothing_and_one_price_is_one_item(
    files: Files, imported: dict[str, Any], tmp_path: Path
) -> None:
    before = counts(files.home)
    changed = tmp_path / "items.jsonl"
    changed.write_text("\n".join(item_lines(8.5)))
    again = files.home.json("import", str(files.events), "--items", str(files.items), "--json")
    assert again["items"] == 0
    once_more = files.home.json("import", str(files.events), "--items", str(changed), "--json")
    assert once_more["items"] == 1
    wait_for(lambda: not _moves(files.home))
    assert counts(files.home)["events"] == before["events"]
    audits_find_nothing(files.home)


def test_a_policy_published_in_the_middle_leaves_both_audits_at_nought(
    files: Files, imported: dict[str, Any], tmp_path: Path
) -> None:
    home = files.home
    published = home.json("policy", "publish", str(POLICY), "--json")
    wait_for(lambda: now_ms() > published["effective_from_ms"])
    later = tmp_path / "later.jsonl"
    later.write_text("\n".join(event_lines("later", 0, 20)))
    before = counts(home)["decisions"]
    assert home.json("import", str(later), "--json")["events"] == EVENTS
    wait_for(lambda: counts(home)["decisions"] > before)
    wait_for(lambda: not _moves(home))
    with Decisions(kafka_of(home.status())) as decisions:
        made = [one.versions.policy for one in decisions.look().values()]
    assert 0 < made.count(published["version"]) < len(made)
    audits_find_nothing(home)


def test_what_is_published_late_warns_and_is_named_by_the_audit(
    files: Files, imported: dict[str, Any], tmp_path: Path
) -> None:
    late = tmp_path / "late.jsonl"
    lines = files.events.read_text().splitlines()[len(BAD) + 1 :]
    since_ms = min(json.loads(one)["event_time_ms"] for one in lines)
    category = json.loads(item_lines(9.5)[0])["category"]
    said = {"name": "Late", "category": category, "price": 9.0, "effective_from_ms": since_ms}
    late.write_text("\n".join(json.dumps(said | {"item_id": f"late{n}"}) for n in range(3)))
    done = files.home.kairos("import", str(files.events), "--items", str(late))
    assert done.returncode == 0, done.stderr
    assert "warning: 3 of the items hold from" in done.stderr
    assert " made since" in done.stderr
    wait_for(lambda: not _moves(files.home))
    found = verified(files.home)
    assert (found["is_whole"], found["unexplained"]) == (True, 0), found["differences"][:3]
    assert found["catalogue_late"] > 0
    assert {"late0", "late1", "late2"} <= set(found["late_items"])
    assert found["reproduced"] > 0.9 * found["decisions"]


def _moves(home: Home) -> bool:
    before = counts(home)
    time.sleep(2)
    return counts(home) != before


def test_foreign_records_end_no_tool(files: Files, imported: dict[str, Any]) -> None:
    home = files.home
    kafka = kafka_of(home.status())
    with Decisions(kafka) as decisions:
        wait_for(decisions.look)
        one = next(iter(decisions.by_event.values()))
    log = Log(kafka)
    junk = b"junk with " + one.decision_id.encode() + one.person.encode()
    for topic in (TRACES, DECISIONS):
        log.raw(topic, one.person, junk, one.event_time_ms)
    log.flush()
    explained = home.json("explain", one.decision_id, "--json")
    assert explained["decision"]["decision_id"] == one.decision_id
    of_both, of_decisions = (
        "2 records cannot be read; the first",
        "1 record cannot be read, left out",
    )
    why_not = ("why-not", one.person, one.action_id)
    for words, said in ((("verify", "skew"), of_both), (why_not, of_decisions)):
        done = home.kairos(*words, "--json")
        assert done.returncode == 0, done.stderr
        assert said in done.stderr


def test_what_is_no_events_is_an_exit_code(files: Files, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html></html>")
    junk = tmp_path / "junk.jsonl"
    junk.write_text("junk\nmore\n")
    for path, said in ((page, "XML or HTML"), (junk, "2 of 2 lines are no events")):
        done = files.home.kairos("import", str(path))
        assert (done.returncode, said in done.stderr) == (1, True), done.stderr


def test_a_mistake_in_the_items_leaves_all_of_them_out(files: Files, tmp_path: Path) -> None:
    items = tmp_path / "items.jsonl"
    items.write_text('{"item_id": "new"}\n{"item_id": 5}\n')
    done = files.home.kairos("import", str(files.events), "--items", str(items))
    assert (done.returncode, "line 2" in done.stderr) == (2, True), done.stderr
    said = files.home.json(
        "import", str(files.events), "--items", str(items), "--partial", "--json"
    )
    assert said["items"] == 1
