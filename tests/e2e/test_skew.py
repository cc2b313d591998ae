"""What the live jobs logged is what a replay computes; a planted change in the code is found."""

import time
from itertools import islice
from typing import NamedTuple

import msgspec
import pytest

from jobs.config import config_from
from jobs.publish import Log, now_ms
from log.kafka import ends_of
from schemas.topics import CONTROL, ITEMS
from scripts.audit.deployed_log import Log as Deployed
from scripts.audit.verify import scope_of, verify
from scripts.bench.workload import shoppers
from tests.e2e.homes import OPERATORS, Decisions, Engine, everybody_comes, wait_for
from udfs.facts import features
from udfs.facts.fact import Column
from udfs.facts.view import View

pytestmark = [pytest.mark.e2e, pytest.mark.long]
EVENTS = 1_000
PAUSE_S = 0.015
PLANTED = "touch_share"


class Lived(NamedTuple):
    """A range of the log in which people came, and how many decisions were made then."""

    engine: Engine
    from_ms: int
    to_ms: int
    decisions: int


def met(engine: Engine, log: Log) -> int:
    """Records of knowledge that the operators have taken or refused, while people come."""
    everybody_comes(log)
    counts = engine.counts()
    return counts["knowledge_applied"] + counts["knowledge_refused"]


@pytest.fixture(scope="module")
def lived(engine: Engine) -> Lived:
    ends = ends_of(engine.kafka, (CONTROL, ITEMS))
    records = sum(sum(places.values()) for places in ends.values())
    log = Log(engine.kafka)
    wait_for(lambda: met(engine, log) >= OPERATORS * records)
    from_ms = now_ms()
    asking = set()
    for event in islice(shoppers(f"skew{from_ms}", 40), EVENTS):
        time.sleep(PAUSE_S)  # several epochs long
        items = tuple(one.replace("item-", "i") for one in event.item_ids)
        log.event(msgspec.structs.replace(event, event_time_ms=now_ms(), item_ids=items))
        if event.event_type == "product_viewed":
            asking.add(event.event_id)
    log.flush()
    to_ms = now_ms() + 1
    with Decisions(engine.kafka) as decisions:
        wait_for(lambda: decisions.look().keys() >= asking)
        made = [one for one in decisions.by_cause.values() if from_ms <= one.event_time_ms < to_ms]
        assert len({one.versions.knowledge for one in made}) > 2, "the learn job taught nothing"
    return Lived(engine, from_ms, to_ms, len(made))


def test_no_vector_of_the_live_job_differs_from_its_replay(lived: Lived) -> None:
    times = ("--from", str(lived.from_ms), "--to", str(lived.to_ms))
    found = lived.engine.home.json("verify", "skew", *times, "--json")
    assert (found["compared"], found["is_none"]) == (lived.decisions, True), found
    assert found["differing"] == found["missing"] == found["other_candidates"] == 0
    assert found["vectors"] > 10 * lived.decisions
    few = lived.engine.home.json("verify", "skew", *times, "--limit", "7", "--json")
    assert (few["compared"], few["is_none"]) == (7, True)


@pytest.mark.long
def test_a_planted_change_is_found_named_and_counted(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = features.COLUMNS[PLANTED]

    def planted(view: View) -> Column:
        return real(view) * 2.0

    monkeypatch.setitem(features.COLUMNS, PLANTED, planted)
    config = config_from({"KAIROS_HOME": str(lived.engine.home.path), "KAIROS_CONSENT": "all"})
    log = Deployed(lived.engine.kafka, config)
    skew = verify(log, scope_of(lived.from_ms, lived.to_ms)).skew
    assert set(skew.features) == {PLANTED}
    assert 0 < skew.features[PLANTED].count == skew.differing < skew.vectors
    assert not skew.is_none


def test_a_range_without_decisions_is_refused(lived: Lived) -> None:
    done = lived.engine.home.kairos("verify", "skew", "--from", "2099-01-01")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "no decision of this time" in done.stderr
