"""The key of who was erased, and the list that is read with it."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from jobs.config import Config, config_from
from jobs.erasure_key import erasure_key_file, erasure_key_of, make_erasure_key
from jobs.knowledge_feed import KnowledgeFeed
from jobs.learning.model_roots import Roots
from jobs.learning.trust import Trust, trust_of
from schemas.codec import CONTROL
from schemas.control import Control
from schemas.erasures import NO_ERASURE_KEY, ErasureKey, erasure_record
from schemas.errors import ConfigError
from scripts.ops.signed_records import Read, listed
from udfs.knowledge.erasures import Erasures, UnknownErasures
from udfs.knowledge.knowledge import Knowledge

KEY, OTHER = ErasureKey(b"k" * 32), ErasureKey(b"o" * 32)
RECORD = erasure_record(KEY, "person", "mia@shop", 5_000)


def config_of(home: Path, **settings: str) -> Config:
    return config_from({"KAIROS_HOME": str(home), **settings})


def feed_of(key: ErasureKey, counted: Counter[str] | None = None) -> KnowledgeFeed:
    found = Counter[str]() if counted is None else counted
    trust = Trust(Roots(()), erasures=key)
    return KnowledgeFeed(Knowledge(), lambda name: found.update([name]), trust)


def test_a_home_makes_its_key_once_and_for_its_user_alone(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    assert erasure_key_of(config) == NO_ERASURE_KEY
    key = make_erasure_key(config)
    assert len(key) >= 32
    assert key == make_erasure_key(config) == erasure_key_of(config) == trust_of(config).erasures
    path = erasure_key_file(config)
    assert path.stat().st_mode & 0o077 == 0
    assert list(path.parent.iterdir()) == [path]
    assert "'***'" in repr(trust_of(config))
    assert key.decode() not in repr(trust_of(config))


def test_a_key_that_is_named_is_not_made_and_not_left_out(tmp_path: Path) -> None:
    path = tmp_path / "mine.key"
    config = config_of(tmp_path, KAIROS_ERASURE_KEY_FILE=str(path))
    with pytest.raises(ConfigError, match="is not there"):
        make_erasure_key(config)
    path.write_text("short")
    with pytest.raises(ConfigError, match="shorter than 32 bytes"):
        erasure_key_of(config)
    path.write_bytes(b"k" * 32 + b"\n")
    assert erasure_key_of(config) == KEY


def test_a_name_on_the_list_tells_nobody_and_depends_on_the_key() -> None:
    names = {
        erasure_record(key, kind, name, 1).name
        for key in (KEY, OTHER)
        for kind in ("person", "session")
        for name in ("mia@shop", "tom")
    }
    assert len(names) == 8
    assert "mia" not in str(CONTROL.encode(RECORD))


def test_the_list_is_read_from_control() -> None:
    counts = Counter[str]()
    feed = feed_of(KEY, counts)
    earlier = erasure_record(KEY, "person", "mia@shop", 3_000)
    for position, one in enumerate((RECORD, earlier, RECORD)):
        feed.apply(CONTROL.encode(one), position, 5_000)
    erasures = feed.knowledge.erasures
    assert (len(erasures), erasures.newest_ms) == (1, 5_000)
    assert erasures.is_erased("person", "mia@shop", 5_000)
    assert not erasures.is_erased("person", "mia@shop", 5_001)
    assert not erasures.is_erased("session", "mia@shop", 5_000)
    assert counts == {"knowledge_applied": 3}


@pytest.mark.parametrize("key", [NO_ERASURE_KEY, OTHER])
def test_who_starts_without_the_key_of_the_list_does_not_start(key: ErasureKey) -> None:
    with pytest.raises(ConfigError, match="KAIROS_ERASURE_KEY_FILE"):
        feed_of(key).apply(CONTROL.encode(RECORD), 0, 5_000)


def test_a_running_job_counts_a_record_that_it_cannot_read_and_goes_on() -> None:
    counts = Counter[str]()
    feed = feed_of(OTHER, counts)
    feed.is_live = True
    feed.apply(CONTROL.encode(RECORD), 0, 5_000)
    assert counts == {"knowledge_refused": 1}


@pytest.mark.parametrize("name", ["mia@shop", "00", "zz" * 16])
def test_a_name_that_is_no_hash_is_refused(name: str) -> None:
    counts = Counter[str]()
    feed = feed_of(KEY, counts)
    feed.apply(CONTROL.encode(msgspec.structs.replace(RECORD, name=name)), 0, 5_000)
    assert (counts, len(feed.knowledge.erasures)) == ({"knowledge_refused": 1}, 0)


def test_the_list_has_a_bound_beyond_which_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("udfs.knowledge.erasures.ERASED_IDS_MAX", 1)
    erasures = Erasures(KEY)
    erasures.add(RECORD)
    erasures.add(RECORD)
    with pytest.raises(UnknownErasures, match="more than 1 ids"):
        erasures.add(erasure_record(KEY, "person", "tom", 1))


def test_control_list_shows_each_as_its_own_and_none_replaces_another(tmp_path: Path) -> None:
    policy = Control("policy", "default", "1", 4_000)
    tom = erasure_record(KEY, "person", "tom", 6_000)
    records = [Read(at, one) for at, one in enumerate((RECORD, tom, policy))]
    rows = listed(records, trust_of(config_of(tmp_path)), 7_000)
    assert {(row.state, row.name) for row in rows if row.kind == "erasure"} == {
        ("live", RECORD.name), ("live", tom.name),
    }  # fmt: skip
