"""The child process that counts how many people meet an offer: it folds beside the API's process, which answers meanwhile.

Wanted (JSON) comes by stdin; Told goes to stdout.
"""

from typing import Final

from msgspec import Struct

from jobs.config import config_from
from schemas.errors import ConfigError
from schemas.policy import Policy
from scripts.ops.bounded import Bounded, in_seconds
from scripts.ops.counting import Place, answer
from scripts.ops.last_week import catalogue_of, items_of, newest_of_week, rules_of
from scripts.policy.reach import UNKNOWN, alone, count_reach, sentence

EVENTS_MAX: Final = 20_000
"""The newest of the week; more would take longer than somebody waits."""
COUNTING_S: Final = 8.0


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
    is_late, is_over = in_seconds(COUNTING_S), in_seconds(2 * COUNTING_S)
    config = config_from()
    policy = alone(wanted.policy, wanted.action_id)
    try:
        log, is_whole = newest_of_week(wanted.place, EVENTS_MAX)
        items = Bounded(items_of(wanted.place), is_late)
        knowledge = catalogue_of(config, items)
    except ConfigError as error:
        return Told(f"{UNKNOWN}{error}.")
    if items.is_cut:
        return Told(f"{UNKNOWN}reading the catalogue takes longer than {COUNTING_S:.0f} s.")
    found = count_reach(log, knowledge, rules_of(config), policy, is_over, is_whole=is_whole)
    return Told(sentence(found, policy.actions[0]))


if __name__ == "__main__":
    answer(Wanted, told)
