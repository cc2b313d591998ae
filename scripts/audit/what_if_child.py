"""The child process that compares a draft with the live policy; it folds beside the API's process.

Wanted (JSON) comes by stdin; WhatIf goes to stdout.
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from jobs.config import config_from
from schemas.policy import Policy
from scripts.audit.what_if import WhatIf, what_if
from scripts.ops.bounded import in_seconds
from scripts.ops.counting import Place, answer
from scripts.ops.last_week import catalogue_of, items_of, newest_of_week, rules_of

EVENTS_MAX: Final = 3_000
"""The newest of the week; each is folded twice while somebody waits."""
FOLDING_S: Final = 6.0
"""For the live policy; the draft takes about as long once more."""


class Wanted(Struct, frozen=True):
    """The two policies, over the log of a Kafka."""

    place: Place
    live: Policy
    draft: Policy


def compared(wanted: Wanted) -> WhatIf:
    """Compares them; raises ConfigError where Kafka does not answer."""
    config = config_from()
    items = list(items_of(wanted.place))
    log, is_whole = newest_of_week(wanted.place, EVENTS_MAX)
    found = what_if(
        log, lambda: catalogue_of(config, items), rules_of(config),
        (wanted.live, wanted.draft), in_seconds(FOLDING_S),
    )  # fmt: skip
    return replace(found, is_whole=found.is_whole and is_whole)


if __name__ == "__main__":
    answer(Wanted, compared)
