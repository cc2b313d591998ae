"""How many people meet an offer: a log through the fold, with a policy in which nothing but the offer competes."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from jobs.fold.fold import Fold, FoldRules
from schemas.actions import Action
from schemas.contact import Contact
from schemas.counted import counted
from schemas.limits import DAY_MS, EVENT_TIME_MAX_MS
from schemas.policy import Exploration, Holdout, Policy
from schemas.records import LogRecord
from scripts.lengths import length_in_words
from scripts.ops.bounded import Bounded
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

UNKNOWN: Final = "How many people meet this is not known: "
ABOUT_FROM: Final = 100
"""From here on a number is rounded to two digits."""


class Reach(Struct, frozen=True):
    """`met` of `people` could have been given the offer; `met_days`: summed over the days, each person once a day.

    `is_whole`: all of the time that was asked for was counted; else the newest `events`, or those before time was up.
    """

    people: int
    met: int
    met_days: int
    events: int
    from_ms: int
    to_ms: int
    is_whole: bool


def alone(policy: Policy, action_id: str) -> Policy:
    """The policy with nothing but this offer in its places, always in season, without a budget and without texts; rules that
    concern it stay.

    Raises StopIteration where there is no such action.
    """
    action = next(one for one in policy.actions if one.id == action_id)
    looks = tuple(replace(one, content={}) for one in action.treatments)
    rules = (one for one in policy.rules if not one.actions or action_id in one.actions)
    return replace(
        policy,
        placements=tuple(
            replace(one, actions=(action_id,), fallback=None)
            for one in policy.placements
            if one.name in action.placements or action_id in one.actions
        ),
        actions=(
            replace(
                action, placements=(), budget=None, starts_ms=0, ends_ms=EVENT_TIME_MAX_MS,
                treatments=looks, reason={},
            ),
        ),
        rules=tuple(replace(one, actions=(action_id,) if one.actions else ()) for one in rules),
        context_weights=(), experiments=(), holdout=Holdout(share=0.0),
        exploration=Exploration(kind="none"), contact=Contact(),
    )  # fmt: skip


def count_reach(
    log: Iterable[LogRecord], knowledge: Knowledge, rules: FoldRules, policy: Policy,
    is_over: Callable[[], bool], *, is_whole: bool,
) -> Reach:  # fmt: skip
    """Folds the log; `policy` is that of `alone`, `knowledge` holds the catalogue and no policy. Stops reading once `is_over`."""
    (action,) = policy.actions
    knowledge.add_policy("draft", 0, 0, compile_policy(policy))
    read = _Counted(log, is_over)
    people: set[str] = set()
    met: set[tuple[str, int]] = set()
    for folded in Fold(knowledge, rules).run(read):
        if folded.news is not None:
            people.add(folded.news.person)
        for _, trace in folded.decisions:
            if any(
                one.action_id == action.id and one.verdict != "excluded" for one in trace.actions
            ):
                met.add((trace.person, (trace.event_time_ms - read.from_ms) // DAY_MS))
    return Reach(
        len(people), len({person for person, _ in met}), len(met), read.events, read.from_ms,
        read.to_ms, is_whole and not read.is_cut,
    )  # fmt: skip


class _Counted(Bounded):
    """How many were read, and from when to when."""

    events, from_ms, to_ms = 0, 0, 0

    def __iter__(self) -> Iterator[LogRecord]:
        for record in super().__iter__():
            if not self.events:
                self.from_ms = record.timestamp_ms
            self.events += 1
            self.to_ms = max(self.to_ms, record.timestamp_ms)
            yield record


def sentence(reach: Reach, action: Action) -> str:
    """What was counted, in words: a number a day where the log spans days, else what it holds and no more."""
    if not reach.people:
        return f"{UNKNOWN}the log holds no events of the last week."
    span_ms = max(reach.to_ms - reach.from_ms, 1)
    of = f"{reach.met:,} of the last {counted(reach.people, 'person', 'people')}"
    part = "" if reach.is_whole else ", not the whole week"
    over = f"{counted(reach.events, 'event')} over {length_in_words(span_ms)}{part}"
    limits = " Its limits are counted in;" if action.limits.times else ""
    beside = f"{limits} budget, dates and what other offers would have won are not."
    if span_ms < DAY_MS:
        return f"{of} met this ({over}): too short a time to say how many a day.{beside}"
    a_day = reach.met_days / (span_ms / DAY_MS)
    verb = "meets" if round(a_day) == 1 or 0 < a_day < 1 else "meet"
    return f"{_about(a_day)} a day {verb} this: {of} ({over}).{beside}"


def _about(number: float) -> str:
    if 0 < number < 1:
        return "Fewer than one person"
    whole = round(number)
    if whole >= ABOUT_FROM:
        step = 10 ** (len(str(whole)) - 2)
        whole = round(whole / step) * step
    return f"About {counted(whole, 'person', 'people')}"
