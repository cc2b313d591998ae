"""What a visitor gave is tried otherwise, and stays what it was where that explains nothing."""

from typing import Any

import pytest

from jobs.audit import recheck
from jobs.audit.live_orders import GivenOtherwise
from jobs.audit.live_person import Person, Step
from jobs.audit.made_again import Act
from jobs.audit.recheck import Recheck
from jobs.fold.arrival_order import LiveOrder
from schemas.state.inputs import Transfer

ID = b"transfer"
OTHERS = 5


def transfer(number: int) -> Transfer:
    return Transfer("transfer", "ada", number, "s", number, ID, "v", b"")


class Differing:
    """Whatever is taken, its decision comes out otherwise than logged, but with the transfer of this number."""

    def __init__(self, right: int | None) -> None:
        self.transfers = {ID: transfer(0)}
        self._right = right

    def line(self, before: bytes, line: list[Any]) -> list[Act]:
        is_right = self.transfers[ID].order_ms == self._right
        return [
            Act(Step(line[-1], before, frozenset() if is_right else frozenset({"d"})), {}, None)
        ]


@pytest.mark.parametrize("tries", [0, 1, 3, OTHERS, 99])
@pytest.mark.parametrize("right", [None, 2])
def test_another_gift_is_taken_only_where_it_gives_what_was_logged(
    monkeypatch: pytest.MonkeyPatch, tries: int, right: int | None
) -> None:
    others = [GivenOtherwise(transfer(n), 0, [], None) for n in range(1, OTHERS + 1)]
    monkeypatch.setattr(recheck, "given_otherwise", lambda *_: iter(others))
    person, giver = (Person(LiveOrder((), 0)) for _ in range(2))
    person.tries_left = tries
    tried: Any = object.__new__(Recheck)
    tried._play, tried._givers = Differing(right), {ID: giver}
    acts = tried._with_another(ID, person, b"", ["news"], [])
    is_found = right is not None and tries >= right
    assert (acts is not None) == is_found
    assert tried._play.transfers[ID] == transfer(2 if is_found else 0)
