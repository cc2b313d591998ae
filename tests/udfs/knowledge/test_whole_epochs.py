"""A topic of which Kafka has compacted any part in front teaches what the whole of it does, and never sooner."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.knowledge import (
    EpochEnd,
    ItemKnowledge,
    KnowledgeRecord,
    PastSession,
    effective_from_ms,
    epoch_end_ms,
)
from schemas.limits import EPOCHS_KEPT
from tests.builders import EPOCH, make_epoch, make_learnt, make_past_session
from tests.udfs.knowledge.compacted import Log, compacted, key_of, view
from tests.udfs.made_actions import make_action
from udfs.fading import SHORT_HALF_LIFE_MS, decay
from udfs.knowledge.item_statistics import ItemStatistics
from udfs.knowledge.knowledge import Knowledge
from udfs.knowledge.whole_epochs import Key, WholeEpochs

CATEGORY = {"a": "X", "b": "Y", "c": "X", "d": None, "e": "X"}
"""An item that changed its category would lie on the board of the old one, too: compacted, it does not."""
ACTIONS = ("quiz", "quiz\thero\tbrowsing")
NAMES = {"item": set(CATEGORY), "category": {"X", "Y"}, "action": set(ACTIONS)}
Taught = dict[int, Log]
"""Every epoch's records, with its end marker."""

epochs = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.dictionaries(
            st.sampled_from((*CATEGORY, "X", "Y", *ACTIONS)), st.floats(0, 5), max_size=4
        ),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=8,
)


def taught(drawn: Any) -> Taught:
    """What each epoch teaches; interest falls no faster than it fades, as the learn job has it."""
    found: Taught = {}
    epoch, interest = EPOCH, dict[str, tuple[int, float]]()
    for step, more, sessions in drawn:
        epoch += step
        records: Log = []
        for name, added in more.items():
            was_epoch, was = interest.get(name, (epoch, 0.0))
            age_ms = epoch_end_ms(epoch) - epoch_end_ms(was_epoch)
            interest[name] = epoch, decay(was, age_ms, SHORT_HALF_LIFE_MS) + added
            records.append(record_of(name, epoch, interest[name][1]))
        for number in range(sessions):
            items = "abcde"[number : number + 3]
            records.append(make_past_session(*items, name=f"{epoch}-{number}", epoch=epoch))
        found[epoch] = make_epoch(*records, epoch=epoch)
    return found


def record_of(name: str, epoch: int, interest: float) -> KnowledgeRecord:
    if name in ACTIONS:
        return make_action(name, epoch, exposures=interest)
    kind = "item" if name in CATEGORY else "category"
    return make_learnt(name, epoch, kind=kind, interest_short=interest, category=CATEGORY.get(name))


@st.composite
def logs(draw: Any) -> Log:
    """What a writer writes that is killed now and then, and begins again where the last checkpoint was."""
    records = [(epoch, one) for epoch, of in taught(draw(epochs)).items() for one in of]
    written: Log = []
    begin = checkpoint = 0
    for _ in range(draw(st.integers(0, 3))):
        stop = draw(st.integers(begin, len(records)))
        written += (one for _, one in records[begin:stop])
        ends = [n + 1 for n in range(begin, stop) if isinstance(records[n][1], EpochEnd)]
        begin = checkpoint = draw(st.sampled_from([checkpoint, *ends]))
    return [*written, *(one for _, one in records[begin:])]


class Seen(NamedTuple):
    """What a reader has at a place of the log, when all it has read is in force."""

    place: int
    record: KnowledgeRecord
    is_new: bool
    knowledge: Knowledge


def read(records: list[tuple[int, KnowledgeRecord]]) -> Iterator[Seen]:
    knowledge = Knowledge()
    for place, record in records:
        is_new = knowledge.learn(record)
        knowledge.advance(effective_from_ms(record.epoch))
        yield Seen(place, record, is_new, knowledge)


