"""Offers by form on the console: previewed, published and taken back on the policy that a change would follow."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from channels.api.audit_log import Actor
from channels.console.offer_bodies import OfferBack, OfferChange, OfferForm, Who
from jobs.config import PROJECT, config_from
from jobs.publish import AHEAD_MS, now_ms
from schemas.errors import ConfigError
from schemas.policy import ContextWeight, Policy
from scripts.change import Change
from scripts.ops import console_versions
from scripts.ops.audited_change import Audited
from scripts.ops.console_offers import ConsoleOffers
from scripts.policy import policy_versions
from scripts.policy.policy_file import check_policy
from scripts.policy.policy_versions import Draft, PolicyVersion

SHOP = check_policy(PROJECT / "scripts" / "demo_data" / "shop" / "policy.yaml").policy
ANNA = Actor("anna", "marketer", "127.0.0.1")
NEW = OfferForm(id="autumn", placements=("offer_bar",), content={"title": {"en": "Autumn sale"}})


class Desk(ConsoleOffers):
    """Of a Kafka that holds `found`; what is published comes into force in AHEAD_MS, as there."""

    def __init__(self, home: Path, found: list[PolicyVersion]) -> None:
        super().__init__(config_from({"KAIROS_HOME": str(home)}), "nowhere:1")
        self.found = found
        self.notes: list[tuple[str, str]] = []

    def publish(self, audited: Audited, versions: list[PolicyVersion], draft: Draft) -> Change:
        policy_versions.check_new(versions, draft, None)
        self.notes.append((audited.actor.who, draft.note))
        at_ms = now_ms() + AHEAD_MS
        self.found.append(version(at_ms, draft.version, draft.policy))
        return Change(draft.version, at_ms, versions[-1].version, None, "record")


def version(from_ms: int, name: str, policy: Policy) -> PolicyVersion:
    return PolicyVersion(from_ms, from_ms, name, "default", policy, author="berta")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The shop's policy is live."""
    desk = Desk(tmp_path, [version(1, "v1", SHOP)])
    monkeypatch.setattr(console_versions, "read_to_end", lambda *_: [])
    monkeypatch.setattr(policy_versions, "announced", lambda *_: list(desk.found))
    monkeypatch.setattr(policy_versions, "versions_in", lambda *_: list(desk.found))
    monkeypatch.setattr(
        console_versions,
        "change_policy",
        lambda a, _, found, draft, __: desk.publish(a, found, draft),
    )
    monkeypatch.setattr(Desk, "_log", lambda _: None)
    return desk


def change(
    offer: OfferForm = NEW, base: str = "v1", *, is_new: bool = True, note: str = "for November"
) -> OfferChange:
    return OfferChange(base, offer, is_new, note)


def form_in(desk: Desk, action_id: str) -> OfferForm:
    found = [one["form"] for one in desk.offers()["offers"] if one["form"]["id"] == action_id]
    return msgspec.convert(found[0], OfferForm)


def test_the_page_has_all_that_a_form_chooses_from(desk: Desk) -> None:
    found = desk.offers()
    assert (found["base"], found["languages"], found["time_zone"]) == (
        "v1",
        ["en", "de"],
        "Europe/Berlin",
    )
    assert [one["form"]["id"] for one in found["offers"]] == [
        "shoe_finder", "cart_recovery", "express_shipping", "offer_chat", "what_we_assume",
    ]  # fmt: skip
    choices = {one["of"]: one for one in found["choices"]}
    assert choices["segment.full_cart"]["hows"] == ("is", "is_not")
    assert (
        choices["session.cart_value"]["meaning"] == "value of the cart, as far as prices are known"
    )
    assert json.dumps(found), "it is what a browser reads"


