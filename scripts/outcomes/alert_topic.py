"""Topic `alerts`: what was told of KPIs, each alert once. Two who write at once may write one twice; whoever reads takes it once, by its id."""

from collections.abc import Iterable
from typing import NamedTuple

from jobs.publish import Log
from log.range import LogRange
from schemas.alerts import Alert
from schemas.codec import ALERT
from schemas.errors import InvalidEvent
from schemas.topics import ALERTS


class Held(NamedTuple):
    """What the topic holds, by id; `foreign`: records that are no alerts, which are passed over."""

    alerts: dict[str, Alert]
    foreign: int


def held(kafka: str, prefix: str) -> Held:
    """Of a topic; raises ConfigError where it cannot be read."""
    return held_in(one.value for one in LogRange(kafka, prefix + ALERTS, None, None))


def held_in(values: Iterable[bytes]) -> Held:
    """The same of its records."""
    found: dict[str, Alert] = {}
    foreign = 0
    for value in values:
        try:
            one = ALERT.decode(value)
        except InvalidEvent:
            foreign += 1
            continue
        found.setdefault(one.alert_id, one)
    return Held(found, foreign)


def write_new(kafka: str, prefix: str, found: list[Alert]) -> list[Alert]:
    """Writes those that the topic does not hold yet, and gives them; raises ConfigError."""
    if not found:
        return []
    known = held(kafka, prefix).alerts
    new = [one for one in found if one.alert_id not in known]
    log = Log(kafka, prefix)
    for one in new:
        log.raw(ALERTS, one.alert_id, ALERT.encode(one), one.hour_ms)
    log.flush()
    return new
