"""The console on the running engine: what it shows is what happened, what it changes is changed and written down."""

import json
import re
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from channels.api.audit_log import verify
from jobs.publish import Log, now_ms
from schemas.topics import EVENTS
from tests.builders import make_event
from tests.e2e.homes import Decisions, Engine, send_odd, wait_for

pytestmark = pytest.mark.e2e
SESSION, VISITOR = "console-s1", "console-a1"
VIEWS = 5


class Page(NamedTuple):
    """The console's page in some browser."""

    address: str

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of one request, sent as the page sends it."""
        host, _, port = self.address.rpartition(":")
        connection = HTTPConnection(host, int(port), timeout=30)
        headers = {"Content-Type": "application/json"}
        if method == "POST":
            headers["X-Kairos-Csrf"] = self.get("me")["csrf"]
        try:
            connection.request(
                method, f"/console/api/{path}", None if body is None else json.dumps(body), headers
            )
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def get(self, path: str, **query: str) -> Any:
        """What is shown."""
        status, found = self.ask("GET", f"{path}?{urlencode(query)}")
        assert status == 200, found
        return found

    def post(self, path: str, **body: Any) -> Any:
        """What a change says."""
        status, found = self.ask("POST", path, body)
        assert status == 200, found
        return found


@pytest.fixture(scope="module")
def page(engine: Engine) -> Page:
    return Page(engine.home.status()["api"]["address"])


@pytest.fixture(scope="module")
def decision_id(engine: Engine, page: Page) -> str:
    """A visitor has looked at some items, and one record was broken; the id of their last decision."""
    log = Log(engine.kafka)
    for n in range(VIEWS):
        at_ms = now_ms()
        log.event(
            make_event(
                event_id=f"console-e{n}", event_type="product_viewed", event_time_ms=at_ms,
                session_id=SESSION, anonymous_id=VISITOR, item_ids=(f"i{n}",), sent_at_ms=at_ms,
            )
        )  # fmt: skip
    log.raw(EVENTS, SESSION, b"console: not an event", now_ms())
    log.flush()
    with Decisions(engine.kafka) as decisions:
        decision = decisions.of(f"console-e{VIEWS - 1}")
    wait_for(lambda: page.ask("GET", f"decision?decision_id={decision.decision_id}")[0] == 200)
    return decision.decision_id


def test_it_shows_what_is_live_and_what_runs(page: Page, decision_id: str) -> None:
    found = page.get("live")
    assert {one["state"] for one in found["services"].values()} == {"up"}
    assert found["policy"]["version"] == found["history"][0]["version"]
    assert found["history"][0]["state"] == "live"
    assert decision_id
    assert any(one["policy"] == found["policy"]["version"] for one in found["versions"])


def test_it_counts_decisions_by_action_and_measures_each_hop(page: Page, decision_id: str) -> None:
    found = page.get("traffic")
    assert found["decisions"] >= VIEWS
    assert sum(found["actions"].values()) == found["decisions"] == sum(found["placements"].values())
    assert sum(one["decisions"] for one in found["buckets"]) == found["decisions"]
    assert wait_for(lambda: page.get("traffic")["counts"].get("decisions", 0) >= VIEWS)
    hops = {one["hop"]: one for one in page.get("traffic")["hops"]}
    for hop in ("event sent → decision in Kafka", "event sent → decision in the store"):
        latency = hops[hop]["latency_ms"]
        assert latency["samples"] >= VIEWS
        assert 0 <= latency["p50"] <= latency["p90"] <= latency["p99"]
        assert hops[hop]["budget_ms"]["p99"] == 50


def test_dead_letters_stand_there_with_reason_and_place(page: Page, decision_id: str) -> None:
    letter = wait_for(
        lambda: next(
            (one for one in page.get("letters")["letters"] if one["raw"].startswith("console:")),
            None,
        )
    )
    assert letter["reason"] == "not_single_object"
    assert letter["place"].startswith("events/")
    assert page.get("letters")["recent"]["not_single_object"] >= 1


def test_dead_letters_of_one_reason_are_mended_and_decided_once(engine: Engine, page: Page) -> None:
    send_odd(Log(engine.kafka), "console")
    kind = {"reason": "invalid_value", "topic": "events"}
    counted = wait_for(lambda: _kind(page, **kind))
    before = counted["replayed"]
    edits = kind | {"values": ["event_type=product_viewed"]}
    shown = page.post("letters/repair", **edits)["shown"]
    odd_one = next(one for one in shown if any("viewed" in line for line in one["differences"]))
    assert (odd_one["is_event"], odd_one["differences"][-1]) == (True, '+ event_type: "product_viewed"')  # fmt: skip
    assert page.post("letters/replay", **edits)["sent"] >= 1
    assert page.post("letters/replay", **edits)["sent"] == 0
    with Decisions(engine.kafka) as decisions:
        assert decisions.of("console-odd").person == "console-a"
    assert wait_for(lambda: _kind(page, **kind)["replayed"] > before)
    status, refused = page.ask("POST", "letters/replay", kind | {"renames": ["nothing"]})
    assert (status, "OLD=NEW" in refused["detail"]) == (409, True)


def _kind(page: Page, reason: str, topic: str) -> Any:
    kinds = page.get("letters/kinds")["kinds"]
    return next((one for one in kinds if (one["reason"], one["topic"]) == (reason, topic)), None)


@pytest.mark.parametrize("named", [VISITOR, SESSION])
def test_a_person_is_found_by_id_or_session(page: Page, decision_id: str, named: str) -> None:
    found = wait_for(lambda: _known(page, named))
    assert found["person"] == VISITOR
    assert found["is_session"] == (named == SESSION)
    assert decision_id in [one["decision_id"] for one in found["decisions"]]
    (seen,) = [one for one in found["sees"] if one["placement"] == "next_item"]
    assert seen["decision_id"] == decision_id
    times = [one["event_time_ms"] for one in found["decisions"]]
    assert times == sorted(times, reverse=True)


def _known(page: Page, named: str) -> Any:
    status, found = page.ask("GET", f"person?named={named}")
    return found if status == 200 else None


def test_what_became_of_each_action_today_is_counted_in_the_log(
    page: Page, decision_id: str
) -> None:
    wait_for(lambda: page.get("today")["decisions"] >= VIEWS)
    found = page.get("today")
    assert found["is_whole"]
    chosen = page.get("decision", decision_id=decision_id)["action_id"]
    rows = {one["action"]: one for one in found["actions"]}
    assert rows[chosen]["chosen"] >= VIEWS
    for one in rows.values():
        dropped = sum(rule["count"] for rule in one["dropped"])
        assert one["competed"] == one["chosen"] + one["outweighed"] + dropped
    assert found["budgets"] == []
    assert found["people"] >= 1
    assert (found["limits"], found["limited_decisions"]) == ({}, 0), (
        "the default policy limits nothing"
    )
    assert page.get("limits", person=VISITOR)["limits"] == []


def test_the_catalogue_is_there_to_look_through(page: Page) -> None:
    found = page.get("catalogue", words="item 39")
    assert [one["item_id"] for one in found["items"]] == ["i39"]
    whole = page.get("catalogue")
    assert (whole["total"], whole["all"], len(whole["items"])) == (40, 40, 40)
    assert page.get("catalogue", offset="39")["items"][0]["item_id"] == "i39"


def test_the_newest_decisions_are_there_to_click_and_called_by_names(
    page: Page, decision_id: str
) -> None:
    found = page.get("recent")
    row = next(one for one in found["decisions"] if one["decision_id"] == decision_id)
    assert row["person"] == VISITOR
    assert row["items"]
    assert {found["names"][one] for one in row["items"]} == {
        f"Item {one[1:]}" for one in row["items"]
    }
    assert found["names"][row["versions"]["policy"]] == "default of the beginning"
    for answer in (
        page.get("person", named=VISITOR),
        page.get("decision", decision_id=decision_id),
    ):
        assert answer["names"].items() >= {one: found["names"][one] for one in row["items"]}.items()


def test_a_decision_tells_its_funnel_and_why(engine: Engine, page: Page, decision_id: str) -> None:
    found = wait_for(lambda: _traced(page, decision_id))
    said = engine.home.json("explain", decision_id, "--json")
    assert found["person"] == VISITOR
    assert found["action_funnel"] == said["action_funnel"]
    assert found["sources"] == said["funnel"]
    chosen = [one["action_id"] for one in found["actions"] if one["verdict"] == "chosen"]
    assert chosen == [found["action_id"]]
    assert all(one["why"] for one in found["actions"])
    places = [one["item_id"] for one in found["candidates"] if one["place"]]
    assert places == [one["item_id"] for one in found["slate"]]
    assert found["candidates"][0]["features"]


def _traced(page: Page, decision_id: str) -> Any:
    found = page.get("decision", decision_id=decision_id)
    return found if found["has_trace"] else None


def test_why_not_says_what_the_command_says(engine: Engine, page: Page, decision_id: str) -> None:
    actions = {one["action_id"] for one in wait_for(lambda: _traced(page, decision_id))["actions"]}
    action = "nothing" if "nothing" in actions else sorted(actions)[0]
    found = page.get("why-not", person=VISITOR, action=action)
    said = engine.home.json("why-not", VISITOR, action, "--json")
    assert found["sentence"] == said["sentence"]
    other = page.get("why-not", person=VISITOR, action="no_such_action")["sentence"]
    assert "no_such_action competed in none of the last" in other
    assert page.ask("GET", "why-not?person=nobody&action=nothing")[0] == 404


def test_how_many_people_meet_an_offer_is_counted_on_the_log(page: Page, decision_id: str) -> None:
    """In a process of its own, before anything is published."""
    assert decision_id
    base = page.get("offers")["base"]
    offer = {
        "id": "sale", "placements": ["next_item"], "content": {"title": {"en": "Sale"}}, "needs_consent": False,
        "who": [{"of": "session.views_30min", "how": "at_least", "value": str(VIEWS)}],
    }  # fmt: skip
    said = page.post("offers/reach", base=base, offer=offer, is_new=True)["sentence"]
    assert re.match(r"1 of the last \d+ (person|people) met this \(", said), said
    never = offer | {"who": [{"of": "session.views_30min", "how": "above", "value": "999"}]}
    said = page.post("offers/reach", base=base, offer=never, is_new=True)["sentence"]
    assert said.startswith("0 of the last "), said
    assert page.get("offers")["base"] == base


def test_what_a_draft_would_decide_otherwise_is_counted_on_the_log(
    page: Page, decision_id: str
) -> None:
    assert decision_id
    text = page.get("policy")["text"]
    draft = f"{text}actions:\n  - {{id: sale, kind: offer, value: 1000000, placements: [next_item], treatments: [{{id: t}}]}}\n"
    assert page.post("policy/check", text=draft)["is_ok"]
    found = page.post("policy/what-if", text=draft)
    assert found["compared"] >= VIEWS
    (move,) = found["moves"]
    assert (move["placement"], move["live"], move["draft"]) == (
        "next_item",
        "recommend_items",
        "sale",
    )
    assert move["count"] == found["differing"] >= VIEWS
    same = page.post("policy/what-if", text=f"{text}currency: SEK\n")
    assert (same["compared"], same["differing"]) == (found["compared"], 0)


def test_a_policy_with_a_mistake_is_shown_with_its_line_and_not_published(page: Page) -> None:
    text = page.get("policy")["text"] + "no_such_field: 1\n"
    found = page.post("policy/check", text=text)
    assert not found["is_ok"]
    assert found["mistakes"][0]["line"] == len(text.splitlines())
    before = page.get("live")["history"]
    assert page.ask("POST", "policy/publish", {"text": text})[0] == 409
    assert page.get("live")["history"] == before


def test_a_policy_is_published_and_taken_back_and_both_are_written_down(
    engine: Engine, page: Page
) -> None:
    before = page.get("live")["policy"]["version"]
    text = page.get("policy")["text"] + "currency: SEK\n"
    assert page.post("policy/check", text=text)["changes"] == ['~ currency: "EUR" -> "SEK"']
    published = page.post("policy/publish", text=text)
    assert published["replaces"] == before
    _wait_for_live(page, published["version"])
    history = engine.home.json("policy", "history", "--json")
    assert history[0]["version"] == published["version"]
    assert page.ask("POST", "policy/publish", {"text": text})[0] == 409  # it is live already
    back = page.post("policy/rollback", version="")
    assert (back["version"], back["replaces"]) == (before, published["version"])
    _wait_for_live(page, before)
    entries = [one for one in page.get("audit")["entries"] if one["what"].startswith("policy")]
    done = [(one["what"], one["details"]["version"]) for one in entries if one["outcome"] == "done"]
    assert done[:2] == [("policy rollback", before), ("policy publish", published["version"])]
    assert entries[0]["begun_ms"] <= entries[0]["at_ms"]
    assert [one["what"] for one in entries[:2]] == ["policy rollback", "policy publish"], (
        "each once"
    )
    assert {one["address"] for one in entries[:4]} == {"127.0.0.1"}


def _wait_for_live(page: Page, version: str) -> None:
    deadline_s = time.monotonic() + 30
    while page.get("live")["policy"]["version"] != version:
        assert time.monotonic() < deadline_s


def test_a_model_that_is_not_there_is_not_published(page: Page) -> None:
    for version in ("none", "../../etc/passwd", "x.model"):
        status, found = page.ask("POST", "models/publish", {"version": version})
        assert status == 409
        assert found["detail"]


def test_the_audit_log_is_whole_and_commands_write_into_it_too(
    engine: Engine, page: Page, tmp_path: Path
) -> None:
    assert page.get("audit")["is_whole"]
    keys = tmp_path / "keys.yaml"
    made = engine.home.json(
        "key", "create", "--name", "anna", "--role", "viewer", "--file", str(keys), "--json"
    )
    assert made["key"] not in keys.read_text()
    assert engine.home.kairos("key", "revoke", "anna", "--file", str(keys)).returncode == 0
    newest = engine.home.json("key", "audit", "--json")[0]
    assert (newest["what"], newest["outcome"], newest["role"]) == (
        "key revoke",
        "done",
        "command line",
    )
    found = engine.home.json("key", "audit", "--verify", "--json")
    assert found["faults"] == []
    log = engine.home.path / "audit.jsonl"
    assert verify(log, found["head"]).faults == []
    text = log.read_text()
    log.write_text(text.replace("anna", "bert", 1))
    try:
        tampered = engine.home.kairos("key", "audit", "--verify")
        assert tampered.returncode == 1
        assert "was altered" in tampered.stdout
        assert not page.get("audit")["is_whole"]
    finally:
        log.write_text(text)
