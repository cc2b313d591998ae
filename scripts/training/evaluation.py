"""`kairos evaluate`: trains on what is before a moment, scores every decision after it; compares runs."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from jobs.config import Config
from jobs.empty_knowledge import empty_knowledge
from jobs.learning.answers import EXAMPLES_MAX, EventKey
from jobs.learning.evaluate import Evaluated, evaluate
from jobs.learning.evaluation_split import QUESTIONS, Setting, Split, split_log
from jobs.publish import now_ms
from models.artefact import load_scorer
from models.learning.examination import Examination, Weighed
from models.scorer import Scorer
from models.vectors import VectorTable
from schemas.counted import counted
from schemas.errors import ConfigError
from schemas.events import granted_in_words, purposes_from, unlearnt_in_words
from scripts.console import percentile, say, show, show_table
from scripts.files.event_lines import EventLines, lines_of
from scripts.files.item_files import read_items
from scripts.policy.policies_here import policies_here, policy_in
from scripts.policy.policy_versions import draft_again, live
from scripts.progress import Watched
from scripts.training.model_guard import DECISIONS_MIN
from scripts.training.model_tables import show_examination
from scripts.training.saved_runs import Saved, check_writable, write_saved
from scripts.training.training import EXAMPLES_NAME, learn
from udfs.facts.features import FEATURE_SPACE

PARTS: Final = {
    "cold_items": "items that nobody had touched before the split",
    "first_events": "the first that a session asks for",
}
"""What is told of alone, in words."""
ACCURACY: Final = 6
"""So many of the figures say how well lists hit, coverage among them; the others what they are like."""
BY_SCORE: Final = "(by score alone)"
COLD: Final = "nothing to learn from before the split: the cold-start order was evaluated"


def evaluate_files(
    events: Sequence[Path], items: Path | None, setting: Setting, config: Config, save: Path | None
) -> dict[str, Any]:
    """The report of a run over files of events, as `--json` prints it; `save` keeps its ranks."""
    if save is not None:
        check_writable(save)
    knowledge = empty_knowledge(config)
    for position, item in enumerate(read_items(items, say) if items is not None else ()):
        knowledge.add_item(item, position)
    log = EventLines(Watched("reading", lines_of(events))).check(say)
    split = split_log(Watched("finding answers", log, len(log)), setting)
    say(
        f"{counted(split.trainable, 'decision')} to learn from, {len(split.train):,} of them sampled; "
        f"{len(split.test):,} to score"
    )

    def learnt(
        examples: Path, weighed: Weighed | None, vectors: VectorTable | None
    ) -> Scorer | None:
        try:
            published = learn(examples, config, None, weighed, vectors).published
        except ConfigError as error:  # one class only, say: there still is something to evaluate
            say(str(error))
            return None
        return load_scorer(published.uri, published.sha256, FEATURE_SPACE)

    with TemporaryDirectory() as folder:
        found = evaluate(
            Watched("folding", log, len(log)), knowledge, setting, split,
            Path(folder) / EXAMPLES_NAME, learnt,
        )  # fmt: skip
    assumed = purposes_from(config.consent)
    if not found.outcomes:
        raise ConfigError(f"nothing to score: {unlearnt_in_words(assumed)}")
    if save is not None:
        write_saved(Saved(setting.placement, setting.k, found.outcomes), save)
    told = {
        "refused": found.refused,
        "assumed_consent": sorted(assumed),
        "examination": msgspec.to_builtins(found.examination),
    }
    return report(setting, split, found, log.invalid) | told


def report(setting: Setting, split: Split, found: Evaluated, invalid: int) -> dict[str, Any]:
    """The one object of a run: figures, baselines, and what they rest on."""
    decisions = len(found.outcomes)
    return {
        "placement": setting.placement,
        "decisions": decisions,
        **found.ranks.figures(split.item_count),
        **_sureness(found),
        "train_seconds": round(found.train_seconds, 2),
        "ms_per_decision_p50": percentile(found.ms, 0.5) or 0.0,
        "ms_per_decision_p99": percentile(found.ms, 0.99) or 0.0,
        "version": found.version,
        "baselines": {
            name: ranks.figures(split.item_count) for name, ranks in found.baselines.items()
        },
        "parts": {name: _part(found, keys) for name, keys in split.parts.items()},
        **_cost(split, found),
        "candidates_mean": found.candidates / decisions,
        "recall": found.found / decisions,
        "ece": found.ece,
        "events": split.events,
        "invalid": invalid,
        "items": split.item_count,
        "train": {
            "before_ms": setting.train_before_ms,
            "answered": split.trainable,
            "decisions": found.decisions_to_learn,
            "decisions_max": EXAMPLES_MAX,
            "sampled_share": len(split.train) / split.trainable if split.trainable else 0.0,
            "examples": found.examples,
            "seed": setting.seed,
            "is_cold_start": found.is_cold_start,
        },
    }


def _part(found: Evaluated, keys: frozenset[EventKey]) -> dict[str, Any]:
    """Figures of some of the decisions alone, the engine's and each baseline's."""
    outcomes = enumerate(found.outcomes)
    places = [at for at, one in outcomes if (one.session_id, one.event_id) in keys]
    baselines = {name: ranks.figures_of(places) for name, ranks in found.baselines.items()}
    return {"decisions": len(places), **found.ranks.figures_of(places), "baselines": baselines}


def _cost(split: Split, found: Evaluated) -> dict[str, Any]:
    """The same decisions by score alone, and what the settings of the placement cost of the mrr; None where there are none."""
    alone = found.by_score
    if alone is None:
        return {"by_score": None, "settings_lead": None}
    lead = found.ranks.lead_over(alone)
    return {"by_score": alone.figures(split.item_count), "settings_lead": lead._asdict()}


def _sureness(found: Evaluated) -> dict[str, Any]:
    """How sure the mrr is, and its lead over the best simple order; what to mind in words."""
    mrr = found.ranks.mrr_interval()
    leads = [(name, found.ranks.lead_over(ranks)) for name, ranks in found.baselines.items()]
    name, lead = min(leads, key=lambda one: one[1].difference)
    decisions, warnings = len(found.outcomes), []
    if decisions < DECISIONS_MIN:
        warnings.append(
            f"only {counted(decisions, 'decision')} could be scored, and at least {DECISIONS_MIN} are wanted: on others "
            f"the mrr may as well be {mrr.low:.3f} or {mrr.high:.3f}"
        )
    if lead.low <= 0.0:
        warnings.append(
            f"nothing says that it ranks better than `{name}` alone: the difference of the mrr is {lead.difference:+.4f} "
            f"({lead.low:+.4f} to {lead.high:+.4f})"
        )
    return {
        "mrr_low": mrr.low,
        "mrr_high": mrr.high,
        "lead": {"over": name, **lead._asdict()},
        "warnings": warnings,
    }


def setting_of(
    placement: str, train_before_ms: int, k: int, config: Config, policy: Path | None
) -> Setting:
    """What is evaluated: `rerank` or `next_item`, else a placement of that policy's file, without one of the live policy.

    Raises ConfigError where it has none of that name.
    """
    setting = Setting(placement, train_before_ms, k, config.seed)
    if policy is None and placement in QUESTIONS:
        return setting
    found = policy_in(policy) if policy else draft_again(live(policies_here(), now_ms())).policy
    own = {one.name: one for one in found.placements}
    if placement not in own:
        whose = policy or "the live policy"
        raise ConfigError(
            f"there is no placement {placement!r}: there are {', '.join(QUESTIONS)}, and of {whose} {', '.join(own) or 'none'}"
        )
    return setting._replace(own=own[placement], events=found.events, facts=found.facts)


def show_report(found: dict[str, Any]) -> None:
    """The report for a person: one row per order, what their lists are like, then what it rests on."""
    orders = {found["version"]: found} | {name: one for name, one in found["baselines"].items() if one}  # fmt: skip
    if found["by_score"]:
        orders = {found["version"]: found, BY_SCORE: found["by_score"]} | orders
    names = list(next(iter(found["baselines"].values())))
    title = f"{found['placement']}, {counted(found['decisions'], 'decision')}"
    for head, figures in ((title, names[:ACCURACY]), ("what the lists are like", names[ACCURACY:])):
        rows = [[name, *(f"{one[figure]:.4f}" for figure in figures)] for name, one in orders.items()]  # fmt: skip
        show_table(head, ("order", *figures), rows)
    _show_parts(found)
    cost = found["settings_lead"]
    if cost is not None:
        show(
            f"the settings of the placement change the mrr by {cost['difference']:+.4f} ({cost['low']:+.4f} to "
            f"{cost['high']:+.4f}, 95 %) beside its scores alone"
        )
    train = found["train"]
    if train["is_cold_start"]:
        show(COLD)
    else:
        show(
            f"learnt from {train['examples']:,} of {train['decisions']:,} decisions "
            f"({train['sampled_share']:.0%} of {train['answered']:,}, seed {train['seed']!r}) "
            f"in {found['train_seconds']} s"
        )
    show_examination(msgspec.convert(found["examination"], Examination | None), train["examples"])
    lead = found["lead"]
    show(
        f"mrr {found['mrr']:.4f} ({found['mrr_low']:.4f} to {found['mrr_high']:.4f}, 95 %), {lead['difference']:+.4f} "
        f"({lead['low']:+.4f} to {lead['high']:+.4f}) beside `{lead['over']}`"
    )
    for warning in found["warnings"]:
        show(f"warning: {warning}")
    show(
        f"candidates: {found['candidates_mean']:.1f} on average, the truth among them in {found['recall']:.1%}; "
        f"{found['ms_per_decision_p50']:.2f} ms a decision, p99 {found['ms_per_decision_p99']:.2f}"
    )
    refused = found["refused"]
    left_out = f"{counted(refused, 'decision')} of people who do not agree to it left out; "
    assumed = granted_in_words(frozenset(found["assumed_consent"]))
    show(f"{left_out if refused else ''}{assumed}")


def _show_parts(found: dict[str, Any]) -> None:
    """One row for each part of the decisions that is told of alone, and the best that a simple order has there."""
    rows = []
    for name, part in found["parts"].items():
        figures = [one for one in part if one not in ("decisions", "baselines")]
        best = [max(one[figure] for one in part["baselines"].values()) for figure in figures]
        told = (f"{part[one]:.4f} ({most:.4f})" for one, most in zip(figures, best, strict=True))
        rows.append((PARTS[name], part["decisions"], *told))
    if rows:
        columns = ("of these alone", "decisions", *figures)
        show_table("and the best of the simple orders", columns, rows)
