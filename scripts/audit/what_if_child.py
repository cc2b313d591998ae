"""The child process that compares a draft with the live policy; it folds beside the API's process.

Wanted (JSON) comes by stdin; WhatIf goes to stdout.
"""

import time
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from jobs.config import config_from
from jobs.fold.fold import FoldRules
from jobs.job_settings import rate_of
from jobs.knowledge_feed import KnowledgeFeed
from jobs.learning.trust import trust_of
from jobs.publish import now_ms
from log.kafka import read_to_end
from log.range import LogRange
from schemas.formats import FORMATS
from schemas.limits import DAY_MS
from schemas.policy import Policy
from schemas.topics import EVENTS, ITEMS
from scripts.audit.what_if import WhatIf, what_if
from scripts.ops.counting import Place, answer
from udfs.explain.tracing import Tracing
from udfs.knowledge.knowledge import Knowledge

WEEK_MS: Final = 7 * DAY_MS
EVENTS_MAX: Final = 3_000
"""The newest of the week; each is folded twice while somebody waits."""
FOLDING_S: Final = 6.0
"""For the live policy; the draft takes about as long once more."""
DIGESTS: Final = Tracing(share=0.0)
"""Nobody reads the features."""


class Wanted(Struct, frozen=True):
    """The two policies, over the log of a Kafka."""

    place: Place
    live: Policy
    draft: Policy


def compared(wanted: Wanted) -> WhatIf:
    """Compares them; raises ConfigError where Kafka does not answer."""
    config = config_from()
    kafka, prefix = wanted.place.brokers, wanted.place.prefix
    items = list(read_to_end(kafka, [prefix + ITEMS]))
    trust = trust_of(config)

    def knowledge() -> Knowledge:
        feed = KnowledgeFeed(Knowledge(uncatalogued=config.uncatalogued), lambda _: None, trust)
        for one in items:
            feed.apply(one.value, one.offset, one.timestamp_ms)
        return feed.knowledge

    log = LogRange(kafka, prefix + EVENTS, now_ms() - WEEK_MS, None)
    is_whole = log.keep_newest(EVENTS_MAX)
    decode = FORMATS[config.source_format].decode
    rules = FoldRules(decode, config.seed, config.lateness_ms, rate_of(config), tracing=DIGESTS)
    deadline_s = time.monotonic() + FOLDING_S
    found = what_if(
        log, knowledge, rules, (wanted.live, wanted.draft), lambda: time.monotonic() > deadline_s
    )
    return replace(found, is_whole=found.is_whole and is_whole)


if __name__ == "__main__":
    answer(Wanted, compared)
