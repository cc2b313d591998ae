"""What a draft of a policy would have decided otherwise: one log folded twice, by the live policy and by the draft."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec import Struct

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from schemas.limits import EVENT_TIME_MAX_MS
from schemas.policy import Policy
from schemas.records import LogRecord
from scripts.audit.compare import Comparison, Seen, count_differing, seen_of
from scripts.ops.bounded import Bounded
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

MOVES_MAX: Final = 20


class Move(Struct, frozen=True):
    """So many decisions at a placement would have been for another action."""

    placement: str
    live: str
    draft: str
    count: int


class WhatIf(Struct, frozen=True):
    """Of `compared` decisions over `events` so many are `differing`, first in the action, treatment, items or content;
    `only_live` and `only_draft`: decisions of one side. `is_whole`: every event that was asked for was folded.
    """

    events: int
    from_ms: int
    to_ms: int
    is_whole: bool
    compared: int
    differing: int
    only_live: int
    only_draft: int
    differs_in: dict[str, int]
    moves: list[Move]


def what_if(
    log: Iterable[LogRecord], knowledge: Callable[[], Knowledge], rules: FoldRules,
    policies: tuple[Policy, Policy], is_over: Callable[[], bool],
) -> WhatIf:  # fmt: skip
    """Compares the live policy and the draft (`policies`) over the log, as far as the live one comes before `is_over`.

    `knowledge` gives the catalogue anew, without a policy. What the stream teaches both learn from this log alone. The draft
    takes about as long once more.
    """
    read = Bounded(log, is_over)
    records: list[LogRecord] = []
    live = _decided(_kept(read, records), knowledge(), rules, policies[0])
    draft = _decided(records, knowledge(), rules, policies[1])
    found = Comparison("draft", 0, EVENT_TIME_MAX_MS)
    count_differing(found, live, draft)
    return WhatIf(
        len(records), records[0].timestamp_ms if records else 0, records[-1].timestamp_ms if records else 0,
        not read.is_cut, found.total.compared, found.total.differing, found.only_live, found.only_shadow,
        found.differs_in, _moves(live, draft),
    )  # fmt: skip


def _kept(log: Iterable[LogRecord], records: list[LogRecord]) -> Iterator[LogRecord]:
    for record in log:
        records.append(record)
        yield record


def _decided(
    records: Iterable[LogRecord], knowledge: Knowledge, rules: FoldRules, policy: Policy
) -> dict[str, Seen]:
    knowledge.add_policy("what-if", 0, 0, compile_policy(policy))
    return {
        decision.decision_id: seen_of(decision)
        for folded in Fold(knowledge, rules, Learner()).run(records)
        for decision, _ in folded.decisions
        if decision.kind == "decided"
    }


def _moves(live: dict[str, Seen], draft: dict[str, Seen]) -> list[Move]:
    """From which action to which, the most frequent first."""
    counts = Counter(
        (one.placement, one.action, draft[key].action)
        for key, one in live.items()
        if key in draft and draft[key].action != one.action
    )
    return [Move(*names, count) for names, count in counts.most_common(MOVES_MAX)]
