"""Times on the command line: epoch milliseconds or ISO 8601 in UTC."""

from datetime import UTC, datetime

from schemas.errors import ConfigError


def parse_time(text: str) -> int:
    """Epoch milliseconds of `text`; raises ConfigError. A time without a zone is UTC."""
    if text.lstrip("-").isdigit():
        return int(text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"{text!r} is no time: epoch milliseconds or ISO 8601 are wanted, "
            "such as 2026-01-31T12:00:00Z"
        ) from error
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


def utc(time_ms: int) -> str:
    """ISO 8601 in UTC to the millisecond."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")
