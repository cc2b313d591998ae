"""Schemas by id, from a registry that may be down or slow: those that are known go on, the others wait bounded."""

import time
from collections import OrderedDict
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final, NamedTuple

from log.registry_settings import access_to
from log.schema_answers import Unavailable, fetch_schema
from schemas.errors import InvalidEvent
from schemas.formats.foreign_schema import ForeignSchema
from schemas.limits import (
    SCHEMA_RETRY_MAX_MS,
    SCHEMA_RETRY_MS,
    SCHEMA_UNKNOWN_MS,
    SCHEMA_WAIT_MS,
    SCHEMAS_KEPT_MAX,
    SECOND_MS,
)

FOR_EVER_S: Final = float("inf")
FAILURES_TOLD_APART: Final = 20
"""Of the times that a registry failed in a row: twice as long a pause for each, to the most, which comes long before."""

Fetch = Callable[[int], ForeignSchema]
Found = ForeignSchema | Exception


class _Kept(NamedTuple):
    """What is known of an id: its schema, or why there is none, until this time of the clock."""

    found: ForeignSchema | InvalidEvent
    until_s: float


class SchemaRegistry:
    """The schemas of one registry, for one thread of callers.

    The registry is asked by a thread of its own, one question at a time, so no caller waits for longer than SCHEMA_WAIT_MS, whatever a name server
    or a slow answer takes; an answer that comes later is kept. While it has failed, and while it still has not answered, nobody waits. `clock`: seconds.
    """

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._clock = fetch, clock
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._answers: SimpleQueue[tuple[int, Found]] = SimpleQueue()
        self._is_asking = False
        self._fault = ""
        self._failures = 0
        self._shut_until_s = 0.0

    def __call__(self, schema_id: int) -> ForeignSchema:
        """The schema of an id; raises InvalidEvent: `unknown_schema`, `schema_invalid`, `schema_unavailable`."""
        known = self._known(schema_id)
        if known is None:
            self._ask(schema_id)
            known = self._known(schema_id)
        if known is None:
            raise InvalidEvent("schema_unavailable", f"schema {schema_id}: {self._fault}")
        if isinstance(known, InvalidEvent):
            raise InvalidEvent(
                known.reason, known.message
            )  # a new one: each keeps where it was raised
        return known

    def _known(self, schema_id: int) -> ForeignSchema | InvalidEvent | None:
        kept = self._kept.get(schema_id)
        if kept is None or self._clock() >= kept.until_s:
            return None
        self._kept.move_to_end(schema_id)
        return kept.found

    def _ask(self, schema_id: int) -> None:
        """Asks for it, and waits for the answer as long as a record may; where nobody may ask, `_fault` has been said."""
        self._take(wait_s=0)
        if schema_id in self._kept and self._known(schema_id) is not None:
            return
        if self._is_asking:
            self._fault = "the registry has not answered yet"
            return
        if self._clock() < self._shut_until_s:
            return
        self._is_asking = True
        Thread(target=self._answer, args=(schema_id,), daemon=True).start()
        if not self._take(wait_s=SCHEMA_WAIT_MS / SECOND_MS):
            self._fault = f"the registry has not answered for {SCHEMA_WAIT_MS / SECOND_MS:g} s"

    def _answer(self, schema_id: int) -> None:
        try:
            found: Found = self._fetch(schema_id)
        except Exception as error:  # a bug is raised where somebody waits for the answer
            found = error
        self._answers.put((schema_id, found))

    def _take(self, wait_s: float) -> bool:
        """Keeps the answer that has come, waiting for it so long; whether there was one."""
        try:
            schema_id, found = self._answers.get(timeout=wait_s) if wait_s else self._answers.get_nowait()  # fmt: skip
        except Empty:
            return False
        self._is_asking = False
        if isinstance(found, Unavailable):
            self._failed(str(found))
            return True
        if isinstance(found, Exception) and not isinstance(found, InvalidEvent):
            raise found
        self._failures, self._shut_until_s = 0, 0.0
        is_unknown = isinstance(found, InvalidEvent) and found.reason == "unknown_schema"
        until_s = self._clock() + SCHEMA_UNKNOWN_MS / SECOND_MS if is_unknown else FOR_EVER_S
        self._kept[schema_id] = _Kept(found, until_s)
        if len(self._kept) > SCHEMAS_KEPT_MAX:
            self._kept.popitem(last=False)
        return True

    def _failed(self, fault: str) -> None:
        pause_ms = min(SCHEMA_RETRY_MAX_MS, SCHEMA_RETRY_MS * 2**self._failures)
        self._failures = min(self._failures + 1, FAILURES_TOLD_APART)
        self._fault, self._shut_until_s = fault, self._clock() + pause_ms / SECOND_MS


def registry_at(address: str) -> SchemaRegistry:
    """The registry at a URL, which is asked once a schema is wanted; raises ConfigError where its settings cannot be used."""
    access = access_to(address)
    return SchemaRegistry(lambda schema_id: fetch_schema(access, schema_id))
