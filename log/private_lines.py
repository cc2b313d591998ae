"""Lines of logs without anybody in them: a fault says where it happened and of which kind, not on whose data.

What an exception says may be an id, a query, a whole record: `KeyError: 'anna@example.com'`. So only its type and the places in our code are
written; the messages of our own refusals (ConfigError) name settings and files, and stay.
"""

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from traceback import format_tb
from types import TracebackType
from typing import Final, ParamSpec, TypeVar

from schemas.errors import ConfigError

CAUSES_MAX: Final = 10
ASYNCIO: Final = "asyncio"
"""Its lines go on with what was called, and with what."""

P = ParamSpec("P")
T = TypeVar("T")
logger = logging.getLogger(__name__)


class Fault(Exception):
    """A bug of ours, as it may be logged."""


class PrivateLines(logging.Formatter):
    """What a process logs, with faults told without their messages."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and below it where it happened and of which kind it was; of a line of asyncio's only its beginning."""
        message = record.getMessage()
        if record.name == ASYNCIO:
            message = message.partition("\n")[0]
        line = f"{self.formatTime(record)} {record.levelname} {message}"
        error = record.exc_info[1] if record.exc_info else None
        return line if error is None else f"{line}\n{told(error)}"


def log_privately() -> None:
    """Lets this process log to its standard error so, and say so, too, of what ends it or one of its threads."""
    handler = logging.StreamHandler()
    handler.setFormatter(PrivateLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    sys.excepthook = _ended
    threading.excepthook = lambda one: _ended(one.exc_type, one.exc_value, one.exc_traceback)


def privately(call: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """What the call returns; raises Fault, which holds nothing of what was given, where it fails."""
    try:
        return call(*given, **named)
    except Exception as error:
        said = told(error)
    raise Fault(said)  # not within `except`: else it would carry the first one with it


def told(error: BaseException) -> str:
    """Where an error happened and of which kind it is, the causes first."""
    parts = []
    for one in reversed(list(_with_causes(error))):
        said = str(one) if isinstance(one, (ConfigError, Fault)) else "(what it says is left out)"
        parts += [
            *format_tb(one.__traceback__),
            f"{type(one).__module__}.{type(one).__qualname__}: {said}\n",
        ]
    return "".join(parts).rstrip("\n")


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    for _ in range(CAUSES_MAX):
        if one is None:
            return
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _ended(kind: type[BaseException], error: BaseException | None, _: TracebackType | None) -> None:
    if error is not None and not issubclass(kind, KeyboardInterrupt):
        logger.error("ended by an error of ours\n%s", told(error))
