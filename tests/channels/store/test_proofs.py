"""The proof of a withdrawal: when asked, when done, which purposes, keys and records, and nobody's id."""

from pathlib import Path
from typing import Any

import pytest

from channels.api.audit_log import AuditLog, verify
from channels.security.pseudonyms import Pseudonyms, read_pseudonyms
from channels.store.proofs import WITHDRAWN, Place, Proofs, proofs_of
from jobs.config import config_from
from schemas.decisions import EVERYWHERE, WITHDRAWN_PURPOSES, Decision
from scripts.commands import consent_cli
from scripts.ops import local_audit
from tests.channels.decisions import make_decision

KEY = Pseudonyms(b"k" * 32)


def purged(sequence: int, placement: str = "home", **more: Any) -> Decision:
    fields: dict[str, Any] = {
        "kind": "purged", "items": (), "person": "anna@shop.example", "event_time_ms": 1_000 + sequence,
        "event_id": f"e{sequence}", "content": {WITHDRAWN_PURPOSES: "personalisation"}, "placement": placement,
    }  # fmt: skip
    return make_decision(sequence, **fields | more)


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "audit.jsonl", clock=lambda: 2.5)


def noted(log: AuditLog, *decisions: Decision) -> None:
    places = (Place("decisions", 3, offset) for offset in range(len(decisions)))
    Proofs(log, KEY, "kairos").note(zip(decisions, places, strict=True))


def test_one_entry_says_when_asked_when_done_what_and_where(log: AuditLog) -> None:
    noted(log, purged(1), purged(1, "cart"), make_decision(2), purged(3, EVERYWHERE))
    whole, first = proofs_of(log, KEY, "anna@shop.example", 9)
    person = KEY.of("person", "anna@shop.example")
    assert (first.what, first.outcome, first.at_ms) == (WITHDRAWN, "done", 2_500)
    assert first.details == {
        "persons": person, "asked_ms": "1001", "purposes": "personalisation",
        "keys": f"kairos:decision:{person}:home kairos:decision:{person}:cart", "records": "decisions/3@0 decisions/3@1",
    }  # fmt: skip
    assert whole.details["keys"] == "none: no decision stood"
    assert verify(log.path, "").faults == []


def test_no_id_stands_in_it_and_only_the_key_finds_the_person(log: AuditLog) -> None:
    noted(log, purged(1))
    assert b"anna" not in log.path.read_bytes()
    assert proofs_of(log, KEY, "ben", 9) == []
    assert proofs_of(log, Pseudonyms(b"x" * 32), "anna@shop.example", 9) == []


def test_a_record_that_is_read_again_is_one_proof_with_its_first_time(log: AuditLog) -> None:
    noted(log, purged(1))
    later = AuditLog(log.path, clock=lambda: 9.0)
    noted(later, purged(1))
    (entry,) = proofs_of(log, KEY, "anna@shop.example", 9)
    assert entry.at_ms == 2_500


def test_a_log_that_cannot_be_written_holds_nothing_up_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    noted(AuditLog(tmp_path), purged(1))
    assert "stands in no audit log" in caplog.text
    assert "anna" not in caplog.text


@pytest.mark.parametrize("is_json", [True, False])
def test_the_command_reads_it(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    is_json: bool,
) -> None:
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path))
    config = config_from()
    key = read_pseudonyms(local_audit.audit_key_of(config))
    place = Place("decisions", 0, 7)
    Proofs(local_audit.audit_log_of(config), key, "kairos").note([(purged(1), place)])
    consent_cli.proof("anna@shop.example", json=is_json)
    told = capsys.readouterr().out
    assert "decisions/0@7" in told
    assert "personalisation" in told
    assert ("1970-01-01" in told) is not is_json
    consent_cli.proof("ben", json=is_json)
    assert "decisions/0@7" not in capsys.readouterr().out
