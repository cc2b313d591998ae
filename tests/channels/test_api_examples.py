"""The examples of the API's document fit the demo shop and each other, so that they run as they stand."""

import re
from collections.abc import Iterator
from typing import Any, Final, get_args

import msgspec

from channels.api import examples
from channels.api.bodies import Reaction, ReactionIn
from channels.api.declaring import GROUPS
from channels.api.names import read_request
from channels.api.openapi import document
from channels.api.read_events import Sender, read_events
from jobs.config import PROJECT, config_from
from schemas.decisions import Decision
from schemas.events import SENT_TYPES
from schemas.formats.field_names import Notices
from scripts.files.item_files import read_items
from scripts.files.try_files import Trial, World
from scripts.policy.policy_file import read_policy
from tests.channels.operations import OPERATIONS
from tests.scripts.scenarios import FOLDER

SHOP: Final = FOLDER / "shop"
NOW_MS: Final = 1_800_000_000_000


def ids_in(value: object) -> Iterator[str]:
    """Every item id in a body."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "item_id":
                yield inner
            elif name == "item_ids":
                yield from inner
            else:
                yield from ids_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from ids_in(inner)


def bodies() -> list[dict[str, Any]]:
    return [
        one["value"]
        for operation in OPERATIONS
        for content in operation.told.get("requestBody", {}).get("content", {}).values()
        for one in content["examples"].values()
    ]


def test_every_item_and_place_of_the_examples_is_of_the_shop() -> None:
    items = {one.item_id: one for one in read_items(SHOP / "items.jsonl")}
    articles = {one.item_id for one in read_items(SHOP / "articles.jsonl")}
    policy = read_policy(SHOP / "policy.yaml")
    named = set(ids_in(bodies())) | {examples.ITEM}
    assert named - items.keys() - articles == set()
    assert items[examples.ITEM].category == examples.CATEGORY
    places = {
        one for body in bodies() for one in (*body.get("placements", ()), body.get("placement"))
    }
    assert places - {None} <= {one.name for one in policy.placements}


def test_the_decision_that_the_examples_speak_of_is_the_one_that_the_shop_makes() -> None:
    sender = Sender(examples.SESSION, examples.PERSON)
    events = read_events(examples.DECIDED["events"], sender, NOW_MS).events
    world = World(SHOP / "items.jsonl", read_policy(SHOP / "policy.yaml"))
    made: dict[str, Decision] = {}
    for step in Trial(events, world, config_from({})).run():
        made |= {decision.decision_id: decision for decision, _ in step.decisions}
    decision = made[examples.DECISION]
    assert decision.items
    assert decision.person == examples.PERSON
    assert decision.placement == examples.REACTED["placement"]
    assert decision.action_id == examples.REACTED["action_id"]


def test_every_endpoint_has_a_group_and_what_it_needs_an_example() -> None:
    assert [one["name"] for one in document()["tags"]] == list(GROUPS)
    for one in OPERATIONS:
        assert len(one.told["tags"]) == 1
        assert one.told["tags"][0] in GROUPS
        for parameter in one.told.get("parameters", ()):
            if parameter["in"] == "path":
                assert parameter["schema"]["example"], (one.path, parameter["name"])


def test_the_page_has_an_event_of_every_type() -> None:
    types = {one.get("event_type") for one in examples.EVENTS.values()}
    assert types - {None} == SENT_TYPES


def test_the_body_of_a_reaction_in_the_documentation_is_one() -> None:
    page = (PROJECT / "docs" / "channels.md").read_text()
    (section,) = re.findall(r"^### What became of a decision$.*?^### ", page, re.M | re.S)
    body = msgspec.json.decode(section.split("```json\n")[1].split("```")[0])
    given = read_request(ReactionIn, body, Notices(), is_strict=True)
    assert msgspec.to_builtins(given).keys() == body.keys(), "every field that there is"
    for one in get_args(Reaction):
        assert f"`POST /v1/decisions/ID/{one}`" in section
