"""How long topics are kept, and by which time."""

import re
from pathlib import Path

import pytest

from schemas.limits import AHEAD_OF_LOG_MAX_MS, DAY_MS
from schemas.topics import (
    ALERTS,
    CLEANUP,
    COMPACTION_LAG_MS,
    CONTROL,
    DEAD_LETTERS,
    DECISIONS,
    EVENTS,
    ITEMS,
    KNOWLEDGE,
    OUTCOMES,
    RECORD_AHEAD_MAX_MS,
    TOPICS,
    TRACES,
    earliest_record_ms,
    retention_from,
    topics,
)
from tests.builders import NOON


def settings_of(setting: str, text: str = "") -> dict[str, str]:
    return {spec.name: spec.settings[setting] for spec in topics(days=retention_from(text))}


def test_the_docs_show_the_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
    rows = page.partition("| topic | kept |")[2].partition("\n\n")[0].splitlines()[2:]
    shown = {
        name: (kept, time, cleanup)
        for topics_named, kept, time, cleanup in (row.strip("| ").split(" | ") for row in rows)
        for name in re.findall(r"`(\w+)`", topics_named)
    }
    assert shown.keys() == {one.name for one in TOPICS}
    for one in TOPICS:
        kept, time, cleanup = shown[one.name]
        days = int(one.settings["retention.ms"]) // DAY_MS
        assert kept.startswith("for ever" if days < 0 else f"{days} days"), one.name
        assert f"`{one.settings['message.timestamp.type']}`" in time, one.name
        assert cleanup == f"`{one.settings['cleanup.policy']}`", one.name


def test_every_name_gets_the_prefix() -> None:
    assert topics() == TOPICS
    assert [one.name for one in topics("may.")] == [f"may.{one.name}" for one in TOPICS]


def test_what_is_bounded_unless_set_counts_from_arrival() -> None:
    kept, times = settings_of("retention.ms"), settings_of("message.timestamp.type")
    bounded = {name for name, retention in kept.items() if retention != "-1"}
    assert bounded == {DECISIONS, TRACES, DEAD_LETTERS, OUTCOMES, ALERTS}
    assert {times[name] for name in bounded} == {"LogAppendTime"}
    assert {times[name] for name in kept.keys() - bounded - {KNOWLEDGE}} == {"CreateTime"}
    assert kept[DECISIONS] == kept[OUTCOMES] == kept[ALERTS] == str(400 * DAY_MS)
    assert kept[TRACES] == kept[DEAD_LETTERS] == str(90 * DAY_MS)


def test_a_setting_stands_instead_of_the_tables_own() -> None:
    kept = settings_of("retention.ms", " events=730, traces=ever,decisions=30 ")
    assert kept[EVENTS] == str(730 * DAY_MS)
    assert kept[TRACES] == "-1"
    assert kept[DECISIONS] == str(30 * DAY_MS)
    assert kept[DEAD_LETTERS] == str(90 * DAY_MS)


def test_only_knowledge_is_compacted_and_counts_from_arrival() -> None:
    compacted = {one.name: one.settings for one in TOPICS if one.settings[CLEANUP] != "delete"}
    assert compacted.keys() == {KNOWLEDGE}
    assert compacted[KNOWLEDGE]["message.timestamp.type"] == "LogAppendTime"
    assert compacted[KNOWLEDGE]["retention.ms"] == "-1"


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("", 400), ("decisions=30,traces=7", 30), ("decisions=30", 90), ("traces=730", 730),
        ("events=1,dead_letters=1000", 400),
        ("decisions=ever", None), ("traces=ever,decisions=1", None), ("knowledge=ever", None),
    ],
)  # fmt: skip
def test_no_epoch_is_compacted_that_a_decision_or_trace_may_name(
    text: str, days: int | None
) -> None:
    """A week more, for Kafka keeps segments whole, and a day between knowledge and what names it."""
    (spec,) = (one for one in topics(days=retention_from(text)) if one.name == KNOWLEDGE)
    wanted = str(2**63 - 1) if days is None else str((days + 8) * DAY_MS)
    assert spec.settings[COMPACTION_LAG_MS] == wanted


@pytest.mark.parametrize("name", [ITEMS, CONTROL, KNOWLEDGE])
def test_what_replays_and_audits_need_is_bounded_by_no_setting(name: str) -> None:
    assert retention_from(f"{name}=ever") == {name: None}
    with pytest.raises(ValueError, match=f"{name} is kept for ever: "):
        retention_from(f"{name}=400")


@pytest.mark.parametrize(
    "text", ["decisions", "decisions=", "decisions=0", "decisions=1.5", "traces=36501", "other=1", "traces=1,traces=2"]
)  # fmt: skip
def test_what_is_no_retention_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"wanted|a whole number"):
        retention_from(text)


def test_what_was_decided_on_an_event_is_looked_for_from_a_little_before_it() -> None:
    assert earliest_record_ms(NOON) == NOON - AHEAD_OF_LOG_MAX_MS - RECORD_AHEAD_MAX_MS
    assert earliest_record_ms(5) == 0
