"""The two steps by which what was joined wrongly is split again: the visitor takes back what they gave, the person goes on without it.

A visitor keeps what they gave, a person what they were before it came (udfs/facts/joins.py). What has happened since stays with the person; a
transfer that was undone changes nothing a second time.
"""

from typing import NamedTuple

from msgspec.structs import replace

from schemas.events import ERASURE_REQUESTED
from schemas.limits import CLAIMANTS_MAX, PERSON_EXPIRY_MS
from schemas.state.inputs import Claim, Transfer
from schemas.state.person import PERSON_STATE, Before, Gave, PersonState, Unit
from udfs.actions.take_back import take_back_split
from udfs.facts.activity import uncount_purchases
from udfs.facts.consent import agreed
from udfs.facts.erasure import is_tombstone
from udfs.facts.fact import Apart
from udfs.facts.identity import is_joined, part_of, without_joined
from udfs.facts.joins import encoded, forget_joins
from udfs.facts.merging import newest_last
from udfs.facts.purchases import forget_repeated
from udfs.facts.rooms import give_again, merge_persons, purge_person, split_persons, with_profile
from udfs.knowledge.knowledge import Knowledge
from udfs.results import PersonResult, Result
from udfs.session.deduplicate import hash_of

SERVICE: frozenset[str] = frozenset()
"""What `purge_person` leaves of a state for these purposes is what holds without personalisation."""


class Undone(NamedTuple):
    """A join that is undone: what the person was `before` it and what was `given` (None: not kept), the state that was `joined` of both, by which transfer."""

    before: Before
    own: PersonState
    given: PersonState | None
    joined: PersonState | None
    transfer: Transfer


# --- joining, as it was done and as it is looked at again -----------------------------------------


def join(
    own: PersonState | None, given: PersonState, person: str, order_ms: int, knowledge: Knowledge,
    before: list[Before] | None = None,
) -> PersonState:  # fmt: skip
    """What becomes of a person and what a visitor gave at `order_ms`, as far as is agreed to, and keeps `before`. Both are changed."""
    if own is None or is_tombstone(own):
        merged = given
        if own is not None:
            merged.sequence = max(given.sequence, own.sequence)
            merged.erased_ms = own.erased_ms
    else:
        # a purchase that both were told of counts once
        uncount_purchases(given, forget_repeated(given, own))
        merged = merge_persons(own, given)
    merged.facts, merged.parts, merged.before = [], merged.parts or part_of(person), before or []
    return settled(merged, order_ms, knowledge)


def settled(state: PersonState, order_ms: int, knowledge: Knowledge) -> PersonState:
    """The state as far as it may be kept, as of `order_ms`."""
    holds = agreed(state.consent, knowledge.assumed)
    if not holds.is_personal:
        state = purge_person(state, holds.granted)
    state.last_ms = max(state.last_ms, order_ms)
    state.timer_ms = state.last_ms + PERSON_EXPIRY_MS
    return state


# --- the visitor ----------------------------------------------------------------------------------


def give_back(
    state: PersonState | None, claim: Claim, knowledge: Knowledge, counts: tuple[str, ...]
) -> PersonResult:
    """Has the visitor be who did what they gave to the member last, and says to the member which transfer that was.

    Of a member who is erased the gifts are forgotten, and nothing is said.
    """
    name = hash_of(claim.member)
    if claim.event.event_type == ERASURE_REQUESTED:
        if state is not None:
            state.gave = [one for one in state.gave if one.member != name]
        return Result(state, (), state.timer_ms if state is not None else None, counts)
    if state is not None:
        forget_joins(state, claim.order_ms)
    gift = _newest_gift(state, name)
    if state is None or gift is None:
        timer_ms = state.timer_ms if state is not None else None
        return Result(state, (_undo(claim, None),), timer_ms, (*counts, "unmerge_too_late"))
    state.gave = [one for one in state.gave if one is not gift]
    state.claimed = _claimed_without(state, gift)
    given = PERSON_STATE.decode(gift.state) if gift.state else None
    if given is not None and _is_erased(claim.member, given, knowledge):
        gift, given = Gave(gift.transfer_id, name, gift.at_ms, b""), None
    if given is not None:
        state = give_again(state, given)
    else:
        counts += ("unmerge_too_late",)
    # what was given is there for who signs in next
    until_ms = max(claim.order_ms, max(state.claimed.values(), default=-1) + 1)
    state = settled(state, until_ms, knowledge)
    return Result(state, (_undo(claim, gift),), state.timer_ms, counts)


def _newest_gift(state: PersonState | None, member: bytes) -> Gave | None:
    gave = state.gave if state is not None else []
    return next((one for one in reversed(gave) if one.member == member), None)


def _is_erased(member: str, given: PersonState, knowledge: Knowledge) -> bool:
    return knowledge.erasures.until_ms("person", member, given.first_ms) >= given.first_ms


