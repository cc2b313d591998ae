"""`kairos replay --policy NEW --evaluate`: every decision of a log beside what another policy makes of its moment, in this process; nothing is written."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from jobs.config import Config
from jobs.empty_knowledge import empty_knowledge
from jobs.fold.binding import Binding, binding
from jobs.fold.evaluating import NEW, Beside, EvaluatingFold
from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from jobs.learning.trust import keys_of
from jobs.publish import now_ms
from log.range import LogRange
from models.off_policy import Estimate, Support, doubts, estimates, support
from schemas.codec import DECISION
from schemas.counted import counted
from schemas.decisions import Decision
from schemas.errors import ConfigError, InvalidEvent
from schemas.policy import DEFAULT_POLICY, Policy
from schemas.records import LogRecord
from schemas.topics import DECISIONS
from scripts.console import say
from scripts.files.item_files import read_items
from scripts.ops.archive import opened
from scripts.ops.status import running_kafka
from scripts.policy.policies_here import policy_in
from scripts.policy.policy_versions import announced, draft_again, live
from scripts.privacy.list_of_erased import list_here
from scripts.progress import Watched
from scripts.training.training import default_knowledge, from_files, from_log
from udfs.explain.tracing import Tracing
from udfs.knowledge.knowledge import Knowledge
from udfs.outcomes.compare_policies import Comparison, Differences, Pair, arrays, differences
from udfs.outcomes.rewards import REWARDS
from udfs.policy.compile_policy import compile_policy

UNTRACED: Final = Tracing(share=0.0)
"""What was chosen and why is told; of features only what a scorer reads is computed."""
OTHERWISE_MAX: Final = 0.05
"""So large a share of the log's decisions may have come out otherwise than they are made again."""


class Wish(NamedTuple):
    """What is asked: the new policy, the reward, and which log. `events`: files, decided by the policy file `against` (None: the default one) with the catalogue
    `items`; without, the log of the deployment, and its `archive`, from `from_ms` to before `to_ms`.
    """

    policy: Path
    reward: str = "click"
    events: Sequence[Path] = ()
    items: Path | None = None
    against: Path | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    archive: str | None = None


class History(NamedTuple):
    """A log that can be read twice, and what is known beyond it, new each time. `decisions`: what was written of them; None = nothing was."""

    log: Iterable[LogRecord]
    rules: FoldRules
    knowledge: Callable[[], Knowledge]
    currency: str
    decisions: Iterable[LogRecord] | None = None


class Evaluated(NamedTuple):
    """What was found. Left out of the estimate: decisions that one policy alone makes, those of people of whom no outcome is told (`unheard`), those that were
    not written (`unwritten`) or written `otherwise`, and those beyond the bound (`not_kept`).
    """

    reward: str
    currency: str
    estimates: list[Estimate]
    support: Support
    doubts: list[str]
    differences: Differences
    limits: tuple[Binding, Binding]
    only_logged: int
    only_new: int
    unheard: int
    unwritten: int
    otherwise: int
    not_kept: int

    @property
    def is_trusted(self) -> bool:
        """Whether the log can tell."""
        return not self.doubts


def evaluate(wish: Wish, config: Config) -> Evaluated:
    """Folds the log twice: beside each other, then by the new policy alone; raises ConfigError where there is nothing to compare."""
    if wish.reward not in REWARDS:
        raise ConfigError(f"--reward is one of {', '.join(REWARDS)}, not {wish.reward!r}")
    policy = policy_in(wish.policy)
    history = _of_files(wish, config) if wish.events else _of_log(wish, config)
    if wish.reward == "revenue" and policy.currency != history.currency:
        raise ConfigError(
            f"{wish.policy} is in {policy.currency}, what decided in {history.currency}: nothing is converted"
        )
    return compare(history, policy, wish.reward, wish.from_ms or 0)


