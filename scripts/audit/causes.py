"""Why a logged decision is not reproduced, in words: causes that explain it, and those that do not."""

from typing import Final

EXPLAINED: Final = {
    "repeated": "were written before a restart and again after it; the repeat is reproduced",
    "other_code": "were made by another version of the code or its features: check that version out",
    "expired": "have a part whose topic no longer goes back so far: read it from an archive (--archive)",
    "older_state": "rest on events from before the log's beginning: read them from an archive (--archive)",
    "erased": "rest on events of people who were erased since: nothing reads these any more",
    "too_large": "are made again and were too large to be written: a dead letter says so",
    "late_items": "rest on items that were published after the time from which they hold",
    "late_policy": "a replay makes and live did not: the policy was published after its time",
    "not_yet": "a replay makes and live had not made by the newest logged decision",
}
"""Causes of a difference that is none of the log's bytes."""
UNEXPLAINED: Final = {
    "altered": "contradict their traces, or these are right: the decision was altered, or its event was",
    "differs": "come out otherwise: an event, or code or settings, are not what they were",
    "not_made": "are not made again: the event behind them is missing or is another",
    "no_decision": "have a trace and no decision",
    "no_trace": "have no trace",
    "unknown_version": "name a policy or model that is not on `control`",
    "unknown_epoch": "name a knowledge epoch that is not in `knowledge`",
    "not_logged": "are made again and were not logged",
}
