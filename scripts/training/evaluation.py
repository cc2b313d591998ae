"""`kairos evaluate`: trains on what is before a moment, scores every decision after it; compares runs."""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.config import Config
from jobs.empty_knowledge import empty_knowledge
from jobs.learning.answers import EXAMPLES_MAX
from jobs.learning.evaluate import Evaluated, evaluate
from jobs.learning.evaluation_split import QUESTIONS, Setting, Split, split_log
from jobs.publish import now_ms
from models.artefact import load_scorer
from models.evaluation import Outcome, compare
from models.learning.examination import Examination, Weighed
from models.scorer import Scorer
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
from scripts.training.training import EXAMPLES_NAME, learn
from udfs.facts.features import FEATURE_SPACE

SAVED: Final = pa.schema(
    [
        ("session_id", pa.string()), ("event_id", pa.string()), ("item_id", pa.string()),
        ("rank", pa.int32()),
    ]
)  # fmt: skip
COLD: Final = "nothing to learn from before the split: the cold-start order was evaluated"


class Saved(NamedTuple):
    """A run as `--save` keeps it."""

    placement: str
    k: int
    outcomes: list[Outcome]


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

    def learnt(examples: Path, weighed: Weighed | None) -> Scorer | None:
        try:
            published = learn(examples, config, None, weighed).published
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


def write_saved(saved: Saved, path: Path) -> None:
    """Writes a run's ranks as Parquet; raises ConfigError where it cannot."""
    named = msgspec.json.encode({"placement": saved.placement, "k": saved.k})
    columns = list(zip(*saved.outcomes, strict=True)) or [()] * len(SAVED)
    schema = SAVED.with_metadata({b"kairos": named})
    table = pa.table(
        [pa.array(one, kind.type) for one, kind in zip(columns, SAVED, strict=True)], schema=schema
    )
    try:
        pq.write_table(table, path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error}") from error


def check_writable(path: Path) -> None:
    """Raises ConfigError where no file can be written at `path`: before the work, not after it."""
    if path.is_dir() or not path.parent.is_dir():
        what = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise ConfigError(f"{path} cannot be written: {what}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ConfigError(f"{path} cannot be written: it is not allowed to")


def read_saved(path: Path) -> Saved:
    """A run that `--save` wrote; raises ConfigError for anything else."""
    try:
        table = pq.read_table(path)
        named = msgspec.json.decode(
            (table.schema.metadata or {})[b"kairos"], type=dict[str, str | int]
        )
        columns = [table.column(name).to_pylist() for name in SAVED.names]
    except (OSError, pa.ArrowException, KeyError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{path} is no file that `evaluate --save` wrote: {error}") from error
    outcomes = [Outcome(*row) for row in zip(*columns, strict=True)]
    return Saved(str(named["placement"]), int(named["k"]), outcomes)


def compare_files(first: Path, second: Path) -> dict[str, Any]:
    """How the second run differs from the first; raises ConfigError where they do not pair."""
    one, other = read_saved(first), read_saved(second)
    if (one.placement, one.k) != (other.placement, other.k):
        raise ConfigError(
            f"{first} is {one.placement} at {one.k}, {second} is {other.placement} at {other.k}: "
            "only runs of one placement and k can be compared"
        )
    found = compare(one.outcomes, other.outcomes, one.k)
    return {
        "placement": one.placement,
        "decisions": len(one.outcomes),
        "differences": {name: interval._asdict() for name, interval in found.items()},
    }


def show_report(found: dict[str, Any]) -> None:
    """The report for a person: one row per order, then what it rests on."""
    names = [name for name, value in found["baselines"].items() if value]
    figures = list(found["baselines"][names[0]])
    rows = [[found["version"], *(f"{found[name]:.4f}" for name in figures)]]
    rows += [[name, *(f"{found['baselines'][name][one]:.4f}" for one in figures)] for name in names]
    title = f"{found['placement']}, {counted(found['decisions'], 'decision')}"
    show_table(title, ("order", *figures), rows)
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


def show_comparison(found: dict[str, Any]) -> None:
    """The differences, second minus first, with their intervals of 95 %."""
    rows = [
        (name, *(f"{one[part]:+.4f}" for part in ("difference", "low", "high")))
        for name, one in found["differences"].items()
    ]
    title = f"second less first, {counted(found['decisions'], 'decision')} of {found['placement']}"
    show_table(title, ("figure", "difference", "from", "to"), rows)
