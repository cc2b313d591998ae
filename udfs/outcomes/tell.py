"""What is to be told of a decision that was seen, how it is written, and until when it is kept."""

from collections.abc import Iterable
from hashlib import blake2b

from msgspec.structs import replace

from schemas.outcome_limits import OUTCOMES_OPEN_MS, SOLD_KEPT_MS
from schemas.outcomes import Outcome
from schemas.state.outcomes import Deed, Said, Shown, Sold
from udfs.outcomes.credit import is_in_time


def said_of_shown(shown: Shown) -> dict[str, Said]:
    """What is to be told of a decision, by kind."""
    found = {}
    for deed in (shown.exposed, shown.clicked, shown.dismissed):
        if deed is not None and (deed.kind == "exposed" or is_in_time(shown, deed)):
            found[f"{deed.kind}/{shown.facts.decision_id}"] = Said(deed, shown.facts, deed.kind)
    if shown.is_over and shown.exposed is not None and len(found) == 1:
        over_ms = shown.exposed.time_ms + shown.window_ms
        ignored = replace(shown.exposed, event_id="", name="", time_ms=over_ms, item_ids=())
        found[f"ignored/{shown.facts.decision_id}"] = Said(ignored, shown.facts, "ignored")
    return found


def outcome_of(person: str, key: str, said: Said, revision: int) -> Outcome:
    """The record; odd revisions take back."""
    deed, facts = said.deed, said.facts
    of = facts.decision_id or person
    name = blake2b(f"{len(of)}/{of}/{key}/{revision}".encode(), digest_size=16).hexdigest()
    return Outcome(
        name, said.kind, -1 if revision % 2 else 1, revision, facts.decision_id, person,
        deed.session_id, deed.event_id, deed.name, deed.time_ms, facts.decided_ms, facts.exposed_ms,
        facts.placement, deed.channel, facts.action_id, deed.item_ids, facts.arm, facts.is_holdout,
        facts.policy, said.attribution, said.share, deed.value, deed.currency,
        deed.segments, deed.measures,
    )  # fmt: skip


def age_of(shown: Shown) -> tuple[int, str]:
    """By which the one that was touched longest ago comes first."""
    return _newest_of(shown), shown.facts.decision_id


def _newest_of(shown: Shown) -> int:
    deeds: Iterable[Deed | None] = (shown.exposed, shown.clicked, shown.dismissed)
    return max((one.time_ms for one in deeds if one is not None), default=shown.facts.decided_ms)


def end_of_shown(shown: Shown) -> int:
    """From then on nothing in time can come any more: a click within the window, and what it led to within another."""
    return _newest_of(shown) + 2 * shown.window_ms + OUTCOMES_OPEN_MS


def due_of_shown(shown: Shown) -> int:
    """When something becomes of it because nothing more was done."""
    if shown.exposed is not None and not shown.is_over:
        return shown.exposed.time_ms + shown.window_ms
    return end_of_shown(shown)


def due_of_sold(sold: Sold) -> int:
    """When it is settled and forgotten."""
    kept_ms = SOLD_KEPT_MS if sold.kind == "converted" else OUTCOMES_OPEN_MS
    return sold.deed.time_ms + kept_ms
