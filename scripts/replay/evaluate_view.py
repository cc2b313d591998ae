"""What an evaluation by replay says: words first, then tables; or JSON."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from jobs.config import Config
from jobs.fold.binding import Limit
from schemas.counted import counted
from scripts.console import complain, show, show_json, show_table
from scripts.exit_codes import passed
from scripts.experiments.evaluate_policy import HEADS, estimate_rows, verdict
from scripts.policy.action_words import STAGES
from scripts.replay.evaluate import Evaluated, Wish, evaluate
from udfs.actions.limit_contacts import PREFIX
from udfs.outcomes.compare_policies import Changed
from udfs.outcomes.rewards import IN_WORDS

MOVES_SHOWN: Final = 12
LIMITS_SHOWN: Final = 12
SAID: Final = 3
"""Limits that are told in words: those whose figures are furthest apart."""


def run(wish: Wish, config: Config, *, is_json: bool) -> int:
    """Prints it; the exit code: 1 where the log cannot tell what the policy would earn."""
    found = evaluate(wish, config)
    if is_json:
        show_json(told(found))
    else:
        _show(found, wish.policy)
    for one in found.doubts:
        complain(f"kairos: do not trust it: {one}")
    return passed(found.is_trusted)


def told(found: Evaluated) -> dict[str, Any]:
    """For programs."""
    apart = found.differences
    return {
        "reward": found.reward, "currency": found.currency, "is_trusted": found.is_trusted, "doubts": found.doubts,
        "estimates": {one.name: {"value": one.value, "low": one.low, "high": one.high} for one in found.estimates},
        "support": found.support._asdict(),
        "changed": {
            "decisions": apart.decisions._asdict(), "people": apart.people._asdict(),
            "by_action": {name: one._asdict() for name, one in apart.by_action.items()},
            "by_segment": {name: one._asdict() for name, one in apart.by_segment.items()},
            "moves": [one._asdict() for one in apart.moves],
        },
        "limits": [one._asdict() | {"logged": was, "new": now} for one, was, now in _limits(found)],
        "decisions": {"logged": found.limits[0].decisions, "new": found.limits[1].decisions},
        "left_out": {
            "only_logged": found.only_logged, "only_new": found.only_new, "unheard": found.unheard,
            "unwritten": found.unwritten, "otherwise": found.otherwise, "not_kept": found.not_kept,
        },
    }  # fmt: skip


def in_words(found: Evaluated, policy: Path) -> Iterator[str]:
    """What it would earn, who would see something else, which limits would bind."""
    values = {one.name: one for one in found.estimates}
    was, new = values["on_policy"], values["snips"]
    what = IN_WORDS[found.reward] if found.reward != "revenue" else f"{found.currency} of revenue"
    if found.is_trusted:
        yield (
            f"{policy.name} would earn {new.value:.4g} {what} a decision (95 %: {new.low or 0.0:.4g} to {new.high or 0.0:.4g}), "
            f"what decided earned {was.value:.4g}: {verdict(new, was)}"
        )
    else:
        yield f"This log cannot tell what {policy.name} would earn; what decided earned {was.value:.4g} {what} a decision"
    apart = found.differences
    yield (
        f"{_share(apart.decisions)} of {counted(apart.decisions.decisions, 'decision')} would show something else, "
        f"to {_share(apart.people)} of {counted(apart.people.decisions, 'person', 'people')}"
    )
    limits = [one for one in _limits(found) if one[1] != one[2]]
    for one, was_refused, now_refused in limits[:SAID]:
        often = "more" if now_refused > was_refused else "less"
        yield f"{one.action} would be refused {often} often by {_named(one)}: {counted(now_refused, 'time')}, not {was_refused:,}"
    if not limits:
        yield "Limits, budgets, stock and quiet hours would bind as often as they did"


def _show(found: Evaluated, policy: Path) -> None:
    for line in in_words(found, policy):
        show(line)
    show_table("What it would earn", HEADS, estimate_rows(found.estimates, found.support.clip))
    apart = found.differences
    if apart.moves:
        cells = [
            (one.placement, one.logged, one.other if one.other != one.logged else "the same, with other items or another treatment", one.decisions, one.examples[0])
            for one in apart.moves[:MOVES_SHOWN]
        ]  # fmt: skip
        show_table("Who would see something else", ("placement", "instead of", "sees", "decisions", "for example"), cells)  # fmt: skip
        for title, several in (("By action", apart.by_action), ("By segment", apart.by_segment)):
            rows = [(name, one.decisions, _share(one)) for name, one in several.items()]
            show_table(title, ("", "decisions", "something else"), rows)
    limits = _limits(found)[:LIMITS_SHOWN]
    if limits:
        refused = [(_named(one), one.action, STAGES[one.stage], was, now) for one, was, now in limits]  # fmt: skip
        show_table("What was refused", ("limit", "action", "which", "in the log", "by the new policy"), refused)  # fmt: skip
    for line in _notes(found):
        show(line)


def _notes(found: Evaluated) -> Iterator[str]:
    known = found.support
    yield (
        f"{counted(known.rows, 'decision')} count as {known.effective_rows:,.0f}; {counted(known.rewards, 'decision')} of those that bear on it "
        f"earned something; {(known.unseen or 0.0):.1%} of the new policy's chance lies on what could not have been seen then; people, not decisions, are taken as independent"
    )
    left = {
        "that only the log's policy makes": found.only_logged,
        "that only the new policy makes": found.only_new,
        "of people of whom no outcomes are told": found.unheard,
        "that were never written": found.unwritten,
        "that were written otherwise than they are made again": found.otherwise,
        "beyond what is compared at once": found.not_kept,
    }
    parts = [f"{count:,} {what}" for what, count in left.items() if count]
    if parts:
        yield f"Left out are decisions: {', '.join(parts)}"


def _limits(found: Evaluated) -> list[tuple[Limit, int, int]]:
    """Each with how often it refused, in the log and by the new policy; those that are furthest apart first."""
    was, now = (one.refused for one in found.limits)
    several = [(one, was[one], now[one]) for one in was.keys() | now.keys()]
    return sorted(several, key=lambda one: (-abs(one[2] - one[1]), -one[1], one[0]))


def _named(limit: Limit) -> str:
    """The rule as people say it: its own name where the policy has given it one."""
    if limit.rule.startswith(PREFIX):
        return f"the contact limit {limit.rule.removeprefix(PREFIX)}"
    return f"the rule {limit.rule}"


def _share(one: Changed) -> str:
    return f"{one.changed / one.decisions:.1%}" if one.decisions else "none"
