"""Names of fields at the API: one set at every endpoint, others told with what was meant, or refused where it is strict."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import httpx
import msgspec
import pytest

from channels.api.event_log import Delivery, LogUnavailable
from channels.api.openapi import document
from channels.api.read_events import ReadEvents, Sender, read_events, read_session
from schemas.events import Event
from schemas.formats.field_names import EVENT_NAMES
from tests.channels.api_process import lonely_services, served
from tests.channels.operations import OPERATIONS

NOW: Final = 1_800_000_000_000
SENDER: Final = Sender("s", "a")


class TakingLog:
    """Takes all events, as Kafka would, and keeps them."""

    is_down = False

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def write(self, events: Sequence[Event], *, is_page: bool) -> None:
        self.events.extend(events)

    def send(self, *_: object, **__: object) -> Delivery:
        raise LogUnavailable("answers do without it")

    def dead_letters(self, *_: object) -> None:
        pass

    def hurry(self) -> None:
        pass

    def close(self) -> int:
        return 0


@pytest.fixture(scope="module")
def taking() -> Iterator[tuple[httpx.Client, TakingLog]]:
    services, log = lonely_services(), TakingLog()
    services.log.close()
    services.log = log  # type: ignore[assignment]  # all that writing needs of one
    with served(services) as address, httpx.Client(base_url=f"http://{address}") as client:
        yield client, log


def session(*events: dict[str, Any], is_strict: bool = False) -> ReadEvents:
    return read_session(events, SENDER, NOW, is_strict=is_strict)


def single(*events: dict[str, Any], is_strict: bool = False) -> ReadEvents:
    return read_events(events, SENDER, NOW, is_strict=is_strict)


WAYS: Final[list[dict[str, Any]]] = [
    {"event": "product_viewed", "product_id": "i", "timestamp": NOW},
    {"event_type": "product_viewed", "item_ids": ["i"], "event_time_ms": NOW},
    {"event": "product_viewed", "item_id": "i", "timestamp": "2027-01-15T08:00:00Z"},
]


@pytest.mark.parametrize("said", WAYS, ids=range(len(WAYS)))
def test_one_set_of_names_is_read_at_both_endpoints(said: dict[str, Any]) -> None:
    for read in (session(said), single(said)):
        (event,) = read.events
        assert (event.event_type, event.item_ids, event.event_time_ms) == (
            "product_viewed",
            ("i",),
            NOW,
        )


def test_one_event_has_one_id_however_its_fields_are_called() -> None:
    for read in (session, single):
        assert len({read(one).events[0].event_id for one in WAYS}) == 1


def test_a_name_that_nobody_reads_makes_no_other_event_of_one_that_is_sent_again() -> None:
    first, again = (session(WAYS[0] | {"sent": at}).events[0].event_id for at in (1, 2))
    assert first == again


def test_every_field_of_an_event_is_read_at_both_endpoints() -> None:
    said = {
        "event": "page_viewed", "channel": "app", "request_id": "r", "placements": ["home"], "person_id": "p",
        "context": {"country": "DE"}, "consent": ["analytics"],
    }  # fmt: skip
    for read in (session(said), single(said)):
        (event,) = read.events
        assert (event.channel, event.request_id, event.placements) == ("app", "r", ("home",))
        assert (event.person_id, event.consent) == ("p", ("analytics",))
        assert event.context is not None


def test_an_event_of_another_session_is_refused_alone() -> None:
    read = session({"event": "page_viewed", "session_id": "other"}, {"event": "page_viewed"})
    assert ([one.at for one in read.bad], len(read.events)) == ([0], 1)


def told(found: httpx.Response) -> list[tuple[str, str | None, int | None]]:
    return [(one["field"], one["meant"], one["index"]) for one in found.json()["warnings"]]


def test_what_nobody_reads_is_told_with_what_was_meant(
    taking: tuple[httpx.Client, TakingLog],
) -> None:
    client, log = taking
    one = {"event_type": "product_viewed", "session_id": "s"}
    found = client.post(
        "/v1/events", json=[one | {"item_ids": ["i"]}, one | {"user_id": "u", "productId": "i2"}]
    )
    assert (found.status_code, found.json()["accepted"]) == (202, 2)
    assert told(found) == [
        ("productId", "item_ids", 1),
        ("user_id", "person_id", 1),
        ("item_ids", None, 1),
    ]
    aliased = client.post(
        "/v1/events", json=one | {"item_id": "i9", "timestamp": "2026-01-31T12:00:00Z"}
    )
    assert told(aliased) == [("item_id", "item_ids", 0), ("timestamp", "event_time_ms", 0)]
    assert (log.events[-1].item_ids, log.events[-1].event_time_ms) == (("i9",), 1_769_860_800_000)
    quiet = client.post("/v1/events", json=one | {"item_ids": ["i"]})
    assert quiet.json() == {"accepted": 1, "rejected": []}


def test_a_batch_tells_what_stands_beside_its_events(
    taking: tuple[httpx.Client, TakingLog],
) -> None:
    client, log = taking
    events = [{"event_type": "page_viewed", "session_id": "s", "page": "/aliased"}]
    found = client.post(
        "/v1/events", json={"events_in_session": events, "session_id": "s", "auth": {}}
    )
    assert told(found) == [
        ("events_in_session", "events", None),
        ("session_id", "events[].session_id", None),
    ]
    assert log.events[-1].page == "/aliased"


STRICT: Final = "?strict=true"


def test_strictly_an_event_with_a_name_that_nobody_reads_is_refused_alone(
    taking: tuple[httpx.Client, TakingLog],
) -> None:
    client, _ = taking
    good = {"event_type": "page_viewed", "session_id": "s"}
    found = client.post("/v1/events" + STRICT, json=[good, good | {"user_id": "u"}])
    assert (found.status_code, found.json()["accepted"]) == (202, 1)
    [rejected] = found.json()["rejected"]
    assert rejected["index"] == 1
    assert "`person_id` is meant" in rejected["reason"]
    batch = client.post("/v1/events" + STRICT, json={"events": [good], "sesion_id": "s"})
    assert (batch.status_code, "sesion_id" in batch.json()["detail"]) == (400, True)
    assert client.post("/v1/events?strict=perhaps", json=good).status_code == 400
    alias = {"event": "page_viewed", "session_id": "s"}
    assert client.post("/v1/events" + STRICT, json=alias).json()["accepted"] == 1


def test_an_event_that_lacks_a_field_is_told_which_name_was_meant(
    taking: tuple[httpx.Client, TakingLog],
) -> None:
    found = taking[0].post("/v1/events", json={"eventType": "page_viewed", "session_id": "s"})
    assert found.status_code == 422
    assert "`eventType` is no field, and not read: `event_type` is meant" in found.json()["detail"]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with (
        served(lonely_services()) as address,
        httpx.Client(base_url=f"http://{address}") as client,
    ):
        yield client


def test_the_events_of_a_request_have_one_name_at_both_endpoints(client: httpx.Client) -> None:
    bad = [{"event": "product_veiwed"}]
    for name in ("events", "events_in_session"):
        for path, more in (
            ("/api/recommendations", {}),
            ("/v1/decisions", {"placements": ["home"]}),
        ):
            body = {"session_id": "s", "budget_ms": 0, name: bad, **more}
            found = client.post(path + STRICT, json=body)
            assert found.status_code == 200
            assert [one["index"] for one in found.json()["rejected"]] == [0]


@pytest.mark.parametrize(
    ("path", "more"), [("/api/recommendations", {}), ("/v1/decisions", {"placements": ["home"]})]
)
def test_a_request_tells_and_strictly_refuses_what_nobody_reads(
    client: httpx.Client, path: str, more: dict[str, Any]
) -> None:
    body = {"session_id": "s", "budget_ms": 0, "budgetMs": 5, "nonsense": 1, **more}
    found = client.post(path, json=body)
    assert found.status_code == 200
    assert told(found) == [("budgetMs", "budget_ms", None), ("nonsense", None, None)]
    strictly = client.post(path + STRICT, json=body)
    assert (strictly.status_code, "budgetMs" in strictly.json()["detail"]) == (400, True)


def test_a_field_that_is_missing_is_told_by_the_name_that_was_sent(client: httpx.Client) -> None:
    found = client.post("/v1/decisions", json={"session_id": "s", "placement": "home"})
    assert found.status_code == 400
    assert "`placement` is no field, and not read: `placements` is meant" in found.json()["detail"]


def test_null_is_as_if_absent_in_requests_as_in_events(client: httpx.Client) -> None:
    body = {
        "session_id": "s", "placements": ["home"], "budget_ms": 0, "candidates": None, "events": None,
        "properties": {"coupon": None, "boxes": 2},
    }  # fmt: skip
    assert client.post("/v1/decisions", json=body).status_code == 200


def test_one_event_that_is_none_spoils_no_request_for_a_decision(client: httpx.Client) -> None:
    body = {"session_id": "s", "placements": ["home"], "budget_ms": 0, "events": [5, None, []]}
    found = client.post("/v1/decisions", json=body)
    assert found.status_code == 200
    assert [one["index"] for one in found.json()["rejected"]] == [0, 1, 2]


def test_the_document_has_the_aliases_and_strict() -> None:
    described = document()
    event = described["components"]["schemas"]["Event"]
    assert EVENT_NAMES.aliases.keys() <= event["properties"].keys()
    for path in ("/v1/events", "/v1/decisions", "/api/recommendations"):
        names = {one["name"] for one in described["paths"][path]["post"]["parameters"]}
        assert "strict" in names


def test_every_example_of_the_document_is_taken_as_it_stands(
    taking: tuple[httpx.Client, TakingLog],
) -> None:
    client, _ = taking
    tried = [one for one in OPERATIONS if "requestBody" in one.told]
    assert len(tried) == 7
    for one in tried:
        path = one.path.replace("{decision_id}", "d1")
        for kind, content in one.told["requestBody"]["content"].items():
            assert content["examples"]
            for example in content["examples"].values():
                body = msgspec.json.encode(example["value"])
                headers = {"content-type": kind}
                found = client.post(f"{path}?strict=true", content=body, headers=headers)
                assert found.is_success, found.text
                assert not found.json().get("rejected")


@pytest.mark.parametrize(
    ("written", "told"),
    [("1700000000", "in seconds it would be 2023-11-14"), ("soon", "is no time"), ("-1", "is no time")],
)  # fmt: skip
def test_a_time_of_the_query_is_read_as_all_times(
    client: httpx.Client, written: str, told: str
) -> None:
    found = client.get(f"/v1/explain/d?event_time_ms={written}")
    assert (found.status_code, told in found.json()["detail"]) == (400, True)


@pytest.mark.parametrize("written", ["1700000000000", "20231114", "2023-11-14T22:13:20Z", "0"])
def test_a_time_of_the_query_that_is_one_is_taken(client: httpx.Client, written: str) -> None:
    assert client.get(f"/v1/explain/d?event_time_ms={written}").status_code == 503


def test_a_query_that_nobody_reads_is_told_and_strictly_refused(client: httpx.Client) -> None:
    found = client.get("/v1/items?item_ids=a,b&limit=1")
    assert (found.status_code, told(found)) == (200, [("item_ids", "id", None)])
    assert client.get("/v1/items?strict=1&item_ids=a,b").status_code == 400
    assert client.get("/v1/items?strict=1&ids=a,b").json() == {"items": [], "total": 0}


def test_a_new_session_is_told_what_nobody_reads(client: httpx.Client) -> None:
    assert told(client.post("/v1/sessions", json={"tokn": "x"})) == [("tokn", "token", None)]
    assert "warnings" not in client.post("/v1/sessions").json()
    assert client.post("/v1/sessions?strict=true", json={"tokn": "x"}).status_code == 400
