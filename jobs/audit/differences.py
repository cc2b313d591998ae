"""Records of a logged decision beside what was made again: whether they differ in a byte, in what, and why."""

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeVar

import msgspec
from msgspec import Struct, structs, to_builtins

from jobs.audit.logged import EventKey, Kept, LoggedDecision, LoggedDecisions, Seen, seen_by
from jobs.audit.skew import Skew, skew_of
from schemas import CODE_VERSION
from schemas.codec import DECISION, HEADER_BYTES, TRACE, Codec
from schemas.decisions import Decision, DecisionTrace
from udfs.explain.fit_records import Made, leave_out
from udfs.explain.vectors import has_vectors, is_withheld, matrix_of
from udfs.facts.features import FEATURE_SPACE
from udfs.results import PersonResult

FIELDS_MAX: Final = 20
"""Fields of one difference that are named; the rest is counted."""
SHARED: Final = (
    "decision_id", "person", "session_id", "event_id", "event_time_ms", "placement", "sequence", "versions",
)  # fmt: skip
"""What a decision and its trace both say."""

T = TypeVar("T")
Again = dict[Seen, PersonResult]
"""What was made of an event again, by each of the versions that its records name."""
Pairs = dict[Seen, Made | None]
"""The same of one of its decisions."""


class Field(NamedTuple):
    """One field that differs, in words; None = it is not there."""

    name: str
    logged: str | None
    recomputed: str | None


class Difference(Struct):
    """A decision that is not reproduced: why, which records it concerns, and in what it differs.

    `late_items`: what its person had touched and its operator may not have known, because it was published late.
    `packed_skew`: what its vectors tell, as bytes, since thousands are kept; b"" = it has none.
    """

    cause: str
    decision_id: str
    event: EventKey
    person: str
    placement: str
    event_time_ms: int
    places: list[str] = []
    fields: list[Field] = []
    more_fields: int = 0
    suspects: list[str] = []
    late_items: list[str] = []
    packed_skew: bytes = b""

    @property
    def skew(self) -> Skew:
        """What its vectors tell. Late items, which live could not know, and who was erased say nothing of skew."""
        if not self.packed_skew:
            return Skew()
        found = msgspec.msgpack.decode(self.packed_skew, type=Skew)
        is_excused = self.cause in ("late_items", "erased") and found.is_seen
        return Skew(other_knowledge=1) if is_excused else found


def is_made_again(logged: LoggedDecisions, decision: LoggedDecision, again: Again) -> bool:
    """Whether every record that there is of a decision came out byte by byte."""
    return not any(_wrong(logged, decision, _pairs(decision, again)))


def trace_of(
    logged: LoggedDecisions, decision: LoggedDecision, again: Again
) -> DecisionTrace | None:
    """The whole trace that was made again, by the versions that the newest one names, where one decision alone is looked at.

    None of many: those of thousands would not fit into memory.
    """
    if logged.scope.decision_id is None:
        return None
    made = _pairs(decision, again).get(seen_by(decision.traces[-1].versions))
    return made[1] if made else None


def difference_of(
    logged: LoggedDecisions, decision: LoggedDecision, again: Again, epoch: int
) -> Difference | None:
    """What differs of a decision where knowledge is learnt up to `epoch`; None = it is reproduced, with its trace."""
    pairs = _pairs(decision, again)
    wrong = _wrong(logged, decision, pairs)
    if decision.decisions and decision.traces and not any(wrong):
        return None
    fields: list[Field] = []
    for at, records in enumerate(wrong):
        for kept in records[-1:]:
            pair = pairs.get(seen_by(kept.versions))
            said, made = _decoded(logged, kept, at), pair[at] if pair else None
            if isinstance(said, DecisionTrace) and isinstance(made, DecisionTrace):
                made = as_logged(made, said)
            fields += _fields(said, made)
    cause, places = _cause(logged, decision, wrong, pairs, epoch)
    return Difference(
        cause, decision.decision_id, decision.event, decision.person, decision.placement,
        decision.event_time_ms, [str(kept.place) for kept in places],
        fields[:FIELDS_MAX], max(0, len(fields) - FIELDS_MAX),
        packed_skew=_packed_skew(logged, decision, pairs, epoch),
    )  # fmt: skip


def difference_of_unmet(logged: LoggedDecisions, decision: LoggedDecision) -> Difference:
    """Of a decision whose event the log has not come by."""
    return Difference(
        "not_made", decision.decision_id, decision.event, decision.person, decision.placement,
        decision.event_time_ms, [str(kept.place) for kept in (*decision.decisions, *decision.traces)],
        packed_skew=_packed_skew(logged, decision, {}, 0),
    )  # fmt: skip


def _pairs(decision: LoggedDecision, again: Again) -> Pairs:
    return {
        seen: next(
            (pair for pair in result.decisions if pair[0].decision_id == decision.decision_id),
            None,
        )
        for seen, result in again.items()
    }


