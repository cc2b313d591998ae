"""The small parts of the Decision API: breaker, rates, measures, what is remembered of a session."""

import asyncio
from typing import Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from channels.api.breaker import Breaker
from channels.api.catalogue import item_out
from channels.api.decision_stream import (
    QUEUE_MAX,
    SUBSCRIBERS_PER_SESSION_MAX,
    DecisionStream,
    Read,
    Subscription,
)
from channels.api.knowledge import KnowledgeReader, Version, first_available
from channels.api.lower_rungs import permitted
from channels.api.measures import BOUNDS_S, Measures
from channels.api.rates import Rates
from channels.api.visitors import AVOIDED_MAX, SESSIONS_MAX, Visitors
from log.following import Taken
from schemas.codec import CONTROL, ITEM
from schemas.control import Control
from schemas.errors import ConfigError, InvalidEvent
from schemas.items import Item
from schemas.policy import DEFAULT_CONTROL
from schemas.records import LogRecord
from schemas.signed_control import OPEN
from scripts.ops.serve_api import read_policy
from tests.builders import NOON, make_event
from tests.channels.decisions import make_decision


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_try_in_a_while() -> None:
    breaker = Breaker(3, 1.0)
    for failures in range(3):
        assert breaker.allows(0.0), failures
        breaker.failed(0.0)
    assert breaker.is_open
    assert [breaker.allows(at) for at in (0.5, 0.99, 1.0, 1.5, 2.0)] == [
        False,
        False,
        True,
        False,
        True,
    ]
    breaker.succeeded()
    assert not breaker.is_open
    assert breaker.allows(2.1)


def test_a_success_in_between_begins_the_count_anew() -> None:
    breaker = Breaker(2, 1.0)
    for _ in range(5):
        breaker.failed(0.0)
        breaker.succeeded()
    assert breaker.allows(0.0)


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    now = [0.0]
    rates = Rates(10.0, 3.0, lambda: now[0])
    assert [rates.wait_s("k") for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(0.1)]
    assert rates.wait_s("other") == 0.0
    now[0] = 0.1
    assert [rates.wait_s("k") for _ in range(2)] == [0.0, pytest.approx(0.1)]
    now[0] = 100.0
    assert [rates.wait_s("k") for _ in range(4)][-1] > 0, "at most the burst is kept"


def test_measures_are_text_that_prometheus_reads() -> None:
    measures = Measures()
    measures.count("kairos_api_answers_total", source='fr"esh\n')
    measures.count("kairos_api_answers_total", 2, source='fr"esh\n')
    measures.observe("kairos_api_answer_seconds", 0.004, source="recent")
    measures.observe("kairos_api_answer_seconds", 99.0, source="recent")
    measures.gauge("kairos_api_waiting", lambda: 3)
    samples: dict[tuple[str, ...], float] = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(measures.text())
        for sample in family.samples
    }
    buckets: dict[tuple[str, ...], float] = {
        ("kairos_api_answer_seconds_bucket", str(bound), "recent"): bound >= 0.004
        for bound in BOUNDS_S
    }
    others: dict[tuple[str, ...], float] = {
        ("kairos_api_answers_total", 'fr"esh\n'): 3,
        ("kairos_api_tokens_in_address_total",): 0,
        ("kairos_api_answer_seconds_bucket", "+Inf", "recent"): 2,
        ("kairos_api_answer_seconds_count", "recent"): 2,
        ("kairos_api_answer_seconds_sum", "recent"): 99.004,
        ("kairos_api_waiting",): 3,
    }
    assert samples == buckets | others, "and no series of when others began"


def test_times_are_told_by_bound_over_all_series() -> None:
    measures = Measures()
    for seconds, source in (
        (0.001, "fresh"),
        (0.0011, "fresh"),
        (0.002, "recent"),
        (6.0, "recent"),
    ):
        measures.observe("kairos_api_answer_seconds", seconds, source=source)
    assert measures.times("kairos_api_answer_seconds") == [1, 2, *[0] * (len(BOUNDS_S) - 2), 1]


