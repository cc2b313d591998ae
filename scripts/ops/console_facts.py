"""What the console shows and changes, for `channels/console`, which may not import what this rests on."""

import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
from redis import RedisError

from channels.api import audit_log
from channels.api.audit_log import Actor, AuditLog
from channels.api.measures import BOUNDS_S, Measures
from channels.console.facts import Facts, Shown
from channels.console.traffic import LATENCIES_MAX, SHARES, Recent, Traffic, percentiles
from channels.console.watch import Watch
from channels.store.store import Store
from jobs.config import Config
from jobs.flink.rest import rest_of
from jobs.learning.artefact_check import artefacts_of
from jobs.learning.trust import keys_of, signer_of
from jobs.publish import Log, now_ms
from log.kafka import read_to_end
from models.artefact import SUFFIX
from schemas.errors import ConfigError, InvalidReason
from schemas.policy import Policy
from schemas.topics import CONTROL as CONTROL_TOPIC
from scripts.audit.decision_view import decision_row, decision_view, fate_view
from scripts.audit.explain_decision import DecisionFinder
from scripts.commands import models_cli
from scripts.ops.audited_change import Audited, change_model, change_policy
from scripts.ops.engine_counts import EngineCounts, rate, rates
from scripts.ops.live_versions import live_versions
from scripts.ops.local_audit import audit_log_of
from scripts.ops.status import status
from scripts.ops.stores import store_of
from scripts.policy import policy_versions
from scripts.policy.policy_file import PolicyMistakes, check_policy, summary
from scripts.policy.policy_text import difference_text, differences, policy_yaml
from scripts.policy.policy_versions import (
    Draft,
    PolicyVersion,
    draft_again,
    find_version,
    live,
    version_of,
)

FRESH_S: Final = 3.0
"""What is shown to several people within this time is looked up once."""
LETTER_SHOWN_MAX: Final = 1_000
DECISIONS_SHOWN_MAX: Final = 50
WHY_NOT_DECISIONS_MAX: Final = 10
WHY_NOT_S: Final = 8.0
"""Then no further decision is looked at: somebody waits for the answer."""
BUDGETS_MS: Final = {"p50": 5, "p99": 50}
"""From an event to its decision in Kafka and in the store."""
API_BUDGET_MS: Final = {"p50": 15, "p99": 50}

T = TypeVar("T")


class Hop(NamedTuple):
    """Latencies of one way through the system; without samples `latency_ms` is None."""

    hop: str
    latency_ms: dict[str, int] | None
    budget_ms: dict[str, int]


