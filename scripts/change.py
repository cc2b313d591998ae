"""What is put in force on `control`, a policy or a model: which version holds at a time, and what putting another one there changes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar

from jobs.publish import Log
from schemas.control import Control
from schemas.errors import InvalidEvent
from schemas.records import LogRecord
from schemas.signed_control import ControlKeys, content_hash, read_control
from scripts.console import show
from scripts.times import utc


class Version(Protocol):
    """A version of a policy or model, and from when on it holds."""

    @property
    def version(self) -> str:
        """What decisions call it."""

    @property
    def effective_from_ms(self) -> int:
        """From when on."""


V = TypeVar("V", bound=Version)


class Change(NamedTuple):
    """What was put on `control`: the version, from when on, which one it follows (None: none), and
    which one will end it again (None: none), and when. `record`: the hash of the record
    (schemas/signed_control.py), by which the audit log names it.
    """

    version: str
    effective_from_ms: int
    replaces: str | None
    ended_by: str | None
    record: str = ""
    ended_ms: int | None = None


def controls_in(
    records: Iterable[LogRecord], keys: ControlKeys
) -> Iterator[tuple[LogRecord, Control]]:
    """The records of `control` that readers with these keys take; the jobs count and name the others."""
    for record in records:
        try:
            yield record, read_control(record.value, keys)
        except InvalidEvent:
            continue


def in_force(versions: Sequence[V], at_ms: int) -> V | None:
    """Of versions in the order in which they come into force the one that holds at `at_ms`; None = none."""
    return next((one for one in reversed(versions) if one.effective_from_ms <= at_ms), None)


def put_in_force(log: Log, control: Control, versions: Sequence[Version]) -> Change:
    """Writes the record; `versions`: those of its kind that the engine takes, as `in_force` wants them."""
    from_ms = control.effective_from_ms
    before = in_force(versions, from_ms)
    after = next((one for one in versions if one.effective_from_ms > from_ms), None)
    log.control(control)
    log.flush()
    return Change(
        control.version, from_ms, before.version if before else None,
        after.version if after else None, content_hash(control), after.effective_from_ms if after else None,
    )  # fmt: skip


def show_change(kind: str, change: Change) -> None:
    """One sentence; `kind`: policy or model."""
    replaces = f"instead of {change.replaces}" if change.replaces else "the first"
    ended = ""
    if change.ended_by and change.ended_ms is not None:
        ended = f", until {change.ended_by} takes over on {utc(change.ended_ms)}"
    from_time = utc(change.effective_from_ms)
    show(f"{kind} {change.version} decides from {from_time} on, {replaces}{ended}")
