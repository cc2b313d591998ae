"""Side outputs from timers: PyFlink sends those of an element aside, and of a timer of a keyed function with broadcast knowledge puts
them into the main output.

What sends them aside is not handed to the function. It is made right after the function was unpickled, in the same thread in which the
function is opened, so it is remembered there.
"""

import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pyflink.datastream import OutputTag
from pyflink.datastream.functions import KeyedBroadcastProcessFunction

MODULE: Final = "pyflink.fn_execution.datastream.embedded.operations"
_MINE: Final = threading.local()


class AsideOperator(KeyedBroadcastProcessFunction):  # type: ignore[misc]
    """A function whose timers send aside what is a pair of a tag and a row, as its elements do.

    `process_element` yields both kinds as they are; `on_timer` passes its own through `_aside`.
    """

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickled: from here on this thread knows where its side outputs go."""
        self.__dict__.update(state)
        _remember_side_outputs()

    def _aside(self, rows: Iterable[Any]) -> Iterator[Any]:
        """The rows of the main output; the others are on their way."""
        for row in rows:
            if isinstance(row, tuple) and row and isinstance(row[0], OutputTag):
                _MINE.context.collect(row[0].tag_id, row[1])
            else:
                yield row


def _remember_side_outputs() -> None:
    module: Any = sys.modules.get(MODULE)
    if module is None or getattr(module.SideOutputContext, "is_remembered", False):
        return  # not in a task, or done before

    class Remembered(module.SideOutputContext):  # type: ignore[misc]
        """Sends side outputs where they belong."""

        is_remembered = True

        def __init__(self, j_side_output_context: Any) -> None:
            super().__init__(j_side_output_context)
            _MINE.context = self

    module.SideOutputContext = Remembered