def _claimed_without(state: PersonState, gift: Gave) -> dict[str, int]:
    """Who has claimed, as it was before the gift."""
    claimed = {name: at for name, at in state.claimed.items() if name != gift.member.hex()}
    if gift.claimed_ms:
        claimed[gift.member.hex()] = gift.claimed_ms
    return newest_last(claimed, claimed, CLAIMANTS_MAX + 1)


def _undo(claim: Claim, gift: Gave | None) -> Transfer:
    undoes, data, is_purged = (
        (gift.transfer_id, gift.state, gift.is_purged) if gift is not None else (b"", b"", False)
    )
    return Transfer(
        "transfer", claim.member, claim.order_ms, claim.session_id, claim.position, claim.transfer_id,
        claim.person, data, is_undone=True, undoes=undoes, event=claim.event, is_purged=is_purged,
    )  # fmt: skip


# --- the person -----------------------------------------------------------------------------------


def split_off(
    state: PersonState | None, transfer: Transfer, knowledge: Knowledge, counts: tuple[str, ...]
) -> PersonResult:
    """The person without what the undone transfer had brought; one that is not there (any more) changes nothing."""
    if state is None or not transfer.undoes or not is_joined(state, transfer.undoes):
        return Result(state, (), state.timer_ms if state is not None else None, counts)
    forget_joins(state, transfer.order_ms)
    undone = _undone(state, transfer, knowledge)
    if undone is None:
        left, own_placed = _bare(state, transfer), {}
        counts += ("unmerged_bare",)
    elif undone.joined is not None and encoded(state) == encoded(undone.joined):
        return _as_before(state, undone, counts)
    else:
        left, own_placed = _apart(state, undone, is_bare=undone.before.is_bare), undone.own.placed
        left.before = _apart_too(state, undone)
        counts += ("persons_unmerged",)
    sequence = max(state.sequence + 1, transfer.order_ms * 1000)
    void = tuple(take_back_split(state.placed, own_placed, transfer, sequence))
    left.placed = {name: one for name, one in state.placed.items() if own_placed.get(name) == one}
    if void:
        left.sequence = sequence
    left = settled(left, transfer.order_ms, knowledge)
    counts += ("decisions_void",) * len(void)
    return Result(left, void, left.timer_ms, counts)


def _undone(state: PersonState, transfer: Transfer, knowledge: Knowledge) -> Undone | None:
    """The join as it was done, from what is kept of it; None where the person before it is not."""
    before = next((one for one in state.before if one.transfer_id == transfer.undoes), None)
    if before is None:
        return None
    person, at_ms = transfer.person, before.at_ms
    own = PERSON_STATE.decode(before.state) if before.state else None
    given, joined = _given(transfer, before), None
    if given is not None:
        joined = join(own, given, person, at_ms, knowledge)
    if own is None:
        own = PersonState(at_ms, at_ms, unit=Unit(person, True, at_ms))
    # joining has changed what it took
    return Undone(before, own, _given(transfer, before), joined, transfer)


def _given(transfer: Transfer, before: Before) -> PersonState | None:
    if not transfer.state:
        return None
    given = PERSON_STATE.decode(transfer.state)
    return purge_person(given, SERVICE) if before.is_capped else given


def _as_before(state: PersonState, undone: Undone, counts: tuple[str, ...]) -> PersonResult:
    """Nothing has happened since: they are who they were."""
    counts += ("persons_unmerged",)
    if not undone.before.state:
        return Result(None, (), None, counts)
    left = undone.own
    left.gave, left.before = state.gave, [one for one in state.before if one is not undone.before]
    return Result(left, (), left.timer_ms, counts)


def _apart(now: PersonState, undone: Undone, *, is_bare: bool) -> PersonState:
    """The state without what was given; `is_bare`: all that was personal is gone since, so what is there came later."""
    own, given, joined = undone.own, undone.given, undone.joined
    if given is None or joined is None:
        left = now if is_bare else with_profile(now, own)
    else:
        left = split_persons(Apart(now, joined, own, given))
        if is_bare or undone.transfer.is_purged:
            left = with_profile(left, now if is_bare else own)
    left.joined, left.unit = without_joined(now, undone.transfer.undoes), own.unit
    return left


def _apart_too(state: PersonState, undone: Undone) -> list[Before]:
    """What the person was before other joins, without what was given."""
    kept = []
    for one in state.before:
        then = PERSON_STATE.decode(one.state) if one.state else None
        if one is undone.before:
            continue
        if then is not None and is_joined(then, undone.transfer.undoes):
            then = _apart(then, undone, is_bare=one.is_bare or undone.before.is_bare)
            kept.append(replace(one, state=encoded(then)))
        else:
            kept.append(one)
    return kept


def _bare(state: PersonState, transfer: Transfer) -> PersonState:
    """What holds without personalisation: nobody knows any more what was whose."""
    left = purge_person(state, SERVICE)
    left.joined = without_joined(state, transfer.undoes)
    if transfer.state and left.unit == PERSON_STATE.decode(transfer.state).unit:
        left.unit = Unit(transfer.person, True, transfer.order_ms)
    return left
