"""`kairos bench evaluate`: how long a whole evaluation of a made-up log takes, and how much memory."""

import time
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from tempfile import TemporaryDirectory
from typing import Any, Final

from jobs.config import Config
from jobs.learning.evaluation_split import Setting
from schemas.events import ALL_PURPOSES
from schemas.limits import DAY_MS
from scripts.bench.click_log import BEGUN_MS, Size, click_log
from scripts.bench.setting import describe
from scripts.console import say, show_json, show_table
from scripts.files.event_lines import write_lines
from scripts.training.evaluation import evaluate_files

TEST_SHARE: Final = 0.075
"""Of the time; of a million events some 61,000 decisions are then scored."""
PLACES: Final = 20


def bench(config: Config, size: Size, is_json: bool) -> None:
    """Prints seconds, peak memory and what was evaluated."""
    setting = Setting("next_item", split_ms(size), PLACES, config.seed)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        say(f"writing {write_lines(click_log(size), path):,} events")
        begun_s = time.monotonic()
        report = evaluate_files(
            [path], None, setting, config._replace(home=Path(folder), consent=ALL_PURPOSES), None
        )
        seconds = time.monotonic() - begun_s
    found = describe() | {
        "events": report["events"],
        "items": report["items"],
        "sessions": size.sessions,
        "decisions": report["decisions"],
        "examples": report["train"]["examples"],
        "seconds": round(seconds, 1),
        "train_seconds": report["train_seconds"],
        "peak_gib": round(peak_gib(), 2),
        "ms_per_decision_p50": report["ms_per_decision_p50"],
        "ms_per_decision_p99": report["ms_per_decision_p99"],
    }
    _show(found, is_json)


def split_ms(size: Size) -> int:
    """The time before which sessions train."""
    return BEGUN_MS + round((1 - TEST_SHARE) * size.days * DAY_MS)


def peak_gib() -> float:
    """The most memory that this process ever held; Linux tells it in KiB."""
    return getrusage(RUSAGE_SELF).ru_maxrss / 1024**2


def _show(found: dict[str, Any], is_json: bool) -> None:
    if is_json:
        show_json(found)
    else:
        show_table("evaluation of a made-up log", ("figure", "value"), list(found.items()))
