"""The join of decisions and what came of them, for one person: deeds in, outcomes out.

What has to be told of a decision, a cart or a conversion is a function of what is known of it (`said_of_shown`, `said_of_sold`). Each time something
more is known it is worked out anew, and the difference to what was told before is told: so in whatever order things come, sums over outcomes
end the same, and a repeat changes nothing.
"""

from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from schemas.outcome_limits import (
    DEEDS_EARLY_MAX,
    OUTCOMES_OPEN_MS,
    REFUNDS_MAX,
    SHOWN_MAX,
    SOLD_KEPT_MS,
    SOLD_MAX,
)
from schemas.outcomes import CONVERSION, NO_DECISION, Outcome
from schemas.policy import Outcomes
from schemas.state.outcomes import Deed, Facts, OutcomeMemory, Said, Shown, Sold, Told
from udfs.outcomes.credit import find_touches, is_in_time, is_refund_of, said_of_sold
from udfs.outcomes.tell import (
    age_of,
    due_of_shown,
    due_of_sold,
    end_of_shown,
    outcome_of,
    said_of_shown,
)


class Rules(NamedTuple):
    """What the policy of a time says of a person's outcomes, and which arms they are in by it."""

    policy: str
    outcomes: Outcomes
    arm: dict[str, str]
    is_holdout: bool


RulesAt = Callable[[int, str], Rules]
"""Those in force at a time, in a session."""


class Joined(NamedTuple):
    """The memory after it (None: nothing is remembered), what is to be written, and what to count."""

    memory: OutcomeMemory | None
    outcomes: tuple[Outcome, ...]
    counts: tuple[str, ...] = ()


class Deeds(NamedTuple):
    """What one lesson tells: `decided_ms` by decision, as far as it is known when it was asked for.

    `is_moved`: they are of a visitor who is this person from now on, and what was told of them stands; `left`: the session whose decisions another one has now.
    """

    person: str
    order_ms: int
    deeds: tuple[Deed, ...] = ()
    decided_ms: dict[str, int] = {}
    is_moved: bool = False
    left: str = ""


def join(memory: OutcomeMemory | None, given: Deeds, rules_at: RulesAt) -> Joined:
    """Takes what a person did; a due timer runs first. The memory is changed in place."""
    if memory is None:
        if not given.deeds:
            return Joined(None, ())
        memory = OutcomeMemory(given.order_ms)
    work = _Work(memory, given, rules_at)
    work.expire(given.order_ms)
    memory.last_ms = max(memory.last_ms, given.order_ms)
    if given.left:
        memory.shown = [one for one in memory.shown if one.session_id != given.left]
    for deed in given.deeds:
        work.take(deed)
    return work.done()


def expire_outcomes(memory: OutcomeMemory, person: str, now_ms: int) -> Joined:
    """What is due at `now_ms`: what was ignored is told, what is settled is forgotten."""
    work = _Work(memory, Deeds(person, now_ms), _no_rules)
    work.expire(now_ms)
    return work.done()


def _no_rules(_time_ms: int, _session_id: str) -> Rules:
    raise AssertionError("no timer needs them")


