"""The three kinds of error; anything that is neither of these two is a bug and crashes.

InvalidEvent   bytes or values from outside that cannot be used -> dead letter
ConfigError    a setting, file or server that makes starting pointless -> refuse, exit code 2;
               CheckFailed: 1, NotUp: 3 (scripts/exit_codes.py)
"""

from typing import Literal

InvalidReason = Literal[
    "too_large",
    "not_single_object",
    "unknown_schema",
    "schema_unavailable",
    "schema_invalid",
    "malformed",
    "trailing_bytes",
    "invalid_value",
    "not_finite",
    "unknown_event_type",
    "wrong_key",
    "ahead_of_log",
    "too_late",
    "session_full",
    "decision_too_large",
]


class InvalidEvent(Exception):
    """A record that cannot be used: `reason` is the dead letter's code, `message` its detail.

    `event_time_ms` is set where the record could be decoded far enough to know it.
    """

    def __init__(
        self, reason: InvalidReason, message: str, event_time_ms: int | None = None
    ) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason: InvalidReason = reason
        self.message = message
        self.event_time_ms = event_time_ms


class PassedOver(InvalidEvent):
    """A record that is meant to count for nothing, as the topic's mapping or the policy says: it is `counted` under this name, and no dead letter."""

    def __init__(self, counted: str = "passed_over") -> None:
        super().__init__("invalid_value", "it is passed over: the mapping or the policy says so")
        self.counted = counted


class ConfigError(Exception):
    """A wrong setting or a missing server: the message names it, its value and the remedy."""


class CheckFailed(ConfigError):
    """What was looked at is not as it should be: exit code 1."""


class UnusableInput(CheckFailed):
    """A file of which nothing, or too little, is what it should be."""


class NotUp(ConfigError):
    """A server that is needed does not run, or does not answer: exit code 3."""