def _wrong(
    logged: LoggedDecisions, decision: LoggedDecision, pairs: Pairs
) -> tuple[list[Kept], list[Kept]]:
    """The records of a decision, and those of its trace, that came out otherwise."""
    return (
        [kept for kept in decision.decisions if not _is_same(logged, kept, pairs, 0)],
        [kept for kept in decision.traces if not _is_same(logged, kept, pairs, 1)],
    )


def _is_same(logged: LoggedDecisions, kept: Kept, pairs: Pairs, at: int) -> bool:
    made = pairs.get(seen_by(kept.versions))
    if made is None:
        return False
    data = logged.bytes_of(kept)
    if not at:
        return _is_of(DECISION, data, made[0])
    return _is_of(TRACE, data, as_logged(made[1], TRACE.decode(data)))


def as_logged(made: DecisionTrace, logged: DecisionTrace) -> DecisionTrace:
    """The whole trace `made` again, with no more in it than the logged one holds of a trace."""
    if logged.left_out is not None:
        made = leave_out(made, logged.left_out)
    if is_withheld(logged):
        return structs.replace(made, features=b"")
    # a trace of before there were digests holds all features
    return made if logged.matrix_digest else structs.replace(made, matrix_digest=b"")


def _is_of(codec: Codec[T], data: bytes, value: T) -> bool:
    """Whether the bytes are the value's; where an older schema wrote them, whether they say the same."""
    encoded = codec.encode(value)
    if data[:HEADER_BYTES] == encoded[:HEADER_BYTES]:
        return data == encoded
    return codec.decode(data) == value


def _packed_skew(
    logged: LoggedDecisions, decision: LoggedDecision, pairs: Pairs, epoch: int
) -> bytes:
    """What the vectors of the newest trace tell; b"" = there is no trace."""
    if not decision.traces:
        return b""
    kept = decision.traces[-1]
    made = pairs.get(seen_by(kept.versions))
    trace = TRACE.decode(logged.bytes_of(kept))
    return msgspec.msgpack.encode(skew_of(trace, made[1] if made else None, epoch))


def _cause(
    logged: LoggedDecisions,
    decision: LoggedDecision,
    wrong: tuple[list[Kept], list[Kept]],
    pairs: Pairs,
    epoch: int,
) -> tuple[str, list[Kept]]:
    """Why a decision is not reproduced, as far as its own records tell, and the records it concerns."""
    every = [*decision.decisions, *decision.traces]
    concerned = [*wrong[0], *wrong[1]]
    if not decision.decisions:
        return "no_decision", decision.traces
    if not decision.traces:
        return ("no_trace", decision.decisions) if not concerned else ("differs", concerned)
    if len(concerned) < len(every) and wrong[0]:
        # a trace holds all that its decision rests on: with a right one the decision cannot be wrong. A pair
        # that is, beside one that is not, was written before a restart
        return ("repeated" if wrong[1] else "altered"), concerned
    said, trace = (
        _decoded(logged, decision.decisions[-1], 0),
        _decoded(logged, decision.traces[-1], 1),
    )
    if any(getattr(said, name) != getattr(trace, name) for name in SHARED):
        return "altered", every
    versions = said.versions
    if versions.code != CODE_VERSION or getattr(trace, "feature_set", "") != FEATURE_SPACE.digest:
        return "other_code", every
    made = pairs.get(seen_by(versions))
    if made is None:
        return "not_made", every
    if made[0].versions != versions:
        return "unknown_version", every
    if epoch < versions.knowledge:
        return "unknown_epoch", every
    return "differs", concerned


def _decoded(logged: LoggedDecisions, kept: Kept, at: int) -> Decision | DecisionTrace:
    return (TRACE if at else DECISION).decode(logged.bytes_of(kept))


def _fields(logged: Decision | DecisionTrace, made: Decision | DecisionTrace | None) -> list[Field]:
    """What differs, field by field."""
    if made is None:
        return []
    before, after = dict(_leaves(logged)), dict(_leaves(made))
    kind = "trace" if isinstance(logged, DecisionTrace) else "decision"
    return [
        Field(f"{kind}.{name}", before.get(name), after.get(name))
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]


def _leaves(value: Decision | DecisionTrace) -> Iterator[tuple[str, str]]:
    """Every value of a record under its path; a trace's vectors by candidate and name of the feature."""
    if isinstance(value, DecisionTrace):
        if has_vectors(value):
            for at, row in enumerate(matrix_of(value).tolist()):
                for name, number in zip(FEATURE_SPACE.names, row, strict=True):
                    yield f"features[{at}].{name}", repr(number)
        else:
            yield "features", value.features.hex()[:80]
    fields = to_builtins(value, builtin_types=(bytes,))
    fields.pop("features", None)
    yield from _walk("", fields)


def _walk(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _walk(f"{path}.{name}" if path else str(name), one)
    elif isinstance(value, list | tuple):
        for at, one in enumerate(value):
            yield from _walk(f"{path}[{at}]", one)
    else:
        yield path, value.hex() if isinstance(value, bytes) else repr(value)
