"""A running stack, and the project's jar cache so that jars are fetched at most once."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from jobs.stack.stack import Stack, StackAddresses

PROJECT = Path(__file__).resolve().parents[3]
JARS = PROJECT / ".kairos" / "jars"


def wait_until(is_true: Callable[[], object]) -> None:
    """Waits as long as it takes: the test's time limit is the only bound."""
    while not is_true():
        time.sleep(0.01)


class Running(NamedTuple):
    stack: Stack
    addresses: StackAddresses


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Running]:
    with Stack(tmp_path / "home", jars=JARS) as started:
        yield Running(started, started.start())
