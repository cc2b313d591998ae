"""Which tests share a worker, and how long an example of a property may take.

Those of one kind of server use one after the other what was started once.
"""

import os
import re
from typing import Any, Final

from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

# beside other work one example may wait for a second: how fast anything is, benchmarks say
settings.register_profile(
    "busy", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy")

SERVERS: Final = {
    "tests/flink/": "flink",
    "tests/cluster/": "flink",
    "tests/e2e/": "engine",
    "tests/browser/": "engine",
    "tests/channels/": "engine",
    "tests/jobs/stack/": "engine",
}
"""Folders whose tests run on one worker; all others are spread file by file."""


class ByServer(LoadScopeScheduling):  # type: ignore[misc]
    """One worker for each kind of server."""

    def _split_scope(self, nodeid: str) -> str:
        for folder, server in SERVERS.items():
            if nodeid.startswith(folder):
                return server
        return nodeid.partition("::")[0]


def left_out(expression: str) -> str:
    """What a run with `-m EXPRESSION` leaves out, and how to have it."""
    words = expression.split(" and ")
    names = [one.removeprefix("not ") for one in words if re.fullmatch(r"not \w+", one)]
    which = f"marked {', '.join(names)}" if len(names) == len(words) else f"not ({expression})"
    return f"left out: tests {which}; `./kairos test --all` has them"


def pytest_unconfigure(config: Any) -> None:
    """The last line of a run: green is not all. `./kairos test --all` runs the others next."""
    if "IS_ONE_OF_ALL" in os.environ:
        return
    if config.option.markexpr and not hasattr(config, "workerinput"):
        print(left_out(config.option.markexpr))


def pytest_xdist_make_scheduler(config: Any, log: Any) -> ByServer:
    config.option.loadscopereorder = False  # those with servers take longest and come first
    return ByServer(config, log)
