"""A visit over HTTP against a server on this machine: what a browser sends, how it waits when it is refused, and what it does not tell."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from schemas.errors import ConfigError, NotUp
from scripts.simulate import in_live
from scripts.simulate.in_live import LiveCounts, Street, Way
from scripts.simulate.simulate import Live, live_in_words, wish_of
from scripts.simulate.world_file import Overrides
from tests.scripts.simulate.worlds import setting_of

DECIDED: Final = "0" * 32
REST: Final = in_live._rest_s
Answer = tuple[int, Any]
SETTING: Final = setting_of("tiny", people=8, bots={"share": 0.0}, members={"share": 1.0, "signs_in": 1.0}, reactions={"sees": 1.0})  # fmt: skip


class Door:
    """A server that keeps what it is asked, and answers by `answer`."""

    def __init__(self, answer: Callable[[str, dict[str, Any], int], Answer]) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self._answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (line := await reader.readline()).strip():
            path = line.split()[1].decode()
            heads = {}
            while (head := await reader.readline()).strip():
                name, _, value = head.decode().partition(":")
                heads[name.lower()] = value.strip()
            body = json.loads(await reader.readexactly(int(heads["content-length"])))
            self.asked.append((path, heads, body))
            status, said = self._answer(path, body, len(self.asked))
            told = json.dumps(said).encode()
            begin = f"HTTP/1.1 {status} X\r\nContent-Length: {len(told)}\r\n\r\n"
            writer.write(begin.encode() + told)
        writer.close()

    def events(self) -> list[dict[str, Any]]:
        return [one for _, _, body in self.asked for one in body.get("events", ())]


def decision(placement: str, decision_id: str) -> dict[str, Any]:
    items = [{"item_id": f"item-{n:04}", "score": 1.0, "reason": ""} for n in (1, 2, 3, 4)]
    versions = {"policy": "p", "model": "m", "catalogue": 0, "knowledge": 0, "code": "c"}
    return {
        "placement": placement, "action_id": "recommend_items", "treatment_id": "slate", "channel": None, "kind": "slate", "items": items,
        "content": {}, "explanation": "", "decision_id": decision_id, "source": "fresh", "why": "", "versions": versions, "valid_until_ms": 0,
        "response_propensity": None, "action_probability": 1.0, "arm": {"a": "b"}, "is_holdout": False,
    }  # fmt: skip


def answering(decision_id: str = DECIDED) -> Callable[[str, dict[str, Any], int], Answer]:
    """A door that takes all, and shows a slate wherever it is asked."""

    def answer(path: str, body: dict[str, Any], count: int) -> Answer:
        if path == "/v1/sessions":
            return 201, {"session_id": f"of-server-{count}", "anonymous_id": "known", "token": f"t{count}"}  # fmt: skip
        if path == "/v1/decisions":
            return 200, {"decisions": [decision(name, decision_id) for name in body["placements"]]}
        return 202, {"accepted": 1}

    return answer


def visited(
    answer: Callable[[str, dict[str, Any], int], Answer], key: str | None = None
) -> tuple[Door, LiveCounts]:
    """The people of the world at such a door."""
    door = Door(answer)

    async def play() -> LiveCounts:
        server = await asyncio.start_server(door.serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            street = Street(SETTING, Way(f"http://127.0.0.1:{port}", key, 0))
            await street.play()
            return street.counts

    return door, asyncio.run(play())


def test_a_page_asks_for_its_placements_and_tells_everything_else() -> None:
    door, counts = visited(answering())
    assert counts.visits == sum(len(one.visits) for one in Street(SETTING, Way("http://x", None, 0)).people)  # fmt: skip
    assert counts.events == len(door.events()) > 30
    for path, heads, body in door.asked:
        assert (path == "/v1/decisions") is bool(body["events"][0].get("placements"))
        assert heads["user-agent"].startswith("Mozilla/")
        assert "authorization" not in heads
        assert "context" not in body["events"][0]
    asked = [body for path, _, body in door.asked if path == "/v1/decisions"]
    assert all(one["placements"] == one["events"][0]["placements"] for one in asked)
    exposed = [one for one in door.events() if one["event_type"] == "decision_exposed"]
    assert counts.exposed == len(exposed) == counts.answers == len(asked)
    assert {one["decision_id"] for one in exposed} == {DECIDED}
    assert any(one["event_type"] == "identified" for one in door.events())
    assert any("person_id" in one for one in door.events())


def test_with_a_key_the_session_is_the_servers_and_nobody_signs_in() -> None:
    door, counts = visited(answering(), key="page-key")
    assert counts.refused == {}
    assert {heads["authorization"] for _, heads, _ in door.asked} == {"Bearer page-key"}
    of_server = [one for one in door.events() if one["session_id"].startswith("of-server-")]
    assert len(of_server) == len(door.events()) > 20
    tokens = [heads.get("x-kairos-session") for path, heads, _ in door.asked if path != "/v1/sessions"]  # fmt: skip
    assert all(tokens)
    assert not any("person_id" in one for one in door.events())
    assert not any(one["event_type"] == "identified" for one in door.events())


def test_what_nobody_decided_is_shown_and_nothing_is_told_of_it() -> None:
    door, counts = visited(answering("default-abc"))
    assert counts.answers > 5
    assert counts.exposed == counts.clicked == 0
    assert not any("decision_id" in one for one in door.events())


def test_who_is_refused_waits_as_it_is_told_and_sends_the_same_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []

    def rest(found: bytes) -> float:
        waited.append(REST(found))
        return 0.0

    monkeypatch.setattr(in_live, "_rest_s", rest)
    take = answering()
    refused: set[str] = set()

    def answer(path: str, body: dict[str, Any], count: int) -> Answer:
        event_id = body["events"][0]["event_id"]
        if event_id not in refused:
            refused.add(event_id)
            return 429, {"retry_after_s": 3}
        return take(path, body, count)

    door, counts = visited(answer)
    assert counts.refused == {}
    ids = [one["event_id"] for one in door.events()]
    assert sorted(ids) == sorted([*refused, *refused])
    assert counts.events == len(refused) > 20
    assert {*waited} == {3.0}


def test_what_is_refused_for_good_is_given_up_and_counted() -> None:
    def answer(path: str, body: dict[str, Any], count: int) -> Answer:
        return 422, {"detail": "no"}

    door, counts = visited(answer)
    assert counts.events == counts.answers == 0
    assert sum(counts.refused.values()) == len(door.asked) > 10
    assert {*counts.refused} <= {"/v1/events 422", "/v1/decisions 422"}
    assert "refused: " in live_in_words(counts)


def test_a_rest_is_as_long_as_it_is_said_and_bounded() -> None:
    assert REST(b'{"retry_after_s": 2.5}') == 2.5
    assert REST(b'{"retry_after_s": 900}') == 10.0
    assert (REST(b""), REST(b"[]"), REST(b'{"retry_after_s": null}')) == (1.0, 1.0, 1.0)


def test_each_visitor_of_this_machine_has_an_address_of_its_own() -> None:
    found = {in_live._address_of(number)[0] for number in range(64_000)}
    assert len(found) == 64_000
    assert all(one.startswith("127.") and 0 < int(one.rpartition(".")[2]) < 255 for one in found)


def test_where_nobody_answers_that_is_said() -> None:
    with pytest.raises(NotUp, match=r"nobody answers at http://127\.0\.0\.1:1: "):
        asyncio.run(Street(SETTING, Way("http://127.0.0.1:1", None, 0)).play())
    with pytest.raises(ConfigError, match="an address like http"):
        asyncio.run(Street(SETTING, Way("localhost:8000", None, 0)).play())


def test_options_that_do_not_go_together_are_refused(tmp_path: Any) -> None:
    plain, some = Live(None, None, None), Live(None, "key", None)
    assert wish_of("tiny", Overrides(), None, None, some, is_live=True).live == some
    assert wish_of("tiny", Overrides(), tmp_path, None, plain, is_live=False).live is None
    with pytest.raises(ConfigError, match="--out is of the fold"):
        wish_of("tiny", Overrides(), tmp_path, None, plain, is_live=True)
    with pytest.raises(ConfigError, match="are of --live"):
        wish_of("tiny", Overrides(), None, None, some, is_live=False)
