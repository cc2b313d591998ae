"""Event ids of seven days, in a bounded string of bytes."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.limits import DAY_MS, DEDUP_MS, SECOND_MS
from tests.builders import NOON
from udfs.session.deduplicate import ENTRY_BYTES, hash_of, is_seen, remember

steps = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 20)), max_size=30)


def test_ids_older_than_seven_days_are_forgotten_while_new_ones_come() -> None:
    seen, _ = remember(b"", hash_of("old"), NOON)
    seen, is_full = remember(seen, hash_of("young"), NOON + DAY_MS)
    now_ms = NOON + DEDUP_MS + SECOND_MS
    seen, is_full = remember(seen, hash_of("new"), now_ms)
    assert not is_full
    assert not is_seen(seen, hash_of("old"))
    assert is_seen(seen, hash_of("young"))
    assert is_seen(seen, hash_of("new"))
    assert len(seen) == 2 * ENTRY_BYTES


@given(steps)
def test_within_seven_days_every_id_is_known(found: list[tuple[int, int]]) -> None:
    """Ids in any order of time, against a plain set: none is forgotten before its key is seven days further."""
    seen, newest_ms = b"", NOON
    known: dict[str, int] = {}
    for name, day in found:
        time_ms = NOON + day * DAY_MS
        newest_ms = max(newest_ms, time_ms)
        if not is_seen(seen, hash_of(str(name))):
            seen, _ = remember(seen, hash_of(str(name)), newest_ms)
            known[str(name)] = newest_ms
        for one, at_ms in known.items():
            if at_ms >= newest_ms - DEDUP_MS:
                assert is_seen(seen, hash_of(one))
