"""`kairos compare`: what a version that runs in the shadow decides otherwise than the one that is live."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from jobs.audit.decoded import decoded
from log.kafka import partition_count, read_to_end
from schemas.codec import DECISION
from schemas.counted import counted
from schemas.decisions import Decision, Versions
from schemas.errors import ConfigError
from schemas.limits import SECOND_MS
from schemas.records import LogRecord
from schemas.topics import DECISIONS, earliest_record_ms
from scripts.console import say, show, show_table
from scripts.progress import Watched
from scripts.times import utc

EDGE_MS: Final = 5 * SECOND_MS
"""So near to the ends of the range one side may have stopped, or begun, a little later than the other."""
DECISIONS_MAX: Final = 5_000_000
"""Some 200 bytes of memory each."""
EXAMPLES: Final = 5
SAME_VERSIONS: Final = "same versions: the code, or what is remembered of the person"


class Seen(NamedTuple):
    """What is kept of a decision: what the person would see of it, and on what it rests."""

    time_ms: int
    placement: str
    action: str
    treatment: str
    items: int
    content: int
    versions: Versions

    def differs_in(self, other: "Seen") -> str | None:
        """The first of what a person sees that is not the same."""
        fields = ("action", "treatment", "items", "content")
        return next((one for one in fields if getattr(self, one) != getattr(other, one)), None)


class Tally(msgspec.Struct):
    """Decisions compared, and those of them that differ."""

    compared: int = 0
    differing: int = 0

    def add(self, is_differing: bool) -> None:
        """Counts one."""
        self.compared += 1
        self.differing += is_differing


class Comparison(msgspec.Struct):
    """What was found in [from_ms, to_ms). `only_*`: of one side, not counting those `at_edges`.

    `differs_in`: counts by what is different first (action, treatment, items, content);
    `by_cause`: by the versions that differ.
    """

    prefix: str
    from_ms: int
    to_ms: int
    total: Tally = msgspec.field(default_factory=Tally)
    only_live: int = 0
    only_shadow: int = 0
    at_edges: int = 0
    differs_in: dict[str, int] = {}
    by_placement: dict[str, Tally] = {}
    by_cause: dict[str, Tally] = {}
    examples: list[dict[str, Any]] = []


def compare(
    kafka: str, topic_prefix: str, prefix: str, from_ms: int | None = None, to_ms: int | None = None
) -> Comparison:
    """Compares decisions by their ids, which are hashes of what caused them.

    Without `from_ms` from the shadow's first decision on, without `to_ms` as far as both have come.
    """
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise ConfigError(f"--from {utc(from_ms)} is not before --to {utc(to_ms)}")
    topics = (topic_prefix + DECISIONS, prefix + DECISIONS)
    if topics[0] == topics[1]:
        raise ConfigError("the prefix is that of the live topics: name that of the shadow run")
    _check_there(kafka, topics[1], prefix)
    since_ms = None if from_ms is None else earliest_record_ms(from_ms)
    shadow = _by_id(read_to_end(kafka, [topics[1]], since_ms))
    if not shadow:
        raise ConfigError(f"{topics[1]} holds no decisions yet: wait until the shadow has decided")
    first_ms = min(one.time_ms for one in shadow.values()) if from_ms is None else from_ms
    live = _by_id(read_to_end(kafka, [topics[0]], earliest_record_ms(first_ms)))
    newest_ms = min(
        max((one.time_ms for one in side.values()), default=0) for side in (live, shadow)
    )
    last_ms = newest_ms + 1 if to_ms is None else to_ms
    found = Comparison(prefix, first_ms, last_ms)
    wanted = count_differing(found, _within(live, found), _within(shadow, found))
    _add_examples(found, kafka, topics, wanted)
    return found


def seen_of(one: Decision) -> Seen:
    """What is kept of a decision."""
    return Seen(
        one.event_time_ms,
        one.placement,
        one.action_id,
        one.treatment_id,
        hash(tuple(item.item_id for item in one.items)),
        hash(tuple(sorted(one.content.items()))),
        one.versions,
    )


def comparison_json(found: Comparison) -> dict[str, Any]:
    """The comparison as one JSON object, with the share of those that differ."""
    fields: dict[str, Any] = msgspec.to_builtins(found)
    return fields | {"share": _share(found.total)}


def show_comparison(found: Comparison) -> None:
    """Prints it."""
    total = found.total
    show(
        f"{counted(total.compared, 'decision')} of both from {utc(found.from_ms)} to {utc(found.to_ms)}: "
        f"{total.differing:,} differ ({_share(total):.1%})"
    )
    show(
        f"only live: {found.only_live:,} · only {found.prefix}: {found.only_shadow:,} · "
        f"at the edges of the range, not compared: {found.at_edges:,}"
    )
    if found.differs_in:
        show(
            "they differ in: " + ", ".join(f"{what} {n:,}" for what, n in found.differs_in.items())
        )
    for title, tallies in (("placement", found.by_placement), ("versions", found.by_cause)):
        rows = [
            (name, one.compared, one.differing, f"{_share(one):.1%}")
            for name, one in sorted(tallies.items(), key=lambda pair: -pair[1].differing)
        ]
        show_table("", (title, "compared", "differ", "share"), rows)
    for one in found.examples:
        show(f"{one['decision_id']}  {one['placement']}  {utc(one['event_time_ms'])}")
        show(f"  live:   {one['live']}")
        show(f"  shadow: {one['shadow']}")


def _check_there(kafka: str, topic: str, prefix: str) -> None:
    try:
        partition_count(kafka, topic)
    except ConfigError as error:
        raise ConfigError(
            f"there is no topic {topic}: `kairos decide --cluster HOST:PORT --shadow {prefix}` fills it"
        ) from error


def _decided(records: Iterable[LogRecord]) -> Iterator[Decision]:
    for decision in decoded(Watched("reading decisions", records), DECISION.decode, say):
        if decision.kind == "decided":
            yield decision


def _by_id(records: Iterable[LogRecord]) -> dict[str, Seen]:
    found: dict[str, Seen] = {}
    for one in _decided(records):
        found[one.decision_id] = seen_of(one)
        if len(found) > DECISIONS_MAX:
            raise ConfigError(
                f"more than {DECISIONS_MAX:,} decisions: narrow it by --from and --to"
            )
    return found


def _within(side: dict[str, Seen], found: Comparison) -> dict[str, Seen]:
    return {key: one for key, one in side.items() if found.from_ms <= one.time_ms < found.to_ms}


def count_differing(found: Comparison, live: dict[str, Seen], shadow: dict[str, Seen]) -> list[str]:
    """Counts decisions by their ids into `found`; the ids of some that differ."""
    wanted: list[str] = []
    for key, one in live.items():
        other = shadow.get(key)
        if other is None:
            if _is_at_edge(found, one):
                found.at_edges += 1
            else:
                found.only_live += 1
            continue
        what = one.differs_in(other)
        found.total.add(what is not None)
        found.by_placement.setdefault(one.placement, Tally()).add(what is not None)
        found.by_cause.setdefault(_cause(one.versions, other.versions), Tally()).add(
            what is not None
        )
        if what is not None:
            found.differs_in[what] = found.differs_in.get(what, 0) + 1
            if len(wanted) < EXAMPLES:
                wanted.append(key)
    for key in shadow.keys() - live.keys():
        if _is_at_edge(found, shadow[key]):
            found.at_edges += 1
        else:
            found.only_shadow += 1
    return wanted


def _is_at_edge(found: Comparison, one: Seen) -> bool:
    return one.time_ms < found.from_ms + EDGE_MS or one.time_ms >= found.to_ms - EDGE_MS


def _cause(live: Versions, shadow: Versions) -> str:
    """Which versions differ: names where they are few, the kind where each decision has its own."""
    named = [
        f"{name} {getattr(live, name)} → {getattr(shadow, name)}"
        for name in ("policy", "model", "code")
        if getattr(live, name) != getattr(shadow, name)
    ]
    kinds = [
        name for name in ("catalogue", "knowledge") if getattr(live, name) != getattr(shadow, name)
    ]
    return ", ".join([*named, *kinds]) or SAME_VERSIONS


def _add_examples(
    found: Comparison, kafka: str, topics: tuple[str, str], wanted: list[str]
) -> None:
    if not wanted:
        return
    sides = [
        {
            one.decision_id: one
            for one in _decided(read_to_end(kafka, [topic], earliest_record_ms(found.from_ms)))
            if one.decision_id in wanted
        }
        for topic in topics
    ]
    for key in wanted:
        live, shadow = (side[key] for side in sides)
        found.examples.append(
            {
                "decision_id": key,
                "placement": live.placement,
                "person": live.person,
                "event_time_ms": live.event_time_ms,
                "live": _summary(live),
                "shadow": _summary(shadow),
            }
        )


def _summary(one: Decision) -> str:
    items = ", ".join(item.item_id for item in one.items[:EXAMPLES])
    more = f" and {len(one.items) - EXAMPLES} more" if len(one.items) > EXAMPLES else ""
    return f"{one.action_id}/{one.treatment_id} [{items}{more}] policy {one.versions.policy}, model {one.versions.model}"


def _share(tally: Tally) -> float:
    return tally.differing / tally.compared if tally.compared else 0.0