def test_a_preview_shows_the_card_and_what_would_change_and_publishes_nothing(desk: Desk) -> None:
    found = desk.preview_offer(change(replace(NEW, reason={"en": "Autumn", "de": "Herbst"})))
    assert found["is_ok"]
    assert found["cards"] == [
        {"language": "en", "content": {"title": "Autumn sale"}, "reason": "Autumn", "placements": ["offer_bar"], "needs_consent": True},
        {"language": "de", "content": {}, "reason": "Herbst", "placements": ["offer_bar"], "needs_consent": True},
    ]  # fmt: skip
    (said,) = found["changes"]
    assert said.startswith("+ actions[autumn]")
    assert desk.notes == []


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"times": "many"}, "times", "a whole number"),
        ({"times": "33"}, "times", "at most 32"),
        ({"id": "a name"}, "id", "is no name"),
        ({"content": {"title": {"en": "{session.nope}"}}}, "content.title.en", "there is no {session.nope}"),
        ({"reason": {"de": "Herbst"}}, "reason.en", "no text in the policy's language"),
        ({"content": {"image": {"en": "javascript:1"}}}, "content.image.en", "a link is"),
        ({"starts": "2026-12-02T09:00", "ends": "2026-12-01T09:00"}, "ends", "ends before it starts"),
        ({"starts": "0001-01-01T00:00"}, "starts", "a day and time"),
        ({"ends": "9999-12-31T23:59"}, "ends", "a day and time"),
        ({"within_days": "0"}, "within_days", "expected"),
        ({"per_day": "", "total": "999999999999"}, "total", "at most 1,000,000,000"),
        ({"placements": ("nowhere",)}, "placements", "there is no placement"),
        ({"who": (Who("person.is_new"), Who("session.page", "is", "\x01" * 2048))}, "who.1", "of at most 4,000"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_field_before_and_nothing_is_published(
    desk: Desk, fields: dict[str, Any], field: str, said: str
) -> None:
    offer = change(replace(NEW, **fields))
    found = desk.preview_offer(offer)
    assert not found["is_ok"]
    assert said in found["faults"][field]
    with pytest.raises(ConfigError):
        desk.publish_offer(ANNA, offer)
    assert desk.notes == []


def test_an_offer_is_published_changed_and_taken_back_at_once(desk: Desk) -> None:
    """None of these waits for the one before to be in force."""
    published = desk.publish_offer(ANNA, change())
    assert published["replaces"] == "v1"
    assert form_in(desk, "autumn").content == NEW.content
    dearer = replace(form_in(desk, "autumn"), value="7")
    again = desk.publish_offer(ANNA, change(dearer, published["version"], is_new=False, note=""))
    assert form_in(desk, "autumn").value == "7"
    desk.take_back_offer(ANNA, OfferBack(again["version"], "autumn", "sold out"))
    assert desk.found[-1].policy == SHOP
    assert desk.notes == [("anna", "for November"), ("anna", ""), ("anna", "sold out")]


def test_what_was_published_a_moment_ago_is_undone_by_going_back(desk: Desk) -> None:
    desk.publish_offer(ANNA, change())
    desk.roll_back_policy(ANNA, "")
    assert desk.found[-1].policy == SHOP


def test_a_form_that_began_with_another_policy_changes_nothing(desk: Desk) -> None:
    desk.found.append(version(2, "v2", replace(SHOP, currency="SEK")))
    attempts: tuple[Callable[[], object], ...] = (
        lambda: desk.preview_offer(change()),
        lambda: desk.publish_offer(ANNA, change()),
        lambda: desk.take_back_offer(ANNA, OfferBack("v1", "express_shipping")),
    )
    for attempt in attempts:
        with pytest.raises(ConfigError, match=r"changed meanwhile \(v2 by berta\)"):
            attempt()
    assert desk.notes == []


def test_an_offer_that_the_policy_names_elsewhere_is_not_taken_back_by_itself(desk: Desk) -> None:
    weight = ContextWeight("more", "person.is_new", 2.0, ("express_shipping",))
    desk.found[0] = version(1, "v1", replace(SHOP, context_weights=(weight,)))
    with pytest.raises(ConfigError, match=r"names it elsewhere, too \(context_weights\[0\]"):
        desk.take_back_offer(ANNA, OfferBack("v1", "express_shipping"))
    assert desk.notes == []
