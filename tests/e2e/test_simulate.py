"""A world played through the real channels: pages ask the API over HTTP, the engine decides, and every promise holds on what was logged."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from channels.security.keys import new_key
from schemas.codec import EVENT
from schemas.events import Event
from schemas.topics import EVENTS
from scripts.bench.flood import write_page_key
from tests.e2e.homes import Home, Tail, fresh_home, kafka_of, wait_for
from tests.scripts.simulate.worlds import written

pytestmark = [pytest.mark.e2e, pytest.mark.stack, pytest.mark.timeout(900)]


def come(home: Home, truth: Path, before: int, *words: str) -> tuple[Any, list[Event]]:
    """What was counted of a world that was played live, and all that the log has, of before as well."""
    found = home.json("simulate", "tiny", "--live", "--people", "30", "--seconds", "5", "--truth", str(truth), "--json", *words)  # fmt: skip
    with Tail(kafka_of(home.status()), EVENTS) as tail:
        wait_for(lambda: len(events_in(tail)) >= before + found["events"])
        return found, events_in(tail)


def events_in(tail: Tail) -> list[Event]:
    events = [EVENT.decode(one.value) for one in tail.read()]
    return [one for one in events if one.event_type != "clock_ticked"]


def test_shoppers_come_through_the_real_channels(tmp_path: Path) -> None:
    with fresh_home(tmp_path / "kairos") as home:
        key = new_key()
        started = home.kairos("up", KAIROS_API_KEYS=str(write_page_key(tmp_path, key)))
        assert started.returncode == 0, started.stderr
        assert home.kairos("simulate", "tiny", "--people", "1", "--out", str(tmp_path / "log")).returncode == 0  # fmt: skip
        assert home.kairos("items", "import", str(tmp_path / "log" / "items.jsonl")).returncode == 0
        policy = str(tmp_path / "log" / "policy.yaml")
        assert home.kairos("policy", "publish", policy).returncode == 0
        found, pages = come(home, tmp_path / "truth.jsonl", 0, "--key", key)
        assert found["refused"] == {}
        assert found["answers"] == sum(found["sources"].values()) > 60
        assert found["sources"]["fresh"] > 0  # how many depends on what else the machine does
        assert found["exposed"] >= found["clicked"]
        assert len(pages) == found["events"] > 150
        # what became of a decision the door vouches for, and nothing else
        assert all(one.is_unproven for one in pages if one.decision_id is None)
        assert not all(one.is_unproven for one in pages)
        kinds = Counter(one.event_type for one in pages)
        assert (kinds["decision_exposed"], kinds["decision_clicked"]) == (found["exposed"], found["clicked"])  # fmt: skip
        people = [one for one in written(tmp_path / "truth.jsonl") if "person" in one]
        owner = {name: one for one in people for name in one["anonymous_ids"]}
        assert {one.anonymous_id for one in pages} == owner.keys()
        for one in pages:
            assert one.context is not None
            assert (one.context.device == "bot") is owner[one.anonymous_id]["is_declared"]
        assert home.kairos("down").returncode == 0
        again = home.kairos("up")  # without keys people can sign in
        assert again.returncode == 0, again.stderr
        found, both = come(home, tmp_path / "truth.jsonl", len(pages), "--seed", "2")
        assert found["refused"] == {}
        earlier = {one.event_id for one in pages}
        since = [one for one in both if one.event_id not in earlier]
        assert len(since) == found["events"]
        members = {one.person_id for one in both if one.event_type == "identified"}
        assert members
        assert {one.person_id for one in since if one.person_id is not None} == members
        verified = home.kairos("verify", "replay")
        assert verified.returncode == 0, verified.stdout
        assert home.kairos("down").returncode == 0