class Kept(Generic[T]):
    """The answer of `ask`, asked again when it is older than FRESH_S; one thread asks, the others wait."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask, self._lock = ask, Lock()
        self._answer: list[T] = []
        self._asked_s = 0.0

    def __call__(self) -> T:
        with self._lock:
            if not self._answer or time.monotonic() > self._asked_s + FRESH_S:
                self._answer = [self._ask()]
                self._asked_s = time.monotonic()
            return self._answer[0]

    def forget(self) -> None:
        """The next one asks again: something was changed."""
        with self._lock:
            self._answer = []


class ConsoleFacts(Facts):
    """The facts of one running engine."""

    def __init__(
        self,
        config: Config,
        kafka: str,
        redis: str,
        flink: str | None,
        finder: DecisionFinder,
        api_latencies: Callable[[], list[Hop]] = list,
    ) -> None:
        """`api_latencies` tells the hops of the API that this process serves."""
        self._finder = finder
        self._config, self._kafka, self._prefix = config, kafka, config.topic_prefix
        self._keys = keys_of(config)
        self._store: Store = store_of(config, redis)
        self._api_latencies = api_latencies
        self._audit: AuditLog = audit_log_of(config)
        self._traffic = Traffic()
        self._watch = Watch(kafka, self._prefix, self._traffic)
        self._counts = EngineCounts(rest_of(config, flink) if flink else None)
        self._control = Kept(lambda: list(read_to_end(self._kafka, [self._prefix + CONTROL_TOPIC])))
        self._services = Kept(lambda: status(self._config))
        self._stored_ms = Kept(lambda: _stored_ms(self._store))

    def start(self) -> None:
        """Begins to watch, in two threads."""
        self._watch.start()
        self._counts.start()

    def stop(self) -> None:
        """Ends the threads."""
        self._counts.stop()
        self._watch.stop()

    def live(self) -> Shown:
        """What is in force: policy, models, experiments, the history of versions, the services."""
        at_ms = now_ms()
        counted = self._traffic.counted(at_ms)
        return live_versions(self._control(), counted["arms"], at_ms, self._keys) | {
            "at_ms": at_ms,
            "versions": counted["versions"],
            "services": self._services(),
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
            "actions": sorted({one.id for one in self._live_policy().actions}),
        }

    def decision(self, decision_id: str) -> Shown | None:
        """How a decision came about: the funnel, what became of each action and candidate, and why."""
        known = self._traffic.decision(decision_id)
        found = self._finder.find(decision_id, known.record_ms if known else None)
        decision = found.decision if found else known.decision if known else None
        return decision_view(decision, found) if decision else None

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
        sentence = f"{action_id} competed in none of the last {count} decisions for {person}."
        return {"sentence": sentence, "decision_id": None}

    def policy(self, version: str) -> Shown:
        """A published policy as a file's text; the live one for an empty version."""
        versions = policy_versions.versions_in(self._control(), self._keys)
        found = find_version(version, versions) if version else live(versions, now_ms())
        policy = draft_again(found).policy
        return {
            "version": found.version,
            "effective_from_ms": found.effective_from_ms,
            "text": policy_yaml(policy),
            "summary": summary(policy),
            "changes": _changes(versions, policy) if version else [],
        }

    def check(self, text: str) -> Shown:
        """What is wrong in a policy's text, by line, and what differs from the live one."""
        try:
            checked = check_policy(text)
        except PolicyMistakes as error:
            return {"is_ok": False, "mistakes": [one._asdict() for one in error.mistakes]}
        versions = policy_versions.versions_in(self._control(), self._keys)
        return {
            "is_ok": True,
            "version": version_of(checked.policy),
            "summary": summary(checked.policy),
            "warnings": [one._asdict() for one in checked.warnings],
            "changes": _changes(versions, checked.policy),
        }

    def publish_policy(self, actor: Actor, text: str) -> Shown:
        """Checks a policy's text and puts it in force, as `kairos policy publish` does."""
        policy = check_policy(text).policy
        now = policy_versions.in_force(self._versions(), now_ms())
        draft = Draft(version_of(policy), now.name if now else "default", policy)
        return self._change_policy(Audited(self._audit, actor, "publish"), draft)

    def roll_back_policy(self, actor: Actor, version: str) -> Shown:
        """Puts a version in force again, the one before the present one for an empty version."""
        versions = self._versions()
        if version:
            draft = draft_again(find_version(version, versions))
        else:
            draft = policy_versions.previous(versions, now_ms())
        return self._change_policy(Audited(self._audit, actor, "rollback"), draft)

    def models(self) -> list[Shown]:
        """Every model that was trained here or announced, and which is live."""
        announced = models_cli.announced(self._kafka, self._prefix, self._keys)
        return models_cli.listed_json(self._config, announced)

    def publish_model(self, actor: Actor, version: str) -> Shown:
        """Puts a model in force, as `kairos model publish` does."""
        if "/" in version or version.endswith(SUFFIX):
            raise ConfigError("name a version, not a file")
        published = models_cli.find_artefact(version, self._config)
        audited = Audited(self._audit, actor, "publish")
        announced = models_cli.announced(self._kafka, self._prefix, self._keys)
        return self._changed(change_model(audited, self._log(), announced, published, None))

    def roll_back_model(self, actor: Actor) -> Shown:
        """Puts the model in force again that was before the present one."""
        announced = models_cli.announced(self._kafka, self._prefix, self._keys)
        published = models_cli.previous(announced, now_ms(), artefacts_of(self._config))
        audited = Audited(self._audit, actor, "rollback")
        return self._changed(change_model(audited, self._log(), announced, published, None))

    def audit(self, count: int) -> Shown:
        """The newest entries of the audit log, and whether it is whole."""
        if not self._audit.path.exists():
            return {"entries": [], "is_whole": True, "faults": [], "head": audit_log.NO_HASH}
        verified = audit_log.verify(self._audit.path)
        return {
            "entries": msgspec.to_builtins(self._audit.newest(count)),
            "is_whole": not verified.faults,
            "faults": verified.faults,
            "head": verified.head,
        }

    def record(self, actor: Actor, what: str, outcome: str, details: Mapping[str, str]) -> None:
        """Writes an entry into the audit log."""
        self._audit.append(actor, what, outcome, details)

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

    def _live_policy(self) -> Policy:
        versions = policy_versions.versions_in(self._control(), self._keys)
        found = policy_versions.in_force(versions, now_ms())
        return found.policy if found and found.policy else Policy()

    def _versions(self) -> list[PolicyVersion]:
        """As they are now: a change does not rest on what was looked up before."""
        return policy_versions.announced(self._kafka, self._prefix, self._keys)

    def _change_policy(self, audited: Audited, draft: Draft) -> Shown:
        return self._changed(change_policy(audited, self._log(), self._versions(), draft, None))

    def _changed(self, change: Any) -> Shown:
        self._control.forget()
        shown: Shown = change._asdict()
        return shown

    def _log(self) -> Log:
        return Log(self._kafka, self._prefix, sign=signer_of(self._config))


def api_hops(measures: Measures) -> list[Hop]:
    """How long the API took to answer since it was started, by any rung; to the bounds it counts by."""
    counts = measures.times("kairos_api_answer_seconds")
    total = sum(counts)
    found: dict[str, int] | None = None
    if total:
        found = {f"p{share * 100:.0f}": _bound_ms(counts, share * total) for share in SHARES}
        found["samples"] = total
    return [Hop("API: request → answer", found, API_BUDGET_MS)]


def _bound_ms(counts: list[int], wanted: float) -> int:
    """The bound below which so many lie, in ms; beyond the last one, that."""
    seen = 0
    for bound_s, count in zip(BOUNDS_S, counts, strict=False):
        seen += count
        if seen >= wanted:
            return max(1, round(bound_s * 1000))
    return round(BOUNDS_S[-1] * 1000)


def _stored_ms(store: Store) -> dict[str, int] | None:
    try:
        return percentiles(store.latencies_ms(LATENCIES_MAX))
    except RedisError:
        return None


def _changes(versions: list[PolicyVersion], policy: Policy) -> list[str]:
    now = policy_versions.in_force(versions, now_ms())
    if now is None or now.policy is None:
        return []
    return [difference_text(one) for one in differences(now.policy, policy)]
