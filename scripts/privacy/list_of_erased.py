"""The list of who was erased, for what takes events from files: the home that runs has it, on `control`."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from jobs.config import Config
from jobs.learning.trust import trust_of
from log.kafka import has_topic, read_to_end
from schemas.doors import is_certain
from schemas.erasures import ERASURE
from schemas.errors import InvalidEvent, NotUp
from schemas.events import Event
from schemas.topics import CONTROL
from scripts.change import controls_in
from scripts.console import say
from scripts.files.sorted_events import Encoded
from scripts.ops.status import running_kafka
from udfs.knowledge.erasures import Erasures

SESSIONS_MAX: Final = 100_000
"""Sessions of which it is known who has signed in; at the bound the oldest goes, and only the person's own ids tell whose it is."""


def list_of_erased(kafka: str, config: Config) -> Erasures:
    """The list as this log has it; raises ConfigError where it is by a key that is not here."""
    trust, topic = trust_of(config), config.topic_prefix + CONTROL
    found = Erasures(trust.erasures)
    records = read_to_end(kafka, [topic]) if has_topic(kafka, topic) else ()
    for _, control in controls_in(records, trust.keys):
        if control.kind == ERASURE:
            with suppress(InvalidEvent):  # the jobs refuse it as well, and say so
                found.add(control)
    return found


def list_here(config: Config) -> Erasures | None:
    """The list of the log that runs; None, and it is said, where none runs: then it is not known who was erased."""
    try:
        kafka = running_kafka(config)
    except NotUp:
        say("no engine runs here, so no list of who was erased is known: nobody is left out")
        return None
    return list_of_erased(kafka, config)


class LeftOut:
    """Which encoded events count for nothing, as they are of before their person was erased. Asked in the order of time.

    Who has signed in in a session is told by its events, as the session step tells it.
    """

    def __init__(self, erasures: Erasures, decode: Callable[[bytes], Event]) -> None:
        self._erasures, self._decode = erasures, decode
        self._signed_in: OrderedDict[str, str] = OrderedDict()

    def __call__(self, one: Encoded) -> bool:
        """Whether this one does. Where nobody was erased since, it is not looked at."""
        if one.time_ms > self._erasures.newest_ms:
            return False
        event = self._decode(one.value)
        is_erased = self._erasures.drops(event, self._signed_in.get(event.session_id))
        if event.person_id is not None and _signs_in(event):
            self._signed_in[event.session_id] = event.person_id
            if len(self._signed_in) > SESSIONS_MAX:
                self._signed_in.popitem(last=False)
        elif event.event_type == "signed_out":
            self._signed_in.pop(event.session_id, None)
        return is_erased


def _signs_in(event: Event) -> bool:
    """Whether it says for certain who this is. A link that may be followed by the policy leaves in what the steps leave out."""
    try:
        return is_certain(event)
    except InvalidEvent:
        return False
