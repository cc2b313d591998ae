"""An interrupt that was swallowed comes again.

A signal's handler runs wherever the main thread is. What it raises in a place that nothing can catch it from (callbacks of
a fork, finalizers) Python reports and drops: a SIGTERM in the very moment in which a server was started ended nothing.
"""

import signal
import sys
from types import FrameType
from typing import Final

AGAIN_S: Final = 0.01


def heed_interrupts() -> None:
    """From now on an interrupt or exit that was dropped is raised again a moment later. For the main thread."""
    before = sys.unraisablehook
    dropped: list[BaseException] = []

    def hook(unraisable: "sys.UnraisableHookArgs") -> None:
        error = unraisable.exc_value
        if isinstance(error, KeyboardInterrupt | SystemExit):
            dropped[:] = [error]
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
        else:
            before(unraisable)

    def again(number: int, frame: FrameType | None) -> None:
        if dropped:
            raise dropped.pop()

    signal.signal(signal.SIGALRM, again)
    sys.unraisablehook = hook
