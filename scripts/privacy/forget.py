"""`kairos forget`: the list, the events, the wait, the archive and the store; then the proof of it."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct
from redis import RedisError

from channels.store.store import Store
from jobs.config import Config
from jobs.erasure_key import make_erasure_key
from jobs.learning.trust import signer_of
from jobs.publish import Log as Writer
from jobs.publish import now_ms
from log.archive.erasing import take_out
from log.archive.reading import Storage
from log.topic_settings import retention_ms_of
from schemas.counted import counted
from schemas.erasures import ErasureKey
from schemas.errors import ConfigError
from schemas.topics import DEAD_LETTERS, DECISIONS, EVENTS, OUTCOMES, TRACES
from scripts.audit.deployed_log import Log
from scripts.console import say, show_json
from scripts.exit_codes import passed
from scripts.ops.archive import archived_topics, default_uri, held
from scripts.ops.local_audit import audit_log_of, local_actor
from scripts.ops.status import redis_of, running_kafka
from scripts.ops.stores import store_of
from scripts.privacy.erasure import events_of, list_of
from scripts.privacy.holdings import Holdings, find_holdings
from scripts.privacy.proof import Proof, Row, proof_json, show_proof, topic_rows
from scripts.privacy.running import Engine, await_erased, await_store, engine_of
from scripts.privacy.savepoints import Savepoint, delete, older_savepoints
from scripts.privacy.trails import Trail, find_trail, trail_in_words

SETTLE_S: Final = 3.0
"""By when running operators have what was just written to `control`."""


class Wanted(NamedTuple):
    """What was asked for: whom, which devices are theirs as well, and how far it goes."""

    person: str
    anonymous_ids: Sequence[str] = ()
    archive: str | None = None
    is_waiting: bool = False
    deletes_savepoints: bool = False


class Erasing(Struct):
    """One erasure on its way."""

    config: Config
    kafka: str
    key: ErasureKey
    trail: Trail
    holdings: Holdings
    asked_ms: int
    rows: list[Row] = []
    is_done: bool = False


def run(
    config: Config, wanted: Wanted, *, is_sure: bool, ask: Callable[..., bool], is_json: bool
) -> int:
    """Erases and shows the proof; the exit code, 1 where something was not seen to be done. Raises ConfigError."""

    def agreed(trail: Trail) -> bool:
        return is_sure or ask(f"{trail_in_words(trail)} Erase it all?", err=True)

    proof = forget(config, wanted, agreed)
    if proof is None:
        raise ConfigError("nothing was erased: it was not meant")
    show_json(proof_json(proof)) if is_json else show_proof(proof)
    return passed(proof.done_ms is not None)


def forget(config: Config, wanted: Wanted, is_sure: Callable[[Trail], bool]) -> Proof | None:
    """Erases the person everywhere; None where `is_sure` says no. Raises ConfigError before anything is written."""
    if not wanted.person.strip():
        raise ConfigError("whom? PERSON is empty")
    kafka = running_kafka(config)
    sign, key = signer_of(config), make_erasure_key(config)
    folder = Path(default_uri(config))
    uri = wanted.archive or (str(folder) if (folder / (config.topic_prefix + EVENTS)).is_dir() else None)  # fmt: skip
    log = Log(kafka, config, uri)
    say("reading the log for what is theirs")
    trail = find_trail(wanted.person, wanted.anonymous_ids, log.records(EVENTS), log.rules.decode)
    if not is_sure(trail):
        return None
    holdings = find_holdings(trail, log)
    one = Erasing(config, kafka, key, trail, holdings, now_ms())
    details = {"erased": key.hash_of("person", wanted.person).hex(), "key": key.key_id}
    with audit_log_of(config).recording(local_actor(), "forget", details):
        engines = [engine_of(config, kind) for kind in ("decide", "learn")]
        _write(one, Writer(kafka, config.topic_prefix, config.written_format, sign=sign))
        _state(one, wanted, engines)
        _store(one)
        _archive(one, uri)
        retention = retention_ms_of(kafka, [config.topic_prefix + name for name in (EVENTS, DECISIONS, TRACES, OUTCOMES, DEAD_LETTERS)])  # fmt: skip
        one.rows += topic_rows(config.topic_prefix, holdings.topics(trail), retention)
        one.rows += _nothing_there()
        proof = _proof(one)
        details |= {"ids": str(proof.ids), "left until": str(proof.left_until_ms or "no date")}
    return proof


def _write(one: Erasing, writer: Writer) -> None:
    """The list first, so that nobody who starts meanwhile takes anything of before."""
    for control in list_of(one.trail, one.key, one.asked_ms):
        writer.control(control)
    writer.flush()
    time.sleep(SETTLE_S)
    for event in events_of(one.trail, one.key, one.asked_ms):
        writer.event(event)
    writer.flush()


def _state(one: Erasing, wanted: Wanted, engines: Sequence[Engine]) -> None:
    count = sum(1 for _ in events_of(one.trail, one.key, one.asked_ms))
    for engine in engines:
        one.rows += [_state_row(engine, count, is_waiting=wanted.is_waiting)]
    one.is_done = all(not row.said for row in one.rows)
    older = older_savepoints(one.config, now_ms())
    if older and wanted.deletes_savepoints:
        delete(older)
        one.rows.append(Row("savepoints", f"{counted(len(older), 'older one')} deleted"))
    else:
        one.rows.append(_savepoints_row(older))


def _state_row(engine: Engine, count: int, *, is_waiting: bool) -> Row:
    place = f"state and checkpoints of the {engine.kind} job"
    if engine.rest is None:
        return Row(place, "the job is not up", said="when it has started and made a checkpoint")
    say(f"waiting until the {engine.kind} job has forgotten")
    done = await_erased(engine, count, needs_checkpoint=is_waiting)
    if not done.is_erased:
        return Row(place, "it was not seen to be done", said="as soon as the job has come so far")
    if is_waiting and not done.has_checkpoint:
        return Row(place, "gone from state", said="with the next checkpoints of the job")
    what = "gone, and a new checkpoint is made" if is_waiting else "gone from state"
    return Row(
        place, what, said="" if is_waiting else "with the next checkpoints, seconds from now"
    )


def _savepoints_row(older: Sequence[Savepoint]) -> Row:
    if not older:
        return Row("savepoints", "there is none")
    named = ", ".join(one.name for one in older[:5])
    return Row("savepoints", f"older ones: {named}", len(older), said="when they are deleted: --delete-savepoints")  # fmt: skip


def _store(one: Erasing) -> None:
    """What stands is emptied by `purged` decisions; here the keys go as well."""
    place = "store"
    try:
        store: Store = store_of(one.config, redis_of(one.config))
        await_store(one.kafka, one.config)
        count = store.forget(one.trail.names, one.holdings.placements, one.trail.sessions)
    except (ConfigError, RedisError):
        one.is_done = False
        one.rows.append(Row(place, "it does not answer", said="once its writer has taken the purged decisions; keys within their time"))  # fmt: skip
        return
    one.rows.append(Row(place, f"{counted(count, 'key')} deleted"))


def _archive(one: Erasing, uri: str | None) -> None:
    if uri is None:
        one.rows.append(Row("archive", "there is none"))
        return
    storage = Storage(uri)
    with held(storage):
        events, decisions = archived_topics(one.config)
        taken = take_out(storage, events, one.trail.is_theirs)
        made = take_out(storage, decisions, lambda decision: decision.person in one.trail.names)
    records, files = taken.records + made.records, taken.files + made.files
    one.rows.append(Row(f"archive {uri}", f"{counted(records, 'record')} taken out of {counted(files, 'file')}"))  # fmt: skip


def _nothing_there() -> tuple[Row, ...]:
    return (
        Row("API memory", "gone with the purged decisions, and with the event"),
        Row("topic knowledge", "it names no person and no session"),
        Row("examples", "none are kept: training makes and removes them"),
        Row("model reports and logs", "they name no person"),
    )


def _proof(one: Erasing) -> Proof:
    ids = sum(1 for _ in list_of(one.trail, one.key, one.asked_ms))
    name = one.key.hash_of("person", one.trail.person).hex()
    done_ms = now_ms() if one.is_done else None
    is_known = bool(one.trail.events.records or one.holdings.count)
    return Proof(name, one.key.key_id, one.asked_ms, done_ms, ids, tuple(one.rows), is_known)
