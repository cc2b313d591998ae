"""What is counted of records: by source, what they leave out, when they come, what is there twice; nobody's own values."""

from msgspec.structs import replace

from schemas.events import Event
from schemas.limits import HOUR_MS, MINUTE_MS
from schemas.mask_attributes import NO_NAMES
from schemas.records import LogRecord
from scripts.quality import sample as module
from scripts.quality.said_fields import FIELDS, fields_said
from scripts.quality.sample import CODES, OTHERS, Source, bounded, codes_of
from tests.builders import NOON, make_event, make_record
from tests.scripts.quality.made import sample, visits

WEB = Source("web", is_unproven=False)


def test_every_field_that_may_be_left_out_is_looked_at() -> None:
    always = {"event_id", "event_type", "event_time_ms", "session_id", "anonymous_id", "is_unproven", "has_no_candidates", "imported_at_ms", "context"}  # fmt: skip
    assert {one for one in FIELDS if "." not in one} == {*Event.__struct_fields__} - always


def test_nothing_said_is_told_from_empty_and_from_zero() -> None:
    empty = make_event(page="", item_ids=[], properties={}, consent=[], price=0, context={"device": ""})  # fmt: skip
    assert set(fields_said(empty)) == {"consent", "price"}, "consent to nothing is said, and so is a price of nothing"  # fmt: skip


def test_sources_are_channels_proven_or_not() -> None:
    found = sample([*visits(2), make_event(is_unproven=True), make_event(channel="web", is_unproven=True)])  # fmt: skip
    assert {one.name: heard.events for one, heard in found.sources.items()} == {
        "web, proven": 8, "no channel, unproven": 1, "web, unproven": 1,
    }  # fmt: skip
    kind = found.sources[WEB].kinds["purchase_completed"]
    assert (kind.events, kind.said["value_amount"], kind.said["query"]) == (2, 2, 0)


def test_repeats_are_told_from_ids_that_name_something_else() -> None:
    first = make_event(channel="web")
    heard = sample([first, first, replace(first, session_id="s2"), replace(first, event_time_ms=NOON + 1)]).sources[WEB]  # fmt: skip
    assert (heard.events, heard.repeated, heard.reused) == (4, 1, 1)


def test_a_lag_is_of_what_tells_when_it_was_sent() -> None:
    event = make_event(channel="web")
    late = make_record(replace(event, event_id="late"))._replace(timestamp_ms=NOON + MINUTE_MS)
    found = sample(
        [event, late, replace(event, sent_at_ms=NOON + 200), replace(event, sent_at_ms=NOON - HOUR_MS)]
    )  # fmt: skip
    heard = found.sources[WEB]
    assert sorted(heard.lags_ms) == [-HOUR_MS, 200, MINUTE_MS], "a record of its event's own time says nothing of it"  # fmt: skip
    assert heard.ahead == 1


def test_what_is_no_event_is_counted_as_the_engine_calls_it() -> None:
    good = make_record(make_event())
    junk = LogRecord("events", 3, 17, NOON, "s1", b"junk")
    found = sample([good, junk, junk._replace(offset=18), good._replace(key="other"), good._replace(timestamp_ms=NOON - HOUR_MS)])  # fmt: skip
    assert found.invalid == {"not_single_object": 2, "wrong_key": 1, "ahead_of_log": 1}
    assert found.examples["not_single_object"] == "events/3/17"
    assert (found.records, found.events, found.from_ms, found.to_ms) == (5, 1, NOON - HOUR_MS, NOON)  # fmt: skip


def test_names_that_nobody_knows_are_counted_and_ticks_of_the_clock_are_not() -> None:
    found = sample([make_event(event_type="level_completed", channel="web"), make_event(event_type="clock_ticked")])  # fmt: skip
    (heard,) = found.sources.values()
    assert (found.events, heard.without_role) == (1, 1)


def test_a_value_is_nameable_once_enough_sessions_have_said_it() -> None:
    few = sample(visits(module.NAMED_FROM - 1)).sources[WEB].values["context.device"]
    often = sample(list(visits(1)) * 10).sources[WEB].values["context.device"]
    enough = sample(visits(module.NAMED_FROM)).sources[WEB].values["context.device"]
    assert [one.is_nameable("mobile") for one in (few, often, enough)] == [False, False, True]
    assert [sample(visits(n)).sources[WEB].is_nameable for n in (4, 5)] == [False, True]


def test_what_a_policy_declares_sensitive_is_no_value() -> None:
    event = make_event(attribute="Religion", value="x", properties={"religion": "x", "size": "9"})
    assert dict(codes_of(event, NO_NAMES))["attribute"] == "Religion"
    hidden = frozenset({"religion"})
    assert dict(codes_of(event, hidden)) == {"event_type": "page_viewed", "properties": "size"}


def test_text_of_people_and_ids_are_no_codes() -> None:
    assert {"query", "page", "value", "person_id", "item_ids", "context.city", "context.referrer", "request_id"}.isdisjoint(CODES)  # fmt: skip


def test_what_is_told_apart_is_bounded() -> None:
    assert [bounded("b", dict.fromkeys(known), 2) for known in ("a", "ab", "ac")] == ["b", "b", OTHERS]  # fmt: skip
    events = [make_event(channel=f"c{n}", event_type=f"t{n}", session_id=f"s{n}", properties={f"p{n}": ""}) for n in range(300)]  # fmt: skip
    found = sample(events)
    assert len(found.sources) == module.SOURCES_MAX + 1
    others = found.sources[Source(OTHERS, is_unproven=False)]
    assert (others.events, len(others.kinds)) == (250, module.KINDS_MAX + 1)
    assert (len(others.values["properties"].counts), others.values["properties"].is_many) == (module.VALUES_MAX + 1, True)  # fmt: skip
    assert others.is_nameable