def compare(history: History, policy: Policy, reward: str, from_ms: int = 0) -> Evaluated:
    """The same, of a log that is there; raises ConfigError."""
    compiled = compile_policy(policy)
    rules = history.rules._replace(tracing=UNTRACED)
    fold = EvaluatingFold(history.knowledge(), rules, compiled, from_ms)
    found, old, apart = Comparison(reward, history.currency), Binding(), {"only_logged": 0, "only_new": 0, "unheard": 0}  # fmt: skip
    for step in fold.run(history.log):
        for one in fold.compared:
            _take(one, found, apart)
        fold.compared.clear()
        for outcome in step.outcomes:
            found.earn(outcome)
        for decision, trace in step.decisions:
            if decision.event_time_ms >= from_ms:
                old.add(trace)
    unwritten = _confirm(found, history.decisions)
    if not found.rows:
        raise ConfigError(
            f"nothing to compare: {counted(old.decisions, 'decision')} in the log, and none of them is made by both policies for somebody of whom outcomes are told"
        )
    alone = Fold(history.knowledge().under(NEW, compiled), rules, Learner())
    limits = old, binding(alone, history.log, from_ms)
    return _judged(found, history.currency, reward, limits, apart, unwritten)


def _judged(
    found: Comparison, currency: str, reward: str, limits: tuple[Binding, Binding], apart: dict[str, int], unwritten: int,
) -> Evaluated:  # fmt: skip
    rows = found.rows
    logged, new = arrays(rows)
    clip = float(len(rows)) ** 0.5
    known = support(logged, new, clip)
    why = doubts(known)
    if found.otherwise > OTHERWISE_MAX * (len(rows) + found.otherwise):
        why.append(
            f"{counted(found.otherwise, 'decision')} of the log came out otherwise than they are made again: `kairos verify replay` says why"
        )
    return Evaluated(
        reward, currency, estimates(logged, new, clip), known, why, differences(rows), limits,
        apart["only_logged"], apart["only_new"], apart["unheard"], unwritten, found.otherwise, found.not_kept,
    )  # fmt: skip


def _take(one: Beside, found: Comparison, apart: dict[str, int]) -> None:
    if one.logged is None or one.weighed is None:
        apart["only_new"] += 1
    elif one.other is None or one.other_weighed is None:
        apart["only_logged"] += 1
    elif not one.is_heard:
        apart["unheard"] += 1
    else:
        found.add(Pair(one.logged, one.weighed, one.other, one.other_weighed), one.segments)


def _confirm(found: Comparison, decisions: Iterable[LogRecord] | None) -> int:
    """Leaves the rows that were written; how many were not."""
    if decisions is None:
        return 0
    for one in _decoded(decisions):
        if one.kind == "decided":
            found.confirm(one)
    return found.keep_confirmed()


def _decoded(records: Iterable[LogRecord]) -> Iterator[Decision]:
    unread = 0
    for record in records:
        try:
            yield DECISION.decode(record.value)
        except InvalidEvent:
            unread += 1
    if unread:
        say(f"warning: {counted(unread, 'record')} of {DECISIONS} cannot be read, and are left out")


def _of_files(wish: Wish, config: Config) -> History:
    if (wish.from_ms, wish.to_ms, wish.archive) != (None, None, None):
        raise ConfigError("--from, --to and --archive are of the log, not of files")
    in_force = policy_in(wish.against) if wish.against is not None else DEFAULT_POLICY
    source = from_files(wish.events, wish.items, config, list_here, in_force)
    items = list(read_items(wish.items, say)) if wish.items is not None else []

    def knowledge() -> Knowledge:
        found = default_knowledge(items, empty_knowledge(config), in_force)
        found.erasures = source.knowledge.erasures
        return found

    return History(source.log, source.rules, knowledge, in_force.currency)


def _of_log(wish: Wish, config: Config) -> History:
    """From its beginning on, so that everybody is known; what is compared begins at `from_ms`."""
    if wish.items is not None or wish.against is not None:
        raise ConfigError("--items and --against are of files: --events as well")
    kafka = running_kafka(config)
    source = from_log(kafka, config, None, wish.to_ms, wish.archive)
    in_force = draft_again(live(announced(kafka, config.topic_prefix, keys_of(config)), now_ms()))
    made = LogRange(
        kafka, config.topic_prefix + DECISIONS, wish.from_ms, None, opened(wish.archive, config, DECISIONS)
    )  # fmt: skip
    return History(
        source.log, source.rules, lambda: from_log(kafka, config, None, wish.to_ms).knowledge,
        in_force.policy.currency, Watched("reading decisions", made, len(made)),
    )  # fmt: skip
