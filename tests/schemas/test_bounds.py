"""Every number that crosses a boundary has a finite bound, and every collection an end; old bytes still load."""

import importlib
import pkgutil
from collections.abc import Iterator
from math import inf, nan
from typing import Any

import msgspec
import pytest
from msgspec import inspect

import schemas
from schemas.codec import (
    ALERT,
    CONTROL,
    DEAD_LETTER,
    DECISION,
    EVENT,
    ITEM,
    OUTCOME,
    TRACE,
    Codec,
    StateCodec,
)
from schemas.control import Control
from schemas.errors import ConfigError, InvalidEvent
from schemas.knowledge import ACTION_KNOWLEDGE, EPOCH_END, ITEM_KNOWLEDGE, PAST_SESSION, EpochEnd
from schemas.limits import EVENT_TIME_MAX_MS
from schemas.numbers import Chance, Count, Epoch, Finite, Moment, Until, Weighed, Whole
from schemas.policy import policy_from_payload
from schemas.state.lessons import ActionFact, ItemFact, SessionFact
from tests.examples.write import FOLDER, STATE_CODECS
from tests.hostile.records import (
    FLOAT_EXTREMES,
    WHOLE_EXTREMES,
    built,
    changed,
    is_within_bounds,
    numbers_in,
)

FREE_TEXT = {
    # of our own making and of state: what fills them has a bound of its own
    "SessionContext", "SessionState", "SessionSummary", "SessionNews", "ItemTouch", "Tally", "PersonState",
    "ActionHistory", "Purchase", "Declared", "ItemFact", "ActionFact", "SessionFact",
    "Lesson", "LearnerMemory", "Claim", "Transfer", "Before", "Gave", "_Frame",
    # a policy is a payload of at most CONTROL_BYTES_MAX, written by its owner
    "Policy", "Placement", "Rule", "Boost", "ItemRules", "Treatment", "Action", "ContextWeight", "Arm",
    "QuietHours", "NamedEvent", "Event", "ExactEvent",
    # nor a mapping: a file of at most a megabyte, written by its owner
    "EventMapping", "MappingRule", "Source", "Compiled",
}  # fmt: skip
"""Structs whose collections or texts may be without a bound of their own. None of their numbers may be."""


def structs() -> list[type[msgspec.Struct]]:
    """Every Struct that the modules of schemas define, and the facts that the learn job keeps."""
    found: set[type[msgspec.Struct]] = {ItemFact, ActionFact, SessionFact}
    for module in pkgutil.walk_packages(schemas.__path__, "schemas."):
        for one in vars(importlib.import_module(module.name)).values():
            if isinstance(one, type) and issubclass(one, msgspec.Struct) and one.__module__ == module.name:  # fmt: skip
                found.add(one)
    return sorted(found, key=lambda one: one.__name__)


def unbounded_numbers(kind: inspect.Type) -> Iterator[str]:
    """What is a number without a finite bound on both sides, in a field's type."""
    match kind:
        case inspect.IntType() | inspect.FloatType():
            low, high = (kind.ge, kind.gt), (kind.le, kind.lt)
            if any(all(one in (None, inf, -inf) for one in side) for side in (low, high)):
                yield type(kind).__name__
        case inspect.UnionType():
            for one in kind.types:
                yield from unbounded_numbers(one)
        case inspect.DictType():
            yield from unbounded_numbers(kind.key_type)
            yield from unbounded_numbers(kind.value_type)
        case inspect.ListType() | inspect.VarTupleType() | inspect.SetType() | inspect.FrozenSetType():  # fmt: skip
            yield from unbounded_numbers(kind.item_type)
        case inspect.TupleType():
            for one in kind.item_types:
                yield from unbounded_numbers(one)
        case inspect.AnyType():
            yield "Any"


