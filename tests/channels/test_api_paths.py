"""Ids in addresses: what can be written can be read, lists of ids have no trap, what is no text is refused."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.api.paths import NoText, id_of, path_of
from channels.api.services import Services
from channels.api.store_reader import StoreUnavailable
from schemas.items import Item
from tests.channels.api_process import lonely_services, served

IDS: Final = (
    "plain",
    "a/b",
    "/",
    "a//b",
    "100%",
    "%2F",
    "a%2Fb",
    "a,b",
    "a",
    "b",
    "ü 👟",
    "a?b#c",
    "a+b",
    "exposed",
)


@pytest.fixture(scope="module")
def services() -> Services:
    return lonely_services()


@pytest.fixture(scope="module")
def client(services: Services) -> Iterator[httpx.Client]:
    with served(services) as address, httpx.Client(base_url=f"http://{address}") as client:
        for at, one in enumerate(IDS):
            services.knowledge._take_item(at, Item(one, 1, name=one))
        services.knowledge._renew(is_due=True)
        yield client


def encoded(item_id: str) -> str:
    return quote(item_id, safe="")


@pytest.mark.parametrize("item_id", IDS)
def test_an_item_is_read_by_its_id_whatever_is_in_it(client: httpx.Client, item_id: str) -> None:
    found = client.get(f"/v1/items/{encoded(item_id)}")
    assert (found.status_code, found.json()["item_id"]) == (200, item_id)
    listed = client.get("/v1/items", params={"id": [item_id, "plain"]}).json()
    assert [one["item_id"] for one in listed["items"]] == [item_id, "plain"]


def test_an_id_that_is_not_there_is_named_as_it_was_meant(client: httpx.Client) -> None:
    found = client.get("/v1/items/no%2Fsuch")
    assert (found.status_code, found.json()["detail"]) == (
        404,
        "the catalogue has no item 'no/such'",
    )


@pytest.mark.parametrize("person", ["a/b", "%2F", "100%", "x@y.example"])
def test_a_persons_decision_is_asked_for_by_the_id_that_was_written(
    services: Services, client: httpx.Client, monkeypatch: pytest.MonkeyPatch, person: str
) -> None:
    asked: list[Any] = []

    async def recent(*given: object) -> object:
        asked.append(given[1])
        raise StoreUnavailable("none here")

    monkeypatch.setattr(services.store, "recent", recent)
    found = client.get(f"/v1/decisions/{encoded(person)}/{encoded('home')}")
    assert (found.status_code, found.json()["placement"], asked) == (200, "home", [person])


@pytest.mark.parametrize("placement", ["exposed", "clicked", "dismissed"])
def test_a_placement_may_be_called_as_what_becomes_of_a_decision(
    client: httpx.Client, placement: str
) -> None:
    found = client.get(f"/v1/decisions/p/{placement}")
    assert (found.status_code, found.json()["placement"]) == (200, placement)
    assert client.head(f"/v1/decisions/p/{placement}").status_code == 200


def ids(client: httpx.Client, query: str) -> list[str]:
    found = client.get(f"/v1/items?{query}")
    assert found.status_code == 200, found.text
    return [one["item_id"] for one in found.json()["items"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("ids=b,a", ["b", "a"]),
        ("ids=b&ids=a", ["b", "a"]),
        ("ids=a%2Cb", ["a,b"]),  # there is such an item
        ("id=a%2Cb&id=a", ["a,b", "a"]),
        ("id=a&ids=b,plain", ["a", "b", "plain"]),
        ("ids=plain,none", ["plain"]),
        ("ids=", []),
        ("id=", []),
    ],
)
def test_a_list_of_ids(client: httpx.Client, query: str, expected: list[str]) -> None:
    assert ids(client, query) == expected


def test_without_ids_all_items_are_listed(client: httpx.Client) -> None:
    assert set(ids(client, "limit=100")) == set(IDS)


def test_too_many_ids_are_refused(client: httpx.Client) -> None:
    found = client.get("/v1/items", params={"id": ["x" * 200] * 50})
    assert (found.status_code, "at most" in found.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    "address",
    [
        "/v1/items/%FF", "/v1/items/a%C3", "/v1/decisions/%FF/home", "/%FF", "/shop/%FF", "/healthz?x=%FF",
        "/v1/items?id=%FF", "/v1/stream?session_id=%C3%28",
    ],
)  # fmt: skip
def test_an_address_that_is_no_text_is_refused_as_that(client: httpx.Client, address: str) -> None:
    found = client.get(address)
    assert (found.status_code, found.headers["content-type"]) == (400, "application/problem+json")
    assert "UTF-8" in found.json()["detail"]


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_segments_come_back_as_they_were(first: str, second: str) -> None:
    path = path_of(f"/x/{encoded(first)}/{encoded(second)}".encode())
    _, x, *found = path.split("/")
    assert (x, [id_of(one) for one in found]) == ("x", [first, second])


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(NoText):
        path_of(b"/v1/items/%C3")
