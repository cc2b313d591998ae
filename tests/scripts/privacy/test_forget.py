"""`kairos forget` and `export` over a log in memory: what is written, what the proof says, what is given out."""

from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from channels.api.audit_log import AuditLog
from jobs.config import Config, config_from
from jobs.fold.fold import Fold, FoldRules
from schemas.codec import CONTROL, DECISION, EVENT, OUTCOME, TRACE
from schemas.control import Control
from schemas.errors import ConfigError, NotUp
from schemas.events import Event
from schemas.limits import DAY_MS
from schemas.policy import DEFAULT_CONTROL
from schemas.records import LogRecord
from schemas.topics import CONTROL as CONTROL_TOPIC
from schemas.topics import DECISIONS, EVENTS, OUTCOMES, SEGMENT_DAYS, TRACES
from scripts.privacy import export as export_module
from scripts.privacy import forget as module
from scripts.privacy.export import everything, show_everything
from scripts.privacy.forget import Wanted, forget
from scripts.privacy.proof import proof_json, show_proof
from scripts.privacy.running import Engine, await_
from tests.builders import NOON, make_catalogue, make_event, make_knowledge, make_record
from tests.examples.write import CONVERTED

MIA: Final = {"session_id": "s1", "anonymous_id": "phone"}
SHOPPING: Final = [
    make_event(event_id="1", event_type="product_viewed", item_ids=["i1"], query="red mia@shop.example", **MIA),
    make_event(event_id="2", event_type="identified", event_time_ms=NOON + 1, person_id="mia", **MIA),
    make_event(event_id="3", event_type="profile_updated", event_time_ms=NOON + 2, attribute="city", value="Graz", **MIA),
    make_event(event_id="4", event_time_ms=NOON + 3, placements=["home"], consent=["personalisation"], **MIA),
    make_event(event_id="5", event_time_ms=NOON + 4, placements=["home"], session_id="s2", anonymous_id="tom"),
]  # fmt: skip


class MemoryLog:
    """What `deployed_log.Log` gives of a deployment."""

    def __init__(self, *_: object) -> None:
        self.rules = FoldRules(EVENT.decode, "seed")
        fold = Fold(make_knowledge(*make_catalogue(9)), self.rules)
        log = [make_record(one, offset) for offset, one in enumerate(SHOPPING)]
        self.topics: dict[str, list[LogRecord]] = {
            EVENTS: log,
            DECISIONS: [],
            TRACES: [],
            OUTCOMES: [],
        }
        self.topics[CONTROL_TOPIC] = [
            LogRecord(CONTROL_TOPIC, 0, 0, 0, "", CONTROL.encode(DEFAULT_CONTROL))
        ]
        for step in fold.run(log):
            for decision, trace in step.decisions:
                at = decision.event_time_ms
                self.topics[DECISIONS].append(LogRecord(DECISIONS, 0, 0, at, decision.person, DECISION.encode(decision)))  # fmt: skip
                came = replace(CONVERTED, person=decision.person, session_id=decision.session_id, decision_id=decision.decision_id)  # fmt: skip
                self.topics[OUTCOMES].append(LogRecord(OUTCOMES, 0, 0, at, came.person, OUTCOME.encode(came)))  # fmt: skip
                self.topics[TRACES].append(LogRecord(TRACES, 0, 0, at, trace.decision_id, TRACE.encode(trace)))  # fmt: skip

    def records(self, topic: str, from_ms: int | None = None) -> list[LogRecord]:
        return self.topics.get(topic, [])