def unbounded_sizes(kind: inspect.Type) -> Iterator[str]:
    """What is a text, bytes or a collection without an end, in a field's type."""
    match kind:
        case inspect.StrType():
            if kind.max_length is None and kind.pattern is None:
                yield "str"
        case inspect.BytesType() | inspect.DictType() | inspect.ListType() | inspect.VarTupleType():
            if kind.max_length is None:
                yield type(kind).__name__
        case inspect.UnionType():
            for one in kind.types:
                yield from unbounded_sizes(one)
    match kind:
        case inspect.DictType():
            yield from unbounded_sizes(kind.key_type)
            yield from unbounded_sizes(kind.value_type)
        case inspect.ListType() | inspect.VarTupleType():
            yield from unbounded_sizes(kind.item_type)


ANYTHING = {
    ("Arm", "changes"), ("MappingRule", "when"), ("Compiled", "when"), ("Source", "value"), ("Source", "map"), ("Source", "otherwise"),
}  # fmt: skip
"""Merged into the policy, which is then checked as a whole (udfs/policy/compile_policy.py); compared with what a record says, or made a
field of an event, which is checked as one (schemas/mappings/mapped.py).
"""


@pytest.mark.parametrize("struct", structs(), ids=lambda one: one.__name__)
def test_every_number_of_a_schema_has_a_finite_bound(struct: type[msgspec.Struct]) -> None:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    for one in info.fields:
        if (struct.__name__, one.name) not in ANYTHING:
            assert list(unbounded_numbers(one.type)) == [], f"{struct.__name__}.{one.name}"


@pytest.mark.parametrize(
    "struct", [one for one in structs() if one.__name__ not in FREE_TEXT], ids=lambda one: one.__name__
)  # fmt: skip
def test_every_text_and_collection_of_a_record_has_an_end(struct: type[msgspec.Struct]) -> None:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    for one in info.fields:
        assert list(unbounded_sizes(one.type)) == [], f"{struct.__name__}.{one.name}"


class Forgotten(msgspec.Struct):
    """What a new field without a bound looks like."""

    count: int
    shares: dict[str, float]
    ratio: float | None
    ends: tuple[Until, ...]
    names: list[str]


def test_a_field_without_a_bound_is_found() -> None:
    info = inspect.type_info(Forgotten)
    assert isinstance(info, inspect.StructType)
    found = [one.name for one in info.fields if list(unbounded_numbers(one.type))]
    assert found == ["count", "shares", "ratio"]
    assert [one.name for one in info.fields if list(unbounded_sizes(one.type))] == [
        "shares", "ends", "names",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [Finite, Weighed, Chance])
@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_what_is_not_a_number_meets_no_bound(kind: Any, value: float) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, kind)
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(value), type=kind)


@pytest.mark.parametrize("kind", [Whole, Count, Moment, Until, Epoch])
@pytest.mark.parametrize("value", [2**60, 2**63 - 1, -(2**63)])
def test_a_time_or_count_beyond_all_is_refused(kind: Any, value: int) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, kind)


# --- every number of every committed record, at its extremes ------------------------------------------

CODECS: dict[str, Codec[Any]] = {
    "event": EVENT, "item": ITEM, "control": CONTROL, "decision": DECISION, "trace": TRACE,
    "dead_letter": DEAD_LETTER, "item_knowledge": ITEM_KNOWLEDGE, "action_knowledge": ACTION_KNOWLEDGE,
    "past_session": PAST_SESSION, "epoch_end": EPOCH_END, "outcome": OUTCOME, "alert": ALERT,
}  # fmt: skip
EXAMPLES = sorted(one for one in FOLDER.glob("*/v*/*.avro"))
STATES = sorted((FOLDER / "state").glob("*.msgpack"))


def numbers_of_each_type(fields: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """Every number of a record; of a list's members, which are all of one type, the first that has it."""
    found: dict[tuple[Any, ...], tuple[tuple[Any, ...], Any]] = {}
    for path, number in numbers_in(fields):
        names = tuple(one for one in path if not isinstance(one, int))
        found.setdefault(names, (path, number))
    return list(found.values())


def test_of_a_lists_members_the_first_that_has_a_number_stands_for_all() -> None:
    fields = {"a": 1, "of": [{"b": None}, {"b": 2, "c": {"x": 3}}, {"b": 4, "c": {"y": 5}}]}
    assert [path for path, _ in numbers_of_each_type(fields)] == [
        ("a",), ("of", 1, "b"), ("of", 1, "c", "x"), ("of", 2, "c", "y"),
    ]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: str(one.relative_to(FOLDER)))
