"""The two steps by which what a visitor did becomes that of the person who signs in: the visitor gives, the person takes.

A claim is always answered, once, and a transfer is merged once: so the person's state is as if there had been one id from the start. The
visitor keeps what holds without personalisation and begins anew, so the next person to sign in on the device takes only what was done since.
How a wrong join is split again stands in udfs/unmerge_visitors.py.
"""

from msgspec.structs import replace

from schemas.limits import CLAIMANTS_MAX, MERGES_KEPT_MS, PARTS_MAX, PERSON_EXPIRY_MS
from schemas.state.consent import NO_CONSENT, Consent
from schemas.state.inputs import Claim, Transfer
from schemas.state.person import PERSON_STATE, Before, Gave, PersonState, Unit
from udfs.actions.take_back import take_all_back
from udfs.explain.tracing import WHOLE, Tracing
from udfs.facts.consent import agreed
from udfs.facts.erasure import is_tombstone
from udfs.facts.grants import granted_since
from udfs.facts.identity import is_joined, joined_lately, with_joined
from udfs.facts.joins import encoded, note_before, note_gift
from udfs.facts.merging import newest_last
from udfs.facts.rooms import purge_person
from udfs.knowledge.knowledge import Knowledge
from udfs.link_limits import lend_limits, take_limits
from udfs.results import PersonResult, Result
from udfs.session.deduplicate import hash_of
from udfs.unmerge_visitors import SERVICE, give_back, join, split_off


def give_state(
    state: PersonState | None,
    claim: Claim,
    knowledge: Knowledge,
    seed: str,
    tracing: Tracing = WHOLE,
) -> PersonResult:
    """Answers a claim: a transfer with what the visitor did since the last one, if anything; their decisions are void."""
    state, counts = _unless_expired(state, claim.order_ms)
    if claim.is_undone:
        return give_back(state, claim, knowledge, counts)
    if claim.is_limits:
        return lend_limits(state, claim, counts)
    if state is None or (claim.is_own and not _is_persons(state)):
        timer_ms = state.timer_ms if state else None
        return Result(state, (_answer(claim, None),), timer_ms, counts)
    if claim.is_own:
        # as it is, with all that stands: its decisions are the person's own
        unit = state.unit or Unit(claim.person, state.is_identified, state.first_ms)
        return Result(None, (_answer(claim, replace(state, unit=unit)),), None, counts)
    since_ms = max(state.claimed.values(), default=-1)
    given_to = _given_to(state, claim)
    is_capped = len(given_to) > CLAIMANTS_MAX
    is_new = state.last_ms > since_ms and not is_tombstone(state)
    given = _given(state, claim, since_ms, is_capped) if is_new else None
    void = tuple(take_all_back(state, claim))
    left = purge_person(state, SERVICE)
    left.placed, left.claimed = {}, newest_last(given_to, given_to, CLAIMANTS_MAX + 1)
    answer = _answer(claim, given)
    left.gave = state.gave
    if given is not None and not is_capped:
        left.gave = note_gift(state.gave, _gift(state, claim, answer, knowledge))
    left.last_ms = max(left.last_ms, claim.order_ms)
    left.timer_ms = left.last_ms + PERSON_EXPIRY_MS
    counts += ("transfers_capped",) * (is_capped and given is not None)
    counts += ("decisions_void",) * len(void)
    return Result(left, (answer, *void), left.timer_ms, counts)


