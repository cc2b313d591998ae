"""Steps of one person made again, with what was decided at them beside what was logged."""

from collections.abc import Iterable
from typing import NamedTuple

from jobs.audit.differences import Again, is_made_again
from jobs.audit.live_person import Step
from jobs.audit.logged import LoggedDecision, LoggedDecisions
from jobs.audit.recompute import decide_as_named
from jobs.audit.taught import Taught
from jobs.fold.arrival_order import event_key_of
from schemas.state.inputs import Claim, Transfer
from schemas.state.person import PERSON_STATE, PersonState
from schemas.state.session import SessionNews
from udfs.inputs import INPUTS, PersonInput
from udfs.merge_visitors import take_state


class Act(NamedTuple):
    """A step with what was made at it, the person's state after it, and what they gave to who signed in."""

    step: Step
    again: Again
    after: PersonState | None
    gave: tuple[Transfer, ...] = ()


class Play:
    """Makes steps again. `transfers`: what is known of what visitors gave, by id."""

    def __init__(
        self, taught: Taught, logged: LoggedDecisions, seed: str, transfers: dict[bytes, Transfer]
    ) -> None:
        self._taught, self._logged, self._seed = taught, logged, seed
        self.transfers = transfers

    def act(self, state: PersonState | None, news: PersonInput) -> Act:
        """One step from this state, which it changes."""
        before = b"" if state is None else PERSON_STATE.encode(state)
        knowledge, again = self._taught.knowledge, Again()
        if isinstance(news, SessionNews):
            state = self._joined(state, news)
            result, again = decide_as_named(
                state, news, knowledge, self._seed, self._taught, self._logged
            )
        else:
            result = INPUTS[news.kind].step(state, news, knowledge, self._seed)
        differing = frozenset(
            one.decision_id
            for one in self.decided(news)
            if not is_made_again(self._logged, one, again)
        )
        gave = tuple(one for one in result.told if isinstance(one, Transfer))
        return Act(Step(news, before, differing), again, result.state, gave)

    def line(self, before: bytes, line: Iterable[PersonInput]) -> list[Act]:
        """One step after the other, from the encoded state of before them."""
        state = PERSON_STATE.decode(before) if before else None
        acts = []
        for news in line:
            acts.append(self.act(state, news))
            state = acts[-1].after
        return acts

    def decided(self, news: PersonInput) -> Iterable[LoggedDecision]:
        """The logged decisions on this news."""
        key = event_key_of(news)
        return self._logged.of(key).values() if key is not None else ()

    def is_decided(self, news: PersonInput) -> bool:
        """Whether anything is logged that was decided on this news, of whatever time."""
        key = event_key_of(news)
        return key is not None and bool(self._logged.named(key))

    def _joined(self, state: PersonState | None, news: SessionNews) -> PersonState | None:
        """The state with what the news waited for: live takes them together."""
        for transfer_id in news.awaits:
            transfer = self.transfers.get(transfer_id)
            if transfer is not None:
                state = take_state(state, transfer, self._taught.knowledge, self._seed).state
        return state


def awaits_of(news: PersonInput) -> tuple[bytes, ...]:
    """The transfers that this news waited for."""
    return news.awaits if isinstance(news, SessionNews) else ()


def is_claim(news: PersonInput, transfer_id: bytes) -> bool:
    """Whether this is what the transfer answers."""
    return isinstance(news, Claim) and news.transfer_id == transfer_id
