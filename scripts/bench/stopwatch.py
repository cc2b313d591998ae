"""What a decision's time goes to: the functions of its parts, watched."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from time import perf_counter
from typing import Any, Final

from scripts.bench import requests
from udfs import decide as deciding
from udfs.actions import judge_actions as judging

Watched = tuple[str, Any, str]
"""A part, and where a function of it is found: a module, a class or an object, and the name there."""
PARTS: Final[tuple[Watched, ...]] = (
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
"""What a decision's time is split into, and the functions whose time it is."""
MISSING: Final = object()
REST: Final = "rest"
"""The remaining part: the person's profile, decoding the context, the decision's texts."""


class Stopwatch:
    """The time spent in watched functions, by part; time in one within another is only the inner one's."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._inside: list[float] = []

    def watch(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, watched."""

        def watched(*args: Any, **kwargs: Any) -> Any:
            self.calls[part] += 1
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
def watched_parts(stopwatch: Stopwatch, parts: Sequence[Watched] = PARTS) -> Iterator[None]:
    """Within it the functions of the parts are watched."""
    with ExitStack() as stack:
        for part, owner, name in parts:
            stack.callback(_restore, owner, name, vars(owner).get(name, MISSING))
            setattr(owner, name, stopwatch.watch(part, getattr(owner, name)))
        yield


def _restore(owner: Any, name: str, own: Any) -> None:
    """What was there; of an object whose class has it, nothing of its own."""
    if own is MISSING:
        delattr(owner, name)
    else:
        setattr(owner, name, own)
