"""The inventory in docs/privacy.md: every place where data of people lies, and the state of a person by room, from the code that keeps it."""

import re
import sys
from collections.abc import Iterable, Iterator
from typing import Final

from jobs.config import PROJECT, config_from
from schemas.counted import counted
from schemas.errors import ConfigError
from schemas.state.person import PersonState
from scripts.pages import cell
from scripts.privacy.places import NOTHING, PLACES, TOPICS, Rights
from scripts.privacy.retention import Kept, days_in_words, kept
from udfs.facts.bounds import BOUNDS
from udfs.facts.fact import Room
from udfs.facts.rooms import ROOMS

PAGE: Final = PROJECT / "docs" / "privacy.md"
BEGIN: Final = "<!-- inventory: written by `kairos docs --write`; do not edit -->\n"
END: Final = "<!-- end of the inventory -->\n"
EVER_WORDS: Final = "for ever"
CONSTANT: Final = re.compile(r"^[A-Z_]+_MS\b ?")
PLACES_HEAD: Final = """
| place | what it holds of people | kept | access | erasure | withdrawal, objection | test |
| --- | --- | --- | --- | --- | --- | --- |
"""
ROOMS_HEAD: Final = """
### The visit and the profile, by room

Without personalisation everything of the person goes in that step but what *stays* names, and for what.

| room | what it tells | in a visit | of the person | stays without personalisation | at most | test |
| --- | --- | --- | --- | --- | --- | --- |
"""
FORGET: Final = "tests/scripts/privacy/test_forget.py::"
FORGOTTEN: Final = (
    "tests/e2e/test_forget.py::test_nothing_but_the_proof_is_left_of_who_was_forgotten"
)
ERASE: Final = "tests/udfs/test_erase.py::"
STORE: Final = "tests/channels/store/test_store.py::"
KEY: Final = (
    "tests/jobs/test_erasure_key.py::test_a_name_on_the_list_tells_nobody_and_depends_on_the_key"
)
RETENTION: Final = "tests/scripts/privacy/test_retention.py::test_every_topic_folder_and_class_says_how_long_and_by_what"
TESTS: Final[dict[str, str]] = {
    "events": f"{FORGET}test_the_proof_says_what_is_left_and_until_when",
    "items": RETENTION,
    "control": KEY,
    "knowledge": FORGOTTEN,
    "decisions": "tests/udfs/test_consent.py::test_each_withdrawal_leaves_one_record_and_what_withdraws_nothing_leaves_none",
    "traces": f"{FORGET}test_the_proof_says_what_is_left_and_until_when",
    "outcomes": f"{FORGET}test_the_proof_says_what_is_left_and_until_when",
    "alerts": "tests/scripts/outcomes/test_alert_topic.py::test_an_alert_names_nobody",
    "dead_letters": "tests/schemas/test_mask_event.py::test_no_dead_letter_holds_one",
    "archive": "tests/log/archive/test_erasing.py::test_their_records_go_and_all_others_stay_where_they_were",
    "checkpoints": FORGOTTEN,
    "savepoints": f"{FORGET}test_savepoints_of_before_are_named_and_deleted_when_that_is_asked",
    "models": FORGOTTEN,
    "examples": "tests/jobs/learning/test_examples.py::test_people_who_do_not_agree_to_analytics_are_no_examples",
    "logs": "tests/log/test_private_lines.py::test_poisoned_records_leave_no_trace_in_any_line",
    "audit log": "tests/channels/test_read_log.py::test_the_log_holds_a_keyed_hash_and_finds_whom_one_asks_for",
    "visit": f"{ERASE}test_nothing_of_the_person_is_left_and_what_stands_is_taken_back",
    "ids of a session's events": f"{ERASE}test_who_is_on_the_list_leaves_no_id_in_state",
    "profile of a person": f"{FORGET}test_every_field_of_the_profile_is_in_it",
    "memory of the learn job": f"{ERASE}test_nothing_is_remembered_by_what_learns",
    "what is left of an erased person": f"{ERASE}test_what_is_left_goes_a_day_later_too",
    "list of the erased": KEY,
    "store: decision": f"{STORE}test_void_and_purged_leave_nothing_but_the_sequence",
    "store: session": f"{STORE}test_a_session_leads_to_its_person_for_a_day",
    "store: outcomes": "tests/channels/store/test_outcomes.py::test_who_is_erased_or_withdraws_analytics_has_none_and_none_come_back",
    "store: fallback": FORGOTTEN,
    "store: writer, latency": FORGOTTEN,
    "memory of the API": "tests/channels/test_api_parts.py::test_of_a_visitor_who_wants_to_be_forgotten_nothing_is_left",
    "browser": "tests/browser/test_client_in_browser.py::test_without_consent_nothing_is_stored_and_ids_end_with_the_page",
    "topics of a replay": f"{ERASE}test_a_replay_brings_nothing_back_and_decides_for_others_as_ever",
}
"""By topic and place: the test that holds what its line says."""
NOBODY: Final = PersonState(0, 0)
ROOM_TEST: Final = "tests/contracts/test_rooms.py::test_without_its_purpose_nothing_of_it_is_left"
STAYS: Final[dict[str, str]] = {
    "consent": "what was agreed to, when, by which text",
    "placed": "what stands, to take it back",
    "erased_ms": "since when nothing counts",
    "last_ms": "until when the rest is kept",
    "timer_ms": "until when the rest is kept",
    "sequence": "the order of decisions",
    "unit": "the same arms, should personalisation be granted again",
    "parts": "which ids are one person, by hash",
    "joined": "each sign-in counts once, by hash",
    "claimed": "who signed in on the device, by hash, so that nobody gets what was another's",
    "fact_ids": "each purchase counts once, by hash",
    "refused_actions": "actions that they do not want",
    "actions": "limits of actions",
    "offered": "which action a reaction is to",
    "contacts": "limits of contacts",
}
"""By field of a person's state that is kept for the service itself: why it stays where personalisation is not granted."""


