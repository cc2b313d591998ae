"""What the embedded servers want of their clients: made once for a home, in files that only its user reads."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from jobs.stack.private import close_to_others, write_private

FOLDER: Final = "secrets"
USER: Final = "kairos"
"""Of the embedded Kafka; Valkey's is its `default`."""
BYTES: Final = 32


class Passwords(NamedTuple):
    """Kafka's settings of a client, by the client's own names; Valkey's password, in one line."""

    kafka: Path
    redis: Path


def passwords_of(home: Path) -> Passwords:
    """The files of this home, made where they are missing: a home of before gets its own, too."""
    folder = home / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    found = Passwords(folder / "kafka.properties", folder / "redis.password")
    _make(found.kafka, _kafka_settings)
    _make(found.redis, lambda password: f"{password}\n")
    return found


def _kafka_settings(password: str) -> str:
    return (
        "security.protocol=sasl_plaintext\n"
        "sasl.mechanisms=PLAIN\n"
        f"sasl.username={USER}\n"
        f"sasl.password={password}\n"
    )


def _make(path: Path, text_of: Callable[[str], str]) -> None:
    if path.exists():
        close_to_others(path)
        return
    write_private(path, text_of(secrets.token_hex(BYTES)))
