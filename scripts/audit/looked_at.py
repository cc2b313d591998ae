"""Promises that records keep by themselves: numbers that grow, chances that sum to one, consent and limits, counted from the log alone."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from math import isclose
from typing import Final, NamedTuple

from schemas.actions import Action, needs_of
from schemas.codec import DECISION
from schemas.decisions import Decision, DecisionTrace, Versions
from schemas.events import Event
from schemas.policy import RECOMMEND_ITEMS, Policy
from udfs.facts.contacts import SHOWS
from udfs.policy.contact_rules import ContactRules, contact_rules, counts, is_contact

PERSONALISATION: Final = "personalisation"
CLOSE: Final = 1e-6
"""Chances are floats that were added up."""
SLATE: Final = Action(RECOMMEND_ITEMS, "slate")


class Promise(NamedTuple):
    """How much was looked at and how much of it breaks the promise; `said`: what was seen, of broken ones the first."""

    promise: str
    looked_at: int
    broken: int
    said: str

    @property
    def is_kept(self) -> bool:
        """Whether nothing breaks it."""
        return self.broken == 0


class Numbers:
    """The numbers (`sequence`) of a person's decisions in one placement grow; what is written twice is the same bytes.

    Or it is the same decision, made again of what was known by then: a job that was killed takes the last events once more.
    """

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str], int] = {}
        self._seen: set[bytes] = set()
        self._known: dict[bytes, Versions] = {}
        self._looked_at = self._repeats = self._anew = self._broken = 0
        self._first = ""

    def take(self, decision: Decision) -> None:
        """The next record of `decisions`, in the order of its partition."""
        self._looked_at += 1
        digest = _digest(DECISION.encode(decision))
        if digest in self._seen:
            self._repeats += 1
            return
        self._seen.add(digest)
        name = _digest(f"{decision.decision_id}/{decision.sequence}".encode())
        known = self._known.setdefault(name, decision.versions)
        if known != decision.versions:
            self._anew += 1
            return
        key = (decision.person, decision.placement)
        before = self._newest.get(key, -1)
        if decision.sequence <= before:
            self._broken += 1
            self._first = self._first or f"decision {decision.decision_id}: {decision.sequence} behind {before}"  # fmt: skip
        self._newest[key] = max(before, decision.sequence)

    def promise(self) -> Promise:
        """What was found."""
        anew = f", {self._anew:,} made again of what was known by then" if self._anew else ""
        said = self._first or f"they grow; {self._repeats:,} were written more than once{anew}"
        return Promise("a person's decisions are numbered in order", self._looked_at, self._broken, said)  # fmt: skip


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=8).digest()


def chances_of(traces: Iterable[DecisionTrace]) -> Promise:
    """The chances of what competed sum to one, and what was chosen had one."""
    looked_at = broken = 0
    first = ""
    for trace in traces:
        rivals = [one for one in trace.actions if one.verdict != "excluded"]
        if not rivals or (trace.left_out is not None and trace.left_out.actions):
            continue
        looked_at += 1
        total = sum(one.probability for one in rivals)
        chosen = [one for one in rivals if one.verdict == "chosen"]
        if len(chosen) != 1 or chosen[0].probability <= 0.0 or not isclose(total, 1.0, abs_tol=CLOSE):  # fmt: skip
            broken += 1
            first = first or f"decision {trace.decision_id}: {len(chosen)} chosen, chances sum to {total:.6f}"  # fmt: skip
    return Promise("chances sum to one, and what was chosen had one", looked_at, broken, first or "they do")  # fmt: skip


class _Asked(NamedTuple):
    """What a decision needs to be granted, and whether it is part of an experiment or holdout, which needs personalisation."""

    decision_id: str
    person: str
    needs: tuple[str, ...]
    is_tested: bool


class Permissions:
    """Nothing is decided on what was refused: of each decision in a visit that said something of consent before.

    Where the person said something newer elsewhere, the visit does not tell.
    """

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        self._actions = {
            version: {one.id: one for one in policy.actions} for version, policy in policies.items()
        }
        self._asked: dict[tuple[str, str], list[_Asked]] = {}
        self._said: dict[str, tuple[int, frozenset[str]]] = {}
        self._elsewhere: dict[str, dict[str, int]] = {}
        self._looked_at = self._broken = 0
        self._first = ""

    def take(self, decision: Decision) -> None:
        """A decision; before any event."""
        if decision.kind != "decided":
            return
        known = self._actions.get(decision.versions.policy, {})
        action = known.get(decision.action_id, SLATE)
        needs = needs_of(action, decision.channel) if decision.action_id in (*known, SLATE.id) else ()  # fmt: skip
        is_tested = bool(decision.arm) or decision.is_holdout
        asked = _Asked(decision.decision_id, decision.person, needs, is_tested)
        if needs or is_tested:
            self._asked.setdefault((decision.session_id, decision.event_id), []).append(asked)

    def look_at(self, event: Event) -> None:
        """An event, in the order of its partition."""
        names = {event.anonymous_id, *((event.person_id,) if event.person_id else ())}
        if event.consent is not None:
            before = self._said.get(event.session_id, (-1, frozenset()))
            if event.event_time_ms >= before[0]:
                self._said[event.session_id] = event.event_time_ms, frozenset(event.consent)
            for name in names:
                mine = self._elsewhere.setdefault(name, {})
                mine[event.session_id] = max(mine.get(event.session_id, 0), event.event_time_ms)
        for one in self._asked.pop((event.session_id, event.event_id), ()):
            self._judge(one, event, names)

    def _judge(self, asked: _Asked, event: Event, names: set[str]) -> None:
        said = self._said.get(event.session_id)
        if said is None:
            return
        newest_ms, granted = said
        for name in {*names, asked.person}:
            others = self._elsewhere.get(name, {})
            if any(ms > newest_ms for session, ms in others.items() if session != event.session_id):
                return
        self._looked_at += 1
        missing = set(asked.needs) - granted
        if asked.is_tested and PERSONALISATION not in granted:
            missing.add(PERSONALISATION)
        if missing:
            self._broken += 1
            self._first = self._first or f"decision {asked.decision_id} needs {', '.join(sorted(missing))}"  # fmt: skip

    def promise(self) -> Promise:
        """What was found."""
        seen = "nothing is" if self._looked_at else "no decision needed what its visit had said of"
        said = self._first or seen
        return Promise("nothing is decided on what was refused", self._looked_at, self._broken, said)  # fmt: skip


class _Contact(NamedTuple):
    """A decision that limits count: by which channel, of which group, until when it stands, and under which rules."""

    decision_id: str
    channel: str
    group: str
    decided_ms: int
    until_ms: int
    rules: ContactRules


class Contacts:
    """Limits of contacts hold for what was shown while it stood; by channels that tell nothing back, for what was decided."""

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        self._rules = {version: contact_rules(policy) for version, policy in policies.items()}
        self._actions = {
            version: {one.id: one for one in policy.actions} for version, policy in policies.items()
        }
        self._of: dict[str, list[_Contact]] = {}
        self._shown_ms: dict[str, int] = {}

    def take(self, decision: Decision) -> None:
        """A decision; before any event."""
        rules = self._rules.get(decision.versions.policy)
        if rules is None or not rules.limits or decision.kind != "decided":
            return
        action = self._actions[decision.versions.policy].get(decision.action_id)
        channel = decision.channel or ""
        if action is None or not is_contact(action, decision.channel):
            return
        found = _Contact(
            decision.decision_id, channel, action.group or "", decision.event_time_ms,
            decision.valid_until_ms, rules,
        )  # fmt: skip
        mine = self._of.setdefault(decision.person, [])
        if all(one.decision_id != found.decision_id for one in mine[-8:]):  # written twice
            mine.append(found)

    def look_at(self, event: Event) -> None:
        """An event: an exposure, a click or a dismissal says when something was shown."""
        if event.decision_id is not None and event.event_type in SHOWS:
            at_ms = self._shown_ms.get(event.decision_id, event.event_time_ms)
            self._shown_ms[event.decision_id] = min(at_ms, event.event_time_ms)

    def promise(self) -> Promise:
        """What was found, person by person."""
        looked_at = broken = 0
        first = ""
        for person_contacts in self._of.values():
            shown = sorted(
                (at_ms, one) for one in person_contacts if (at_ms := self._at(one)) is not None
            )
            looked_at += len(shown)
            for at_ms, one in shown:
                for limit in one.rules.counting(one.group, one.channel):
                    among = sum(
                        at_ms - limit.within_ms < other_ms <= at_ms and counts(limit, other.group, other.channel)
                        for other_ms, other in shown
                    )  # fmt: skip
                    if among > limit.times:
                        broken += 1
                        first = first or f"decision {one.decision_id} is the {among}. contact of {limit.times} that {limit.name} allows"  # fmt: skip
        said = first or ("none is exceeded" if looked_at else "no contact of a limit was shown")
        return Promise("limits of contacts hold", looked_at, broken, said)

    def _at(self, one: _Contact) -> int | None:
        """When it was shown in time; None where it was not."""
        if one.channel in one.rules.unreported:
            return one.decided_ms
        at_ms = self._shown_ms.get(one.decision_id)
        return at_ms if at_ms is not None and at_ms <= one.until_ms else None