class MemoryWriter:
    """What goes to Kafka, in its order."""

    written: list[Control | Event] = []

    def __init__(self, *_: object, **__: object) -> None:
        MemoryWriter.written = []

    def control(self, control: Control) -> None:
        self.written.append(control)

    def event(self, event: Event) -> None:
        self.written.append(event)

    def flush(self) -> None:
        pass


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A home whose Kafka is in memory and whose jobs and store are down."""

    def no_store(_: Config) -> str:
        raise NotUp("there is no store")

    for target in (module, export_module):
        monkeypatch.setattr(target, "running_kafka", lambda _: "kafka")
        monkeypatch.setattr(target, "Log", MemoryLog)
    monkeypatch.setattr(module, "Writer", MemoryWriter)
    monkeypatch.setattr(module, "SETTLE_S", 0.0)
    monkeypatch.setattr(module, "engine_of", lambda _, kind: Engine(kind, None))
    monkeypatch.setattr(module, "redis_of", no_store)
    monkeypatch.setattr(module, "retention_ms_of", lambda *_: {EVENTS: None, DECISIONS: 400 * DAY_MS, TRACES: 90 * DAY_MS, OUTCOMES: 400 * DAY_MS})  # fmt: skip
    return config_from({"KAIROS_HOME": str(tmp_path / "home"), "KAIROS_CONSENT": "all"})


def test_the_list_is_written_before_the_events_and_the_audit_log_says_so(config: Config) -> None:
    proof = forget(config, Wanted("mia"), lambda _: True)
    assert proof is not None
    kinds = [type(one).__name__ for one in MemoryWriter.written]
    assert kinds == ["Control", "Control", "Event", "Event"]
    begun, done = reversed(AuditLog(config.home / "audit.jsonl").newest(10))
    assert (begun.what, begun.outcome, done.outcome) == ("forget", "begun", "done")
    assert done.details["erased"] == proof.person
    assert b"mia" not in (config.home / "audit.jsonl").read_bytes()


def test_the_proof_says_what_is_left_and_until_when(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    proof = forget(config, Wanted("mia"), lambda _: True)
    assert proof is not None
    rows = {one.place: one for one in proof.rows}
    decisions, events = rows["topic decisions"], rows["topic events"]
    assert (decisions.left, decisions.until_ms) == (2, NOON + 3 + (400 + SEGMENT_DAYS) * DAY_MS)
    outcomes = rows["topic outcomes"]
    assert (outcomes.left, outcomes.until_ms) == (decisions.left, decisions.until_ms)
    assert rows["topic traces"].until_ms == NOON + 3 + (90 + SEGMENT_DAYS) * DAY_MS
    assert (events.left, events.until_ms) == (4, None)
    assert "owner" in events.said
    assert rows["topic dead_letters"].is_clear
    assert proof.left_until_ms == decisions.until_ms
    assert "mia" not in str(proof_json(proof))
    show_proof(proof)
    assert "2024" in capsys.readouterr().out


def test_where_jobs_and_store_are_down_it_says_what_comes_when_they_start(config: Config) -> None:
    proof = forget(config, Wanted("mia"), lambda _: True)
    assert proof is not None
    assert proof.done_ms is None
    said = {one.place: one.said for one in proof.rows if one.said}
    assert "started" in said["state and checkpoints of the decide job"]
    assert "started" in said["state and checkpoints of the learn job"]
    assert "writer" in said["store"]


def test_who_says_no_has_erased_nothing(config: Config) -> None:
    MemoryWriter.written = []
    assert forget(config, Wanted("mia"), lambda _: False) is None
    assert MemoryWriter.written == []
    assert not (config.home / "audit.jsonl").exists()


def test_somebody_unknown_is_on_the_list_all_the_same(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    proof = forget(config, Wanted("nobody"), lambda _: True)
    assert proof is not None
    assert (proof.is_known, proof.ids) == (False, 1)
    show_proof(proof)
    assert "holds nothing of them" in capsys.readouterr().out.replace("\n", " ")
    with pytest.raises(ConfigError, match="PERSON is empty"):
        forget(config, Wanted(" "), lambda _: True)


def test_savepoints_of_before_are_named_and_deleted_when_that_is_asked(config: Config) -> None:
    old = config.home / "savepoints" / "decide" / "savepoint-1"
    old.mkdir(parents=True)
    (old / "_metadata").write_bytes(b"mia")
    named = forget(config, Wanted("mia"), lambda _: True)
    assert named is not None
    (row,) = [one for one in named.rows if one.place == "savepoints"]
    assert (row.left, "decide/savepoint-1" in row.gone) == (1, True)
    assert old.exists()
    forget(config, Wanted("mia", deletes_savepoints=True), lambda _: True)
    assert not old.exists()


def test_what_is_waited_for_is_waited_for_no_longer_than_that() -> None:
    answers = iter([False, False, True])
    assert await_(lambda: next(answers), "it", wait_s=60.0)
    assert not await_(lambda: False, "it", wait_s=0.0)


# --- export -------------------------------------------------------------------------------------


def given(config: Config, person: str) -> dict[str, Any]:
    log: Any = MemoryLog()
    return everything(config, person, (), log)


def test_everything_that_is_held_is_given(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    found = given(config, "mia")
    assert found["ids"] == ["mia", "phone"]
    profile = found["state"]["mia"]["statements"]
    assert profile["fields"]["statements"] == {"purpose": "personalisation", "value": {"city": "Graz"}}  # fmt: skip
    assert all(room["used_as"] is not None for room in found["state"]["mia"].values())
    assert found["consent"]["mia"]["purposes"] == ("personalisation",)
    assert [one["person"] for one in found["decisions"]] == ["phone", "mia"]
    assert {name: one["records"] for name, one in found["held_in"].items()} == {
        "decisions": 2, "traces": 2, "outcomes": 2, "events": 4,
    }  # fmt: skip
    assert [one["event_id"] for one in found["events"]] == ["1", "2", "3", "4"]
    show_everything(found)
    assert "Graz" in capsys.readouterr().out


def test_every_field_of_the_profile_is_in_it(config: Config) -> None:
    from schemas.state.person import PersonState

    rooms = given(config, "mia")["state"]["mia"].values()
    assert {name for room in rooms for name in room["fields"]} == {*PersonState.__struct_fields__}


def test_it_is_a_look_that_is_kept_and_the_file_is_its_users_alone(
    config: Config, tmp_path: Path
) -> None:
    out = tmp_path / "mia.json"
    export_module.export(config, "mia", (), None, out, is_json=False)
    assert out.stat().st_mode & 0o077 == 0
    (look,) = AuditLog(config.home / "audit.jsonl").newest(10)
    assert (look.what, look.outcome) == ("read everything", "read")
    assert given(config, "mia")["looks"][0]["what"] == "read everything"


def test_of_somebody_unknown_nothing_is_held_and_it_says_so(config: Config) -> None:
    with pytest.raises(ConfigError, match="nothing is held of 'nobody'"):
        given(config, "nobody")
