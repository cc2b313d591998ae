"""What is written fits: traces leave parts out and say so, decisions that do not fit are dead letters."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.fold.fold import Fold, FoldRules
from schemas.actions import Action, Requirement, Treatment
from schemas.codec import DEAD_LETTER, DECISION, EVENT, TRACE
from schemas.dead_letters import DeadLetter, fit_letter, key_of
from schemas.decisions import Decision, DecisionTrace, LeftOut, TracedCandidate
from schemas.events import Event
from schemas.knowledge import ITEM_KNOWLEDGE, PAST_SESSION
from schemas.limits import (
    CANDIDATES_PER_EVENT_MAX,
    DEAD_LETTER_RAW_BYTES_MAX,
    EVENT_BYTES_MAX,
    KNOWLEDGE_BYTES_MAX,
    LINKS_MAX,
    RECORD_BYTES_MAX,
    RECORD_BYTES_MIN,
    SESSION_MEMORY_ITEMS,
)
from schemas.policy import Placement, Policy
from schemas.sizes import size_at_most
from tests.builders import make_event, make_knowledge, make_learnt, make_past_session, make_record
from tests.examples.write import FOLDER
from udfs.explain.fit_records import TOO_LARGE, fit_trace, leave_out
from udfs.explain.tracing import Room, Tracing
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

SHIELD = "盾" * 250
LIMIT = 1_048_576
"""What Kafka takes by default."""
SLATE = TRACE.decode((FOLDER / "trace/v2/slate.avro").read_bytes())


def rules(bytes_max: int | None = RECORD_BYTES_MAX) -> FoldRules:
    room = Room(bytes_max, "events") if bytes_max else None
    return FoldRules(EVENT.decode, "seed", tracing=Tracing(room=room))


def a_large_request() -> Event:
    """Within every bound of an event: a thousand candidates with long ids in Chinese."""
    ids = [f"{SHIELD}{n}" for n in range(CANDIDATES_PER_EVENT_MAX)]
    event = make_event(event_type="ranking_requested", candidates=[{"item_id": one} for one in ids])
    assert len(EVENT.encode(event)) < EVENT_BYTES_MAX
    return event


def a_large_policy() -> Policy:
    """Within every bound of a policy: a thousand actions that say much of why they are excluded."""
    need = Requirement("必" * 200, "session.events < 0")
    hello = Action("hello", "content", ("home",), (Treatment("t"),))
    return Policy(
        placements=(Placement("home", actions=()),),
        actions=(hello, *(Action(f"{SHIELD}{n}", "content", ("home",), (Treatment("t"),), (need,)) for n in range(998))),
    )  # fmt: skip


def test_a_large_request_is_decided_and_its_trace_fits() -> None:
    fold = Fold(make_knowledge(), rules())
    [(decision, trace)] = [
        made for one in fold.run([make_record(a_large_request())]) for made in one.decisions
    ]
    assert len(decision.items) == CANDIDATES_PER_EVENT_MAX
    for value in (DECISION.encode(decision), TRACE.encode(trace)):
        assert len(value) <= RECORD_BYTES_MAX
    assert trace.left_out is not None
    assert trace.features == b""
    assert trace.left_out.features > 0
    whole = len(trace.candidates) + trace.left_out.candidates
    assert whole == CANDIDATES_PER_EVENT_MAX
    assert len(trace.candidates) > 700, "no more goes than has to"


def test_without_a_bound_the_trace_of_that_request_would_be_refused_by_kafka() -> None:
    fold = Fold(make_knowledge(), rules(None))
    [(_, trace)] = [made for one in fold.run([make_record(a_large_request())]) for made in one.decisions]  # fmt: skip
    assert len(TRACE.encode(trace)) > LIMIT
    assert trace.left_out is None


def test_a_large_policys_trace_fits_and_keeps_what_was_chosen() -> None:
    knowledge = Knowledge()
    knowledge.add_policy("large", 0, 0, compile_policy(a_large_policy()))
    record = make_record(make_event(placements=["home"]))
    [(decision, trace)] = [
        m for one in Fold(knowledge, rules()).run([record]) for m in one.decisions
    ]
    assert len(TRACE.encode(trace)) <= RECORD_BYTES_MAX
    assert trace.left_out is not None
    assert trace.left_out.actions > 0
    assert decision.action_id == "hello"
    assert "hello" in [one.action_id for one in trace.actions if one.verdict == "chosen"]


def test_a_decision_that_does_not_fit_is_a_dead_letter_with_the_place_of_its_cause() -> None:
    fold = Fold(make_knowledge(), rules(RECORD_BYTES_MIN))
    small = make_event(event_id="e2", placements=["home"])
    log = [make_record(a_large_request(), offset=41, partition=3), make_record(small, 42, 3)]
    folded = list(fold.run(log))
    [letter] = [letter for one in folded for letter in one.dead_letters]
    assert (letter.reason, letter.topic, letter.partition, letter.offset) == (
        TOO_LARGE,
        "events",
        3,
        41,
    )
    assert letter.raw == b""
    assert "at most 20000" in letter.message
    assert [one for fold_ in folded for one in fold_.counts if one == TOO_LARGE] == [TOO_LARGE]
    assert [decision.event_id for one in folded for decision, _ in one.decisions] == ["e2"], (
        "it goes on"
    )


@pytest.mark.parametrize("bytes_max", [1_500, 4_000, 20_000, 10_000_000])
def test_a_trace_fits_whatever_there_is_room_for(bytes_max: int) -> None:
    many = tuple(TracedCandidate(f"i{n}", "given", "chosen" if n % 7 == 0 else "not_chosen", "r", {"v": "w" * (n % 50)}, 0.5) for n in range(400))  # fmt: skip
    trace = msgspec.structs.replace(SLATE, candidates=many, features=b"\0" * 40_000)
    fitted = fit_trace(trace, bytes_max)
    assert len(TRACE.encode(fitted)) <= bytes_max
    assert fit_trace(fitted, bytes_max) == fitted
    if fitted.left_out is None:
        assert fitted == trace
    else:
        assert leave_out(trace, fitted.left_out) == fitted, "an audit needs no bound to do it again"
        assert TRACE.decode(TRACE.encode(fitted)) == fitted
        chosen = [one.verdict == "chosen" for one in fitted.candidates]
        assert all(chosen) or sum(chosen) == sum(one.verdict == "chosen" for one in many)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("trace/v*/*.avro")), ids=str)
def test_no_traces_bytes_are_more_than_its_size_at_most(path) -> None:  # type: ignore[no-untyped-def]
    trace = TRACE.decode(path.read_bytes())
    # it spells out the names of fields, and verdicts, which are a byte each
    assert len(TRACE.encode(trace)) <= size_at_most(trace) <= 2.25 * len(TRACE.encode(trace)) + 500


texts = st.text(max_size=80) | st.sampled_from(["", "盾" * 90, "x" * 300])


@given(
    st.lists(texts, max_size=8), st.dictionaries(texts, texts, max_size=5), st.integers(0, 2**53)
)
@settings(max_examples=200, derandomize=True)
def test_no_records_bytes_are_more_than_its_size_at_most(ids, values, number) -> None:  # type: ignore[no-untyped-def]
    candidates = tuple(TracedCandidate(one, one, "chosen", "r", values, 0.5) for one in ids)
    trace = msgspec.structs.replace(
        SLATE, candidates=candidates, sequence=number, left_out=LeftOut(number, 1, 0)
    )
    assert len(TRACE.encode(trace)) <= size_at_most(trace)
    decision = DECISION.decode((FOLDER / "decision/v2/slate.avro").read_bytes())
    decision = msgspec.structs.replace(
        decision, content=values, sequence=number, sent_at_ms=number, channel=None
    )
    assert len(DECISION.encode(decision)) <= size_at_most(decision)
    letter = DeadLetter("malformed", "m", number.to_bytes(8, "big") * 9, "t", 0, number, None)
    assert len(DEAD_LETTER.encode(letter)) <= size_at_most(letter)


@pytest.mark.parametrize("bytes_max", [20_000, 500_000, RECORD_BYTES_MAX])
@pytest.mark.parametrize("message", ["short", "ü" * 500, "盾" * 500, "😀" * 500])
def test_a_dead_letter_fits_with_its_key_in_bytes(bytes_max: int, message: str) -> None:
    raw = b"x" * DEAD_LETTER_RAW_BYTES_MAX
    letter = DeadLetter("malformed", message, raw, "盾" * 80, 3, 2**53, None)
    fitted = fit_letter(letter, bytes_max)
    assert len(DEAD_LETTER.encode(fitted)) + len(key_of(fitted).encode()) <= bytes_max
    assert raw.startswith(fitted.raw)
    if bytes_max < len(raw):
        assert f"the last {len(raw) - len(fitted.raw)} raw bytes are left out" in fitted.message
    else:
        assert fitted == letter


def test_the_largest_knowledge_can_be_written_and_read() -> None:
    links = {f"{'😀' * 250}{n}": 1.0 for n in range(LINKS_MAX)}
    item = make_learnt(
        "😀" * 256, category="😀" * 2_048, next_items=links, seen_with=links, bought_with=links
    )
    data = ITEM_KNOWLEDGE.encode(item)
    assert len(data) < KNOWLEDGE_BYTES_MAX
    assert ITEM_KNOWLEDGE.decode(data) == item
    session = make_past_session(
        *(f"{'😀' * 250}{n}" for n in range(SESSION_MEMORY_ITEMS)), name="s"
    )
    assert PAST_SESSION.decode(PAST_SESSION.encode(session)) == session


def test_a_fold_with_room_for_everything_gives_the_bytes_of_one_without_a_bound() -> None:
    def bytes_of(made: tuple[Decision, DecisionTrace]) -> tuple[bytes, bytes]:
        return DECISION.encode(made[0]), TRACE.encode(made[1])

    log = [make_record(make_event(event_id=f"e{n}", placements=["home"]), n) for n in range(5)]
    with_room, without = (
        [bytes_of(made) for one in Fold(make_knowledge(), given).run(log) for made in one.decisions]
        for given in (rules(), rules(None))
    )
    assert with_room == without != []
