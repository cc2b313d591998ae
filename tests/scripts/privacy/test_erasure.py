"""Whose events a person's are, what `kairos forget` writes about them, and what is left when the engine has taken it."""

from collections.abc import Iterable
from typing import Any

import pytest

from jobs.fold.fold import Fold, FoldRules
from schemas.codec import EVENT
from schemas.erasures import ErasureKey
from schemas.events import Event
from schemas.limits import DAY_MS, MINUTE_MS
from schemas.records import LogRecord
from schemas.state.person import PERSON_STATE
from schemas.state.session import SESSION_STATE
from scripts.privacy.erasure import events_of, list_of
from scripts.privacy.trails import Trail, find_trail, trail_in_words
from tests.builders import NOON, make_catalogue, make_event, make_knowledge, make_record
from udfs.knowledge.erasures import Erasures

KEY = ErasureKey(b"k" * 32)
UNTIL_MS = NOON + 7 * MINUTE_MS


def visit(number: int, device: str, person: str | None, item: int) -> list[Event]:
    """Something is looked at, somebody signs in, something else is bought; ids are of this visit."""
    whose = {"session_id": f"s{number}", "anonymous_id": device}
    first_ms = NOON + number * 60_000
    made: list[tuple[str, dict[str, Any]]] = [("product_viewed", {"item_ids": [f"i{item}"]})]
    if person is not None:
        made.append(("identified", {"person_id": person}))
    made.append(("purchase_completed", {"item_ids": [f"i{item + 1}"], "value_amount": 4.0}))
    return [
        make_event(event_id=f"{number}-{at}", event_type=kind, event_time_ms=first_ms + at, **whose, **more)
        for at, (kind, more) in enumerate(made)
    ]  # fmt: skip


EVENTS = [
    *visit(1, "phone", "mia", 1), *visit(2, "phone", None, 3), *visit(3, "kiosk", "mia", 5),
    *visit(4, "kiosk", "tom", 7), *visit(5, "kiosk", None, 9), *visit(6, "laptop", "tom", 11),
]  # fmt: skip


def records(events: Iterable[Event]) -> list[LogRecord]:
    return [make_record(event, offset) for offset, event in enumerate(events)]


def trail_of(person: str, *devices: str) -> Trail:
    return find_trail(person, devices, records(EVENTS), EVENT.decode)


def test_a_device_of_ones_own_goes_along_and_one_of_others_too_stays() -> None:
    trail = trail_of("mia")
    assert (trail.own, trail.shared) == ({"phone"}, {"kiosk"})
    assert set(trail.sessions) == {"s1", "s2", "s3"}
    assert trail.events.records == 3 + 2 + 3
    assert (trail.events.first_ms, trail.events.last_ms) == (NOON + 60_000, NOON + 180_002)
    assert {one.session_id for one in EVENTS if trail.is_theirs(one)} == {"s1", "s2", "s3"}


def test_a_device_that_is_named_is_theirs_whoever_else_used_it() -> None:
    trail = trail_of("mia", "kiosk")
    assert trail.own == {"phone", "kiosk"}
    theirs = [one.event_id for one in EVENTS if trail.is_theirs(one)]
    assert "5-0" in theirs
    assert "4-1" not in theirs, "who names somebody else is somebody else"


def test_a_device_that_is_perhaps_theirs_or_turned_out_not_to_be_is_nobodys_to_erase() -> None:
    at_ms = NOON + 9 * MINUTE_MS
    whose: dict[str, Any] = {"session_id": "s9", "anonymous_id": "tablet", "person_id": "mia"}
    view = make_event(event_id="9-0", event_type="product_viewed", event_time_ms=at_ms, session_id="s9", anonymous_id="tablet")  # fmt: skip
    doubt = make_event(event_id="9-1", event_type="identified", event_time_ms=at_ms + 1, properties={"confidence": "0.93"}, **whose)  # fmt: skip
    sure = make_event(event_id="9-1", event_type="identified", event_time_ms=at_ms + 1, **whose)
    undone = make_event(event_id="9-2", event_type="signed_out", event_time_ms=at_ms + 2, properties={"unmerge": "true"}, **whose)  # fmt: skip

    def devices(*events: Event) -> tuple[set[str], set[str], int]:
        trail = find_trail("mia", (), records([*EVENTS, *events]), EVENT.decode)
        return trail.own - {"phone"}, trail.shared - {"kiosk"}, trail.events.records - 8

    assert devices(view, sure) == ({"tablet"}, set(), 2)
    assert devices(doubt, view) == (set(), set(), 1), "that somebody said so is theirs, and no more"
    assert devices(view, sure, undone) == (set(), {"tablet"}, 3)


