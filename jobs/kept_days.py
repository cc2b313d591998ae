"""How long topics are kept here: by the setting, else by what was noted in the home, else by the table of topics."""

from typing import Final

from jobs.config import Config
from jobs.stack.private import write_private
from schemas.errors import ConfigError
from schemas.topics import EVER, retention_from

FILE: Final = "retention"
"""In the home: what `kairos retention set` was told, written as the setting is."""


def days_of(config: Config) -> dict[str, int | None]:
    """By topic that is not kept as the table says; None = for ever. Raises ConfigError where the note cannot be read."""
    return days_noted(config) | retention_from(config.retention)


def days_noted(config: Config) -> dict[str, int | None]:
    """What was noted in the home."""
    path = config.home / FILE
    try:
        return retention_from(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} does not say how long topics are kept: {error}") from error


def note_days(config: Config, topic: str, days: int | None) -> None:
    """Notes it, so that what starts in this home from now on keeps the topic so long."""
    config.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = days_noted(config) | {topic: days}
    told = (f"{name}={EVER if one is None else one}" for name, one in sorted(kept.items()))
    write_private(config.home / FILE, ",".join(told))