def page() -> str:
    """The whole page, with the inventory as the code has it."""
    text = PAGE.read_text()
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ConfigError(f"{PAGE} has no place for the inventory: {BEGIN}{END}")
    return f"{head}{begin}{inventory()}{end}{tail}"


def inventory() -> str:
    """Both tables."""
    return PLACES_HEAD + "".join(_places()) + ROOMS_HEAD + "".join(_rooms())


def _places() -> Iterator[str]:
    for one in kept(config_from({}), None):
        rights = TOPICS[one.place] if one.kind == "topic" else PLACES[one.place].rights
        name = f"topic `{one.place}`" if one.kind == "topic" else one.place
        yield _row(name, rights.holds, _how_long(one), *_by_right(rights), f"`{TESTS[one.place]}`")


def _by_right(rights: Rights) -> tuple[str, str, str]:
    return rights.access, rights.erasure, rights.withdrawal


def _how_long(one: Kept) -> str:
    """A topic's days; of anything else what ends it, too."""
    if one.kind == "topic":
        is_for_good = one.set_by.startswith(EVER_WORDS)
        return (
            one.set_by if is_for_good else counted(int(one.days), "day") if one.days else EVER_WORDS
        )
    if not one.days:
        return one.set_by
    days = counted(int(one.days), "day") if one.days >= 1 else days_in_words(one.days)
    return f"{days} {CONSTANT.sub('', one.set_by)}"


def _rooms() -> Iterator[str]:
    for room in ROOMS:
        if room.visit or room.person:
            stays = [name for name, one in room.person.items() if one.purpose == "service"]
            bounds = [f"`{name}` {_bound(name)}" for name in room.person if name in BOUNDS]
            yield _row(
                room.name, told_by(room), _named(room.visit), _named(room.person),
                "; ".join(f"`{name}`: {STAYS[name]}" for name in stays), ", ".join(bounds), f"`{ROOM_TEST}`",
            )  # fmt: skip


def told_by(room: Room) -> str:
    """What the room's module says that it is about."""
    words = (sys.modules[f"udfs.facts.{room.name}"].__doc__ or "").splitlines()[0]
    return words.partition(": ")[2].partition(" (udfs/")[0].rstrip(".")


def _bound(name: str) -> str:
    is_bytes = isinstance(getattr(NOBODY, name), bytes)
    return f"{BOUNDS[name]:,}{' bytes' if is_bytes else ''}"


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{one}`" for one in names)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell(one) or NOTHING for one in cells)} |\n"
