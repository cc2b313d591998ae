"""A page's batch reaches the log a little at a time, all of it, in its order, and holds nobody else up."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from channels.api import event_log
from channels.api.event_log import EventLog, LogUnavailable
from channels.api.from_pages import PAGE_EVENTS_MAX
from channels.api.pace_pages import AT_ONCE, PagePace
from jobs.config import config_from
from schemas.codec import EVENT
from tests.builders import make_event

MANY = AT_ONCE + 4


class Producer:
    """Keeps what is produced; full after `room` records."""

    def __init__(self, room: int = 1_000) -> None:
        self.room = room
        self.keys: list[bytes] = []
        self.ids: list[str] = []

    def produce(
        self, _: str, value: bytes, key: bytes, timestamp: int, on_delivery: Callable[..., Any]
    ) -> None:
        if len(self.keys) >= self.room:
            raise BufferError
        self.keys.append(key)
        self.ids.append(EVENT.decode(value).event_id)
        on_delivery(None, timestamp)

    def poll(self, _: float) -> None: ...

    def flush(self, _: float) -> int:
        return 0


def events_of(session_id: str, count: int) -> list[Any]:
    return [make_event(event_id=f"{session_id}-{n}", session_id=session_id) for n in range(count)]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> EventLog:
    monkeypatch.setattr(event_log, "open_producer_of", lambda *_, **__: Producer())
    return EventLog("nowhere:1", "", EVENT.encode)


def test_the_first_go_at_once_and_the_rest_in_their_turn() -> None:
    written: list[int] = []

    async def run() -> None:
        all_written = asyncio.Event()

        def write(record: int) -> None:
            written.append(record)
            if len(written) == MANY + 2:
                asyncio.get_running_loop().call_soon(all_written.set)

        pace: PagePace[int] = PagePace(write)
        pace.take("s", range(MANY))
        assert written == list(range(AT_ONCE))
        pace.take("other", [100])
        assert written[-1] == 100
        pace.take("s", [MANY])
        assert MANY not in written, "a later request of the session stays behind its first"
        await asyncio.wait_for(all_written.wait(), 10)
        pace.take("s", [MANY + 1])
        assert written[-1] == MANY + 1, "once all is written, nothing is held"

    asyncio.run(run())
    assert [one for one in written if one != 100] == list(range(MANY + 2))


def test_whoever_ends_hands_on_what_waits() -> None:
    written: list[int] = []

    async def run() -> None:
        pace: PagePace[int] = PagePace(written.append)
        pace.take("s", range(MANY))
        pace.hurry()
        assert written == list(range(MANY))
        await asyncio.sleep(0.1)

    asyncio.run(run())
    assert written == list(range(MANY))


class Loop:
    """Keeps what is to be called later."""

    def __init__(self) -> None:
        self.due: list[tuple[float, Callable[[str], None], str]] = []

    def call_later(self, delay_s: float, call: Callable[[str], None], name: str) -> None:
        self.due.append((delay_s, call, name))

    def run(self) -> float:
        """Calls all of it; how long that would have taken."""
        took_s = 0.0
        while self.due:
            delay_s, call, name = self.due.pop(0)
            took_s += delay_s
            call(name)
        return took_s


def test_the_most_that_doors_let_in_is_there_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    written: list[int] = []
    pace: PagePace[int] = PagePace(written.append)
    config = config_from({})
    most = int(config.api_session_events.burst) + PAGE_EVENTS_MAX
    pace.take("s", range(most))
    assert loop.run() < event_log.TIMEOUT_S * 0.6
    assert written == list(range(most))


def test_one_that_cannot_be_written_holds_up_none_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    written: list[int] = []

    def write(record: int) -> None:
        if record == AT_ONCE:
            raise ZeroDivisionError
        written.append(record)

    pace: PagePace[int] = PagePace(write)
    pace.take("s", range(MANY))
    with pytest.raises(ZeroDivisionError):
        loop.run()
    loop.run()
    assert written == [one for one in range(MANY) if one != AT_ONCE]


def test_a_batch_of_a_page_is_confirmed_when_the_last_of_it_is_there(log: EventLog) -> None:
    producer: Any = log.producer

    async def run() -> None:
        sending = asyncio.create_task(log.write(events_of("s", MANY), is_page=True))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(producer.ids) < MANY
        assert not sending.done()
        await sending

    asyncio.run(run())
    assert producer.ids == [f"s-{n}" for n in range(MANY)]
    log.close()


def test_what_a_server_sends_goes_at_once(log: EventLog) -> None:
    producer: Any = log.producer

    async def run() -> None:
        log.send(events_of("s", MANY))
        assert len(producer.ids) == MANY

    asyncio.run(run())
    log.close()


def test_a_log_that_is_full_half_way_is_told_to_who_sent(log: EventLog) -> None:
    producer: Any = log.producer
    producer.room = AT_ONCE + 1

    async def run() -> None:
        with pytest.raises(LogUnavailable, match="fast enough"):
            await log.write(events_of("s", MANY), is_page=True)

    asyncio.run(run())
    log.close()


def test_what_still_waits_is_handed_over_before_the_api_ends(log: EventLog) -> None:
    producer: Any = log.producer

    async def run() -> None:
        log.send(events_of("s", MANY), is_page=True)
        log.hurry()

    asyncio.run(run())
    assert len(producer.ids) == MANY
    log.close()
