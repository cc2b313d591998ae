"""A world played through the real channels: each visit is a browser that asks the Decision API over HTTP and tells what is done.

The world's days pass within some seconds: visits begin in proportion, what is done in one follows as fast as answers
come, and events have the time at which they are sent.
"""

import asyncio
import ssl
from collections import Counter
from contextlib import suppress
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from channels.api.bodies import DecisionsAnswer
from channels.api.from_pages import is_decision_id
from jobs.publish import now_ms
from schemas.errors import ConfigError, NotUp
from schemas.policy import NOTHING
from scripts.bench.http_client import Client
from scripts.simulate.mind import Mind
from scripts.simulate.people import Person, make_person
from scripts.simulate.scene import Fields, Scene, arms_of, refund_event
from scripts.simulate.visit import Shown
from scripts.simulate.world_file import Setting

AT_ONCE: Final = 32
"""Visits that are under way together; who comes meanwhile waits."""
ANSWER_S: Final = 10.0
TRIES: Final = 5
REST_S_MAX: Final = 10.0
"""So long a browser that asks too often rests at most, whatever it is told."""
BUSY: Final = (408, 429, 500, 502, 503, 504)
LOOPBACK: Final = ("127.0.0.1", "localhost")
IDENTIFIED: Final = "identified"
_answer_of: Final = msgspec.json.Decoder(DecisionsAnswer).decode


class Way(NamedTuple):
    """Where to, with which key of a page (None: without keys), and within how many seconds."""

    url: str
    key: str | None
    seconds: int


class LiveCounts(msgspec.Struct):
    """What happened. `sources`: answers by the rung of the API's ladder; `refused`: requests that were given up, by status."""

    people: int = 0
    visits: int = 0
    events: int = 0
    answers: int = 0
    exposed: int = 0
    clicked: int = 0
    purchases: int = 0
    sources: Counter[str] = msgspec.field(default_factory=Counter)
    refused: Counter[str] = msgspec.field(default_factory=Counter)


def play_live(setting: Setting, way: Way) -> tuple[LiveCounts, list[Person], list[Mind]]:
    """Plays the whole world; raises NotUp where nobody answers."""
    street = Street(setting, way)
    asyncio.run(street.play())
    return street.counts, street.people, street.minds


class Street:
    """All people of a world on their way to one API."""

    def __init__(self, setting: Setting, way: Way) -> None:
        world, goods = setting.world, setting.goods
        self._setting, self._way = setting, way
        self.people = [make_person(world, goods, number) for number in range(world.people)]
        self.minds = [Mind() for _ in self.people]
        self.counts = LiveCounts(people=world.people)
        self._tokens: dict[str, str] = {}
        """By anonymous id what a server has signed for it."""

    async def play(self) -> None:
        """Every visit at its time, at most so many at once; of one person one after the other."""
        world, loop = self._setting.world, asyncio.get_running_loop()
        coming = sorted((one.time_ms, person.number, at) for person in self.people for at, one in enumerate(person.visits))  # fmt: skip
        ours = [asyncio.Lock() for _ in self.people]
        room, begun_s = asyncio.Semaphore(AT_ONCE), loop.time()
        await (await self._browser(0, "")).close()  # nobody goes out where nothing is open
        async with asyncio.TaskGroup() as group:
            for time_ms, number, at in coming:
                share = (time_ms - world.begins_ms) / (world.ends_ms - world.begins_ms)
                await asyncio.sleep(max(0.0, begun_s + share * self._way.seconds - loop.time()))
                await room.acquire()
                task = group.create_task(self._visit(number, at, ours[number]))
                task.add_done_callback(lambda _: room.release())

    async def _visit(self, number: int, at: int, ours: asyncio.Lock) -> None:
        async with ours:
            setting = self._setting
            person, mind = self.people[number], self.minds[number]
            scene = Scene(setting.world, setting.goods, person, mind, at)
            self.counts.visits += 1
            browser = await self._browser(number, scene.user_agent)
            try:
                await self._enter(browser, scene)
                told = scene.begin()
                while told is not None:
                    shown = await self._tell(browser, scene.event(told, now_ms()))
                    told = scene.go_on(shown)
                if scene.later is not None:
                    await self._tell(browser, refund_event(scene, scene.later.told, now_ms()))
            finally:
                await browser.close()

    async def _browser(self, number: int, user_agent: str) -> "Browser":
        browser = Browser(self._way, number, user_agent, self.counts.refused)
        await browser.open()
        return browser

    async def _enter(self, browser: "Browser", scene: Scene) -> None:
        """With a key the session is the server's, and signed; who has been here shows the token of then."""
        if self._way.key is None:
            return
        known = self._tokens.get(scene.anonymous_id)
        found = await browser.post("/v1/sessions", {"token": known} if known else {})
        if found is not None:
            made = msgspec.json.decode(found)
            scene.named(made["session_id"], made["anonymous_id"])
            browser.token = self._tokens[made["anonymous_id"]] = made["token"]

    async def _tell(self, browser: "Browser", event: Fields) -> list[Shown]:
        """Sends an event; what is shown where its page asks for something."""
        event.pop("context", None)  # the door knows it by the user agent
        if self._way.key is not None:  # a page proves no person
            event.pop("person_id", None)
            if event["event_type"] == IDENTIFIED:
                return []
        decision_id = event.get("decision_id")
        if decision_id is not None and not is_decision_id(decision_id):
            return []  # what trends, or the default: nobody decided it
        placements = event.get("placements")
        if not placements:
            self._count(event, await browser.post("/v1/events", {"events": [event]}))
            return []
        asked = {name: event[name] for name in ("session_id", "anonymous_id", "placements", "page", "consent") if name in event}  # fmt: skip
        found = await browser.post("/v1/decisions", asked | {"events": [event]})
        self._count(event, found)
        return self._shown(found) if found is not None else []

    def _shown(self, found: bytes) -> list[Shown]:
        answers = _answer_of(found).decisions
        self.counts.answers += len(answers)
        self.counts.sources.update(one.source for one in answers)
        return [
            Shown(one.decision_id, one.placement, one.action_id, tuple(item.item_id for item in one.items), arms_of(one.arm))
            for one in answers
            if one.action_id != NOTHING
        ]  # fmt: skip

    def _count(self, event: Fields, found: bytes | None) -> None:
        if found is None:
            return
        counts, kind = self.counts, event["event_type"]
        counts.events += 1
        counts.exposed += kind == "decision_exposed"
        counts.clicked += kind == "decision_clicked"
        counts.purchases += kind == "purchase_completed"


