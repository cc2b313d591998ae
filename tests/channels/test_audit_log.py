"""The audit log: every kind of tampering is found, several processes append, a full disk is told."""

import errno
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from channels.api.audit_log import NO_HASH, TEXT_LENGTH_MAX, Actor, AuditLog, Entry, verify
from schemas.errors import ConfigError

ANNA = Actor("anna", "operator", "127.0.0.1")


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "audit" / "audit.jsonl", clock=lambda: 1_800_000_000.5)


def fill(log: AuditLog, count: int = 5) -> list[Entry]:
    return [log.append(ANNA, "policy publish", "done", {"version": f"v{n}"}) for n in range(count)]


def lines(log: AuditLog) -> list[bytes]:
    return log.path.read_bytes().splitlines(keepends=True)


def test_entries_say_who_what_when_and_from_where(log: AuditLog) -> None:
    written = fill(log, 3)
    assert log.newest(2) == [written[2], written[1]]
    first = written[0]
    assert (first.who, first.role, first.address) == ANNA
    assert (first.what, first.outcome, first.details) == (
        "policy publish",
        "done",
        {"version": "v0"},
    )
    assert first.at_ms == 1_800_000_000_500
    assert first.previous == NO_HASH
    assert [one.previous for one in written[1:]] == [one.hash for one in written[:-1]]
    assert verify(log.path) == (3, written[-1].hash, [])
    assert log.path.stat().st_mode & 0o777 == 0o600


def test_there_may_be_none_yet(log: AuditLog) -> None:
    assert log.newest(5) == []
    with pytest.raises(ConfigError, match="no audit log"):
        verify(log.path)


Change = Callable[[list[bytes]], list[bytes]]


def altered(line: bytes, **changes: object) -> bytes:
    entry = msgspec.json.decode(line, type=Entry)
    return msgspec.json.encode(msgspec.structs.replace(entry, **changes)) + b"\n"


TAMPERED: dict[str, Change] = {
    "another person": lambda all_: [*all_[:2], altered(all_[2], who="bert"), *all_[3:]],
    "another time": lambda all_: [altered(all_[0], at_ms=1), *all_[1:]],
    "another outcome at the end": lambda all_: [*all_[:-1], altered(all_[-1], outcome="no")],
    "a detail": lambda all_: [*all_[:1], all_[1].replace(b"v1", b"v9"), *all_[2:]],
    "one taken out": lambda all_: [*all_[:2], *all_[3:]],
    "the first taken out": lambda all_: all_[1:],
    "two exchanged": lambda all_: [all_[1], all_[0], *all_[2:]],
    "one doubled": lambda all_: [*all_[:2], all_[1], *all_[2:]],
    "bytes": lambda all_: [*all_[:3], b"\xff\xfe{", *all_[3:]],
    "a line torn": lambda all_: [*all_[:-1], all_[-1][:40]],
    "an entry more with a hash of its own": lambda all_: [*all_, altered(all_[-1], who="eve")],
}


@pytest.mark.parametrize("how", TAMPERED)
def test_what_was_altered_is_found(log: AuditLog, how: str) -> None:
    fill(log)
    log.path.write_bytes(b"".join(TAMPERED[how](lines(log))))
    assert verify(log.path).faults, how


@pytest.mark.parametrize("place", range(0, 1_200, 37))
def test_every_flipped_byte_is_found(log: AuditLog, place: int) -> None:
    fill(log, 4)
    data = bytearray(log.path.read_bytes())
    data[place] ^= 1
    log.path.write_bytes(data)
    assert verify(log.path).faults


def test_what_was_cut_off_is_found_by_a_hash_noted_before(log: AuditLog) -> None:
    noted = fill(log)[-1].hash
    assert verify(log.path, noted).faults == []
    log.path.write_bytes(b"".join(lines(log)[:3]))
    assert verify(log.path).faults == []
    assert "cut off" in verify(log.path, noted).faults[0]


def test_after_a_torn_line_it_goes_on_and_the_tear_stays_visible(log: AuditLog) -> None:
    fill(log, 2)
    log.path.write_bytes(log.path.read_bytes()[:-10])
    fill(log, 2)
    found = verify(log.path)
    assert found.entries == 4
    assert "line 2 cannot be read" in found.faults[0]
    assert len(log.newest(10)) == 3


def test_a_change_is_written_down_before_and_after(log: AuditLog) -> None:
    with log.recording(ANNA, "model publish", {"version": "m1"}) as details:
        assert [one.outcome for one in log.newest(9)] == ["begun"]
        details["replaces"] = "m0"
    done, begun = log.newest(9)
    assert (done.outcome, done.details) == ("done", {"version": "m1", "replaces": "m0"})
    assert (begun.outcome, begun.details) == ("begun", {"version": "m1"})


def test_a_change_that_fails_says_why(log: AuditLog) -> None:
    with pytest.raises(ConfigError), log.recording(ANNA, "policy publish", {}):
        raise ConfigError("Kafka does not answer")
    assert log.newest(1)[0].outcome == "Kafka does not answer"


def test_nothing_is_changed_where_the_log_cannot_be_written(tmp_path: Path) -> None:
    place = tmp_path / "a-file"
    place.write_text("")
    is_changed = False
    with pytest.raises(ConfigError, match="nothing is changed"):  # noqa: SIM117
        with AuditLog(place / "audit.jsonl").recording(ANNA, "policy publish", {}):
            is_changed = True
    assert not is_changed


def test_a_full_disk_leaves_the_log_whole(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(log, 2)
    before = log.path.read_bytes()
    write = os.write
    monkeypatch.setattr(os, "write", lambda number, data: write(number, data[:20]))
    with pytest.raises(ConfigError, match=os.strerror(errno.ENOSPC)):
        fill(log, 1)
    monkeypatch.undo()
    assert log.path.read_bytes() == before
    fill(log, 1)
    assert verify(log.path).faults == []


def test_long_texts_are_cut(log: AuditLog) -> None:
    entry = log.append(ANNA._replace(who="ü" * 5_000), "x" * 5_000, "done", {"k": "v" * 100_000})
    assert len(entry.who) == len(entry.what) == len(entry.details["k"]) == TEXT_LENGTH_MAX
    fill(log, 1)
    assert verify(log.path).faults == []


def append_many(path: Path) -> None:
    fill(AuditLog(path), 50)


def test_several_processes_append_to_one_chain(log: AuditLog) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=append_many, args=(log.path,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    found = verify(log.path)
    assert (found.entries, found.faults) == (150, [])
