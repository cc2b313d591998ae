"""The child process that counts how many people meet an offer: it folds beside the API's process, which answers meanwhile.

Wanted (JSON) comes by stdin; Told goes to stdout.
"""

import time
from typing import Final

from msgspec import Struct

from jobs.config import config_from
from jobs.fold.fold import FoldRules
from jobs.job_settings import rate_of
from jobs.knowledge_feed import KnowledgeFeed
from jobs.learning.trust import trust_of
from jobs.publish import now_ms
from log.kafka import read_to_end
from log.range import LogRange
from schemas.errors import ConfigError
from schemas.formats import FORMATS
from schemas.limits import DAY_MS
from schemas.policy import Policy
from schemas.topics import EVENTS, ITEMS
from scripts.ops.counting import Place, answer
from scripts.policy.reach import UNKNOWN, alone, count_reach, sentence
from udfs.explain.tracing import Tracing
from udfs.knowledge.knowledge import Knowledge

WEEK_MS: Final = 7 * DAY_MS
EVENTS_MAX: Final = 20_000
"""The newest of the week; more would take longer than somebody waits."""
COUNTING_S: Final = 8.0
DIGESTS: Final = Tracing(share=0.0)
"""Nobody reads the features."""


class Wanted(Struct, frozen=True):
    """The offer `action_id` of a policy, over the log of a Kafka."""

    place: Place
    policy: Policy
    action_id: str


class Told(Struct, frozen=True):
    """One sentence."""

    sentence: str


def told(wanted: Wanted) -> Told:
    """Counts; what cannot be counted is told as not known, with the reason."""
    begun_s = time.monotonic()
    config = config_from()
    policy = alone(wanted.policy, wanted.action_id)
    kafka, prefix = wanted.place.brokers, wanted.place.prefix
    try:
        log = LogRange(kafka, prefix + EVENTS, now_ms() - WEEK_MS, None)
        is_whole = log.keep_newest(EVENTS_MAX)
        feed = KnowledgeFeed(
            Knowledge(uncatalogued=config.uncatalogued), lambda _: None, trust_of(config)
        )
        for record in read_to_end(kafka, [prefix + ITEMS]):
            if time.monotonic() > begun_s + COUNTING_S:
                return Told(f"{UNKNOWN}reading the catalogue takes longer than {COUNTING_S:.0f} s.")
            feed.apply(record.value, record.offset, record.timestamp_ms)
    except ConfigError as error:
        return Told(f"{UNKNOWN}{error}.")
    decode = FORMATS[config.source_format].decode
    rules = FoldRules(decode, config.seed, config.lateness_ms, rate_of(config), tracing=DIGESTS)
    deadline_s = begun_s + 2 * COUNTING_S
    found = count_reach(
        log, feed.knowledge, rules, policy, lambda: time.monotonic() > deadline_s, is_whole=is_whole
    )
    return Told(sentence(found, policy.actions[0]))


if __name__ == "__main__":
    answer(Wanted, told)
