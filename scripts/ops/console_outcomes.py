"""Experiments and business on the console: what came of decisions, read in a process beside the API's whenever somebody looks."""

from typing import Final

import msgspec

from channels.console.facts import Shown
from jobs.config import Config
from schemas.errors import ConfigError
from schemas.policy import Policy
from scripts.ops.console_letters import ConsoleLetters
from scripts.ops.counting import ask, command_of, place_of
from scripts.ops.outcomes_child import Alerts, Told, Wanted
from scripts.ops.refreshed import Newest, Refreshed

READING_S: Final = 300.0
"""A reading that takes longer is given up."""


class ConsoleOutcomes(ConsoleLetters):
    """What decisions earn, of one Kafka. Nothing of it is kept but what was read last: it lies in topic `outcomes`."""

    def __init__(self, config: Config, kafka: str) -> None:
        super().__init__(config, kafka)
        self._outcomes: Refreshed[Policy, Told] = Refreshed(self._read_outcomes)

    def experiments(self) -> Shown:
        """Every experiment of the live policy, and what personalisation earns."""
        newest = self._outcomes(self._live_policy())
        found = newest.found
        return _state(newest) | {
            "experiments": found.experiments if found else [],
            "incremental": found.incremental if found else [],
        }

    def business(self, by: str, value: str) -> Shown | None:
        """The KPIs of one value of a dimension by day, against the holdout, and the newest alerts; None where nothing is known of that value."""
        policy = self._live_policy()
        newest = self._outcomes(policy)
        scopes = newest.found.scopes if newest.found else []
        chosen = next((one for one in scopes if (one["by"], one["value"]) == (by, value)), None)
        if chosen is None and newest.found is not None:
            return None
        return _state(newest) | {
            "scope": chosen,
            "scopes": [{"by": one["by"], "value": one["value"]} for one in scopes],
            "is_held_out": policy.holdout.share > 0,
            "alerts": msgspec.to_builtins(newest.found.alerts if newest.found else Alerts()),
        }

    def _read_outcomes(self, policy: Policy) -> Told:
        wanted = Wanted(place_of(self._kafka, self._prefix), policy)
        found = ask(command_of("scripts.ops.outcomes_child"), wanted, Told, READING_S)
        if found.fault:
            raise ConfigError(found.fault)
        return found


def _state(newest: Newest[Told]) -> Shown:
    found = newest.found
    return {
        "counted_ms": newest.counted_ms, "is_counting": newest.is_counting, "fault": newest.fault,
        "outcomes": found.outcomes if found else 0, "is_whole": found.is_whole if found else True,
    }  # fmt: skip