class _Work:
    """One step over one memory."""

    def __init__(self, memory: OutcomeMemory, given: Deeds, rules_at: RulesAt) -> None:
        self._memory, self._given, self._rules_at = memory, given, rules_at
        self._outcomes: list[Outcome] = []
        self._counts: list[str] = []

    def done(self) -> Joined:
        memory = self._memory
        dues = [*map(due_of_shown, memory.shown), *map(due_of_sold, memory.sold)]
        if not dues and not memory.early:
            return Joined(None, tuple(self._outcomes), tuple(self._counts))
        memory.timer_ms = min(dues, default=memory.last_ms + SOLD_KEPT_MS)
        return Joined(memory, tuple(self._outcomes), tuple(self._counts))

    def expire(self, now_ms: int) -> None:
        memory = self._memory
        if now_ms < memory.timer_ms or not memory.timer_ms:
            return
        for one in memory.shown:
            if one.exposed is not None and not one.is_over and now_ms >= one.exposed.time_ms + one.window_ms:  # fmt: skip
                one.is_over = True
                self._tell(one.told, said_of_shown(one))
        memory.shown = [one for one in memory.shown if now_ms < end_of_shown(one)]
        memory.sold = [one for one in memory.sold if now_ms < due_of_sold(one)]
        if memory.early and now_ms >= memory.last_ms + SOLD_KEPT_MS:
            self._counts += ["refunds_unknown"] * len(memory.early)
            memory.early = []

    def take(self, deed: Deed) -> None:
        if deed.kind in ("exposed", "clicked", "dismissed"):
            self._respond(deed)
        elif deed.kind in ("carted", "converted"):
            self._sell(deed)
        elif deed.kind == "refunded":
            self._refund(deed)
        else:
            self._tell_once(deed)

    # --- decisions ------------------------------------------------------------------------------

    def _respond(self, deed: Deed) -> None:
        """A response: of several of a kind the first by time counts."""
        shown = self._shown_of(deed)
        if shown is None:
            self._counts.append("outcomes_late")
            return
        before: Deed | None = getattr(shown, deed.kind)
        if before is not None and (before.time_ms, before.event_id) <= (deed.time_ms, deed.event_id):  # fmt: skip
            return
        setattr(shown, deed.kind, deed)
        if deed.kind == "exposed":
            shown.facts = replace(shown.facts, exposed_ms=deed.time_ms)
            now_ms = max(self._memory.last_ms, self._given.order_ms)
            shown.is_over = now_ms >= deed.time_ms + shown.window_ms
        elif not is_in_time(shown, deed) and before is None:
            self._counts.append("outcomes_late")
        if len(self._memory.shown) > SHOWN_MAX:
            self._memory.shown.remove(min(self._memory.shown, key=age_of))
            self._counts.append("outcomes_dropped")
        self._tell(shown.told, said_of_shown(shown), is_silent=self._given.is_moved)
        for sold in self._memory.sold:
            self._credit(sold)

    def _shown_of(self, deed: Deed) -> Shown | None:
        """The decision that a response names; a new one where it may be open still."""
        memory = self._memory
        for one in memory.shown:
            if one.facts.decision_id == deed.decision_id:
                return one
        decided_ms = deed.decided_ms or self._given.decided_ms.get(deed.decision_id, 0)
        rules = self._rules_at(decided_ms or deed.time_ms, deed.session_id)
        facts = Facts(
            deed.decision_id, decided_ms, 0, deed.placement, deed.action_id,
            rules.arm, rules.is_holdout, rules.policy,
        )  # fmt: skip
        shown = Shown(facts, deed.session_id, rules.outcomes.window_ms)
        if deed.kind != "exposed" and not is_in_time(shown, deed):
            return None
        if deed.time_ms + 2 * shown.window_ms + OUTCOMES_OPEN_MS <= memory.last_ms:
            return None
        memory.shown.append(shown)
        return shown

    # --- carts and conversions ------------------------------------------------------------------

    def _sell(self, deed: Deed) -> None:
        memory = self._memory
        if any(_is_same(one.deed, deed) for one in memory.sold):
            return
        rules = self._rules_at(deed.time_ms, deed.session_id)
        by = rules.outcomes
        none = Facts(NO_DECISION, 0, 0, "", "", rules.arm, rules.is_holdout, rules.policy)
        sold = Sold(deed, deed.kind, by.touch, by.attribution, by.half_life_ms, none)
        memory.sold.append(sold)
        self._credit(sold)
        if deed.kind == "converted" and memory.early:
            waiting, memory.early = memory.early, []
            for one in waiting:
                self._refund(one)
        if len(memory.sold) > SOLD_MAX:
            memory.sold.remove(min(memory.sold, key=due_of_sold))
            self._counts.append("outcomes_dropped")

    def _credit(self, sold: Sold) -> None:
        find_touches(sold, self._memory.shown)
        self._tell(sold.told, said_of_sold(sold))

    def _refund(self, deed: Deed) -> None:
        """Takes back what a purchase brought: of the newest that it may be of. One whose purchase is not known waits for it."""
        memory = self._memory
        known = [*memory.early, *(one for sold in memory.sold for one in sold.refunds)]
        if any(_is_same(one, deed) for one in known):
            return
        of = [one for one in memory.sold if is_refund_of(deed, one) and one.deed.name == CONVERSION]
        if not of:
            memory.early = [*memory.early, deed]
            if len(memory.early) > DEEDS_EARLY_MAX:
                del memory.early[0]
                self._counts.append("refunds_unknown")
            return
        sold = max(of, key=lambda one: (one.deed.time_ms, one.deed.event_id))
        if len(sold.refunds) >= REFUNDS_MAX:
            self._counts.append("refunds_unknown")
            return
        sold.refunds.append(deed)
        self._credit(sold)

    # --- what is told ---------------------------------------------------------------------------

    def _tell(
        self, told: dict[str, Told], wanted: dict[str, Said], *, is_silent: bool = False
    ) -> None:
        """Tells the difference: first what is taken back, then what holds now."""
        given, found = self._given, []
        for key, before in list(told.items()):
            if before.said is not None and before.said != wanted.get(key):
                told[key] = Told(before.revision + 1, None)
                found.append(outcome_of(given.person, key, before.said, before.revision + 1))
        for key, said in wanted.items():
            before_it = told.get(key)
            if before_it is not None and before_it.said is not None:
                continue
            revision = 0 if before_it is None else before_it.revision + 1
            told[key] = Told(revision, said)
            found.append(outcome_of(given.person, key, said, revision))
        if not is_silent:
            self._outcomes += found

    def _tell_once(self, deed: Deed) -> None:
        """A visit, or an opinion, on a decision where it names one that is known."""
        facts = next(
            (one.facts for one in self._memory.shown if one.facts.decision_id == deed.decision_id),
            None,
        )
        if facts is None:
            rules = self._rules_at(deed.time_ms, deed.session_id)
            facts = Facts(NO_DECISION, 0, 0, "", "", rules.arm, rules.is_holdout, rules.policy)
        cause = deed.event_id or f"{deed.number}"
        key = f"{deed.kind}/{deed.session_id}/{cause}"
        self._outcomes.append(
            outcome_of(self._given.person, key, Said(deed, facts, deed.kind), revision=0)
        )


def _is_same(one: Deed, other: Deed) -> bool:
    return (one.session_id, one.event_id) == (other.session_id, other.event_id)
