"""Pseudonyms: with a key no key of the store holds an id, and all who have it find the same."""

import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from channels.security.pseudonyms import Pseudonyms, read_pseudonyms
from channels.store.store import open_store
from jobs.config import PROJECT, config_from
from schemas.errors import ConfigError
from scripts.ops.stores import store_of
from tests.channels.decisions import make_decision, with_bytes

KEY = b"k" * 32
NOW_MS = 4_000_000_000_000


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "pseudonym.key"
    path.write_bytes(KEY + b"\n")
    return path


def test_without_a_key_the_ids_stand_there() -> None:
    assert Pseudonyms().of("person", "anna") == "anna"


def test_a_pseudonym_is_the_same_each_time_and_another_for_all_else() -> None:
    ours = Pseudonyms(KEY)
    found = {
        ours.of("person", "anna"), ours.of("person", "anne"), ours.of("session", "anna"),
        Pseudonyms(b"j" * 32).of("person", "anna"), ours.of("person", ""), ours.of("person", "ü\ud800"),
    }  # fmt: skip
    assert len(found) == 6
    assert {len(one) for one in found} == {32}
    assert Pseudonyms(KEY).of("person", "anna") == ours.of("person", "anna")


def test_the_key_is_not_shown() -> None:
    assert KEY.decode() not in repr(Pseudonyms(KEY))


def test_the_key_is_that_of_the_file_without_its_line_end(key_file: Path) -> None:
    assert read_pseudonyms(key_file).of("person", "p") == Pseudonyms(KEY).of("person", "p")
    assert read_pseudonyms(None).of("person", "p") == "p"


@pytest.mark.parametrize("content", [None, b"", b"short\n", b" " * 40])
def test_a_key_that_is_no_good_is_refused_with_its_place(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "pseudonym.key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=str(path)):
        read_pseudonyms(path)


def test_the_writer_refuses_to_start_without_its_key(tmp_path: Path) -> None:
    words = ["--kafka", "127.0.0.1:1", "--redis", "127.0.0.1:1", "--pseudonym-key-file"]
    done = subprocess.run(
        [sys.executable, "-m", "channels.store.writer", *words, str(tmp_path / "none")],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "cannot be read" in done.stderr


@pytest.mark.e2e
def test_no_key_of_the_store_holds_an_id(
    redis: "Redis[bytes]", valkey: str, key_file: Path
) -> None:
    store = open_store(valkey, "test", Pseudonyms(KEY))
    store.write(
        with_bytes(make_decision(1, person="anna", session_id="visit-1", event_time_ms=NOW_MS))
    )
    keys = [one.decode() for one in redis.keys("*")]
    assert len(keys) == 2
    assert not [one for one in keys if "anna" in one or "visit-1" in one]
    again = store_of(
        config_from({"KAIROS_PSEUDONYM_KEY_FILE": str(key_file), "KAIROS_STORE_PREFIX": "test"}),
        valkey,
    )
    found = again.read("anna", "home", 0)
    assert found is not None
    assert found.person == "anna"
    assert again.person_of("visit-1") == "anna"
    assert again.stored_at_ms(found) is not None
    assert open_store(valkey, "test").read("anna", "home", 0) is None


@pytest.mark.e2e
def test_whose_a_session_is_can_be_read(redis: "Redis[bytes]", valkey: str) -> None:
    store = open_store(valkey, "test")
    assert store.person_of("s1") is None
    now_ms = int(redis.time()[0]) * 1000
    store.write(with_bytes(make_decision(1, event_time_ms=now_ms)))
    assert store.person_of("s1") == "p1"
