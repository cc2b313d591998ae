"""Which events a policy decides: those from its own time on, and none before, however late they are imported."""

from scripts.change import Change
from scripts.policy.policy_versions import PolicyVersion, in_force
from scripts.times import utc


def governs_from(change: Change) -> str:
    """Of a policy that was just put in force: what decides on history."""
    before = change.replaces or "no policy"
    return (
        f"what happened before {utc(change.effective_from_ms)}, imported history too, is decided by {before}: "
        "--effective-from TIME reaches back"
    )


def ungoverned(versions: list[PolicyVersion], earliest_ms: int, at_ms: int) -> str | None:
    """Of events from `earliest_ms` on that are imported at `at_ms`: that they are older than the live policy; None
    where they are not.
    """
    live, then = in_force(versions, at_ms), in_force(versions, earliest_ms)
    if live is None or then is live:
        return None
    by = f"policy {then.version}" if then else "no policy, so nothing is decided for them"
    return (
        f"the oldest of these events is of {utc(earliest_ms)}, and the live policy {live.version} decides from "
        f"{utc(live.effective_from_ms)} on: before that it is {by}. `kairos policy publish FILE --effective-from "
        f"{utc(earliest_ms)}` before an import reaches back"
    )
