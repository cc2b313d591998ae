"""What the console shows and changes, for `channels/console`, which may not import what this rests on."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec
from redis import RedisError

from channels.api import audit_log
from channels.api.audit_log import Actor
from channels.api.catalogue import find_items
from channels.api.knowledge import NO_ITEMS, Snapshot
from channels.console.facts import Facts, Shown
from channels.console.traffic import Recent, Traffic
from channels.console.watch import Watch
from jobs.config import Config
from jobs.flink.rest import rest_of
from jobs.publish import now_ms
from schemas.counted import counted
from schemas.decisions import Decision
from schemas.errors import ConfigError, InvalidReason
from scripts.audit import limits_child
from scripts.audit.decision_view import decision_row, decision_view, fate_view, seen_now
from scripts.audit.explain_decision import DecisionFinder
from scripts.audit.today_child import Today, Wanted
from scripts.ops.audit_view import changes_of
from scripts.ops.console_outcomes import ConsoleOutcomes
from scripts.ops.counting import NotCounted, ask, command_of, place_of
from scripts.ops.engine_counts import EngineCounts, rate, rates
from scripts.ops.hops import BUDGETS_MS, Hop, stored_ms
from scripts.ops.kept_answer import Kept
from scripts.ops.live_versions import live_versions
from scripts.ops.shown_names import item_names, items_in, policy_names
from scripts.ops.status import status
from scripts.ops.stores import store_of
from scripts.policy.action_words import STAGES
from scripts.policy.policy_versions import versions_in

LETTER_SHOWN_MAX: Final = 1_000
DECISIONS_SHOWN_MAX: Final = 50
ITEMS_SHOWN: Final = 50
WHY_NOT_DECISIONS_MAX: Final = 10
WHY_NOT_S: Final = 8.0
"""Then no further decision is looked at: somebody waits for the answer."""


class ConsoleFacts(ConsoleOutcomes, Facts):
    """The facts of one running engine."""

    def __init__(
        self,
        config: Config,
        kafka: str,
        redis: str,
        flink: str | None,
        finder: DecisionFinder,
        api_latencies: Callable[[], list[Hop]] = list,
        catalogue: Callable[[], Snapshot] = lambda: NO_ITEMS,
    ) -> None:
        """`api_latencies` tells the hops of the API that this process serves, `catalogue` the items that it knows."""
        super().__init__(config, kafka)
        self._finder = finder
        self._store = store_of(config, redis)
        self._api_latencies, self._catalogue = api_latencies, catalogue
        self._traffic = Traffic()
        self.watch = Watch(kafka, self._prefix, self._traffic)
        self._counts = EngineCounts(rest_of(config, flink) if flink else None)
        self._today = Kept(self._count_today)
        self._services = Kept(lambda: status(self._config))
        self._stored_ms = Kept(lambda: stored_ms(self._store))

    def start(self) -> None:
        """Begins to watch, in two threads."""
        self.watch.start()
        self._counts.start()

    def stop(self) -> None:
        """Ends the threads."""
        self._counts.stop()
        self.watch.stop()

    def live(self) -> Shown:
        """What is in force: policy, models, experiments, the history of versions, the services."""
        at_ms = now_ms()
        counted = self._traffic.counted(at_ms)
        return live_versions(self._control(), counted["arms"], at_ms, self._keys) | {
            "at_ms": at_ms,
            "versions": counted["versions"],
            "services": self._services(),
            "names": self._policy_names(),
        }

    def traffic(self) -> Shown:
        """The last minutes: events and decisions a second, action mix, latencies beside their budgets."""
        at_ms = now_ms()
        counted = self._traffic.counted(at_ms)
        samples = self._counts.samples()
        newest = samples[-1].counts if samples else None
        hops = [
            Hop("event sent → decision in Kafka", counted["latency_ms"], BUDGETS_MS),
            Hop("event sent → decision in the store", self._stored_ms(), BUDGETS_MS),
            *self._api_latencies(),
        ]
        return counted | {
            "at_ms": at_ms,
            "rates": rates(samples),
            "rate": rate(samples, at_ms),
            "is_engine_up": newest is not None,
            "counts": newest or {},
            "hops": [one._asdict() for one in hops],
        }

    def letters(self) -> Shown:
        """The newest dead letters, and how many there are by reason."""
        samples = self._counts.samples()
        counts = (samples[-1].counts if samples else None) or {}
        reasons: tuple[str, ...] = InvalidReason.__args__  # type: ignore[attr-defined]
        return {
            "recent": self._traffic.counted(now_ms())["letters"],
            "since_start": {one: counts[one] for one in reasons if counts.get(one)},
            "letters": [
                {
                    "at_ms": one.at_ms,
                    "reason": one.letter.reason,
                    "message": one.letter.message,
                    "place": f"{one.letter.topic}/{one.letter.partition}/{one.letter.offset}",
                    "event_time_ms": one.letter.event_time_ms,
                    "raw": one.letter.raw[:LETTER_SHOWN_MAX].decode(errors="backslashreplace"),
                    "bytes": len(one.letter.raw),
                }
                for one in self._traffic.letters()
            ],
        }

    def person(self, named: str) -> Shown | None:
        """The newest decisions for a person, an anonymous id or a session; None = nothing is known."""
        person: str | None = named
        found, remark = self._known(named)
        if not found:
            person, remark = self._person_of(named)
            found = self._known(person)[0] if person else []
        if not found:
            if remark:
                raise ConfigError(remark)
            return None
        return {
            "person": person,
            "is_session": person != named,
            "remark": remark,
            "decisions": [decision_row(one.decision) for one in found[:DECISIONS_SHOWN_MAX]],
            "names": self._names(one.decision for one in found[:DECISIONS_SHOWN_MAX]),
            "sees": seen_now((one.decision for one in found), now_ms()),
            "actions": sorted({one.id for one in self._live_policy().actions}),
        }

    def limits(self, person: str) -> Shown:
        """What a person has spent of each limited action, counted in the log."""
        policy = self._live_policy()
        wanted = limits_child.Wanted(place_of(self._kafka, self._prefix), policy, person)
        try:
            found = ask(command_of("scripts.audit.limits_child"), wanted, limits_child.Spent)
        except NotCounted as error:
            raise ConfigError(f"what is spent of limits is not known: {error}") from error
        shown: Shown = msgspec.to_builtins(found)
        return shown | {"at_ms": now_ms()}

    def today(self) -> Shown:
        """What became of every action today, over all people, who met a limit, and what budgets have spent; kept for a moment."""
        try:
            found = self._today()
        except NotCounted as error:
            raise ConfigError(f"what became of actions today is not known: {error}") from error
        shown: Shown = msgspec.to_builtins(found)
        return shown | {"at_ms": now_ms(), "stages": STAGES}

    def catalogue(self, words: str, offset: int) -> Shown:
        """A page of the items that hold these words; all of them without."""
        snapshot = self._catalogue()
        found = find_items(snapshot, "", words, None, offset, ITEMS_SHOWN)
        shown: Shown = msgspec.to_builtins(found)
        return shown | {"all": len(snapshot.items), "limit": ITEMS_SHOWN}

    def recent(self) -> Shown:
        """The newest decisions of all people."""
        found = [one.decision for one in self._traffic.newest(DECISIONS_SHOWN_MAX)]
        return {"decisions": [decision_row(one) for one in found], "names": self._names(found)}

    def decision(self, decision_id: str) -> Shown | None:
        """How a decision came about: the funnel, what became of each action and candidate, and why."""
        known = self._traffic.decision(decision_id)
        found = self._finder.find(decision_id, known.record_ms if known else None)
        decision = found.decision if found else known.decision if known else None
        if decision is None:
            return None
        view = decision_view(decision, found)
        seen = [one["item_id"] for one in view.get("candidates", ())]
        return view | {"names": item_names(seen, self._catalogue()) | self._names([decision])}

    def why_not(self, person: str, action_id: str) -> Shown | None:
        """Why the person did not get the action: by the newest decision in which it competed."""
        found, _ = self._known(person)
        deadline_s = time.monotonic() + WHY_NOT_S
        count = 0
        for one in found[:WHY_NOT_DECISIONS_MAX]:
            if time.monotonic() > deadline_s:
                break
            count += 1
            explained = self._finder.find(one.decision.decision_id, one.record_ms)
            competed = explained.trace.actions if explained else ()
            action = next((one for one in competed if one.action_id == action_id), None)
            if explained is not None and action is not None:
                return fate_view(action, explained.trace)
        if not found:
            return None
        sentence = (
            f"{action_id} competed in none of the last {counted(count, 'decision')} for {person}."
        )
        return {"sentence": sentence, "decision_id": None}

    def audit(self, count: int) -> Shown:
        """The newest entries of the audit log, changes and looks apart, and whether it is whole."""
        if not self._audit.path.exists():
            return {
                "entries": [],
                "reads": [],
                "is_whole": True,
                "faults": [],
                "head": audit_log.NO_HASH,
            }
        verified = audit_log.verify(self._audit.path)
        return {
            "entries": changes_of(self._audit.newest(count, audit_log.is_change)),
            "reads": msgspec.to_builtins(self._audit.newest(count, audit_log.is_look)),
            "is_whole": not verified.faults,
            "faults": verified.faults,
            "head": verified.head,
        }

    def record(self, actor: Actor, what: str, outcome: str, details: Mapping[str, str]) -> None:
        """Writes an entry into the audit log."""
        self._audit.append(actor, what, outcome, details)

    def looked(
        self, actor: Actor, what: str, persons: Iterable[str], details: Mapping[str, str]
    ) -> None:
        """Writes into it who looks at these people."""
        self._looks.looked(actor, what, persons, details)

    def _count_today(self) -> Today:
        wanted = Wanted(place_of(self._kafka, self._prefix), self._live_policy())
        return ask(command_of("scripts.audit.today_child"), wanted, Today)

    def _names(self, decisions: Iterable[Decision]) -> dict[str, str]:
        """What their items and policies are called."""
        return item_names(items_in(decisions), self._catalogue()) | self._policy_names()

    def _policy_names(self) -> dict[str, str]:
        return policy_names(versions_in(self._control(), self._keys))

    def _known(self, person: str) -> tuple[list[Recent], str]:
        """A person's decisions, of the newest and from the store, the newest first; and what is missing."""
        found = {one.decision.decision_id: one for one in self._traffic.decisions_of(person)}
        remark = ""
        try:
            for placement in self._live_policy().placements:
                stored = self._store.read(person, placement.name, 0)
                if stored is not None and stored.decision_id not in found:
                    found[stored.decision_id] = Recent(stored, stored.event_time_ms)
        except RedisError as error:
            remark = f"the store does not answer, so older decisions are missing: {error}"
        newest = sorted(found.values(), key=lambda one: one.decision.sequence, reverse=True)
        return newest, remark

    def _person_of(self, session_id: str) -> tuple[str | None, str]:
        try:
            return self._store.person_of(session_id), ""
        except RedisError as error:
            return None, f"the store does not answer: {error}"
