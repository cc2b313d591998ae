"""Knowledge is filled from records; what cannot be used is counted, logged once and left out."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from jobs.knowledge_feed import PRUNE_BEHIND_MS, PRUNE_EVERY, KnowledgeFeed
from jobs.learning.model_roots import Roots
from jobs.learning.trust import Trust
from models.response import ResponseExamples, fit_responses, save_responses
from schemas.codec import CONTROL, ITEM
from schemas.control import Control
from schemas.items import Item
from schemas.knowledge import (
    ACTION_KNOWLEDGE,
    EPOCH_END,
    ITEM_KNOWLEDGE,
    PAST_SESSION,
    EpochEnd,
    ItemKnowledge,
    PastSession,
    effective_from_ms,
    epoch_end_ms,
    epoch_of,
)
from schemas.limits import EPOCH_AHEAD_OF_LOG_MAX_MS, EPOCH_MS, OPEN_EPOCHS_MAX
from schemas.policy import DEFAULT_CONTROL, DEFAULT_POLICY
from schemas.records import LogRecord
from tests.builders import NOON
from tests.udfs.made_actions import make_action
from udfs.actions.respond import RESPONSE_SPACE
from udfs.knowledge.knowledge import Knowledge

ANYWHERE = Trust(Roots(("/",)))


class Fed:
    """A feed, and what it counted."""

    def __init__(self, trust: Trust = ANYWHERE) -> None:
        self.counts: Counter[str] = Counter()
        self.knowledge = Knowledge()
        self.feed = KnowledgeFeed(self.knowledge, lambda name: self.counts.update([name]), trust)
        self.position = 0
        self.timestamp_ms = NOON

    def take(self, *values: bytes) -> "Fed":
        for value in values:
            self.feed.apply(value, self.position, self.timestamp_ms)
            self.position += 1
        return self


def of_log(value: bytes, timestamp_ms: int = NOON) -> LogRecord:
    return LogRecord("knowledge", 0, 0, timestamp_ms, "", value)


def control(**fields: Any) -> bytes:
    some = Control("policy", "n", "v", 0)
    return CONTROL.encode(msgspec.structs.replace(some, **fields))


def test_policy_and_items_are_told_apart_by_their_bytes() -> None:
    fed = Fed().take(CONTROL.encode(DEFAULT_CONTROL), ITEM.encode(Item("i1", 0)))
    compiled = fed.knowledge.at(NOON).policy
    assert compiled is not None
    assert compiled.policy == DEFAULT_POLICY
    assert fed.knowledge.item_at("i1", NOON) == Item("i1", 0)
    assert fed.counts == {"knowledge_applied": 2}


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"junk",
        CONTROL.encode(DEFAULT_CONTROL)[:-1],
        control(kind="weather"),
        control(kind="policy"),
        control(kind="policy", payload=b'{"placements": 1}'),
        control(kind="popularity", payload=b'{"i1": 1.0}'),
        control(kind="rates"),
        control(kind="rates", payload=b'{"base": "EUR", "per_base": {"USD": -1}}'),
        control(kind="model"),
        control(kind="model", uri="/no/such/file", sha256="00"),
        control(kind="model", name="responses"),
        control(kind="model", name="responses", uri="/no/such/file", sha256="00"),
    ],
)
def test_unusable_record_leaves_what_was(value: bytes) -> None:
    fed = Fed().take(CONTROL.encode(DEFAULT_CONTROL))
    before = fed.knowledge.at(NOON)
    fed.take(value)
    assert fed.counts == {"knowledge_applied": 1, "knowledge_refused": 1}
    assert fed.knowledge.at(NOON) == before


def test_rates_hold_from_their_time_on_and_what_is_none_leaves_those_of_before() -> None:
    item = ITEM.encode(Item("i1", 0, price=3.0, currency="USD"))
    rates = [b'{"base": "EUR", "per_base": {"USD": 2}}', b'{"base": "EUR", "per_base": {"USD": 0}}']
    fed = Fed().take(item, *(control(kind="rates", effective_from_ms=NOON, payload=one) for one in rates))  # fmt: skip
    found = [fed.knowledge.item_at("i1", at) for at in (NOON - 1, NOON)]
    assert [(one.price, one.currency) for one in found if one] == [(3.0, "USD"), (1.5, "EUR")]
    assert fed.counts == {"knowledge_applied": 2, "knowledge_refused": 1}


def test_artefact_with_another_checksum_is_left_out(tmp_path: Path) -> None:
    artefact = tmp_path / "model"
    artefact.write_bytes(b"not what was announced")
    fed = Fed().take(control(kind="model", uri=str(artefact), sha256="0" * 64))
    assert fed.counts == {"knowledge_refused": 1}


def test_model_of_responses_stands_beside_the_ranker(tmp_path: Path) -> None:
    nothing = np.zeros((0, RESPONSE_SPACE.count), dtype=np.float32)
    trained = fit_responses(ResponseExamples([], nothing, nothing[:, 0], 1, 2), RESPONSE_SPACE)
    published = save_responses(trained, tmp_path)
    fed = Fed().take(
        control(
            kind="model", name="responses", version=published.version, uri=published.uri,
            sha256=published.sha256, effective_from_ms=NOON,
        )
    )  # fmt: skip
    assert fed.counts == {"knowledge_applied": 1}
    assert fed.knowledge.at(NOON - 1).responses is None
    known = fed.knowledge.at(NOON)
    assert known.scorer is None
    assert known.responses is not None
    assert (known.responses.version, known.responses.responses) == (published.version, trained)


def test_refusal_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    fed = Fed()
    for _ in range(2):  # as after a restart of its operator
        fed.feed.apply(b"junk", 7, NOON)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_knowledge_that_nobody_can_see_is_forgotten_now_and_then() -> None:
    old, new = Item("i1", NOON, name="old"), Item("i1", NOON + 1, name="new")
    fed = Fed().take(ITEM.encode(old), ITEM.encode(new))
    fed.take(*[ITEM.encode(Item("i2", 0))] * (PRUNE_EVERY - 3))
    fed.feed.prune(NOON + 1 + PRUNE_BEHIND_MS)
    assert fed.knowledge.item_at("i1", NOON) == old
    fed.take(ITEM.encode(Item("i2", 0)))
    fed.feed.prune(NOON + 1 + PRUNE_BEHIND_MS)
    assert fed.knowledge.item_at("i1", NOON) is None
    assert fed.knowledge.item_at("i1", NOON + 1) == new


# --- what the stream has taught ---------------------------------------------------------------


def epoch_records(number: int, views: float, count: int = 1) -> list[bytes]:
    """The records of an epoch: items i0, i1 … with so many views, a session, the end marker."""
    from_ms = effective_from_ms(number)
    items = [
        ItemKnowledge("item", f"i{n}", number, from_ms, epoch_end_ms(number), 0, 0, views=views)
        for n in range(count)
    ]
    session = PastSession(f"hash-{number}", number, from_ms, 0, ("i0",))
    end = EpochEnd("0", number, from_ms, count + 1)
    records = map(ITEM_KNOWLEDGE.encode, items)
    return [*records, PAST_SESSION.encode(session), EPOCH_END.encode(end)]


def views(knowledge: Knowledge, time_ms: int) -> float | None:
    """What is known of i0 by who decides at `time_ms`."""
    knowledge.advance(time_ms)
    known = knowledge.statistics.item("i0", knowledge.statistics.epoch_at(time_ms))
    return known.views if known else None


def test_epoch_is_seen_from_its_time_on_and_only_whole() -> None:
    number = epoch_of(NOON)
    *records, end = epoch_records(number, 3.0)
    fed = Fed().take(*records)
    assert views(fed.knowledge, effective_from_ms(number)) is None
    fed.take(end)
    assert views(fed.knowledge, effective_from_ms(number) - 1) is None
    assert views(fed.knowledge, effective_from_ms(number)) == 3.0
    assert fed.counts == {"epochs_applied": 1}


def test_epochs_that_are_written_again_after_a_restart_change_nothing() -> None:
    number = epoch_of(NOON)
    first, second = epoch_records(number, 1.0), epoch_records(number + 1, 2.0)
    third = epoch_records(number + 2, 3.0)
    fed = Fed().take(*first, *second[:1], *epoch_records(number, 9.0), *second, *first, *third)
    assert fed.counts == {"epochs_applied": 3}
    for epoch, expected in enumerate((1.0, 2.0, 3.0), start=number):
        assert views(fed.knowledge, effective_from_ms(epoch)) == expected
    assert fed.knowledge.statistics.sessions.count == 3


def test_epoch_that_comes_after_an_event_that_should_have_seen_it_is_late() -> None:
    number = epoch_of(NOON)
    fed = Fed()
    fed.feed.see(effective_from_ms(number) - 1)
    fed.take(*epoch_records(number, 1.0))
    assert fed.counts == {"epochs_applied": 1}
    fed.feed.see(effective_from_ms(number + 1))
    fed.feed.see(NOON)
    fed.take(*epoch_records(number + 1, 1.0))
    assert fed.counts == {"epochs_applied": 2, "epochs_late": 1}


def test_record_of_knowledge_that_is_cut_is_refused() -> None:
    record = epoch_records(epoch_of(NOON), 1.0)[0]
    fed = Fed().take(record[:-1])
    assert fed.counts == {"knowledge_refused": 1}
    assert fed.feed.decode_learnt(of_log(record)) is not None
    assert fed.feed.decode_learnt(of_log(b"junk")) is None
    assert fed.feed.decode_learnt(of_log(ITEM.encode(Item("i")))) is None
    assert fed.counts == {"knowledge_refused": 3}


def test_what_is_known_of_actions_comes_into_force_with_its_epoch() -> None:
    number = epoch_of(NOON)
    action, end = make_action("quiz", number, exposures_total=3), epoch_records(number, 1.0)[-1]
    fed = Fed().take(ACTION_KNOWLEDGE.encode(action), end)
    fed.knowledge.advance(effective_from_ms(number))
    assert fed.knowledge.actions.action("quiz", number) == action
    assert fed.counts == {"epochs_applied": 1}
    assert Fed().take(ACTION_KNOWLEDGE.encode(action)[:-1]).counts == {"knowledge_refused": 1}


# --- what another writer may put there --------------------------------------------------------------------


def test_an_epoch_that_the_log_has_not_reached_does_not_stop_learning() -> None:
    number = epoch_of(NOON)
    reached = number - 1 + EPOCH_AHEAD_OF_LOG_MAX_MS // EPOCH_MS
    for ahead in (reached + 1, number + 3_600, number * 2):
        fed = Fed().take(*epoch_records(ahead, 9.0))
        assert fed.counts == {"knowledge_refused": 3}
        fed.take(*epoch_records(number, 1.0))
        assert views(fed.knowledge, effective_from_ms(number)) == 1.0
        assert fed.feed.decode_learnt(of_log(epoch_records(ahead, 9.0)[-1])) is None
    assert Fed().take(*epoch_records(reached, 1.0)).counts == {"epochs_applied": 1}


@pytest.mark.parametrize(("epoch", "from_ms"), [(2**60, NOON), (2**60, 2**60), (-5, NOON), (7, 2**63 - 1), (epoch_of(NOON), 2**53)])  # fmt: skip
def test_an_end_marker_of_no_time_is_refused(epoch: int, from_ms: int) -> None:
    number = epoch_of(NOON)
    fed = Fed().take(EPOCH_END.encode(EpochEnd("0", epoch, from_ms, 0)))
    assert fed.counts == {"knowledge_refused": 1}
    fed.take(*epoch_records(number, 1.0))
    assert views(fed.knowledge, effective_from_ms(number)) == 1.0


def test_an_epoch_that_knows_what_comes_after_it_is_refused() -> None:
    number = epoch_of(NOON)
    from_ms = effective_from_ms(number)
    wrong = (
        EPOCH_END.encode(EpochEnd("0", number, epoch_end_ms(number) - 1, 0)),
        ITEM_KNOWLEDGE.encode(ItemKnowledge("item", "i", number, from_ms, from_ms + 1, 0, 0)),
        ITEM_KNOWLEDGE.encode(ItemKnowledge("item", "i", number, from_ms, 0, 0, from_ms + 1)),
        PAST_SESSION.encode(PastSession("h", number, from_ms, from_ms + 1, ("i",))),
    )
    assert Fed().take(*wrong).counts == {"knowledge_refused": len(wrong)}


def test_epochs_without_an_end_are_bounded_and_counted() -> None:
    number = epoch_of(NOON)
    first = number - 3 * OPEN_EPOCHS_MAX
    fed = Fed().take(*epoch_records(first - 1, 1.0))
    for epoch in range(first, number):
        fed.take(*epoch_records(epoch, 1.0)[:-1])
    assert fed.counts == {"epochs_applied": 1, "epochs_dropped": 2 * OPEN_EPOCHS_MAX}
    assert len(fed.knowledge.statistics._coming._open) == OPEN_EPOCHS_MAX
    fed.take(*epoch_records(number, 2.0))
    assert views(fed.knowledge, effective_from_ms(number)) == 2.0, "it goes on"


@pytest.mark.parametrize("number", [-1.0, -1e300, float("inf"), float("-inf"), float("nan"), 1e300])
@pytest.mark.parametrize("name", ["views", "interest", "interest_short", "price", "next_items"])
def test_a_number_of_knowledge_that_is_none_is_refused(name: str, number: float) -> None:
    epoch = epoch_of(NOON)
    value: Any = {"j": number} if name == "next_items" else number
    record = ItemKnowledge("item", "i", epoch, effective_from_ms(epoch), epoch_end_ms(epoch), 0, 0)
    data = ITEM_KNOWLEDGE.encode(msgspec.structs.replace(record, **{name: value}))
    assert Fed().take(data).counts == {"knowledge_refused": 1}
