"""What a request told under a name that the policy declares sensitive is masked in the dead letters that the API writes."""

import asyncio
from types import SimpleNamespace
from typing import Any

from channels.api.event_log import EventLog, OnItsWay
from channels.api.knowledge import Version
from channels.api.log_events import put_aside
from channels.api.read_events import read_events
from schemas.codec import DEAD_LETTER
from schemas.policy import Policy
from tests.builders import NOON
from tests.channels.test_api_read_events import SENDER

SECRET = "zoroastrian"
MAIL = "anna@example.org"
BAD = {"event_type": "profile_updated", "attribute": "Religion", "value": SECRET, "event_time_ms": "yesterday"}  # fmt: skip


class Kept(EventLog):
    """Keeps what would go to Kafka."""

    def __init__(self, *, keeps_raw: bool = False) -> None:
        self.records: list[OnItsWay] = []
        self._keeps_raw = keeps_raw

    def _write(self, record: OnItsWay) -> None:
        self.records.append(record)


def letters(policy: Policy | None, *, keeps_raw: bool = False) -> list[bytes]:
    log = Kept(keeps_raw=keeps_raw)
    version = Version(0, 0, "p", policy, lambda _: policy) if policy is not None else None
    services: Any = SimpleNamespace(
        log=log,
        measures=SimpleNamespace(count=lambda *_, **__: None),
        knowledge=SimpleNamespace(policy_at=lambda _: version),
    )

    async def put() -> None:
        put_aside(
            services, "events", read_events([BAD | {"query": MAIL}], SENDER, NOON, is_strict=False)
        )

    asyncio.run(put())
    return [DEAD_LETTER.decode(one.value).raw for one in log.records]


def test_what_the_policy_declares_is_in_no_letter_of_the_api() -> None:
    (masked,) = letters(Policy(sensitive_attributes=("religion",)))
    assert SECRET.encode() not in masked
    assert b"Religion" in masked
    for policy in (Policy(), None):
        (raw,) = letters(policy)
        assert SECRET.encode() in raw, "without the declaration it is kept"


def test_addresses_are_in_it_where_the_operator_keeps_them_and_nowhere_else() -> None:
    policy = Policy(sensitive_attributes=("religion",))
    (masked,), (kept,) = letters(policy), letters(policy, keeps_raw=True)
    assert MAIL.encode() not in masked
    assert MAIL.encode() in kept
    assert SECRET.encode() not in kept