def test_each_application_counts_for_itself_and_names_are_ours() -> None:
    one, other = Measures(), Measures()
    one.count("kairos_api_waits_total", outcome="shed")
    assert 'outcome="shed"' in one.text()
    assert 'outcome="shed"' not in other.text()
    with pytest.raises(KeyError):
        one.count("kairos_api_wait_total", outcome="shed")
    with pytest.raises(ValueError, match="label"):
        one.count("kairos_api_waits_total", ending="fresh")


def test_series_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.api.measures.SERIES_MAX", 2)
    measures = Measures()
    for outcome in ("a", "b", "c", "a"):
        measures.count("kairos_api_waits_total", outcome=outcome)
    lines = [one for one in measures.text().splitlines() if one.startswith("kairos_api_waits")]
    assert lines == [
        'kairos_api_waits_total{outcome="a"} 2.0',
        'kairos_api_waits_total{outcome="b"} 1.0',
    ]


def test_a_reader_that_is_too_slow_is_let_go_after_what_it_has() -> None:
    subscription = Subscription("s")
    for sequence in range(QUEUE_MAX * 2):
        subscription.put(make_decision(sequence))
    held = [subscription.queue.get_nowait() for _ in range(subscription.queue.qsize())]
    assert len(held) == QUEUE_MAX
    assert held[-1] is None
    assert [one.sequence for one in held if one] == list(range(QUEUE_MAX - 1))


def test_a_session_is_remembered_by_what_answers_need() -> None:
    visitors = Visitors()
    for changes, category in (
        ({"event_type": "product_viewed", "item_ids": ("i1",), "page": "/p/i1"}, "Shoes"),
        ({"event_type": "not_interested", "item_ids": ("i2",)}, ""),
        ({"event_type": "filter_applied", "category": "Shoes/Trail"}, ""),
        ({"consent": ("analytics",), "properties": {"language": "de-AT"}}, ""),
    ):
        visitors.see(make_event(**changes), category)
    visitor = visitors.find("s1")
    assert visitor is not None
    assert (visitor.anonymous_id, visitor.page, visitor.category) == ("a1", "/p/i1", "Shoes/Trail")
    assert (list(visitor.avoided), visitor.may_be_personal, visitor.language) == (
        ["i2"],
        False,
        "de",
    )
    assert visitor.item_id == "", "a page was opened that shows no item"


def test_of_a_visitor_who_wants_to_be_forgotten_nothing_is_left() -> None:
    visitors = Visitors()
    decision = make_decision(1, session_id="s")
    visitors.look_at(Read(decision, LogRecord("decisions", 0, 0, 0, "", b""), is_new=True))
    assert visitors.person_of("s") == decision.person
    for event_id, more in (
        ("e1", {"event_type": "not_interested", "item_ids": ("i1",), "category": "Shoes"}),
        ("e2", {"event_type": "erasure_requested"}),
        ("e3", {}),
    ):
        visitors.see(make_event(event_id=event_id, session_id="s", **more), "")
    visitor = visitors.find("s")
    assert visitor is not None
    assert (visitor.category, list(visitor.avoided), visitors.person_of("s")) == ("", [], None)
    assert [visitor.is_current(one) for one in ("e1", "e2", "e3")] == [False, True, True]


def test_a_category_that_is_not_wanted_is_not_what_the_visit_is_about() -> None:
    visitors = Visitors()
    look = {"event_type": "product_viewed", "item_ids": ("i1",), "category": "Shoes/Trail"}
    for changes, about, refused in (
        (look, "Shoes/Trail", []),
        ({"event_type": "not_interested", "category": "Hats"}, "Shoes/Trail", ["Hats"]),
        ({"event_type": "not_interested", "category": "Shoes"}, "", ["Hats", "Shoes"]),
        ({"event_type": "not_interested", "category": "Tea", "item_ids": ("i1",)}, "Tea", ["Hats", "Shoes"]),
    ):  # fmt: skip
        visitors.see(make_event(**changes), "")
        visitor = visitors.find("s1")
        assert visitor is not None
        assert (visitor.category, list(visitor.refused)) == (about, refused)


