"""What a person may be told: a union whose tag is the first element of its array, with the codec and the step of each kind."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, get_args

from schemas.codec import StateCodec
from schemas.state.inputs import head_of
from schemas.state.session import SESSION_NEWS, NewsKind, SessionNews
from udfs.decide import decide
from udfs.results import PersonResult

PersonInput = SessionNews
"""What arrives at the person's operator, and waits there."""


class InputKind(NamedTuple):
    """`step` takes (state, input, knowledge, seed, tracing=…), like `decide`."""

    codec: StateCodec[Any]
    step: Callable[..., PersonResult]


INPUTS: Final[dict[str, InputKind]] = dict.fromkeys(
    get_args(NewsKind), InputKind(SESSION_NEWS, decide)
)
"""By tag. Another kind is a struct that begins like InputHead, its step, a line here and a member of PersonInput."""


def decode_input(data: bytes) -> PersonInput:
    """What a person is told, from the bytes between operators or in state; an unknown kind is a bug and raises KeyError."""
    given: PersonInput = INPUTS[head_of(data).kind].codec.decode(data)
    return given
