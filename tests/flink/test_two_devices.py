"""Two devices of one person on the real job, and `kill -9` of it between what was claimed and what was taken: once is once."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from jobs.publish import now_ms
from log.kafka import read_to_end
from schemas.actions import Action, Requirement, Treatment
from schemas.codec import DECISION, EVENT
from schemas.limits import HOUR_MS, MINUTE_MS
from schemas.policy import Holdout, Placement, Policy
from schemas.topics import DECISIONS
from tests.builders import make_event
from tests.e2e.homes import Decisions
from tests.e2e.test_kill_and_restore import Line, Parts, job_alone, kill

pytestmark = [pytest.mark.flink, pytest.mark.long, pytest.mark.timeout(600)]
PREFIX: Final = "devices."
POLICY: Final = Policy(
    placements=(
        Placement("bar", ("page_viewed",), valid_ms=HOUR_MS, actions=("first_order", "again")),
    ),
    actions=(
        Action(
            "first_order", "offer", treatments=(Treatment("t"),),
            eligibility=(Requirement("new", "person.purchase_count == 0 && person.views_24h == 2"),),
        ),
        Action(
            "again", "content", treatments=(Treatment("t"),),
            eligibility=(Requirement("bought", "person.purchase_count == 1 && person.views_24h == 5"),),
        ),
    ),
    holdout=Holdout(share=0.0),
)  # fmt: skip
"""Views that counted twice, or not at all, offer neither."""


@pytest.fixture
def parts(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """The job alone, with a checkpoint where the test says so."""
    home = tmp_path_factory.mktemp("devices") / "kairos"
    with job_alone(kafka, home, PREFIX, POLICY) as parts:
        yield parts


class Device:
    """Its one session."""

    def __init__(self, name: str, start_ms: int) -> None:
        self._name, self._now_ms, self._count = name, start_ms, 0

    def does(self, *event_types: str, **more: Any) -> list[Line]:
        return [self._line(name, **more) for name in event_types]

    def _line(self, event_type: str, **more: Any) -> Line:
        self._count += 1
        self._now_ms += 10
        items = {} if event_type in ("page_viewed", "identified") else {"item_ids": ["i1"]}
        event = make_event(
            event_id=f"{self._name}-{self._count}", event_type=event_type, event_time_ms=self._now_ms,
            anonymous_id=self._name, session_id=f"s-{self._name}", **items, **more,
        )  # fmt: skip
        return Line(self._now_ms, event.session_id, EVENT.encode(event))


def test_what_is_bought_on_the_phone_ends_the_offer_on_the_laptop_over_a_crash(
    parts: Parts,
) -> None:
    start_ms, kafka = now_ms() - MINUTE_MS, parts.addresses.kafka
    laptop, phone = Device("laptop", start_ms), Device("phone", start_ms + 5_000)
    again = Device("laptop", start_ms + 9_000)
    job = parts.start_job()
    with Decisions(kafka, PREFIX) as seen:
        parts.send(laptop.does("product_viewed", "product_viewed"))
        parts.send(laptop.does("identified", "page_viewed", person_id="ada"))
        seen.of("laptop-4")
        parts.send(phone.does("product_viewed", "product_viewed", "product_viewed", "page_viewed"))
        seen.of("phone-4")
        parts.make_checkpoint()
        signing_in = phone.does("purchase_completed") + phone.does("identified", person_id="ada")
        parts.send(signing_in)
        parts.send(phone.does("page_viewed", person_id="ada"))
        seen.of("phone-7")
        kill(job)
        parts.send(signing_in)  # once more, as producers do
        parts.start_job()
        last = again.does(*["page_viewed"] * 5, person_id="ada")[-1:]
        parts.send(last)
        seen.of("laptop-5")
    parts.make_checkpoint()
    written = [DECISION.decode(one.value) for one in read_to_end(kafka, [PREFIX + DECISIONS])]
    offered = {
        (one.event_id, one.person): one.action_id for one in written if one.kind == "decided"
    }
    assert offered == {
        ("laptop-4", "ada"): "first_order",
        ("phone-4", "phone"): "nothing",
        ("phone-7", "ada"): "again",
        ("laptop-5", "ada"): "again",
    }
    void = {(one.person, one.placement) for one in written if one.kind == "void"}
    assert void == {("phone", "bar")}
    assert not any(one.is_merging for one in written)
