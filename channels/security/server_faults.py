"""What an error of the store says: that the server refuses for now, or that what was asked is wrong.

The first is waited for, whatever it is, because somebody can mend it and nothing is lost meanwhile; the second is about one
record, and no waiting mends it.
"""

import re
from typing import Any, Final

from redis import RedisError
from redis import exceptions as faults

FOR_NOW: Final = (
    faults.ConnectionError,  # also: wrong password, still loading, too many connections
    faults.TimeoutError,
    faults.ReadOnlyError,
    faults.OutOfMemoryError,
    faults.ClusterError,
    faults.RedisClusterException,
)
SAYS: Final = {
    "OOM": "it is full: give it more memory (nothing is evicted)",
    "READONLY": "it is a replica: another server has become the writer, or will",
    "MISCONF": "it cannot write to its disk",
    "LOADING": "it still loads its data",
    "BUSY": "another script runs for too long there",
    "CLUSTERDOWN": "its cluster has no majority",
    "NOREPLICAS": "too few replicas are there",
    "MASTERDOWN": "it is a replica that has lost its writer",
    "TRYAGAIN": "its cluster moves keys",
    "MOVED": "its cluster has moved keys",
    "ASK": "its cluster moves keys",
    "NOAUTH": "it wants a password",
    "WRONGPASS": "its password or user is wrong",
    "NOPERM": "its user may not do this (see docs/security.md for what is needed)",
    "UNBLOCKED": "it was told to let go",
    "EXECABORT": "it gave up what was sent together",
}
"""By the code that begins Redis's errors, also those that a script passes on; and what it means."""
CODE: Final = re.compile(rf"(?:^|[\s:@-])-?({'|'.join(SAYS)})\b")


def refuses_for_now(error: RedisError) -> bool:
    """Whether the same request may succeed later, without any change of it."""
    return isinstance(error, FOR_NOW) or CODE.search(str(error)) is not None


def answers_of(pipeline: Any) -> list[Any]:
    """What the server says to each that a pipeline asks: an answer, or the error of one that it refuses for good. Raises RedisError where it refuses for now."""
    answers: list[Any] = pipeline.execute(raise_on_error=False)
    for answer in answers:
        if isinstance(answer, RedisError) and refuses_for_now(answer):
            raise answer
    return answers


def in_words(error: RedisError) -> str:
    """Why, without what was asked: a request holds persons."""
    found = CODE.search(str(error))
    if found is not None:
        return f"{found[1]}: {SAYS[found[1]]}"
    return type(error).__name__ if isinstance(error, FOR_NOW) else "it refuses the request"
