"""Erasures that people asked for themselves, through the API: put on the list, so that no replay brings them back.

The running engine has forgotten them when the event came. What they did since is a new person's, and stays.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from jobs.config import Config
from jobs.erasure_key import make_erasure_key
from jobs.learning.trust import signer_of
from jobs.publish import Log as Writer
from log.archive.erasing import take_out
from log.archive.reading import Storage
from schemas.counted import counted
from schemas.doors import is_certain
from schemas.erasures import ErasureKey
from schemas.events import ERASURE_REQUESTED
from schemas.records import LogRecord
from schemas.topics import EVENTS
from scripts.audit.deployed_log import Log
from scripts.console import show, show_json, show_table
from scripts.exit_codes import DONE
from scripts.ops.archive import archived_topics, default_uri, held
from scripts.ops.local_audit import audit_log_of, local_actor
from scripts.ops.status import running_kafka
from scripts.privacy.erasure import list_of
from scripts.privacy.trails import Decode, Trail, events_in, find_trail
from scripts.times import utc
from udfs.knowledge.erasures import Erasures


class Listed(Struct, frozen=True):
    """One of them, by keyed hash: until when nothing counts, how many ids are on the list, how many records left the archive."""

    person: str
    until_ms: int
    ids: int
    archived: int


def asked_for(log: Iterable[LogRecord], decode: Decode, erasures: Erasures) -> dict[str, int]:
    """Who asked and is not on the list yet, and when last; the log is read twice.

    As the engine takes it: an event that names a person means the person, if a page sent it only in a session that has signed in as
    them; else the visitor.
    """
    asked = [one for one in events_in(log, decode) if one.event_type == ERASURE_REQUESTED]
    sessions = {one.session_id for one in asked}
    signed_in = {
        (one.session_id, one.person_id)
        for one in events_in(log, decode)
        if one.session_id in sessions and is_certain(one)
    }
    found: dict[str, int] = {}
    for one in asked:
        is_named = not one.is_unproven or (one.session_id, one.person_id) in signed_in
        name = one.person_id if one.person_id is not None and is_named else one.anonymous_id
        if not erasures.is_erased("person", name, one.event_time_ms):
            found[name] = max(found.get(name, 0), one.event_time_ms)
    return found


def run(config: Config, archive: str | None, *, is_json: bool) -> int:
    """Puts them on the list and shows them; the exit code. Raises ConfigError."""
    kafka = running_kafka(config)
    sign, key = signer_of(config), make_erasure_key(config)
    folder = Path(default_uri(config))
    uri = archive or (str(folder) if (folder / (config.topic_prefix + EVENTS)).is_dir() else None)
    log = Log(kafka, config, uri)
    erasures = log.taught(1).knowledge.erasures
    asked = asked_for(log.records(EVENTS), log.rules.decode, erasures)
    writer = Writer(kafka, config.topic_prefix, config.written_format, sign=sign)
    done = []
    for name, until_ms in sorted(asked.items(), key=lambda one: one[1]):
        trail = find_trail(name, (), Before(log, until_ms), log.rules.decode)
        hashed = key.hash_of("person", name).hex()
        with audit_log_of(config).recording(local_actor(), "forget requested", {"erased": hashed}):
            ids = _list(trail, key, until_ms, writer)
            done.append(Listed(hashed, until_ms, ids, _archive(config, uri, trail, until_ms)))
    _show(done, is_json=is_json)
    return DONE


class Before:
    """The records of `events` by then, read as often as they are asked for."""

    def __init__(self, log: Log, until_ms: int) -> None:
        self._log, self._until_ms = log, until_ms

    def __iter__(self) -> Iterator[LogRecord]:
        return (one for one in self._log.records(EVENTS) if one.timestamp_ms <= self._until_ms)


def _list(trail: Trail, key: ErasureKey, until_ms: int, writer: Writer) -> int:
    records = list(list_of(trail, key, until_ms))
    for control in records:
        writer.control(control)
    writer.flush()
    return len(records)


def _archive(config: Config, uri: str | None, trail: Trail, until_ms: int) -> int:
    if uri is None:
        return 0
    storage = Storage(uri)
    with held(storage):
        events, decisions = archived_topics(config)
        taken = take_out(
            storage, events, lambda one: one.event_time_ms <= until_ms and trail.is_theirs(one)
        )
        made = take_out(
            storage, decisions,
            lambda one: one.event_time_ms <= until_ms and one.person in trail.names,
        )  # fmt: skip
    return taken.records + made.records


def _show(done: list[Listed], *, is_json: bool) -> None:
    if is_json:
        show_json([{name: getattr(one, name) for name in one.__struct_fields__} for one in done])
        return
    if done:
        rows = [(one.person, utc(one.until_ms), one.ids, one.archived) for one in done]
        show_table("", ("who (hash)", "asked", "ids listed", "records out of the archive"), rows)
    show(f"{counted(len(done), 'person', 'people')} who asked are on the list now")
