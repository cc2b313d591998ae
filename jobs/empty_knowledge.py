"""Knowledge that holds nothing yet, as the settings want it: what may be learnt of, what is granted where nothing was said, and what dead letters keep."""

from jobs.config import Config
from schemas.events import purposes_from
from schemas.limits import EPOCHS_KEPT
from udfs.knowledge.knowledge import Knowledge


def empty_knowledge(config: Config, epochs_kept: int = EPOCHS_KEPT) -> Knowledge:
    """For everything that folds beside the jobs, which carry the same in their own settings."""
    return Knowledge(
        epochs_kept, config.uncatalogued, purposes_from(config.consent), keeps_raw=config.dead_letter_raw,
    )  # fmt: skip
