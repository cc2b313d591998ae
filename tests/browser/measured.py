"""What came of the demo's experiment, and of a holdout that is over, so that nobody is held out now: made up, for the running shop.

`python -m tests.browser.measured` writes it into the shop of this KAIROS_HOME, for pictures.
"""

import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from jobs.config import config_from
from jobs.publish import Log, now_ms
from schemas.codec import ALERT, OUTCOME
from schemas.experiments import HELD_OUT, HOLDOUT, PERSONAL
from schemas.limits import DAY_MS, HOUR_MS
from schemas.topics import ALERTS, OUTCOMES
from scripts.ops.status import running_kafka
from scripts.times import utc
from tests.builders import NOON
from tests.e2e.homes import KAIROS
from tests.examples.write import ALERTED
from tests.models.experiments.outcomes import visits

EXPERIMENT: Final = "cart_list_length"
"""That of the demo's policy."""
DAYS: Final = 20
GOOD: Final = replace(ALERTED, alert_id="good", kpi="orders", direction="more", is_bad=False, cause=None, currency=None, hour_ms=ALERTED.hour_ms - HOUR_MS)  # fmt: skip
Kairos = Callable[..., "subprocess.CompletedProcess[str]"]


def begins_ms() -> int:
    """The beginning of its first day."""
    return now_ms() // DAY_MS * DAY_MS - (DAYS + 1) * DAY_MS


def hold_out(kairos: Kairos, folder: Path) -> Path:
    """Publishes the live policy with the holdout; the file with the policy of before."""
    before, measuring = folder / "before.yaml", folder / "measuring.yaml"
    before.write_text(kairos("policy", "show").stdout)
    text = re.sub(r"(?m)^holdout:.*\n(?: .*\n)*", "", before.read_text())
    span = f"starts: '{utc(begins_ms())}', ends: '{utc(now_ms() - 1000)}'"
    measuring.write_text(f"{text}\nholdout: {{share: 0.5, {span}}}\n")
    done = kairos("policy", "publish", str(measuring))
    assert done.returncode == 0, done.stderr
    return before


def write_outcomes(kafka: str) -> None:
    """3,000 visits; the second arm, whose people are those who are not held out, earns twice as much."""
    log, side, shift_ms = Log(kafka), dict[str, str](), begins_ms() - NOON
    sides = {"four": HELD_OUT, "six": PERSONAL}
    for at, one in enumerate(visits(3_000, {"four": 0.0, "six": 1.0}, days=DAYS)):
        if one.arm:
            side[one.person] = one.arm["ranker"]
        arm = {EXPERIMENT: side[one.person], HOLDOUT: sides[side[one.person]]}
        at_ms = one.outcome_ms + shift_ms
        told = replace(one, outcome_id=f"measured-{at}", outcome_ms=at_ms, decided_ms=at_ms, exposed_ms=at_ms, arm=arm)  # fmt: skip
        log.raw(OUTCOMES, told.decision_id, OUTCOME.encode(told), at_ms)
    for alert in (replace(ALERTED, hour_ms=begins_ms()), GOOD):
        log.raw(ALERTS, alert.alert_id, ALERT.encode(alert), now_ms())
    log.raw(ALERTS, "foreign", b"nothing of ours", now_ms())
    log.flush()


def kairos_here(*words: str) -> "subprocess.CompletedProcess[str]":
    """One command in this KAIROS_HOME."""
    return subprocess.run([KAIROS, *words], capture_output=True, text=True, check=False)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        hold_out(kairos_here, Path(folder))
    write_outcomes(running_kafka(config_from()))
