"""Events of any name: what they count as by a policy, and what is said of those that nobody knows."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InvalidEvent
from schemas.events import EVENT_TYPES, Event
from schemas.own_events import KEEPS_MEANING, ROLES
from schemas.policy import Policy
from tests.builders import NOON, make_event, track
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import PolicyError, compile_policy
from udfs.session.give_meaning import give_meaning


def knowing(*events: dict[str, Any], **policy: Any) -> Knowledge:
    """A policy that says so of names."""
    knowledge = Knowledge()
    said = msgspec.convert({"events": events, **policy}, Policy)
    knowledge.add_policy("p", 0, 0, compile_policy(said))
    return knowledge


def meant(event: Event, knowledge: Knowledge) -> tuple[str, str, tuple[str, ...]]:
    found = give_meaning(event, knowledge)
    return found.event.event_type, found.own_name, found.counts


TAPPED = {"name": "tile_tapped", "role": "view", "fields": {"item_ids": "sku"}}


def tapped(**said: str) -> Event:
    return make_event(event_type="tile_tapped", properties=said)


def test_a_name_with_a_role_is_one_of_ours_in_everything() -> None:
    found = give_meaning(tapped(sku="s1", kind="shoe"), knowing(TAPPED))
    assert (found.event.event_type, found.own_name) == ("product_viewed", "tile_tapped")
    assert found.event.item_ids == ("s1",)
    assert found.event.properties == {"sku": "s1", "kind": "shoe"}
    assert found.counts == ()


def test_a_field_that_the_event_fills_itself_stays() -> None:
    event = msgspec.structs.replace(tapped(sku="s1"), item_ids=("own",))
    assert give_meaning(event, knowing(TAPPED)).event.item_ids == ("own",)


def test_what_no_policy_names_is_activity_and_counted() -> None:
    for knowledge in (Knowledge(), knowing(), knowing({"name": "other"})):
        assert meant(tapped(), knowledge) == ("tile_tapped", "", ("events_without_role",))


@pytest.mark.parametrize(
    "policy",
    [
        {"events": [{"name": "tile_tapped"}]},
        {"facts": [{"name": "taps", "event": "tile_tapped"}]},
        {"events": [{"name": "tile_tapped"}], "strict_events": True},
        {"facts": [{"name": "taps", "event": "tile_tapped"}], "strict_events": True},
    ],
)
def test_a_name_that_the_policy_knows_is_activity_in_silence(policy: dict[str, Any]) -> None:
    knowledge = Knowledge()
    knowledge.add_policy("p", 0, 0, compile_policy(msgspec.convert(policy, Policy)))
    assert meant(tapped(), knowledge) == ("tile_tapped", "", ())


def test_a_strict_policy_refuses_other_names_with_the_nearest() -> None:
    with pytest.raises(InvalidEvent) as refused:
        give_meaning(make_event(event_type="product_veiwed"), knowing(strict_events=True))
    assert refused.value.reason == "unknown_event_type"
    assert "`product_viewed` is meant?" in refused.value.message
    assert refused.value.event_time_ms == NOON
    letters = track(None, tapped(), knowing(strict_events=True)).dead_letters
    assert [one.reason for one in letters] == ["unknown_event_type"]


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_ours_stay_as_they_are_strict_or_not(event_type: str) -> None:
    event = make_event(event_type=event_type, person_id="p")
    for knowledge in (Knowledge(), knowing(strict_events=True), knowing(TAPPED)):
        assert give_meaning(event, knowledge).event is event


def test_of_several_entries_the_first_that_holds_counts() -> None:
    shoes = TAPPED | {"when": 'event.properties.kind == "shoe"'}
    far = {"name": "tile_tapped", "role": "click", "when": "event.value_amount > 3.0"}
    knowledge = knowing(shoes, far)
    assert meant(tapped(kind="shoe", sku="s"), knowledge)[0] == "product_viewed"
    event = msgspec.structs.replace(tapped(kind="pan"), value_amount=4.0)
    assert meant(event, knowledge)[0] == "element_clicked"
    # what reads something that is missing does not hold, and the name is known all the same
    assert meant(tapped(), knowledge) == ("tile_tapped", "", ())


def test_a_type_of_ours_may_mean_something_else_where_a_property_says_so() -> None:
    product = {"name": "page_viewed", "role": "view", "when": 'event.properties.kind == "product"', "fields": {"item_ids": "sku"}}  # fmt: skip
    event = make_event(event_type="page_viewed", properties={"kind": "product", "sku": "s"})
    assert meant(event, knowing(product)) == ("product_viewed", "page_viewed", ())
    assert meant(make_event(), knowing(product)) == ("page_viewed", "", ())


@pytest.mark.parametrize("role", sorted(ROLES))
def test_every_role_is_a_type_that_the_engine_knows(role: str) -> None:
    event = make_event(event_type="mine", person_id="p", item_ids=["i"], value_amount=0.5)
    found = give_meaning(event, knowing({"name": "mine", "role": role}))
    assert found.event.event_type == ROLES[role]  # type: ignore[index]  # it is one
    assert found.event.event_type in EVENT_TYPES - {"clock_ticked", "erasure_requested"}


def test_nobody_signs_in_by_a_name_of_a_page() -> None:
    """The door asks for a signed token where a page says `identified`; of another name it cannot know that it does."""
    login = knowing({"name": "login", "role": "identify", "fields": {"person_id": "user"}})
    said = make_event(event_type="login", properties={"user": "ada"}, is_unproven=True)
    assert meant(said, login) == ("login", "", ("roles_unproven",))
    result = track(None, said, login)
    assert [one.person for one in result.news] == ["a1"]
    proven = msgspec.structs.replace(said, is_unproven=False)
    assert [one.person for one in track(None, proven, login).news][-1] == "ada"


@pytest.mark.parametrize("user", ["null", "undefined", ""])
def test_who_signs_in_as_nobody_by_a_role_is_refused(user: str) -> None:
    login = knowing({"name": "login", "role": "identify", "fields": {"person_id": "user"}})
    with pytest.raises(InvalidEvent):
        give_meaning(make_event(event_type="login", properties={"user": user}), login)


def test_money_without_proof_is_none_whatever_it_is_called() -> None:
    bought = {"name": "bought", "role": "convert", "fields": {"value_amount": "total"}}
    event = make_event(event_type="bought", properties={"total": "9.5"}, is_unproven=True)
    news = track(None, event, knowing(bought)).news[-1]
    assert news.event is not None
    assert (news.event.event_type, news.event.value_amount) == ("purchase_completed", None)
    proven = msgspec.structs.replace(event, is_unproven=False)
    news = track(None, proven, knowing(bought)).news[-1]
    assert news.event is not None
    assert news.event.value_amount == 9.5


@pytest.mark.parametrize(
    ("field", "said", "wanted"),
    [
        ("quantity", "3", 3), ("quantity", "3.0", 3), ("quantity", "3.5", None), ("quantity", "-1", None),
        ("price", "19.99", 19.99), ("price", "19,99", None), ("price", "1.299,00", None), ("price", "NaN", None),
        ("price", "1_000", None), ("price", "\uff11", None), ("price", "1e999", None), ("price", "", None), ("price", "true", None),
        ("value_amount", "-2", -2.0), ("value_amount", "1e13", None), ("item_ids", "", None), ("item_ids", "x" * 300, None),
        ("query", "red shoes", "red shoes"), ("item_ids", "a,b", ("a,b",)), ("category", "Shop/Shoes", "Shop/Shoes"),
    ],
)  # fmt: skip
def test_a_property_is_what_the_field_is_or_a_dead_letter(
    field: str, said: str, wanted: object
) -> None:
    knowledge = knowing({"name": "mine", "role": "view", "fields": {field: "p"}})
    event = make_event(event_type="mine", properties={"p": said})
    if wanted is None:
        with pytest.raises(InvalidEvent) as refused:
            give_meaning(event, knowledge)
        assert refused.value.reason == "invalid_value"
        assert field in refused.value.message
        assert "'mine'" in refused.value.message
    else:
        assert getattr(give_meaning(event, knowledge).event, field) == wanted


@given(st.text(min_size=1, max_size=100))
def test_any_name_that_can_be_read_is_taken_and_no_other(name: str) -> None:
    if name.isprintable():
        assert len(track(None, make_event(event_type=name), knowing(TAPPED)).news) == 1
    else:
        with pytest.raises(InvalidEvent, match="nobody can read"):
            make_event(event_type=name)


def test_what_is_sensitive_does_not_come_in_by_a_property_that_names_it() -> None:
    knowledge = knowing(
        {"name": "told", "role": "profile", "fields": {"attribute": "what", "value": "how"}}, sensitive_attributes=["faith"],
    )  # fmt: skip
    event = make_event(event_type="told", properties={"what": "Faith", "how": "none"})
    found = give_meaning(event, knowledge).event
    assert (found.event_type, found.attribute, found.value) == ("profile_updated", None, None)
    event = make_event(event_type="told", properties={"what": "tier", "how": "gold"})
    found = give_meaning(event, knowledge).event
    assert (found.attribute, found.value) == ("tier", "gold")


def test_a_policy_of_later_does_not_say_what_was_meant_before() -> None:
    knowledge = Knowledge()
    for position, policy in enumerate(({}, {"events": [TAPPED]})):
        from_ms = NOON * position
        knowledge.add_policy(f"p{position}", from_ms, position, compile_policy(msgspec.convert(policy, Policy)))  # fmt: skip
    before = msgspec.structs.replace(tapped(sku="s"), event_time_ms=NOON - 1)
    assert meant(before, knowledge)[0] == "tile_tapped"
    assert meant(tapped(sku="s"), knowledge)[0] == "product_viewed"


# --- mistakes of a policy -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "place", "message"),
    [
        ({"events": [{"name": "x", "fields": {"item_ids": "sku"}}]}, "events[0].fields", "without a role"),
        ({"events": [TAPPED, TAPPED]}, "events[1]", "never does"),
        ({"events": [TAPPED | {"when": "event.nothing == 1"}]}, "events[0].when", "event.nothing"),
        ({"events": [TAPPED | {"when": "session.events > 1"}]}, "events[0].when", "session.events"),
        ({"events": [TAPPED], "sensitive_attributes": ["sku"]}, "events[0].fields.item_ids", "sensitive"),
        ({"placements": [{"name": "p", "event_types": ["tile_taped"]}], "events": [TAPPED]}, "placements[0].event_types[0]", "'tile_tapped'"),
        ({"facts": [{"name": "a", "event": "x", "how": "sum"}]}, "facts[0]", "needs a `property`"),
        ({"facts": [{"name": "a", "event": "x", "how": "sum", "property": "query"}]}, "facts[0].property", "is a text"),
        ({"facts": [{"name": "a", "event": "x", "kind": "text"}]}, "facts[0].kind", "`last`"),
        ({"facts": [{"name": "a", "event": "x"}, {"name": "a", "event": "y"}]}, "facts[1].name", "2 times"),
        ({"facts": [{"name": "a", "event": "x", "column": 1}, {"name": "b", "event": "y", "column": 1}]}, "facts[1].column", "'a'"),
        ({"facts": [{"name": "a", "event": "x", "how": "last", "property": "faith"}], "sensitive_attributes": ["faith"]}, "facts[0].property", "sensitive"),
        ({"segments": [{"name": "s", "when": "fact.a > 1"}]}, "segments[0].when", "fact.a"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(
    policy: dict[str, Any], place: str, message: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        compile_policy(msgspec.convert(policy, Policy))
    assert any(str(one).startswith(f"{place}: ") and message in str(one) for one in refused.value.mistakes)  # fmt: skip


@pytest.mark.parametrize("name", sorted(KEEPS_MEANING))
def test_what_holds_for_everybody_keeps_its_meaning(name: str) -> None:
    with pytest.raises(PolicyError, match="is what it is"):
        knowing({"name": name, "role": "page"})


@pytest.mark.parametrize("change", [{"events": [TAPPED]}, {"strict_events": True}, {"facts": {"a": {"event": "x"}}}])  # fmt: skip
def test_no_arm_says_what_events_mean(change: dict[str, Any]) -> None:
    arms = [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5, "changes": change}]
    with pytest.raises(PolicyError, match="what events mean"):
        compile_policy(msgspec.convert({"experiments": [{"name": "e", "arms": arms}]}, Policy))


def test_a_fact_of_a_name_that_is_nearly_ours_is_warned_of() -> None:
    facts = [{"name": "a", "event": "purchase_complete"}, {"name": "b", "event": "level_completed"}]
    warned = compile_policy(msgspec.convert({"facts": facts}, Policy)).warnings
    assert [str(one) for one in warned] == [
        "facts[0].event: 'purchase_complete' is none of our types: is 'purchase_completed' meant?"
    ]
