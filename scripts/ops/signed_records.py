"""The records of `control` with their signatures: which are taken, which lack one."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from jobs.learning.model_roots import locate
from jobs.learning.trust import Trust
from jobs.publish import now_ms
from log.kafka import read_to_end
from schemas.codec import CONTROL
from schemas.control import Control
from schemas.currencies import RATES, rates_from_payload
from schemas.erasures import ERASURE
from schemas.errors import ConfigError, InvalidEvent
from schemas.policy import policy_from_payload
from schemas.records import LogRecord
from schemas.signed_control import OPEN, content, content_hash, signature_fault
from schemas.topics import CONTROL as CONTROL_TOPIC
from udfs.policy.compile_policy import compile_policy

NOBODY: Final = "nobody"


class Read(NamedTuple):
    """A record of `control`; of those of a slot that are in force the one with the highest (time, offset) holds."""

    offset: int
    control: Control

    @property
    def slot(self) -> str:
        """What it takes the place of: the policy, the model of its name."""
        kind, name = self.control.kind, self.control.name
        return f"{kind} {name}" if kind in (ERASURE, "model") else kind

    @property
    def order(self) -> tuple[int, int]:
        """The higher one holds."""
        return self.control.effective_from_ms, self.offset


class Row(NamedTuple):
    """A record as `kairos control list` shows it: `state` is live, coming, replaced (by a later one of
    its time, so that it never holds), past or refused.

    `is_missed`: it is refused, and would be in force, or come into force, if it were not.
    """

    state: str
    kind: str
    name: str
    version: str
    effective_from_ms: int
    signed_by: str
    record: str
    fault: str
    is_missed: bool


def read_records(kafka: str, prefix: str) -> list[Read]:
    """Every record that can be decoded, in the order of the log."""
    return [
        one
        for record in read_to_end(kafka, [prefix + CONTROL_TOPIC])
        if (one := _read(record)) is not None
    ]


def listed(records: Sequence[Read], trust: Trust, at_ms: int) -> list[Row]:
    """A row for each, the newest first; of a record that was signed later, only the signed one."""
    faults = {one.offset: fault_of(one.control, trust) for one in records}
    taken = [one for one in records if faults[one.offset] is None]
    contents = {content(one.control) for one in taken}
    unsigned = trust._replace(keys=OPEN)
    # a model outside of the roots is in force for whoever published it
    meant = [
        one
        for one in records
        if one.control.kind == "model" or fault_of(one.control, unsigned) is None
    ]
    live, wanted = (_offsets(_in_force(some, at_ms)) for some in (taken, meant))
    rows = []
    for one in sorted(records, key=lambda one: one.order, reverse=True):
        control, fault = one.control, faults[one.offset]
        if fault is not None and content(control) in contents:
            continue
        is_coming = control.effective_from_ms > at_ms
        is_held = one.offset in live
        state = (
            ("coming" if is_held else "replaced") if is_coming else "live" if is_held else "past"
        )
        rows.append(
            Row(
                "refused" if fault else state, control.kind, control.name, control.version,
                control.effective_from_ms, control.key_id or NOBODY, content_hash(control),
                fault or "", bool(fault) and one.offset in wanted,
            )
        )  # fmt: skip
    return rows


def _offsets(records: Sequence[Read]) -> set[int]:
    return {one.offset for one in records}


def refused_in_force(kafka: str, prefix: str, trust: Trust) -> list[str]:
    """One line for each record that would be in force, or will be, but is refused: with the remedy."""
    rows = listed(read_records(kafka, prefix), trust, now_ms())
    return [
        f"{row.kind} {row.name} {row.version} is refused: {row.fault}"
        for row in rows
        if row.is_missed
    ]


def unsigned_records(
    records: Sequence[Read], trust: Trust, at_ms: int, *, is_all: bool
) -> list[Control]:
    """Those that readers with these keys lack, in the order of the log: each content once.

    `is_all`: also those that are past; else what is in force at `at_ms` and what will be.
    """
    unsigned = trust._replace(keys=OPEN)
    # one that was replaced stays as it is: written again, it would be the last of its time
    usable = _lasting([one for one in records if fault_of(one.control, unsigned) is None])
    wanted = usable if is_all else _in_force(usable, at_ms)
    signed = {content(one.control) for one in usable if _is_signed(one.control, trust)}
    found = {}
    for one in sorted(wanted, key=lambda one: one.offset):
        what = content(one.control)
        if what not in signed:
            found[what] = one.control
    return list(found.values())


def fault_of(control: Control, trust: Trust) -> str | None:
    """Why readers refuse a record, as far as that is seen without loading a model; None = they take it."""
    try:
        if control.kind == "policy":
            compile_policy(policy_from_payload(control.payload or b""))
        elif control.kind == "model":
            locate("model", control.uri or "", trust.roots)
        elif control.kind == RATES:
            rates_from_payload(control.payload or b"")
        elif control.kind != ERASURE:
            return f"of unknown kind {control.kind!r}"
    except ConfigError as error:
        return str(error)
    return signature_fault(control, trust.keys)


def _is_signed(control: Control, trust: Trust) -> bool:
    """By one of the keys; without any, by whoever."""
    return control.signature is not None and signature_fault(control, trust.keys) is None


def _in_force(records: Sequence[Read], at_ms: int) -> list[Read]:
    """What holds at that time, and what will."""
    now: dict[str, Read] = {}
    for one in sorted(records, key=lambda one: one.order):
        if one.control.effective_from_ms <= at_ms:
            now[one.slot] = one
    coming = [one for one in _lasting(records) if one.control.effective_from_ms > at_ms]
    return [*now.values(), *coming]


def _lasting(records: Sequence[Read]) -> list[Read]:
    """Of the records of one slot and time the last."""
    return list({(one.slot, one.control.effective_from_ms): one for one in records}.values())


def _read(record: LogRecord) -> Read | None:
    try:
        return Read(record.offset, CONTROL.decode(record.value))
    except InvalidEvent:
        return None  # the jobs count and name it
