"""Knowledge that a real job refuses: why stands in its log, and what was in force stays."""

import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from jobs.flink.counted import read_counts
from jobs.flink.rest import FlinkRest
from models.artefact import save_artefact
from models.content import Published
from schemas.codec import CONTROL, DECISION, EVENT
from schemas.control import Control
from schemas.decisions import Decision
from schemas.topics import CONTROL as CONTROL_TOPIC
from schemas.topics import DECISIONS, EVENTS
from tests.builders import NOON, make_catalogue, make_event
from tests.e2e.homes import OPERATORS
from tests.flink.runs import Line, Running, fill_log, produce, read_outputs, start_decide
from tests.models.boosters import mutated
from tests.models.made import artefact_of, booster_of
from udfs.facts.features import FEATURE_SPACE

pytestmark = pytest.mark.flink
PREFIX = "refusing."
BOOSTER = booster_of(FEATURE_SPACE.count)


class Refusing:
    """A running decide job with a home, and what is published to it."""

    def __init__(self, kafka: str, home: Path, decide: Running) -> None:
        self.kafka, self.home, self.decide = kafka, home, decide
        self.published = 1  # the default policy
        self.sent = 0

    def publish(self, *values: bytes) -> dict[str, int]:
        """Puts records on `control` and waits until all operators have met them."""
        produce(self.kafka, PREFIX + CONTROL_TOPIC, [(NOON, "k", one) for one in values])
        self.published += len(values)
        wanted = OPERATORS * (self.published + len(make_catalogue()))
        while True:
            self.view()  # what is loaded meanwhile is taken before the next event
            counts = read_counts(FlinkRest(self.decide.rest, self.decide.keys))
            if counts["knowledge_applied"] + counts["knowledge_refused"] >= wanted:
                return counts
            time.sleep(0.2)

    def view(self) -> str:
        """Sends a product view."""
        self.sent += 1
        name = f"e{self.sent}"
        event = make_event(
            event_id=name, event_type="product_viewed", event_time_ms=NOON + self.sent,
            session_id=name, anonymous_id=name, item_ids=("i1",),
        )  # fmt: skip
        # and somebody who signs in, so that each operator has a person
        member = msgspec.structs.replace(
            event, event_id=f"{name}-in", event_type="identified", person_id="member",
            session_id=f"{name}-in",
        )  # fmt: skip
        lines = [
            Line(NOON + self.sent, one.session_id, EVENT.encode(one)) for one in (event, member)
        ]
        produce(self.kafka, PREFIX + EVENTS, lines)
        return name

    def decide_now(self) -> Decision:
        """The decision on one more view."""
        name = self.view()
        while True:
            for record in read_outputs(self.kafka, PREFIX)[DECISIONS]:
                decision = DECISION.decode(record.value)
                if decision.event_id == name:
                    return decision
            time.sleep(0.05)

    def log(self) -> list[str]:
        """The lines about refusals."""
        path = self.home / "logs" / f"flink-decide.{PREFIX.strip('.')}.log"
        return [line for line in path.read_text().splitlines() if "of knowledge is refused" in line]


def control(published: Published, version: str = "") -> bytes:
    return CONTROL.encode(
        Control(
            "model", "ranker", version or published.version, 1, uri=published.uri,
            sha256=published.sha256,
        )
    )  # fmt: skip


@pytest.fixture(scope="module")
def job(kafka: str, home: Path) -> Iterator[Refusing]:
    fill_log(kafka, PREFIX, [], make_catalogue())
    decide = start_decide(kafka, PREFIX, home)
    decide.wait_until_ready()
    yield Refusing(kafka, home, decide)
    decide.process.kill()
    decide.process.communicate()


def test_a_model_that_nobody_vouched_for_is_tried_by_a_child_of_the_jvm_and_taken(
    job: Refusing,
) -> None:
    published = save_artefact(artefact_of(BOOSTER), job.home / "models")
    counts = job.publish(control(published))
    assert counts["knowledge_refused"] == 0
    assert job.decide_now().versions.model == published.version
    assert list((job.home / "tried-models").iterdir()), "once for this home"


def test_what_is_refused_is_told_by_kind_name_version_and_reason(
    job: Refusing, tmp_path: Path
) -> None:
    before = job.decide_now().versions
    outside = save_artefact(artefact_of(BOOSTER), tmp_path)
    values = [
        control(Published("zip://x::ftp://127.0.0.1:1/x", "0" * 64), "zipped"),
        control(Published(outside.uri, outside.sha256), "outside"),
        CONTROL.encode(Control("policy", "evil\x1b[2J", "deep", 1, payload=b"[" * 500_000)),
        CONTROL.encode(Control("policy", "default", "text", 1, payload=b"\xff\xfe")),
    ]
    counts = job.publish(*values)
    assert counts["knowledge_refused"] == OPERATORS * len(values)
    told = job.log()
    for words in (
        ("model ranker version zipped at ", "outside of KAIROS_MODELS"),
        ("model ranker version outside at ", "`kairos model publish FILE` copies it there"),
        ("policy evil\\x1b[2J version deep at ", "policy: "),
        ("policy default version text at ", "policy: "),
    ):
        assert any(all(word in line for word in words) for line in told), (words, told)
    assert all(len(line) < 800 and line.isprintable() for line in told)
    assert job.decide_now().versions == before


@pytest.mark.parametrize("every", [12, pytest.param(3, marks=pytest.mark.long)])
def test_no_booster_ends_the_engine(job: Refusing, every: int) -> None:
    """Each mutated file was published in its own record; some ended the JVM at 91563e6, and again at every start."""
    before = job.decide_now().versions
    values = []
    for name, data in mutated(BOOSTER)[::every]:
        published = save_artefact(artefact_of(data), job.home / "models")
        values.append(control(published, f"mutated {every} {name}"[:60]))
    other = job.home / "models" / "junk"
    other.write_bytes(b"junk")
    values.append(control(Published(str(other), sha256(b"junk").hexdigest()), "junk"))
    refused = job.publish(*values)["knowledge_refused"]
    assert refused > OPERATORS * len(values) / 2
    assert job.decide.process.poll() is None
    found = job.decide_now().versions
    assert msgspec.structs.replace(found, model="") == msgspec.structs.replace(before, model="")
