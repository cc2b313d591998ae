"""`bench flood`: what it requires, and that the flood stops at the doors and by itself."""

import asyncio
import threading
from pathlib import Path

import pytest

from scripts.bench.flood import Part, faults_of
from scripts.bench.flooding_visitor import EVENTS, FLOOD_ADDRESS, SESSIONS, flood
from tests.channels.test_doorway import api, event, page


def part(share: float, p99_ms: float) -> Part:
    return Part("", 600, share, 20.0, p99_ms, 0, {})


@pytest.mark.parametrize(
    ("during", "faults"),
    [
        (part(1.0, 60.0), 0),
        (part(0.95, 60.0), 0),
        (part(0.94, 60.0), 1),
        (part(1.0, 61.0), 1),
        (part(0.0, 5_000.0), 2),
    ],
)
def test_a_flood_that_is_felt_is_a_fault(during: Part, faults: int) -> None:
    assert len(faults_of(part(1.0, 40.0), during)) == faults


def test_the_flood_stops_at_the_doors_and_others_are_served(tmp_path: Path) -> None:
    with api(tmp_path) as (address, services, log), page(address) as honest:
        outcomes: dict[str, int] = {}
        flooding = threading.Thread(
            target=lambda: outcomes.update(asyncio.run(flood(address, "k-page", 5)))
        )
        flooding.start()
        answers = []
        while flooding.is_alive():
            answers.append(honest.post("/v1/events", json=event()).status_code)
            flooding.join(0.25)
        flooded = [one for one in log.written if one.item_ids]
        assert set(answers) == {202}
        assert 0 < len(flooded) < EVENTS / 20
        assert 0 < outcomes["sessions 201"] < SESSIONS / 20
        assert outcomes["streams open at the end"] <= services.door.limits.streams.address
        assert services.door.connections.count(FLOOD_ADDRESS) <= 400