def take_state(
    state: PersonState | None,
    transfer: Transfer,
    knowledge: Knowledge,
    seed: str,
    tracing: Tracing = WHOLE,
) -> PersonResult:
    """Merges what a transfer brings into the person's state; one that was merged before changes nothing."""
    state, counts = _unless_expired(state, transfer.order_ms)
    if transfer.is_undone:
        return split_off(state, transfer, knowledge, counts)
    if transfer.is_limits:
        return take_limits(state, transfer, knowledge, counts)
    if not transfer.state:
        return Result(state, (), state.timer_ms if state else None, counts)
    given = PERSON_STATE.decode(transfer.state)
    if state is not None and is_joined(state, transfer.transfer_id):
        return Result(state, (), state.timer_ms, counts)
    is_capped = state is not None and joined_lately(state, transfer.order_ms) >= PARTS_MAX
    if is_capped:
        given = purge_person(given, SERVICE)
        counts += ("transfers_capped",)
    until_ms = knowledge.erasures.until_ms("person", transfer.person, given.first_ms)
    if max(until_ms, state.erased_ms if state is not None else 0) >= given.first_ms:
        timer_ms = state.timer_ms if state is not None else None
        return Result(state, (), timer_ms, (*counts, "erased"))
    before = [] if state is None or is_tombstone(state) else state.before
    if not transfer.is_own:
        own = b"" if state is None or is_tombstone(state) else encoded(state)
        kept = Before(transfer.transfer_id, transfer.order_ms, own, is_capped=is_capped)
        before = note_before(before, kept)
    merged = join(state, given, transfer.person, transfer.order_ms, knowledge, before)
    return Result(merged, (), merged.timer_ms, (*counts, "persons_merged"))


def _unless_expired(
    state: PersonState | None, now_ms: int
) -> tuple[PersonState | None, tuple[str, ...]]:
    if state is not None and now_ms >= state.timer_ms:
        return None, ("persons_forgotten",)
    return state, ()


def _is_persons(state: PersonState) -> bool:
    """Whether this is the state of somebody who was signed in, from before these had a place of their own."""
    return state.is_identified or (state.unit is not None and state.unit.is_identified)


def _given_to(state: PersonState, claim: Claim) -> dict[str, int]:
    """Who has claimed within MERGES_KEPT_MS, by hash, and when last, with this claim."""
    first_ms = claim.order_ms - MERGES_KEPT_MS
    lately = {name: at for name, at in state.claimed.items() if at >= first_ms}
    name = hash_of(claim.member).hex()
    return lately | {name: max(claim.order_ms, lately.get(name, 0))}


def _given(state: PersonState, claim: Claim, since_ms: int, is_capped: bool) -> PersonState:
    """What the visitor was and did since somebody signed in on the device last, as the state of the person who does now."""
    given = purge_person(state, SERVICE) if is_capped else state
    unit = Unit((state.unit or Unit(claim.person, False, 0)).id, True, claim.order_ms)
    return replace(
        given,
        unit=unit,
        placed={},
        claimed={},
        gave=[],
        erased_ms=0,
        actions=granted_since(state, since_ms),
        refused_actions={name: at for name, at in state.refused_actions.items() if at > since_ms},
        contacts={name: one for name, one in state.contacts.items() if one.decided_ms > since_ms},
        consent=_said_since(state.consent, since_ms),
    )


def _gift(state: PersonState, claim: Claim, answer: Transfer, knowledge: Knowledge) -> Gave:
    """What is kept of what was given, to take it back."""
    member = hash_of(claim.member)
    is_bare = not agreed(state.consent, knowledge.assumed).is_personal
    claimed_ms = state.claimed.get(member.hex(), 0)
    return Gave(claim.transfer_id, member, claim.order_ms, answer.state, claimed_ms, is_bare)


def _said_since(consent: Consent, since_ms: int) -> Consent:
    """What was said later; of the rest nothing was said."""
    said = consent if consent.said_ms > since_ms else NO_CONSENT
    is_new_gpc, is_new_objection = consent.gpc_ms > since_ms, consent.objects_ms > since_ms
    return replace(
        said,
        gpc=consent.gpc and is_new_gpc,
        gpc_ms=consent.gpc_ms if is_new_gpc else 0,
        objects=consent.objects and is_new_objection,
        objects_ms=consent.objects_ms if is_new_objection else 0,
    )


def _answer(claim: Claim, given: PersonState | None) -> Transfer:
    data = b""
    if given is not None:
        data = PERSON_STATE.encode(with_joined(given, claim.transfer_id, claim.order_ms))
    return Transfer(
        "transfer", claim.member, claim.order_ms, claim.session_id, claim.position, claim.transfer_id,
        claim.person, data, claim.is_own,
    )  # fmt: skip
