"""`kairos why-not`: why a person did not get an action, in one sentence with the rule and what it saw."""

from typing import Any, NamedTuple

import msgspec

from jobs.audit.decoded import decoded
from log.kafka import read_to_end
from schemas.codec import TRACE
from schemas.decisions import DecisionTrace, TracedAction
from schemas.errors import ConfigError
from schemas.topics import TRACES
from scripts.console import say
from scripts.policy.action_words import fate_in_words
from scripts.progress import Watched


class WhyNot(NamedTuple):
    """The newest decision for the person in which the action competed, and its fate there."""

    trace: DecisionTrace
    action: TracedAction

    @property
    def sentence(self) -> str:
        """What became of the action, and why."""
        return fate_in_words(self.action, self.trace)


def why_not(kafka: str, prefix: str, person: str, action_id: str, at_ms: int | None) -> WhyNot:
    """Looks at the person's decisions up to `at_ms` (None = all); ConfigError where none can say."""
    wanted = person.encode()
    newest: WhyNot | None = None
    competed: set[str] = set()
    every = Watched("looking through traces", read_to_end(kafka, [prefix + TRACES]))
    records = (one for one in every if wanted in one.value)
    for trace in decoded(records, TRACE.decode, say):
        if trace.person != person or (at_ms is not None and trace.event_time_ms > at_ms):
            continue
        competed |= {one.action_id for one in trace.actions}
        action = next((one for one in trace.actions if one.action_id == action_id), None)
        if action and (newest is None or trace.sequence >= newest.trace.sequence):
            newest = WhyNot(trace, action)
    if newest is not None:
        return newest
    until = " by then" if at_ms is not None else ""
    if not competed:
        raise ConfigError(f"there is no decision for {person!r}{until} in {prefix}{TRACES}")
    raise ConfigError(
        f"{action_id!r} competed in no decision for {person!r}{until}: there were "
        + ", ".join(sorted(competed))
    )


def why_not_json(found: WhyNot) -> dict[str, Any]:
    """The same for programs."""
    trace = found.trace
    return {
        "sentence": found.sentence,
        "decision_id": trace.decision_id,
        "placement": trace.placement,
        "event_time_ms": trace.event_time_ms,
        "versions": msgspec.to_builtins(trace.versions),
        "action": msgspec.to_builtins(found.action),
    }
