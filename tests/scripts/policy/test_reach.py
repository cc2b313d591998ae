"""How many people meet an offer: counted by the fold, told with what was counted, and not known where nothing was."""

import sys
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from jobs.fold.fold import FoldRules
from log.range import LogRange, Span
from log.settings import Brokers
from schemas.codec import EVENT
from schemas.events import Event
from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.policy import Policy
from schemas.records import LogRecord
from scripts.ops.offer_reach import OfferReach
from scripts.policy.policy_file import read_policy
from scripts.policy.reach import UNKNOWN, Reach, alone, count_reach, sentence
from tests.builders import NOON, make_event, make_record
from udfs.knowledge.knowledge import Knowledge

POLICY = read_policy(
    """
placements:
  - {name: home, event_types: [page_viewed], actions: [other]}
  - {name: bar, event_types: [search_performed], actions: []}
rules:
  - {name: in_germany, kinds: [offer], when: context.country == "DE"}
  - {name: of_the_other, actions: [other], when: person.is_identified}
context_weights: [{name: never_mind, when: person.is_new, weight: 2, actions: [other]}]
exploration: {kind: epsilon_greedy, share: 1}
holdout: {share: 1}
actions:
  - {id: other, kind: offer, value: 99, treatments: [{id: t}]}
  - id: sale
    kind: offer
    placements: [bar]
    starts: 2100-01-01T00:00Z
    budget: {total: 0}
    applicability: [{name: searches, when: session.searches_30min >= 2}]
    limits: {times: 1, within: 2 d}
    treatments: [{id: t}]
""".replace("2100-01-01", "2099-01-01")
)
RULES = FoldRules(EVENT.decode, "seed")
DAYS = 4


def search(visitor: str, at_ms: int, country: str = "DE") -> Event:
    return make_event(
        event_id=f"{visitor}{at_ms}", event_type="search_performed", event_time_ms=at_ms, query="shoes",
        session_id=f"s-{visitor}-{at_ms // DAY_MS}", anonymous_id=visitor, context={"country": country},
    )  # fmt: skip


def log_of(days: int = DAYS) -> list[LogRecord]:
    """Each day `anna` searches twice, `bert` once, and `carl` twice from elsewhere; the last day ends the log."""
    events = [
        search(visitor, NOON + day * DAY_MS + n * MINUTE_MS, country)
        for day in range(days)
        for n in range(2)
        for visitor, country in (("anna", "DE"), ("bert", "DE"), ("carl", "FR"))
        if n == 0 or visitor != "bert"
    ]
    events.append(search("dora", NOON + days * DAY_MS))
    return [
        make_record(one, at)
        for at, one in enumerate(sorted(events, key=lambda one: one.event_time_ms))
    ]


def count(log: list[LogRecord], policy: Policy = POLICY, stop_at: int = 10**6) -> Reach:
    read = iter(range(10**6))
    return count_reach(
        log, Knowledge(), RULES, alone(policy, "sale"), lambda: next(read) >= stop_at, is_whole=True
    )


def test_those_count_for_whom_conditions_rules_and_limits_hold_whatever_else_there_is() -> None:
    """Neither the holdout nor chance, other offers, the budget or the season keep anybody out."""
    found = count(log_of())
    assert found == Reach(4, 1, 2, 21, NOON, NOON + DAYS * DAY_MS, True)  # once in two days
    policy = alone(POLICY, "sale")
    assert [one.name for one in policy.placements] == ["bar"]
    assert [one.name for one in policy.rules] == ["in_germany"]


def test_without_a_limit_each_day_counts_once() -> None:
    sale = POLICY.actions[1]
    free = replace(POLICY, actions=(replace(sale, limits=replace(sale.limits, times=0)),), rules=())
    found = count(log_of(), replace(free, context_weights=()))
    assert (found.met, found.met_days) == (
        2,
        2 * DAYS,
    )  # carl, too: no rule speaks of countries any more


def test_what_time_was_left_for_is_told() -> None:
    found = count(log_of(), stop_at=5)
    assert (found.events, found.is_whole) == (5, False)
    assert found.to_ms == NOON + MINUTE_MS


