"""What a decision's time goes to: the functions of its parts, watched."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from types import ModuleType
from typing import Any, Final

from scripts.bench import requests
from udfs import decide as deciding
from udfs.actions import judge_actions as judging

PARTS: Final[tuple[tuple[str, ModuleType, str], ...]] = (
    ("session", requests, "track_session"),
    ("attributes", judging, "read_attributes"),
    ("conditions", deciding, "Checked"),
    ("judging", deciding, "_judge"),
    ("ranking", deciding, "rank_items"),
    ("ranking", deciding, "fill_slate"),
    ("arbitration", deciding, "weigh_actions"),
    ("arbitration", deciding, "arbitrate"),
    ("trace", deciding, "trace_actions"),
    ("trace", deciding, "trace_decision"),
)
"""What a decision's time is split into, and the functions (module, name) whose time it is."""
REST: Final = "rest"
"""The remaining part: the person's profile, decoding the context, the decision's texts."""


class Stopwatch:
    """The time spent in watched functions, by part; time in one within another is only the inner one's."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    def watch(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, watched."""

        def watched(*args: Any, **kwargs: Any) -> Any:
            self._inside.append(0.0)
            begun_s = perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                took_ms = (perf_counter() - begun_s) * 1000
                self.ms[part] += took_ms - self._inside.pop()
                if self._inside:
                    self._inside[-1] += took_ms

        return watched


@contextmanager
def watched_parts(stopwatch: Stopwatch) -> Iterator[None]:
    """Within it the functions of PARTS are watched."""
    originals = [getattr(module, name) for _, module, name in PARTS]
    for (part, module, name), original in zip(PARTS, originals, strict=True):
        setattr(module, name, stopwatch.watch(part, original))
    try:
        yield
    finally:
        for (_, module, name), original in zip(PARTS, originals, strict=True):
            setattr(module, name, original)