def test_what_turns_a_visitor_makes_earlier_decisions_old() -> None:
    visitors = Visitors()
    for event_id, more in (
        ("e1", {}), ("e2", {"event_type": "not_interested", "item_ids": ("i1",)}), ("e3", {}),
    ):  # fmt: skip
        visitors.see(make_event(event_id=event_id, session_id="s", **more), "")
    visitor = visitors.find("s")
    assert visitor is not None
    assert [visitor.is_current(one) for one in ("e1", "e2", "e3")] == [False, True, True]
    visitors.see(make_event(event_id="e4", session_id="s", consent=()), "")
    visitors.see(make_event(event_id="e5", session_id="s", consent=()), "")
    assert [visitor.is_current(one) for one in ("e3", "e4", "e5")] == [False, True, True]


SAID: Final[list[tuple[list[dict[str, Any]], bool, bool]]] = [
    ([{"consent": ["personalisation"]}], True, False),
    ([{"consent": ["email"]}], False, True),
    ([{"consent": ["personalisation", "email"]}, {"consent": ["personalisation"]}], True, True),
    ([{"consent": ["personalisation"]}, {"consent": ["personalisation"]}], True, False),
    ([{"consent": []}, {"consent": ["personalisation"]}], True, True),
    ([{"consent": ["personalisation"], "event_type": "consent_changed"}], True, True),
    ([{"event_type": "consent_changed", "properties": {"objection": "profiling"}}], False, True),
    ([{"properties": {"objection": "profiling"}}], True, False),
    ([{"context": {"gpc": True}}], True, False),
    ([{"consent": ["personalisation", "advertising"]}, {"context": {"gpc": True}}], True, True),
    ([{"context": {"gpc": False}}, {"event_type": "consent_changed", "properties": {}}], True, False),
]  # fmt: skip
"""What a session says of consent; whether its earlier decisions may be shown at all, and whether some were taken back."""


@pytest.mark.parametrize(("said", "may_be_personal", "is_turned"), SAID)
def test_what_is_taken_back_makes_earlier_decisions_old(
    said: list[dict[str, Any]], may_be_personal: bool, is_turned: bool
) -> None:
    visitors = Visitors()
    visitors.see(make_event(event_id="first", event_time_ms=NOON), "")
    for n, fields in enumerate(said):
        visitors.see(make_event(event_id=f"e{n}", event_time_ms=NOON + 1 + n, **fields), "")
    visitor = visitors.find("s1")
    assert visitor is not None
    assert visitor.may_be_personal == may_be_personal
    assert visitor.is_current("first") != is_turned
    before = {"home": make_decision(1, event_time_ms=NOON)}
    after = {"home": make_decision(2, event_time_ms=NOON + len(said))}
    shown = [bool(permitted(visitor, one, "")[0]) for one in (before, after)]
    assert shown == [may_be_personal and not is_turned, may_be_personal]


def test_who_objects_to_profiling_is_shown_what_trends_everywhere() -> None:
    visitors = Visitors()
    look = make_event(event_type="product_viewed", item_ids=("i1",), category="Shoes")
    visitors.see(look, "")
    visitor = visitors.find("s1")
    assert visitor is not None
    assert visitor.about == "Shoes"
    objection = {"event_type": "consent_changed", "properties": {"objection": "profiling"}}
    visitors.see(make_event(event_id="e2", **objection), "")
    assert (visitor.category, visitor.about) == ("Shoes", "")


def test_a_session_that_opens_many_streams_loses_its_oldest() -> None:
    async def opened() -> list[bool]:
        stream = DecisionStream("nowhere:1", "")
        mine = [stream.subscribe("s") for _ in range(SUBSCRIBERS_PER_SESSION_MAX + 2)]
        other = stream.subscribe("t")
        return [one.is_dropped for one in (*mine, other)]

    found = asyncio.run(opened())
    assert found == [True, True] + [False] * (SUBSCRIBERS_PER_SESSION_MAX + 1)


