"""Logs in memory, as they were or changed, for audits to look at."""

from collections.abc import Callable
from typing import Any

import msgspec

from jobs.config import config_from
from schemas.records import LogRecord
from scripts.audit.deployed_log import Log
from tests.jobs.live_job import Range, Topics


class Copy(Log):
    """A log in memory; of the topic `shortened` the beginning is gone."""

    def __init__(self, topics: Topics, shortened: str = "") -> None:
        super().__init__("", config_from({"KAIROS_CONSENT": "all"}))
        self._topics, self._shortened = topics, shortened

    def records(self, topic: str, from_ms: int | None = None) -> Range:  # type: ignore[override]
        return Range(self._topics[topic], topic != self._shortened)


def edited(
    records: list[LogRecord], codec: Any, edit: Callable[[Any], dict[str, Any]]
) -> list[LogRecord]:
    """The records with fields replaced, encoded anew."""
    found = []
    for record in records:
        value = codec.decode(record.value)
        value = msgspec.structs.replace(value, **edit(value))
        found.append(record._replace(value=codec.encode(value)))
    return found