def test_an_anonymous_id_is_a_person_too() -> None:
    trail = trail_of("phone")
    assert trail.names == {"phone"}
    assert set(trail.sessions) == {"s1", "s2"}


def test_of_somebody_unknown_there_is_nothing_and_the_list_names_them_all_the_same() -> None:
    trail = trail_of("nobody")
    assert (trail.events.records, trail.sessions) == (0, {})
    assert trail_in_words(trail) == "The log holds no event of theirs."
    (record,) = list_of(trail, KEY, UNTIL_MS)
    assert record.name == KEY.hash_of("person", "nobody").hex()
    (event,) = events_of(trail, KEY, UNTIL_MS)
    assert event.person_id == "nobody"
    assert "nobody" not in event.session_id


def test_the_list_names_person_devices_and_their_visits_on_devices_of_others() -> None:
    names = {one.name for one in list_of(trail_of("mia"), KEY, UNTIL_MS)}
    wanted = [("person", "mia"), ("person", "phone"), ("session", "s3")]
    assert names == {KEY.hash_of(kind, name).hex() for kind, name in wanted}  # type: ignore[arg-type]
    assert {one.effective_from_ms for one in list_of(trail_of("mia"), KEY, UNTIL_MS)} == {UNTIL_MS}


def test_an_erasure_of_before_is_no_trail() -> None:
    asked = list(events_of(trail_of("mia"), KEY, UNTIL_MS))
    again = find_trail("mia", (), records([*EVENTS, *asked]), EVENT.decode)
    assert again == trail_of("mia")


def test_old_sessions_get_no_event_but_each_device_does() -> None:
    later_ms = NOON + 30 * DAY_MS
    sessions = {one.session_id for one in events_of(trail_of("mia"), KEY, later_ms)}
    assert {"s2", "s3"} < sessions
    assert "s1" not in sessions
    assert len(sessions) == 3
    keeps = {one.anonymous_id: one.properties for one in events_of(trail_of("mia"), KEY, later_ms)}
    assert keeps["kiosk"] == {"keeps": "visitor"}
    assert keeps["phone"] == {}


@pytest.mark.parametrize("is_listed_before", [True, False])
def test_live_nothing_is_left_and_others_keep_theirs(is_listed_before: bool) -> None:
    fold = Fold(make_knowledge(*make_catalogue(20)), FoldRules(EVENT.decode, "seed"))
    erasures = Erasures(KEY)
    fold.knowledge_at(0).erasures = erasures
    trail = trail_of("mia")
    list(fold.run(records(EVENTS)))
    others = {name: PERSON_STATE.encode(fold.persons[name]) for name in ("tom", "laptop")}
    for record in list_of(trail, KEY, UNTIL_MS) if is_listed_before else ():
        erasures.add(record)
    list(fold.run(records(events_of(trail, KEY, UNTIL_MS))))
    assert {name: PERSON_STATE.encode(fold.persons[name]) for name in others} == others
    assert not any(name in fold.persons and fold.persons[name].recent_items for name in ("mia", "phone"))  # fmt: skip
    left = {"mia", "phone"} & set(fold.persons) | {"s1", "s2", "s3"} & set(fold.sessions)
    if is_listed_before:
        assert left == set()
    held = b"".join(
        [SESSION_STATE.encode(one) for one in fold.sessions.values()]
        + [PERSON_STATE.encode(one) for one in fold.persons.values()]
    )
    assert b"mia" not in held


def test_a_replay_of_all_of_it_brings_nothing_back() -> None:
    trail = trail_of("mia")
    fold = Fold(make_knowledge(*make_catalogue(20)), FoldRules(EVENT.decode, "seed"))
    fold.knowledge_at(0).erasures = erasures = Erasures(KEY)
    for record in list_of(trail, KEY, UNTIL_MS):
        erasures.add(record)
    list(fold.run(records([*EVENTS, *events_of(trail, KEY, UNTIL_MS)])))
    alone = Fold(make_knowledge(*make_catalogue(20)), FoldRules(EVENT.decode, "seed"))
    list(alone.run(records([one for one in EVENTS if not trail.is_theirs(one)])))
    for name in ("tom", "laptop", "kiosk"):
        assert fold.persons[name] == alone.persons[name]
    assert not {"mia", "phone"} & set(fold.persons)