def test_what_is_remembered_has_a_bound() -> None:
    visitors = Visitors()
    for number in range(SESSIONS_MAX + 5):
        visitors.see(make_event(session_id=f"s{number}"), "")
    assert visitors.find("s4") is None
    assert visitors.find("s5") is not None
    many = make_event(
        event_type="purchase_completed", item_ids=tuple(f"i{at}" for at in range(200))
    )
    visitors.see(many, "")
    found = visitors.find("s1")
    assert found is not None
    assert len(found.avoided) == AVOIDED_MAX


def test_an_event_is_known_by_session_and_id() -> None:
    visitors = Visitors()
    event = make_event()
    assert not visitors.is_logged(event)
    visitors.remember_logged(event)
    assert visitors.is_logged(event)
    assert not visitors.is_logged(make_event(session_id="s2"))


NOW: Final = 1_700_000_000_000


def reader() -> KnowledgeReader:
    return KnowledgeReader("127.0.0.1:1", "", read_policy, OPEN)


def take(into: KnowledgeReader, topic: str, offset: int, value: bytes) -> None:
    into._take(Taken(LogRecord(topic, 0, offset, 0, "", value), is_new=True))


def take_item(into: KnowledgeReader, offset: int, item: Item) -> None:
    take(into, "items", offset, ITEM.encode(item))


def test_the_catalogue_is_the_newest_version_in_force() -> None:
    knowledge = reader()
    far_ms = 4_000_000_000_000
    take_item(knowledge, 0, Item("i1", 10, "old", "A"))
    take_item(knowledge, 1, Item("i1", 20, "new", "B", stock=0))
    take_item(knowledge, 2, Item("i1", far_ms, "next", "C"))
    take_item(knowledge, 3, Item("i2", 20, "two", "B"))
    take_item(knowledge, 4, Item("i3", 20, "three", "B"))
    take_item(knowledge, 5, Item("i3", 30, is_gone=True))
    take_item(knowledge, 1, Item("i1", 20, "new", "B", stock=0))
    found = knowledge.item_at("i1", NOW)
    assert found is not None
    assert found.name == "new"
    later = knowledge.item_at("i1", far_ms)
    assert later is not None
    assert later.name == "next"
    gone = knowledge.item_at("i3", NOW)
    assert gone is not None
    assert gone.is_gone
    knowledge._renew(is_due=True)
    assert list(knowledge.snapshot.items) == ["i1", "i2"]
    assert knowledge.snapshot.by_category == {"B": ["i1", "i2"]}
    assert [one.item_id for one in first_available(knowledge.snapshot, 5)] == ["i2"]
    assert first_available(knowledge.snapshot, 5, {"i2"}) == []


def test_the_policy_is_the_newest_in_force_and_one_that_the_engine_refuses_is_none() -> None:
    knowledge = reader()
    assert knowledge.policy_at(NOW) is None
    take(knowledge, "control", 0, CONTROL.encode(DEFAULT_CONTROL))
    for offset, (version, from_ms, payload) in enumerate(
        (
            ("two", 100, b"{}"),
            ("bad", 200, b'{"time_zone": "nowhere"}'),
            ("next", 4_000_000_000_000, b"{}"),
        ),
        start=1,
    ):
        record = Control("policy", "default", version, from_ms, payload=payload)
        if version == "bad":
            with pytest.raises(ConfigError):
                take(knowledge, "control", offset, CONTROL.encode(record))
        else:
            take(knowledge, "control", offset, CONTROL.encode(record))
    with pytest.raises(InvalidEvent):
        take(knowledge, "control", 9, b"no record at all")
    found: Version | None = knowledge.policy_at(NOW)
    assert found is not None
    assert found.version == "two"
    later = knowledge.policy_at(4_000_000_000_000)
    assert later is not None
    assert later.version == "next"


def test_an_item_goes_out_without_links_that_may_not_be_followed() -> None:
    item = Item(
        "i1",
        image="java\nscript:x",
        attributes={"url": "javascript:x", "colour": "a:b", "size_url": "/s"},
    )
    found = item_out(item)
    assert (found.image, found.attributes) == (None, {"colour": "a:b", "size_url": "/s"})
    assert (
        item_out(Item("i1", image="https://img.example/1.png")).image == "https://img.example/1.png"
    )
