"""The demo goes on: it takes typed events, and shows what is decided on them and on what is done in the shop."""

import queue
import sys
import threading
from typing import Final

import msgspec

from jobs.publish import now_ms
from schemas.decisions import Decision
from schemas.errors import InvalidEvent
from schemas.events import PURPOSES, Event
from schemas.formats.json_lines import event_from_json
from schemas.policy import NOTHING
from scripts.console import show
from scripts.demo.feeding import DecisionReader
from scripts.demo.telling import ANSWERED, Names, header, line, shown, took_ms
from scripts.ops.engine import Engine

POLL_S: Final = 0.05


def go_on(engine: Engine, reader: DecisionReader, names: Names) -> None:
    """Keeps the engine running and takes typed events until Ctrl-C or SIGTERM."""
    typed: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read_stdin, args=(typed,), daemon=True).start()
    number = 0
    is_headed = False
    while True:
        engine.keep()
        while not typed.empty():
            number += 1
            _send(engine, typed.get(), number)
        lines = [answer(one, names, now_ms()) for one in reader.read(POLL_S) if offers(one)]
        if lines and not is_headed:
            is_headed = True
            lines = ["", *header(ANSWERED), *lines]
        for text in lines:
            show(text)


def offers(decision: Decision) -> bool:
    """Whether there is anything to show of it."""
    return decision.action_id != NOTHING or bool(decision.items)


def answer(decision: Decision, names: Names, at_ms: int) -> str:
    """A decision of the shop in one line."""
    cells = [
        took_ms(decision, at_ms), decision.placement, shown(decision, names, 1),
        decision.explanation, decision.decision_id,
    ]  # fmt: skip
    return line(ANSWERED, cells)


def typed_event(text: str, time_ms: int, number: int) -> Event:
    """The event that somebody typed as JSON; what is missing is filled in. Raises InvalidEvent."""
    try:
        given = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidEvent("malformed", str(error)) from error
    if not isinstance(given, dict):
        raise InvalidEvent("malformed", "a JSON object is wanted")
    filled = {
        "event_id": f"typed-{time_ms}-{number}",
        "event_time_ms": time_ms,
        "session_id": "typed",
        "anonymous_id": "you",
        "sent_at_ms": time_ms,
        "consent": PURPOSES,
    } | given
    return event_from_json(msgspec.json.encode(filled))


def _read_stdin(typed: "queue.SimpleQueue[str]") -> None:
    for text in sys.stdin:
        if text.strip():
            typed.put(text.strip())


def _send(engine: Engine, text: str, number: int) -> None:
    try:
        event = typed_event(text, now_ms(), number)
    except InvalidEvent as error:
        show(f"not an event: {error}")
        return
    engine.log.event(event)
