"""What a person may be told: a union whose tag is the first element of its array, with the codec and the step of each kind."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, get_args

from schemas.codec import StateCodec
from schemas.state.inputs import CLAIM, TRANSFER, Transfer, head_of
from schemas.state.session import SESSION_NEWS, NewsKind, SessionNews
from udfs.decide import decide
from udfs.merge_visitors import give_state, take_state
from udfs.results import PersonResult, Told

PersonInput = Told
"""What arrives at the operators of visitors and members, and waits there."""


class InputKind(NamedTuple):
    """`step` takes (state, input, knowledge, seed, tracing=…), like `decide`."""

    codec: StateCodec[Any]
    step: Callable[..., PersonResult]


INPUTS: Final[dict[str, InputKind]] = dict.fromkeys(
    get_args(NewsKind), InputKind(SESSION_NEWS, decide)
) | {"claim": InputKind(CLAIM, give_state), "transfer": InputKind(TRANSFER, take_state)}
"""By tag. Another kind is a struct that begins like InputHead, its step, a line here and a member of PersonInput."""


def decode_input(data: bytes) -> PersonInput:
    """What a person is told, from the bytes between operators or in state; an unknown kind is a bug and raises KeyError."""
    given: PersonInput = INPUTS[head_of(data).kind].codec.decode(data)
    return given


def is_for_member(given: PersonInput) -> bool:
    """Whether it is for a person who has signed in, not for a visitor: the two may be spelled alike."""
    return given.is_member if isinstance(given, SessionNews) else isinstance(given, Transfer)
