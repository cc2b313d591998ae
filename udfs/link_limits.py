"""The two steps by which limits hold for who is a person perhaps: the visitor says what they were offered and do not want, the person counts it.

The visitor stays who they are, and nothing that is known of either is the other's.
"""

from msgspec.structs import replace

from schemas.state.consent import Consent
from schemas.state.inputs import Claim, Transfer
from schemas.state.person import PERSON_STATE, PersonState
from udfs.facts.consent import Granted
from udfs.facts.erasure import is_tombstone
from udfs.facts.identity import part_of
from udfs.facts.rooms import merge_persons
from udfs.knowledge.knowledge import Knowledge
from udfs.results import PersonResult, Result
from udfs.unmerge_visitors import settled


def lend_limits(state: PersonState | None, claim: Claim, counts: tuple[str, ...]) -> PersonResult:
    """Answers a claim for limits: what of the visitor counts for them, if there is anything."""
    nothing = PersonState(claim.order_ms, claim.order_ms)
    lent = nothing
    if state is not None:
        lent = replace(
            nothing, actions=state.actions, offered=state.offered, contacts=state.contacts,
            refused_actions=state.refused_actions, consent=state.consent,
        )  # fmt: skip
    data = PERSON_STATE.encode(lent) if lent != nothing else b""
    answer = Transfer(
        "transfer", claim.member, claim.order_ms, claim.session_id, claim.position, claim.transfer_id,
        claim.person, data, is_limits=True,
    )  # fmt: skip
    return Result(state, (answer,), state.timer_ms if state is not None else None, counts)


def take_limits(
    state: PersonState | None, transfer: Transfer, knowledge: Knowledge, counts: tuple[str, ...]
) -> PersonResult:
    """Merges what limits count; as often as it comes it is the same. It grants nothing that the person has not granted."""
    lent = PERSON_STATE.decode(transfer.state) if transfer.state else None
    if lent is None or (state is not None and is_tombstone(state)):
        return Result(state, (), state.timer_ms if state is not None else None, counts)
    if knowledge.erasures.until_ms("person", transfer.person, lent.first_ms) >= lent.first_ms:
        timer_ms = state.timer_ms if state is not None else None
        return Result(state, (), timer_ms, (*counts, "erased"))
    own = state or PersonState(lent.first_ms, lent.last_ms, parts=part_of(transfer.person))
    if own.consent.purposes is None:
        lent.consent = _within(lent.consent, knowledge.assumed)
    left = settled(merge_persons(own, lent), transfer.order_ms, knowledge)
    return Result(left, (), left.timer_ms, (*counts, "limits_linked"))


def _within(consent: Consent, assumed: Granted) -> Consent:
    """What is refused by it, of what is assumed."""
    if consent.purposes is None:
        return consent
    return replace(consent, purposes=tuple(sorted(assumed.intersection(consent.purposes))))
