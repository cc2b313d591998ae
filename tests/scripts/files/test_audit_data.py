"""`kairos audit-data`: what is counted of events, and what they are enough for."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.errors import UnusableInput
from schemas.limits import HOUR_MS, LATENESS_MS
from scripts.cli import app
from scripts.files.audit_data import DataAudit
from tests.builders import NOON, make_event


def audited(*events: dict[str, Any]) -> DataAudit:
    audit = DataAudit()
    for number, fields in enumerate(events):
        audit.take(make_event(**{"event_id": f"e{number}"} | fields))
    return audit


def view(session: str, item: str, at_ms: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "event_type": "product_viewed", "session_id": session, "anonymous_id": f"of-{session}", "item_ids": [item], "event_time_ms": NOON + at_ms,
    } | fields  # fmt: skip


def enough(audit: DataAudit) -> dict[str, bool]:
    return {one.use_case: one.is_enough for one in audit.use_cases()}


def test_fields_are_shares_of_the_events_that_should_say_them() -> None:
    audit = audited(
        view("s1", "i1", price=5.0), view("s1", "i2"), {"event_type": "purchase_completed", "value_amount": 9.0}, {"page": "/"},
    )  # fmt: skip
    shares = {one.field: (one.events, one.share) for one in audit.fields()}
    assert shares["price"] == (2, 0.5)
    assert shares["item_ids"] == (2, 1.0)
    assert (shares["value_amount"], shares["currency"]) == ((1, 1.0), (1, 0.0))
    assert shares["page"] == (4, 0.25)
    assert "query" not in shares, "nobody searched"


def test_repeats_late_ones_gaps_and_clocks_are_counted() -> None:
    audit = audited(
        {"event_time_ms": NOON + LATENESS_MS + 1}, {"event_time_ms": NOON}, {"event_id": "e0"}, {"event_time_ms": NOON + 10 * HOUR_MS, "sent_at_ms": NOON},
        {"event_time_ms": NOON + 10 * HOUR_MS, "sent_at_ms": NOON + 10 * HOUR_MS + 1, "session_id": "s2"},
    )  # fmt: skip
    assert (audit.events, audit.duplicates, audit.late) == (4, 1, 1)
    assert (audit.timed, audit.skewed, audit.gap_hours) == (2, 1, 9)
    assert (audit.first_ms, audit.last_ms) == (NOON, NOON + 10 * HOUR_MS)


def test_who_is_known_and_comes_back() -> None:
    audit = audited(
        view("s1", "i1", anonymous_id="phone", person_id="ada"), view("s2", "i1", anonymous_id="laptop", person_id="ada"),
        view("s3", "i1", anonymous_id="phone"), view("s4", "i1", anonymous_id="tv"),
    )  # fmt: skip
    figures = audit.figures()
    assert (figures["sessions"], figures["visitors"], figures["people"]) == (4, 3, 1)
    assert (figures["devices_per_person"], figures["sessions_signed_in"]) == (2.0, 0.5)
    assert figures["come_back"] == pytest.approx(1 / 3)
    assert enough(audit)["one person on several devices"]
    assert enough(audit)["what somebody leans to, over visits"]


def test_what_is_enough_is_said_with_why() -> None:
    few = audited(view("s1", "i1"), view("s1", "i2"))
    assert not any(enough(few).values())
    (why,) = [one.why for one in few.use_cases() if one.use_case == "the next item, within a visit"]
    assert why == "1 visit with two items or more, 200 wanted; 0 items seen five times, 50 wanted"
    many = audited(*(view(f"s{n % 300}", f"i{n % 60}", n) for n in range(900)))
    found = enough(many)
    assert found["the next item, within a visit"]
    assert found["items that trend, by category"]
    assert not found["a trained ranker"]
    assert enough(audited({"consent": ["personalisation"]}))["profiles of those who agree"]


def test_nothing_is_no_fault() -> None:
    audit = audited()
    assert (audit.fields(), audit.gap_hours, audit.figures()["sessions"]) == ([], 0, 0)
    assert not any(enough(audit).values())


def told(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["audit-data", *map(str, words)], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value, done.stdout


def test_the_command_says_it_in_words_and_as_json(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    lines = [json.dumps({"event_id": str(n)} | view("s1", f"i{n}")) for n in range(3)]
    path.write_text("\n".join([*lines, lines[0], "{"]))
    code, out = told(path, "--json")
    found = json.loads(out)
    assert (code, found["events"], found["duplicates"], found["invalid"]) == (0, 3, 1, 1)
    assert found["types"] == {"product_viewed": 3}
    assert {one["use_case"] for one in found["use_cases"]} >= {
        "abandoned carts",
        "a trained ranker",
    }
    code, words = told(path)
    assert (code, "3 events, 1 there twice, 1 none; the first: events.jsonl, line 5" in words) == (0, True)  # fmt: skip
    assert "not yet" in words
    path.write_text("{\n{\n")
    assert told(path)[0] == 1
    path.write_text("\n")
    with pytest.raises(UnusableInput):
        told(path)