def test_a_records_numbers_at_their_extremes_are_refused_or_within_bounds(example: Any) -> None:
    codec = CODECS[example.parent.parent.name]
    value = codec.decode(example.read_bytes())
    fields = msgspec.to_builtins(value, builtin_types=(bytes,))
    kind = type(value)
    for path, before in numbers_of_each_type(fields):
        for extreme in WHOLE_EXTREMES if isinstance(before, int) else FLOAT_EXTREMES:
            hostile = built(kind, changed(fields, path, extreme))
            try:
                found = codec.decode(codec.encode(hostile))
            except InvalidEvent:
                continue
            assert is_within_bounds(found), (path, extreme)


@pytest.mark.parametrize("state", STATES, ids=lambda one: one.stem)
def test_a_states_numbers_at_their_extremes_are_refused_or_within_bounds(state: Any) -> None:
    codec: StateCodec[Any] = STATE_CODECS[state.name.partition(".")[0]]
    data = state.read_bytes()
    assert is_within_bounds(codec.decode(data)), "what was ever written loads"
    fields = msgspec.msgpack.decode(data[1:])
    for path, before in numbers_in(fields):
        for extreme in WHOLE_EXTREMES if isinstance(before, int) else FLOAT_EXTREMES:
            hostile = data[:1] + msgspec.msgpack.encode(changed(fields, path, extreme))
            try:
                found = codec.decode(hostile)
            except msgspec.ValidationError:
                continue
            assert is_within_bounds(found), (path, extreme)


@pytest.mark.parametrize("epoch", [2**60, -1])
def test_an_epoch_that_no_log_reaches_is_no_record(epoch: int) -> None:
    with pytest.raises(InvalidEvent, match="invalid_value"):
        EPOCH_END.decode(EPOCH_END.encode(EpochEnd("0", epoch, 0, 0)))


def test_a_decision_of_the_end_of_time_is_refused() -> None:
    value = DECISION.decode((FOLDER / "decision/v2/slate.avro").read_bytes())
    for name in ("event_time_ms", "valid_until_ms", "sequence", "sent_at_ms"):
        with pytest.raises(InvalidEvent, match="invalid_value"):
            DECISION.decode(DECISION.encode(msgspec.structs.replace(value, **{name: 2**63 - 1})))


def test_control_of_the_end_of_time_is_refused() -> None:
    for time_ms in (2**63 - 1, EVENT_TIME_MAX_MS, -1):
        with pytest.raises(InvalidEvent, match="invalid_value"):
            CONTROL.decode(CONTROL.encode(Control("policy", "shop", "1", time_ms)))


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"NaN", b"Infinity", b"-1", b"1e300"])
@pytest.mark.parametrize(
    "policy",
    [
        b'{"actions":[{"id":"a","kind":"offer","value":%b}]}',
        b'{"actions":[{"id":"a","kind":"offer","lever":%b}]}',
        b'{"actions":[{"id":"a","kind":"offer","prior":%b}]}',
        b'{"actions":[{"id":"a","kind":"offer","budget":{"total":%b}}]}',
        b'{"actions":[{"id":"a","kind":"offer","budget":{"people_per_s":%b}}]}',
        b'{"context_weights":[{"name":"w","when":"true","weight":%b}]}',
        b'{"holdout":{"share":%b}}',
        b'{"exploration":{"share":%b}}',
        b'{"nothing_priority":%b}',
    ],
)
def test_a_policys_numbers_have_finite_bounds(policy: bytes, number: bytes) -> None:
    with pytest.raises(ConfigError):
        policy_from_payload(policy % number)