class Browser:
    """One connection, of one visitor; on this machine each from an address of its own."""

    def __init__(self, way: Way, number: int, user_agent: str, refused: Counter[str]) -> None:
        split = urlsplit(way.url)
        if split.scheme not in ("http", "https") or not split.hostname:
            raise ConfigError(f"--url {way.url}: an address like http://localhost:8000 is wanted")
        self._url, self._key, self._user_agent = way.url, way.key, user_agent
        self._refused = refused
        self._host = split.netloc
        self._name = split.hostname
        self._tls = ssl.create_default_context() if split.scheme == "https" else None
        self._port = split.port or (443 if self._tls else 80)
        self._from = _address_of(number) if self._name in LOOPBACK else None
        self.token = ""
        self._client: Client | None = None

    async def open(self) -> None:
        """Connects; raises NotUp."""
        loop = asyncio.get_running_loop()
        name = LOOPBACK[0] if self._from is not None else self._name
        try:
            _, self._client = await loop.create_connection(
                Client, name, self._port, ssl=self._tls, local_addr=self._from
            )
        except OSError as error:
            raise NotUp(f"nobody answers at {self._url}: {error.strerror or error}") from error

    async def close(self) -> None:
        """Lets it go."""
        if self._client is not None:
            self._client.close()

    async def post(self, path: str, body: object) -> bytes | None:
        """The body of a good answer; who is told to wait waits and asks again. None: it was given up, and counted."""
        said = ""
        for _ in range(TRIES):
            code, found = await self._ask(path, msgspec.json.encode(body))
            if 200 <= code < 300:
                return found
            said = f"{path} {code or 'without an answer'}"
            if code and code not in BUSY:
                break
            await asyncio.sleep(_rest_s(found))
        self._refused[said] += 1
        return None

    async def _ask(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body; 0 where there is no answer."""
        with suppress(OSError, TimeoutError):
            if self._client is None or not self._client.is_open:
                await self.open()
            assert self._client is not None
            async with asyncio.timeout(ANSWER_S):
                return await self._client.ask(self._request(path, body))
        if self._client is not None:
            self._client.close()
        self._client = None
        return 0, b""

    def _request(self, path: str, body: bytes) -> bytes:
        head = [
            f"POST {path} HTTP/1.1", f"Host: {self._host}", f"User-Agent: {self._user_agent}",
            "Content-Type: application/json", f"Content-Length: {len(body)}",
        ]  # fmt: skip
        if self._key is not None:
            head.append(f"Authorization: Bearer {self._key}")
        if self.token:
            head.append(f"X-Kairos-Session: {self.token}")
        return "\r\n".join([*head, "", ""]).encode() + body


def _address_of(number: int) -> tuple[str, int]:
    """An address of this machine for each visitor, as far as there are some."""
    return f"127.{1 + number // 64_000 % 200}.{number // 250 % 256}.{1 + number % 250}", 0


def _rest_s(found: bytes) -> float:
    """For how long a refused browser rests, as it is told."""
    with suppress(msgspec.MsgspecError):
        said = msgspec.json.decode(found)
        if isinstance(said, dict):
            return min(REST_S_MAX, float(said.get("retry_after_s") or 1.0))
    return 1.0