@pytest.mark.parametrize("open_max", [1, 128])
@given(logs(), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_epochs_that_end_behind_the_compacted_part_are_as_if_nothing_were_gone(
    monkeypatch: pytest.MonkeyPatch, open_max: int, log: Log, data: Any
) -> None:
    """Wherever the compacted part ends, and however often the writer began again."""
    monkeypatch.setattr("udfs.knowledge.item_statistics.BOARD_MAX", 2)
    monkeypatch.setattr("udfs.knowledge.whole_epochs.OPEN_EPOCHS_MAX", open_max)
    cut = data.draw(st.integers(0, len(log)))
    whole = list(enumerate(log))
    behind = [one.place for one in read(whole) if one.is_new and one.place >= cut]
    for place in behind[:3]:  # at its end, with all that was read by then
        *_, wanted = read(whole[: place + 1])
        *_, found = read([one for one in compacted(log, cut) if one[0] <= place])
        assert found.is_new
        for at in behind[: behind.index(place) + 1]:
            epoch = log[at].epoch
            assert view(found.knowledge, epoch, NAMES) == view(wanted.knowledge, epoch, NAMES)


@given(logs(), st.data())
def test_nothing_of_a_compacted_topic_is_seen_before_its_time(log: Log, data: Any) -> None:
    """Of each item what was known by then, or what was known of it before, or nothing."""
    whole = [0]
    for one in read(list(enumerate(log))):
        whole.append(max(whole[-1], one.record.epoch * one.is_new))
    for seen in read(compacted(log, data.draw(st.integers(0, len(log))))):
        newest = seen.knowledge.statistics.epoch
        assert newest <= whole[seen.place + 1]
        for name in CATEGORY:
            known = seen.knowledge.statistics.item(name, newest)
            assert known is None or (known.epoch <= newest and known in log[: seen.place + 1])


def test_what_was_taught_before_the_first_marker_that_is_left_is_in_force_with_it() -> None:
    """The marker of the first epoch is gone: it has the key of the second's."""
    log: Log = [
        *make_epoch(make_learnt("a", EPOCH), epoch=EPOCH),
        *make_epoch(make_learnt("b", EPOCH + 1), make_learnt("d", EPOCH + 1), epoch=EPOCH + 1),
    ]
    left = [one for _, one in compacted(log, len(log))]
    assert [key_of(one) for one in left] == ["item/a", "item/b", "item/d", "epoch-end"]
    knowledge = Knowledge()
    for one in left:
        knowledge.learn(one)
    knowledge.advance(effective_from_ms(EPOCH + 1) - 1)
    assert knowledge.statistics.epoch == 0, "not at the time of the first epoch either"
    knowledge.advance(effective_from_ms(EPOCH + 1))
    known = [knowledge.statistics.item(name, EPOCH + 1) for name in "abd"]
    assert [one and one.epoch for one in known] == [EPOCH, EPOCH + 1, EPOCH + 1]


@pytest.mark.parametrize("rewritten", range(1, 9))
def test_the_compacted_part_may_end_where_a_restarted_writer_writes_epochs_again(
    rewritten: int,
) -> None:
    """What it has written again so far stands for what was in front of the newest marker."""
    first, second, third, fourth = (
        make_epoch(*(make_learnt(name, EPOCH + at) for name in names), epoch=EPOCH + at)
        for at, names in enumerate(("ab", "b", "ac", "d"))
    )
    log: Log = [*first, *second, *third, *first, *second, *third, *fourth]
    cut = len([*first, *second, *third]) + rewritten
    *_, found = read(compacted(log, cut))
    known = [found.knowledge.statistics.item(name, EPOCH + 3) for name in "abcd"]
    assert [one and one.epoch - EPOCH for one in known] == [2, 1, 2, 3]


def test_a_thousand_compacted_epochs_are_all_there_and_counted_by_nobody() -> None:
    """As many open epochs in front of a marker as no writer leaves half-written."""
    statistics = ItemStatistics()
    for number in range(1_000):
        statistics.learn(make_learnt(f"i{number}", EPOCH + number))
    end = EPOCH + 1_000
    statistics.learn(EpochEnd("0", end, effective_from_ms(end), 0))
    statistics.advance(effective_from_ms(end))
    known = [statistics.item(f"i{number}", end) for number in range(1_000)]
    assert [one and one.epoch for one in known] == [EPOCH + number for number in range(1_000)]
    assert statistics.epochs_dropped == 0


def test_memory_in_front_of_the_first_marker_is_bounded_by_kind() -> None:
    """Ten thousand sessions push no item out."""
    coming = WholeEpochs[ItemKnowledge | PastSession](
        lambda one: (
            ("session", one.session_hash)
            if isinstance(one, PastSession)
            else (one.kind, one.item_id)
        ),
        {"item": 2, "session": 3},
    )
    for number in range(300):
        epoch = EPOCH + number
        coming.take(make_past_session("a", name=f"s{number:03}", epoch=epoch))
        if number < 3:
            coming.take(make_learnt(f"i{number}", epoch))
    end = EPOCH + 300
    coming.end(EpochEnd("0", end, effective_from_ms(end), 0))
    (whole,) = coming.due(effective_from_ms(end))
    kept: list[Key] = [(type(one).__name__, str(one.epoch - EPOCH)) for one in whole.records]
    assert [at for name, at in kept if name == "ItemKnowledge"] == ["1", "2"]
    sessions = [int(at) for name, at in kept if name == "PastSession"]
    assert sessions == [*range(300 - len(sessions), 300)]
    assert len(sessions) == 3 + 128


def test_behind_the_first_marker_half_written_epochs_are_bounded_and_counted() -> None:
    statistics = ItemStatistics()
    statistics.learn(EpochEnd("0", EPOCH, effective_from_ms(EPOCH), 0))
    for number in range(1, 301):
        statistics.learn(make_learnt("a", EPOCH + number))
    assert statistics.epochs_dropped == 300 - 128


def test_who_came_to_a_place_of_before_is_kept_as_far_back_as_ever() -> None:
    """Versions in front of the marker are one, whatever there were; behind it there are as many as ever."""
    log = [
        one
        for number in range(3 * EPOCHS_KEPT)
        for one in make_epoch(make_learnt("a", EPOCH + number), epoch=EPOCH + number)
    ]
    *_, found = read(compacted(log, len(log) // 2))
    last = EPOCH + 3 * EPOCHS_KEPT - 1
    for back in range(EPOCHS_KEPT):
        known = found.knowledge.statistics.item("a", last - back)
        assert known is not None
        assert known.epoch == last - back