TOLD = (
    (Reach(0, 0, 0, 0, 0, 0, True), f"{UNKNOWN}the log holds no events of the last week."),
    (
        Reach(9_000, 840, 861, 55_000, NOON, NOON + 7 * DAY_MS, True),
        "About 120 people a day meet this: 840 of the last 9,000 people (55,000 events over 7 days).",
    ),
    (
        Reach(40, 3, 3, 510, NOON, NOON + 2 * HOUR_MS, True),
        "3 of the last 40 people met this (510 events over 2 hours): too short a time to say how many a day.",
    ),
    (
        Reach(1, 1, 1, 20_000, NOON, NOON + 2 * DAY_MS, False),
        "Fewer than one person a day meets this: 1 of the last 1 person (20,000 events over 2 days, not the whole week).",
    ),
    (
        Reach(9, 0, 0, 1, NOON, NOON + 3 * DAY_MS // 2, True),
        "About 0 people a day meet this: 0 of the last 9 people (1 event over 1.5 days).",
    ),
)  # fmt: skip


@pytest.mark.parametrize(("reach", "said"), TOLD)
def test_the_sentence_says_what_was_counted_and_no_more(reach: Reach, said: str) -> None:
    limited = POLICY.actions[1]
    free = replace(limited, limits=replace(limited.limits, times=0))
    told = sentence(reach, free)
    assert told.startswith(said)
    assert told.startswith(UNKNOWN) or told.endswith("would have won are not.")
    assert ("Its limits are counted in" in sentence(reach, limited)) == (reach.people > 0)


def test_of_a_long_log_the_newest_of_each_partition_are_read() -> None:
    log = LogRange.__new__(LogRange)
    log.spans = {0: Span(0, 0, 100), 1: Span(90, 90, 100)}
    assert log.keep_newest(110)
    assert not log.keep_newest(40)
    assert log.spans == {0: Span(80, 80, 100), 1: Span(90, 90, 100)}


def test_the_child_counts_one_at_a_time_and_what_goes_wrong_is_not_known() -> None:
    reach = OfferReach("127.0.0.1:1", "")
    said = {}
    for name, program in {
        "good": 'import sys; sys.stdin.read(); print(\'{"sentence": "about 5"}\')',
        "dead": "raise SystemExit(1)",
        "mad": "print('no json')",
    }.items():
        reach = OfferReach("127.0.0.1:1", "")
        reach.command = (sys.executable, "-I", "-c", program)
        said[name] = reach(POLICY, "sale")
    assert said == {"good": "about 5"} | dict.fromkeys(
        ("dead", "mad"), f"{UNKNOWN}the process that counts has ended by itself."
    )
    busy = OfferReach("127.0.0.1:1", "")
    with busy._lock:
        assert "another offer is being counted" in busy(POLICY, "sale")


def test_the_child_reads_the_kafka_that_the_console_reads_with_its_settings() -> None:
    reach = OfferReach(Brokers("kafka:9092", Path("kafka.properties")), "live-")
    program = (
        "import json, sys; asked = json.load(sys.stdin); "
        "print(json.dumps({'sentence': ' '.join(asked['place'][one] for one in ('kafka', 'settings_file', 'prefix'))}))"
    )
    reach.command = (sys.executable, "-I", "-c", program)
    assert reach(POLICY, "sale") == "kafka:9092 kafka.properties live-"


def test_what_was_counted_is_kept_as_long_as_the_offer_is_the_same() -> None:
    reach = OfferReach("127.0.0.1:1", "")
    reach.command = (
        sys.executable,
        "-I",
        "-c",
        'import os; print(\'{"sentence": "%d"}\' % os.getpid())',
    )
    other, sale = POLICY.actions
    told = replace(POLICY, actions=(other, replace(sale, reason={"en": "Because"})))
    dearer = replace(POLICY, actions=(other, replace(sale, value=5.0)))
    said = [reach(one, "sale") for one in (POLICY, told, dearer)]
    assert [one == other for one, other in pairwise(said)] == [True, False]
