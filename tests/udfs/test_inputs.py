"""What a person is told is a union on the wire: its tag says which codec and which step."""

from typing import get_args

import pytest
from msgspec import Struct

from schemas.codec import StateCodec
from schemas.numbers import Whole
from schemas.state.inputs import head_of
from schemas.state.session import SESSION_NEWS, NewsKind
from tests.builders import NOON, make_event, track
from tests.examples.write import FOLDER
from udfs import inputs
from udfs.decide import decide
from udfs.inputs import INPUTS, InputKind, decode_input
from udfs.merge_visitors import give_state, take_state

KEPT = sorted(FOLDER.glob("state/session_news.*.msgpack"))
(NEWS,) = track(None, make_event()).news


class Moved(Struct, array_like=True, frozen=True):
    """Another kind of input, as it may come one day."""

    kind: str
    person: str
    order_ms: Whole
    profile: bytes


def test_every_kind_of_input_is_taken_by_its_step() -> None:
    moves = {"claim": give_state, "transfer": take_state}
    assert {tag: kind.step for tag, kind in INPUTS.items()} == moves | dict.fromkeys(
        get_args(NewsKind), decide
    )


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_what_waits_in_a_savepoint_of_before_is_read(path) -> None:  # type: ignore[no-untyped-def]
    data = path.read_bytes()
    news, head = decode_input(data), head_of(data)
    assert news == SESSION_NEWS.decode(data)
    assert (head.kind, head.person, head.order_ms) == (news.kind, news.person, news.order_ms)


def test_the_head_is_read_whatever_the_version() -> None:
    data = SESSION_NEWS.encode(NEWS)
    assert head_of(b"\x09" + data[1:]) == head_of(data)


def test_another_kind_is_a_struct_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    codec, moved = StateCodec(Moved, version=1), Moved("moved", "p1", NOON, b"profile")
    monkeypatch.setitem(inputs.INPUTS, "moved", InputKind(codec, decide))
    given: object = decode_input(codec.encode(moved))
    assert given == moved
    assert decode_input(SESSION_NEWS.encode(NEWS)) == NEWS


def test_a_kind_that_nobody_knows_is_a_bug() -> None:
    unknown = StateCodec(Moved, version=1).encode(Moved("moved", "p1", NOON, b""))
    with pytest.raises(KeyError, match="moved"):
        decode_input(unknown)
