"""The Decision API on the running engine: every endpoint, every rung, and its own document put to the test."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import httpx
import pytest

from channels.store.store import open_store
from jobs.publish import Log, now_ms
from log.kafka import read_to_end
from schemas.codec import DEAD_LETTER, EVENT
from schemas.events import Event
from schemas.items import Item
from schemas.limits import HOUR_MS
from schemas.topics import DEAD_LETTERS, EVENTS
from tests.e2e.homes import Engine, wait_for

pytestmark = pytest.mark.e2e
RUN: Final = str(now_ms())
PATIENT: Final = 10_000
"""Milliseconds: long enough for an engine on a machine that does many things at once."""


class Api(NamedTuple):
    """A client of the API that `kairos up` has started."""

    client: httpx.Client
    address: str
    engine: Engine

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        found = self.client.post(path, json=body)
        assert found.status_code == status, found.text
        return found.json()

    def get(self, path: str, status: int = 200) -> Any:
        found = self.client.get(path)
        assert found.status_code == status, found.text
        return found.json()

    def recommend(self, session_id: str, *viewed: str, **more: Any) -> Any:
        """Recommendations after these views, a second apart, the newest now."""
        start_ms = more.pop("start_ms", now_ms())
        events = [
            {"event": "product_viewed", "product_id": one, "timestamp": start_ms + at * 1_000}
            for at, one in enumerate(viewed)
        ]
        body = {"session_id": session_id, "events_in_session": events, "budget_ms": PATIENT}
        return self.post("/api/recommendations", body | more)

    def logged(self, session_id: str) -> list[Event]:
        """The events of a session in the log, in its order."""
        records = read_to_end(self.engine.kafka, [EVENTS])
        return [EVENT.decode(one.value) for one in records if one.key == session_id]

    def metric(self, line: str) -> float:
        """A value of /metrics."""
        found = [
            one for one in self.client.get("/metrics").text.splitlines() if one.startswith(line)
        ]
        return float(found[0].rpartition(" ")[2]) if found else 0.0


@pytest.fixture(scope="module")
def api(engine: Engine) -> Iterator[Api]:
    address = engine.home.status()["api"]["address"]
    with httpx.Client(base_url=f"http://{address}", timeout=60) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        yield Api(client, address, engine)


def own(name: str) -> str:
    """A name of this run."""
    return f"api-{RUN}-{name}"


def test_ready(api: Api) -> None:
    assert api.get("/readyz") == {"is_ready": True} | dict.fromkeys(
        ("kafka", "store", "engine", "knowledge"), "up"
    )


def test_recommendations_are_decided_on_the_requests_own_event(api: Api) -> None:
    found = api.recommend(own("fresh"), "i1", "i2")
    assert found["source"] == "fresh"
    assert found["placement"] == "next_item"
    assert len(found["product_ids"]) == 8
    assert found["product_ids"] == [one["item_id"] for one in found["items"]]
    assert all(one["reason"] for one in found["items"])
    assert found["versions"]["policy"]
    assert found["valid_until_ms"] > now_ms()


def test_events_may_be_sent_again_and_again(api: Api) -> None:
    session, start_ms = own("again"), now_ms()
    first = api.recommend(session, "i1", start_ms=start_ms)
    again = api.recommend(session, "i1", start_ms=start_ms)
    assert (first["decision_id"], again["source"]) == (again["decision_id"], "fresh")
    more = api.recommend(session, "i1", "i2", start_ms=start_ms)
    assert more["decision_id"] != first["decision_id"]
    assert [one.item_ids for one in api.logged(session)] == [("i1",), ("i2",)]


def test_a_page_without_a_new_event_is_asked_for_by_a_page_view(api: Api) -> None:
    session, start_ms = own("page"), now_ms()
    api.recommend(session, "i1", start_ms=start_ms)
    home = {"placement": "home", "current_page": "/", "limit": 3}
    found = api.recommend(session, "i1", start_ms=start_ms, **home)
    assert (found["source"], found["placement"], len(found["product_ids"])) == ("fresh", "home", 3)
    again = api.recommend(session, "i1", start_ms=start_ms, **home)
    assert again["decision_id"] == found["decision_id"]
    assert [one.event_type for one in api.logged(session)] == ["product_viewed", "page_viewed"]
    assert api.logged(session)[-1].page == "/"


def test_of_an_empty_list_nothing_is_chosen(api: Api) -> None:
    body = {"session_id": own("empty"), "placements": ["rerank"], "budget_ms": PATIENT}
    [decision] = api.post("/v1/decisions", body | {"candidates": []})["decisions"]
    assert (decision["items"], decision["source"]) == ([], "fresh")
    [event] = api.logged(own("empty"))
    assert (event.event_type, event.has_no_candidates) == ("ranking_requested", True)
    told = api.get(f"/v1/explain/{decision['decision_id']}")
    assert told["decision"]["action_id"] == "nothing"


def test_a_clock_that_is_years_off_gets_a_decision_that_is_valid(api: Api) -> None:
    found = api.recommend(own("clock"), "i1", "i2", start_ms=1_500_000_000_000)
    assert found["source"] == "fresh"
    assert found["valid_until_ms"] > now_ms()


def test_a_bad_event_is_named_and_the_others_count(api: Api) -> None:
    session = own("bad")
    body = {"session_id": session, "budget_ms": PATIENT, "events_in_session": [
        {"event": "teleported\n"}, {"event": "product_viewed", "product_id": "i3"},
    ]}  # fmt: skip
    found = api.post("/api/recommendations", body)
    assert found["source"] == "fresh"
    assert [(one["index"], "event_type" in one["reason"]) for one in found["rejected"]] == [
        (0, True)
    ]


def test_an_event_that_says_something_odd_is_named_too(api: Api) -> None:
    session = own("odd")
    body = {"session_id": session, "budget_ms": PATIENT, "events_in_session": [
        {"event": "product_viewed", "product_id": "i3", "properties": {"c": [1]}}, "no event",
        {"event": "product_viewed", "product_id": ""}, {"event": "product_viewed", "product_id": "i3"},
    ]}  # fmt: skip
    found = api.post("/api/recommendations", body)
    assert (found["source"], found["is_logged"]) == ("fresh", True)
    assert [one["index"] for one in found["rejected"]] == [0, 1, 2]


def test_an_events_id_is_its_sessions_own_affair(api: Api) -> None:
    event = {"event": "product_viewed", "product_id": "i2", "event_id": own("same")}
    shown = [
        api.post(
            "/api/recommendations",
            {"session_id": own(name), "events_in_session": [event], "budget_ms": PATIENT},
        )
        for name in ("one", "other")
    ]
    assert [one["source"] for one in shown] == ["fresh", "fresh"]
    assert shown[0]["decision_id"] != shown[1]["decision_id"]


def test_a_repeat_does_not_bring_back_what_was_turned_away_since(api: Api) -> None:
    session, start_ms = own("turned"), now_ms()
    first = api.recommend(session, "i3", start_ms=start_ms)
    unwanted = first["product_ids"][0]
    event = {"event_type": "not_interested", "session_id": session, "item_ids": [unwanted]}
    api.post("/v1/events", event, 202)
    again = api.recommend(session, "i3", start_ms=start_ms)
    assert again["source"] == "fresh"
    assert unwanted not in again["product_ids"]
    once_more = api.recommend(session, "i3", start_ms=start_ms)
    assert once_more["decision_id"] == again["decision_id"]


def test_a_request_that_says_more_than_an_event_may_is_refused(api: Api) -> None:
    body = {
        "session_id": own("much"), "placements": ["home"],
        "properties": {f"p{at}": "x" for at in range(65)},
    }  # fmt: skip
    assert "properties" in api.post("/v1/decisions", body, 400)["detail"]


def test_without_time_to_wait_the_last_decision_is_given_while_it_is_good(api: Api) -> None:
    session = own("recent")
    fresh = api.recommend(session, "i4", anonymous_id=session)
    wait_for(lambda: stored(api, session)["decision_id"] == fresh["decision_id"])
    found = api.recommend(session, "i4", "i5", "i6", budget_ms=0)
    assert found["source"] == "recent"
    assert found["decision_id"] == fresh["decision_id"]
    assert "no time" in found["why"]


def stored(api: Api, person: str) -> Any:
    return api.get(f"/v1/decisions/{person}/next_item")


def test_a_person_with_a_slash_is_read_by_the_id_that_was_written(api: Api) -> None:
    person = own("a/b %2F")
    fresh = api.recommend(own("slash"), "i4", anonymous_id=person)
    found = partial(api.get, f"/v1/decisions/{quote(person, safe='')}/next_item")
    wait_for(lambda: found()["decision_id"] == fresh["decision_id"])


def test_what_is_sold_out_or_gone_since_is_not_shown(api: Api) -> None:
    session = own("stock")
    fresh = api.recommend(session, "i7", anonymous_id=session)
    first, second, *rest = fresh["product_ids"]
    log = Log(api.engine.kafka)
    log.item(Item(first, now_ms(), stock=0))
    log.item(Item(second, now_ms(), is_gone=True))
    log.flush()
    try:
        wait_for(lambda: [one["item_id"] for one in stored(api, session)["items"]] == rest)
        found = stored(api, session)
        assert (found["source"], "2 items have gone" in found["why"]) == ("recent", True)
        assert api.client.get(f"/v1/items/{second}").status_code == 404
    finally:
        for name in (first, second):
            log.item(
                Item(
                    name,
                    now_ms(),
                    f"Item {name[1:]}",
                    f"Shop/C{int(name[1:]) % 4}",
                    "B0",
                    5.0,
                    "EUR",
                )
            )
        log.flush()


def test_what_a_person_does_not_want_is_not_shown_by_a_lower_rung(api: Api) -> None:
    session = own("unwanted")
    fresh = api.recommend(session, "i8", anonymous_id=session)
    wait_for(lambda: stored(api, session)["source"] == "recent")
    unwanted = fresh["product_ids"][0]
    event = {"event_type": "not_interested", "session_id": session, "item_ids": [unwanted]}
    api.post("/v1/events", event, 202)
    left = [one["item_id"] for one in stored(api, session)["items"]]
    assert left == fresh["product_ids"][1:]


def test_somebody_unknown_gets_what_trends_or_the_catalogue(api: Api) -> None:
    found = stored(api, own("nobody"))
    assert found["source"] in ("trending", "default")
    assert len(found["items"]) == 8
    assert (
        "next_item, cart, home" in api.get(f"/v1/decisions/{own('nobody')}/no_such", 404)["detail"]
    )


def test_decisions_for_several_placements_on_events_of_the_request(api: Api) -> None:
    session = own("several")
    body = {
        "session_id": session, "anonymous_id": session, "placements": ["home", "next_item", "home"],
        "events": [{"event_type": "product_viewed", "item_ids": ["i9"]}], "budget_ms": PATIENT,
    }  # fmt: skip
    found = api.post("/v1/decisions", body)["decisions"]
    assert [(one["placement"], one["source"]) for one in found] == [
        ("home", "fresh"),
        ("next_item", "fresh"),
    ]
    assert {one["kind"] for one in found} == {"slate"}
    [event] = api.logged(session)
    assert (event.item_ids, event.placements) == (("i9",), ("home", "next_item"))


def test_a_list_of_the_caller_comes_back_ranked(api: Api) -> None:
    session = own("rerank")
    api.recommend(session, "i10", "i11")
    listed = [{"item_id": f"i{at}", "price": 5.0, "position": at} for at in range(12, 32)]
    body = {
        "session_id": session,
        "placements": ["rerank"],
        "candidates": listed,
        "budget_ms": PATIENT,
    }
    [found] = api.post("/v1/decisions", body)["decisions"]
    assert found["source"] == "fresh"
    assert {one["item_id"] for one in found["items"]} == {one["item_id"] for one in listed}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"placements": ["home"]}, 400),
        ({"placements": [], "session_id": "s"}, 400),
        ({"placements": ["no_such"], "session_id": "s"}, 404),
        ({"placements": ["home"], "session_id": "s", "events": [{"event_type": "page_viewed", "session_id": "t"}]}, 400),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_decided(api: Api, body: dict[str, Any], status: int) -> None:
    assert api.post("/v1/decisions", body, status)["status"] == status


# --- events ---------------------------------------------------------------------------------------------


def test_events_are_accepted_once_kafka_has_them(api: Api) -> None:
    session = own("events")
    one = {"event_type": "page_viewed", "session_id": session, "event_time_ms": now_ms()}
    batch = [one, {"event_type": "search_performed", "session_id": session, "query": "tent"}]
    for body, count in ((one, 1), (batch, 2), ({"events": batch[:1]}, 1)):
        assert api.post("/v1/events", body, 202) == {"accepted": count, "rejected": []}
        assert api.logged(session)[0].event_type == "page_viewed", (
            "it is there by the time of the answer"
        )
    assert [one.event_type for one in api.logged(session)] == ["page_viewed", "search_performed"]
    assert api.logged(session)[1].anonymous_id == session


def test_a_beacon_is_taken(api: Api) -> None:
    session = own("beacon")
    body = json.dumps({"events": [{"event_type": "page_viewed", "session_id": session}]})
    found = api.client.post(
        "/v1/events?key=&token=", content=body, headers={"content-type": "text/plain"}
    )
    assert found.status_code == 202, found.text
    assert len(api.logged(session)) == 1


def test_bad_events_are_named_and_kept_and_the_good_ones_taken(api: Api) -> None:
    session = own("mixed")
    ahead = now_ms() + HOUR_MS
    batch = [
        {"event_type": "page_viewed", "session_id": session},
        {"event_type": f"{session}\n", "session_id": session},
        {"event_type": "page_viewed", "session_id": session, "event_time_ms": ahead},
        "no event",
    ]
    found = api.post("/v1/events", batch, 202)
    assert found["accepted"] == 1
    assert [one["index"] for one in found["rejected"]] == [1, 2, 3]
    reasons = [one["reason"].partition(":")[0] for one in found["rejected"]]
    assert reasons == ["invalid_value", "ahead_of_log", "malformed"]

    def letters() -> list[str]:
        records = read_to_end(api.engine.kafka, [DEAD_LETTERS])
        found = [DEAD_LETTER.decode(one.value) for one in records]
        return [
            one.reason
            for one in found
            if one.topic == "api:/v1/events" and session.encode() in one.raw
        ]

    wait_for(lambda: letters() == ["invalid_value", "ahead_of_log"])
    assert api.post("/v1/events", ["no event"], 422)["detail"].startswith("no event can be used")


def test_what_came_of_a_decision_is_there_for_who_wants_to_know(api: Api) -> None:
    """Through both jobs and the store: seen and clicked a second ago."""
    session, person = own("came"), own("who-came")
    found = api.recommend(session, "i12", anonymous_id=person)
    path = f"/v1/decisions/{found['decision_id']}"
    assert api.get(f"/v1/outcomes/{person}") == {"outcomes": []}
    for reaction in ("exposed", "clicked"):
        api.post(f"{path}/{reaction}", {"session_id": session, "anonymous_id": person}, 202)
    wait_for(lambda: len(api.get(f"/v1/outcomes/{person}")["outcomes"]) == 2)
    came = api.get(f"/v1/outcomes/{person}")["outcomes"]
    assert {one["kind"] for one in came} == {"exposed", "clicked"}
    assert {one["decision_id"] for one in came} == {found["decision_id"]}
    assert {(one["placement"], one["action_id"]) for one in came} == {
        ("next_item", "recommend_items")
    }


def test_reactions_count_once_and_say_what_they_are_about(api: Api) -> None:
    session = own("reacts")
    found = api.recommend(session, "i12")
    path = f"/v1/decisions/{found['decision_id']}"
    for _ in range(2):
        api.post(f"{path}/exposed", {"session_id": session}, 202)
    api.post(f"{path}/clicked", {"session_id": session, "item_ids": found["product_ids"][:1]}, 202)
    api.post(f"{path}/dismissed", {"session_id": session}, 202)
    reactions = api.logged(session)[1:]
    assert [one.event_type for one in reactions] == [
        "decision_exposed",
        "decision_clicked",
        "decision_dismissed",
    ]
    assert reactions[0].event_id == f"{found['decision_id']}/exposed"
    assert list(reactions[0].item_ids) == found["product_ids"]
    assert list(reactions[1].item_ids) == found["product_ids"][:1]
    for one in reactions:
        assert one.properties == {"action_id": "recommend_items", "placement": "next_item"}
        assert one.decision_id == found["decision_id"]
    assert api.client.post(f"{path}/eaten", json={"session_id": session}).status_code == 405


# --- the stream, explanations, the catalogue ------------------------------------------------------------


def test_the_stream_brings_the_decisions_of_its_session_as_they_are_made(api: Api) -> None:
    session = own("stream")
    heard: list[Any] = []
    is_listening = threading.Event()

    def listen() -> None:
        with httpx.stream(
            "GET", f"http://{api.address}/v1/stream?session_id={session}", timeout=60
        ) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                is_listening.set()
                if line.startswith("data: "):
                    heard.append(json.loads(line.removeprefix("data: ")))
                if len(heard) == 2:
                    return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    assert is_listening.wait(60)
    api.recommend(own("another"), "i1")
    decided = [
        api.recommend(session, "i1", start_ms=at)["decision_id"]
        for at in (now_ms() - 5_000, now_ms())
    ]
    listener.join(60)
    assert [one["decision_id"] for one in heard] == decided
    assert {one["source"] for one in heard} == {"fresh"}
    wait_for(lambda: api.metric("kairos_api_streams") == 0)


def test_what_a_person_takes_back_is_gone_for_every_reader(api: Api) -> None:
    """Store, API and the open stream, from the event on that says so; what follows knows the visit alone."""
    session, person = own("takes-back"), own("somebody")
    mine = {"session_id": session, "anonymous_id": person}
    agrees = {"consent": ["personalisation", "analytics"]}
    made = api.recommend(session, "i1", "i2", anonymous_id=person, **agrees)
    store = open_store(api.engine.redis, "kairos")
    read = partial(store.read, person, "next_item", now_ms())
    # each of the two views was decided on
    wait_for(lambda: (found := read()) is not None and found.decision_id == made["decision_id"])
    heard: list[str] = []
    is_listening = threading.Event()

    def listen() -> None:
        address = f"http://{api.address}/v1/stream?session_id={session}"
        with httpx.stream("GET", address, timeout=60) as answer:
            for line in answer.iter_lines():
                is_listening.set()
                heard.append(line)
                if '"purged":true' in line:
                    break

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    assert is_listening.wait(60)
    stop = {"event_type": "consent_changed", "consent": [], "event_time_ms": now_ms(), **mine}
    assert api.post("/v1/events", stop, 202)["accepted"] == 1
    listener.join(60)
    assert 'data: {"placement":"next_item","purged":true}' in heard
    wait_for(lambda: read() is None)
    assert api.get(f"/v1/decisions/{person}/next_item")["source"] != "recent"
    asks = {"placements": ["home"], "budget_ms": PATIENT, "page": "/", **mine}
    (home,) = api.post("/v1/decisions", asks)["decisions"]
    assert (home["source"], home["arm"]) == ("fresh", {})
    assert home["items"], "the visit still ranks"


def test_a_decision_is_explained_as_on_the_command_line(api: Api) -> None:
    found = api.recommend(own("explained"), "i13")
    explained = wait_for(lambda: explanation(api, found["decision_id"]))
    assert explained["decision"]["decision_id"] == found["decision_id"]
    assert {"funnel", "action_funnel", "actions", "trace", "timing", "remark", "meanings"} <= set(
        explained
    )
    chosen = explained["actions"][0]
    assert (chosen["action_id"], chosen["verdict"]) == ("recommend_items", "chosen")
    assert "propensity" in chosen["words"]
    typed = api.engine.home.json("explain", found["decision_id"], "--json")
    assert typed["trace"] == explained["trace"]
    assert typed["actions"] == explained["actions"]
    assert "kairos explain" in api.get("/v1/explain/no-such", 404)["detail"]


def explanation(api: Api, decision_id: str) -> Any:
    """Once its trace is there, too."""
    found = api.client.get(f"/v1/explain/{decision_id}")
    return found.json() if found.status_code == 200 else None


def test_the_catalogue_can_be_looked_through(api: Api) -> None:
    page = api.get("/v1/items?limit=2&offset=1")
    assert len(page["items"]) == 2
    assert page["total"] >= 39
    in_category = api.get("/v1/items?category=Shop/C1")
    assert {one["category"] for one in in_category["items"]} == {"Shop/C1"}
    assert api.get("/v1/items?category=Shop")["total"] == page["total"]
    assert [one["item_id"] for one in api.get("/v1/items?ids=i9,i3,no-such")["items"]] == [
        "i9",
        "i3",
    ]
    assert api.get("/v1/items?q=ITEM+17")["items"][0]["item_id"] == "i17"
    assert api.get("/v1/items/i17")["name"] == "Item 17"
    categories = {
        one["category"]: one["items"] for one in api.get("/v1/catalogue/categories")["categories"]
    }
    assert set(categories) == {f"Shop/C{n}" for n in range(4)}


# --- how it is measured -----------------------------------------------------------------------------------


def test_every_answer_is_counted_by_its_rung(api: Api) -> None:
    line = 'kairos_api_answers_total{source="fresh"}'
    before = api.metric(line)
    api.recommend(own("counted"), "i14")
    assert api.metric(line) == before + 1
    assert api.metric('kairos_api_requests_total{endpoint="/api/recommendations",status="200"}') > 1


def test_metrics_tell_how_far_behind_the_engine_is_and_what_it_could_not_use(api: Api) -> None:
    lag = 'kairos_lag_records{reader="%s",topic="%s"}'
    wanted = [lag % ("decide", "events"), lag % ("learn", "events"), lag % ("store", "decisions")]
    wanted += ['kairos_dead_letters_total{reason="too_late"}']
    wanted += [
        'kairos_job_restarts_total{job="decide"}',
        'kairos_service_restarts_total{service="api"}',
        'kairos_learn_total{counter="outcomes"}',
    ]
    wait_for(lambda: all(f"{one} " in api.client.get("/metrics").text for one in wanted))
    wait_for(lambda: api.metric('kairos_engine_total{counter="decisions"}') > 0)


def test_many_sessions_at_once_each_get_their_own(api: Api) -> None:
    """Two answers for a session of its own each, from eight clients."""
    answers: list[tuple[str, Any]] = []

    def ask(client: int) -> None:
        for number in range(10):
            session = own(f"many-{client}-{number}")
            answers.append(
                (session, api.recommend(session, f"i{15 + number}", anonymous_id=session))
            )

    threads = [threading.Thread(target=ask, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(one["source"] for _, one in answers) == {"fresh": 80}
    assert len({one["decision_id"] for _, one in answers}) == 80
    for session, found in answers[::20]:
        wait_for(partial(is_stored, api, session, found["decision_id"]))


def is_stored(api: Api, session: str, decision_id: str) -> bool:
    return bool(stored(api, session)["decision_id"] == decision_id)
