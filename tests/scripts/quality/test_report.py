"""What wants looking at: each fault has its finding, the same events have none, and nothing of people is told."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.events import Event
from schemas.limits import HOUR_MS, SECOND_MS
from scripts.quality.compare import has_jumped
from scripts.quality.report import Report, report_of
from scripts.quality.sample import NAMED_FROM, Sample
from scripts.quality.volume import Volume
from tests.builders import NOON, make_event, make_record
from tests.scripts.quality.made import Change, changed, sample, visits

VISITS = 40


def compared(now: Sample, before: Sample | None, *volume: Volume) -> Report:
    return report_of(NOON, volume, now, before, "week_before" if before else None)


def after(change: Change) -> list[tuple[Any, ...]]:
    """What is found where the newest visits are changed so, as tuples."""
    report = compared(sample(visits(VISITS, change=change)), sample(visits(VISITS, name="old")))
    return [(one.what, one.field, one.event_type, one.now, one.before) for one in report.findings]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda one: one, []),
        (changed("product_viewed", price=None), [("null_share", "price", "product_viewed", 1.0, 0.0)]),
        (lambda one: replace(one, context=None),
         [("null_share", "context.device", None, 1.0, 0.0), ("null_share", "context.country", None, 1.0, 0.0)]),
        (changed("purchase_completed", currency="USD"),
         [("value_gone", "currency", None, 0.0, 40.0), ("value_new", "currency", None, 40.0, 0.0)]),
        (changed("purchase_completed", event_type="PURCHASE"),
         [("value_gone", "event_type", "purchase_completed", 0.0, 40.0), ("without_role", None, None, 0.25, 0.0), ("value_new", "event_type", "PURCHASE", 40.0, 0.0)]),
        (changed("page_viewed", properties={"theme": "x"}), [("value_new", "properties", None, 40.0, 0.0)]),
        (lambda one: replace(one, channel="app"), [("source_gone", None, None, 0.0, 1.0), ("source_new", None, None, 1.0, 0.0)]),
        (lambda one: replace(one, event_id="e"), [("reused", None, None, 0.75, 0.0)]),
        (lambda one: replace(one, event_id="e", event_time_ms=NOON), [("repeated", None, None, 0.75, 0.0)]),
    ],
)  # fmt: skip
def test_each_fault_has_its_finding(change: Change, found: list[tuple[Any, ...]]) -> None:
    assert sorted(map(repr, after(change))) == sorted(map(repr, found))


def test_the_finding_says_it_in_a_sentence() -> None:
    broken = sample(visits(VISITS, change=changed("product_viewed", price=None)))
    (one,) = compared(broken, sample(visits(VISITS, name="old"))).findings
    assert one.says == "price is missing in 100% of product_viewed of web, proven; before it was 0%"
    bare = sample(visits(VISITS, change=lambda one: replace(one, context=None)))
    says = [one.says for one in compared(bare, sample(visits(VISITS, name="old"))).findings]
    assert says[0] == (
        "context.device is missing in 100% of page_viewed, product_viewed, product_added_to_cart and 1 further type of web, proven; "
        "before it was 0%"
    )


def test_another_mix_of_types_is_no_jump() -> None:
    rare = sample(one for one in visits(VISITS * 4) if one.event_type != "purchase_completed" or one.session_id.endswith("0"))  # fmt: skip
    assert compared(rare, sample(visits(VISITS))).findings == []


def test_lags_and_clocks_are_found() -> None:
    def sent(after_ms: int) -> Sample:
        return sample(visits(VISITS, change=lambda one: replace(one, sent_at_ms=one.event_time_ms + after_ms)))  # fmt: skip

    (late,) = compared(sent(90 * SECOND_MS), sent(SECOND_MS)).findings
    assert (late.what, late.now, late.before) == ("lag", 90_000, 1_000)
    assert late.says == "half of the events of web, proven come 90 s or more after they happened; before it was 1 s"  # fmt: skip
    assert compared(sent(60 * SECOND_MS), sent(40 * SECOND_MS)).findings == [], "it has not doubled"
    (ahead,) = compared(sent(-HOUR_MS), sent(-HOUR_MS)).findings
    assert (ahead.what, ahead.now) == ("ahead", 1.0)


def test_a_log_that_nobody_can_read_is_told_with_the_reason() -> None:
    junk = [make_record(one)._replace(value=b"junk") for one in visits(5)]
    report = compared(sample(junk), None)
    (one,) = report.findings
    assert one.says == "100.0% of the records are no events: not_single_object; for example events/0/0"  # fmt: skip
    assert (report.sources, report.fields, report.values, report.now.events) == ([], [], [], 0)
    assert compared(sample(junk), sample(junk)).findings == [], "as it always is"


def test_without_a_time_before_nothing_is_new_or_gone() -> None:
    report = compared(sample(visits(VISITS)), None)
    assert (report.findings, report.basis, report.before) == ([], None, None)
    assert report.sources[0].before.share is None


def test_volumes_are_told_first() -> None:
    hour = Volume(NOON, NOON + HOUR_MS, False, 3, (900, 1_000, 1_100, None), 1_000.0, 0.003, True)
    report = compared(sample(visits(VISITS)), None, hour)
    assert [one.says for one in report.findings] == [
        "3 records came in the hour from 2023-11-14T22:13:20.000+00:00; the same time of past weeks had 1,000"
    ]


@pytest.mark.parametrize(
    ("nulls", "events", "before", "events_before", "is_jump"),
    [
        (10, 29, 0, 1_000, False), (30, 30, 0, 30, True), (100, 1_000, 0, 1_000, True), (99, 1_000, 0, 1_000, False),
        (12, 60, 6, 60, False), (0, 60, 60, 60, False), (60, 60, 60, 60, False), (0, 60, 0, 60, False),
    ],
)  # fmt: skip
def test_a_jump_is_large_and_no_chance(
    nulls: int, events: int, before: int, events_before: int, is_jump: bool
) -> None:
    assert has_jumped(nulls, events, before, events_before) is is_jump


TEXTS = st.sampled_from(["", "a", "b", "secret"])


def events_of(sessions: int) -> st.SearchStrategy[list[Event]]:
    """Of so many sessions at most, any fields and values."""
    made = st.builds(
        make_event, event_id=TEXTS.map(lambda one: f"id{one}"), session_id=st.integers(1, sessions).map(str),
        event_type=st.sampled_from(["page_viewed", "own", "product_viewed"]), channel=st.sampled_from(["web", "secret"]), page=TEXTS, attribute=TEXTS,
        item_ids=st.lists(st.just("i1"), max_size=2), properties=st.dictionaries(TEXTS, TEXTS, max_size=2), is_unproven=st.booleans(),
        event_time_ms=st.integers(NOON, NOON + HOUR_MS), context=st.fixed_dictionaries({"device": TEXTS}),
    )  # fmt: skip
    return st.lists(made, max_size=40)


@settings(max_examples=25)
@given(events_of(8), st.randoms(use_true_random=False))
def test_the_same_events_in_any_order_differ_in_nothing(events: list[Event], chance: Any) -> None:
    one, other = sample(events), sample(chance.sample(events, len(events)))
    report = compared(one, other)
    comparing = {"null_share", "value_gone", "value_new", "source_gone", "source_new", "invalid"}
    assert comparing.isdisjoint(found.what for found in report.findings)
    for row in report.fields:
        assert row.null_share == row.null_share_before
    assert len(report.sources) + report.sources_left_out == len(one.sources)
    assert [row.now for row in report.sources] == [row.before for row in report.sources]


@settings(max_examples=25)
@given(events_of(NAMED_FROM - 1), events_of(NAMED_FROM - 1))
def test_nothing_that_few_sessions_have_said_is_told(now: list[Event], before: list[Event]) -> None:
    report = compared(sample([*visits(NAMED_FROM), *now]), sample(before))
    assert report.sources[0].source == "web, proven"
    told = json.dumps(msgspec.to_builtins(report))
    assert "secret" not in told
    assert '"own"' not in told


def test_no_text_of_people_is_told_however_many_say_it() -> None:
    texts = dict.fromkeys(
        ("page", "query", "value", "category", "person_id", "request_id", "decision_id"), "secret"
    )
    event = make_event(**texts, channel="web", properties={"p": "secret"}, item_ids=["secret"], context={"city": "secret", "referrer": "secret", "campaign": "secret"})  # fmt: skip
    new = [replace(event, session_id=f"s{n}", event_id="secret", anonymous_id="secret") for n in range(100)]  # fmt: skip
    report = compared(sample(new), sample(visits(VISITS)))
    assert report.sources[0].now.events == len(new)
    assert "secret" not in json.dumps(msgspec.to_builtins(report))
