"""`kairos forget --requested`: who asked through the API, on the list from then on."""

import json
from pathlib import Path

import pytest

from jobs.config import Config, config_from
from schemas.codec import EVENT
from schemas.control import Control
from schemas.erasures import ErasureKey, erasure_record
from schemas.events import Event
from schemas.limits import MINUTE_MS
from scripts.privacy import requested as module
from scripts.privacy.requested import asked_for, run
from tests.builders import NOON, make_event, make_record
from tests.scripts.privacy.test_forget import MemoryLog, MemoryWriter
from udfs.knowledge.erasures import Erasures

KEY = ErasureKey(b"k" * 32)


def asks(minute: int, **fields: object) -> Event:
    return make_event(
        event_id=f"ask{minute}", event_type="erasure_requested", event_time_ms=NOON + minute * MINUTE_MS, **fields
    )  # fmt: skip


def asked(*events: Event, erasures: Erasures | None = None) -> dict[str, int]:
    log = [make_record(one, offset) for offset, one in enumerate(events)]
    return asked_for(log, EVENT.decode, erasures or Erasures(KEY))


def test_a_visitor_asks_for_themselves_and_a_server_for_whom_it_names() -> None:
    found = asked(make_event(), asks(1), asks(2, person_id="mia", session_id="s2"), asks(3))
    assert found == {"a1": NOON + 3 * MINUTE_MS, "mia": NOON + 2 * MINUTE_MS}


def test_a_page_means_a_person_only_where_the_session_has_signed_in() -> None:
    said = {"person_id": "mia", "is_unproven": True}
    assert set(asked(asks(1, **said))) == {"a1"}
    signed_in = make_event(event_type="identified", person_id="mia")
    assert set(asked(signed_in, asks(1, **said))) == {"mia"}


def test_who_is_on_the_list_is_not_put_there_again() -> None:
    erasures = Erasures(KEY)
    erasures.add(erasure_record(KEY, "person", "a1", NOON + MINUTE_MS))
    assert asked(asks(1), erasures=erasures) == {}
    assert asked(asks(2), erasures=erasures) == {"a1": NOON + 2 * MINUTE_MS}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    class AskedLog(MemoryLog):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)
            events = [make_event(event_id="before"), asks(1), make_event(event_id="later", event_time_ms=NOON + 2 * MINUTE_MS, session_id="new")]  # fmt: skip
            self.topics["events"] = [make_record(one, at) for at, one in enumerate(events)]

        def taught(self, _: int) -> "AskedLog":
            return self

        @property
        def knowledge(self) -> "AskedLog":
            return self

        erasures = Erasures(KEY)

    monkeypatch.setattr(module, "running_kafka", lambda _: "kafka")
    monkeypatch.setattr(module, "Log", AskedLog)
    monkeypatch.setattr(module, "Writer", MemoryWriter)
    return config_from({"KAIROS_HOME": str(tmp_path)})


def test_who_asked_is_put_on_the_list_until_then_and_no_longer(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(config, None, is_json=True) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["until_ms"], row["ids"], row["archived"]) == (NOON + MINUTE_MS, 1, 0)
    (record,) = MemoryWriter.written
    assert isinstance(record, Control), "no event: what came since is a new person's"
    assert (record.name, record.effective_from_ms) == (row["person"], NOON + MINUTE_MS)
    run(config, None, is_json=False)
    assert "1 person who asked" in capsys.readouterr().out
