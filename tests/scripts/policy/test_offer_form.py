"""One offer as a form and back: what was not touched stays to the last digit, and each mistake is told at its field."""

from typing import Any

import pytest
from msgspec.structs import replace

from channels.console.offer_bodies import OfferForm, Who
from jobs.config import PROJECT
from schemas.actions import Action, Limits, Requirement
from schemas.errors import ConfigError
from schemas.limits import DAY_MS, MINUTE_MS
from schemas.policy import Policy
from scripts.policy.offer_form import (
    FormFaults,
    form_of,
    offers_in,
    with_offer,
    without_offer,
)
from scripts.policy.offer_rows import Row, Unsaid, condition_of, name_of, row_of, types_of
from scripts.policy.offer_who import kept_of
from scripts.policy.policy_file import check_policy
from scripts.policy.policy_text import difference_text, differences, policy_yaml

SHOP = check_policy(PROJECT / "scripts" / "demo_data" / "shop" / "policy.yaml").policy
NEW = OfferForm(
    id="autumn",
    placements=("offer_bar",),
    content={"title": {"en": "Autumn sale", "de": " "}},
    who=(Who("segment.full_cart"), Who("session.cart_value", "at_least", "50")),
)
TYPES = types_of(SHOP)


def action_of(policy: Policy, action_id: str) -> Action:
    return next(one for one in policy.actions if one.id == action_id)


def changed(action_id: str = "express_shipping", **fields: Any) -> list[str]:
    """What an offer's form with other fields changes in the policy."""
    form = replace(form_of(action_of(SHOP, action_id), SHOP), **fields)
    made = with_offer(SHOP, form, is_new=False).policy
    assert check_policy(policy_yaml(made)).policy == made
    return [difference_text(one) for one in differences(SHOP, made)]


@pytest.mark.parametrize("action_id", [one.id for one in offers_in(SHOP)])
def test_a_form_in_which_nothing_was_typed_changes_nothing(action_id: str) -> None:
    assert changed(action_id) == []


def test_what_the_form_shows_rounded_or_in_its_own_words_stays_as_it_is_written() -> None:
    limits = Limits(times=2, within_ms=7 * MINUTE_MS + 1, cool_down_ms=100)
    odd = replace(
        action_of(SHOP, "express_shipping"), value=1 / 3, limits=limits, starts_ms=1_700_000_000_123,
        eligibility=(Requirement("dear", "session.cart_value  >=  50.00"),),
    )  # fmt: skip
    policy = replace(SHOP, actions=(odd,))
    form = form_of(odd, policy)
    assert form.starts == "2023-11-14T23:13"
    assert form.who[0] == Who("session.cart_value", "at_least", "50.00", "eligibility/dear")
    assert with_offer(policy, form, is_new=False).policy == policy


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"value": "4.5"}, "~ actions[express_shipping].value: 4.0 -> 4.5"),
        ({"times": "3"}, "~ actions[express_shipping].limits.times: 1 -> 3"),
        ({"within_days": "7"}, '~ actions[express_shipping].limits.within: "90 d" -> "7 d"'),
        ({"cool_down_hours": "1.5"}, '~ actions[express_shipping].limits.cool_down: "0 s" -> "90 min"'),
        ({"never_after_click": True}, "~ actions[express_shipping].limits.never_after_click: false -> true"),
        ({"per_day": ""}, "~ actions[express_shipping].budget.per_day: 7000.0 -> nothing"),
        ({"needs_consent": False}, '~ actions[express_shipping].purposes: ["personalisation"] -> []'),
        (
            {"starts": "2026-12-01T09:00"},
            '~ actions[express_shipping].starts: "1970-01-01T00:00:00+00:00" -> "2026-12-01T08:00:00+00:00"',
        ),
        ({"reason": {"en": "Why not"}}, '- actions[express_shipping].reason.de: "Weil Sie'),
        ({"who": ()}, "- actions[express_shipping].eligibility[cart_is_worth_it]"),
    ],
)  # fmt: skip
def test_what_was_typed_is_what_changes(fields: dict[str, Any], said: str) -> None:
    assert any(one.startswith(said) for one in changed(**fields)), changed(**fields)
    others = {"reason", "who"} & fields.keys()
    assert others or len(changed(**fields)) == 1


def test_without_any_bound_there_is_no_budget() -> None:
    (said,) = changed(per_day="", total="")
    assert said.startswith("~ actions[express_shipping].budget:")
    assert said.endswith("-> nothing")


def test_texts_and_looks_that_the_form_does_not_show_stay() -> None:
    action = action_of(SHOP, "express_shipping")
    first, more = action.treatments[0], replace(action.treatments[0], id="other")
    kept = replace(first, content={**first.content, "html_note": {"en": "stays"}})
    policy = replace(SHOP, actions=(replace(action, treatments=(kept, more)),))
    form = replace(form_of(action, SHOP), content={"title": {"en": "New"}})
    (made,) = with_offer(policy, form, is_new=False).policy.actions
    assert made.treatments[0].content == {"title": {"en": "New"}, "html_note": {"en": "stays"}}
    assert made.treatments[1] == more
    assert made.valid_ms == action.valid_ms
    assert "another look: other" in kept_of(replace(action, treatments=(kept, more)), SHOP)


def test_a_condition_that_no_row_can_say_is_told_and_stays() -> None:
    chat = action_of(SHOP, "offer_chat")
    assert form_of(chat, SHOP).who == ()
    assert kept_of(chat, SHOP) == [
        "goes_in_circles: session.back_navigations >= 2 && session.searches_of_last_query >= 3 && session.help_s >= 60.0 || session.rage_clicks >= 2",
        "another look: chat_at_once",
    ]
    form = replace(form_of(chat, SHOP), who=(Who("person.is_new"),))
    made = action_of(with_offer(SHOP, form, is_new=False).policy, "offer_chat")
    assert made.applicability[0] == chat.applicability[0]
    assert made.applicability[1].when == "person.is_new"


def test_two_requirements_of_one_name_are_told_apart_by_nobody_and_stay() -> None:
    chat = action_of(SHOP, "express_shipping")
    twice = replace(chat, eligibility=chat.eligibility * 2)
    assert [one.of for one in form_of(twice, SHOP).who] == ["person.purchases_30d"]
    form = replace(form_of(twice, SHOP), who=())
    policy = replace(SHOP, actions=(twice,))
    assert with_offer(policy, form, is_new=False).policy.actions[0].eligibility == twice.eligibility


def test_a_new_offer_is_one_more_action_that_the_engine_takes() -> None:
    made = with_offer(SHOP, NEW, is_new=True).policy
    action = made.actions[-1]
    assert made.actions[:-1] == SHOP.actions
    assert check_policy(policy_yaml(made)).policy == made
    assert action.kind == "offer"
    assert action.treatments[0].content == {"title": {"en": "Autumn sale"}}
    assert [(one.name, one.when) for one in action.applicability] == [
        ("full_cart", "segment.full_cart"),
        ("cart_value_at_least_50", "session.cart_value >= 50"),
    ]
    assert (action.limits.times, action.limits.within_ms) == (1, 30 * DAY_MS)
    assert action.purposes == ("personalisation",)
    assert without_offer(made, "autumn") == SHOP


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"id": " "}, "id", "give it a name"),
        ({"id": "offer_chat"}, "id", "another offer of this name"),
        ({"id": "recommend_items"}, "id", "another offer of this name"),
        ({"placements": ()}, "placements", "at least one place"),
        ({"content": {"title": {"en": " "}}}, "content.title.en", "says nothing yet"),
        ({"value": "much"}, "value", "a number such as"),
        ({"value": "1e999"}, "value", "a number such as"),
        ({"times": "1.5"}, "times", "a whole number"),
        ({"within_days": "-1"}, "within_days", "a number such as"),
        ({"per_day": "5 EUR"}, "per_day", "a number such as"),
        ({"starts": "tomorrow"}, "starts", "a day and time such as"),
        ({"who": (Who("session.cart_value", "at_least", "fifty"),)}, "who.0", "a number such as"),
        ({"who": (Who("segment.full_cart"), Who("session.page", "is", ""))}, "who.1", "say with what"),
        ({"who": (Who("", "is"),)}, "who.0", "choose what it is about"),
        ({"who": (Who("person.is_new", "above", "1"),)}, "who.0", "choose how it compares"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_form_is_told_at_its_field(
    fields: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(FormFaults) as error:
        with_offer(SHOP, replace(NEW, **fields), is_new=True)
    assert list(error.value.faults) == [field]
    assert said in error.value.faults[field]


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ("id", "id"), ("treatments[0].content.title.en", "content.title.en"), ("reason.de", "reason.de"), ("reason", "reason.en"), ("treatments[0].content.text", "content.text.en"),
        ("limits.within", "within_days"), ("budget.total", "total"), ("budget", "per_day"), ("ends", "ends"),
        ("applicability[1]", "who.1"), ("applicability[1].when", "who.1"), ("placements[0]", "placements"),
        ("applicability[11].when", ""), ("kind", ""), ("treatments[1].content.title.en", ""),
    ],
)  # fmt: skip
def test_places_in_the_policy_are_fields_of_the_form(place: str, field: str) -> None:
    drafted = with_offer(SHOP, NEW, is_new=True)
    assert drafted.field_of(f"actions[{len(SHOP.actions)}].{place}") == field
    assert drafted.field_of(f"actions[0].{place}") == ""


def test_who_edits_or_takes_back_what_is_gone_is_told() -> None:
    with pytest.raises(ConfigError, match="not there any more"):
        with_offer(SHOP, NEW, is_new=False)
    with pytest.raises(ConfigError, match="taken it back already"):
        without_offer(SHOP, "autumn")
    with pytest.raises(ConfigError, match="no offer 'recommend_items'"):
        without_offer(SHOP, "recommend_items")


@pytest.mark.parametrize(
    ("when", "row"),
    [
        ("segment.full_cart", Row("segment.full_cart", "is")),
        ("!segment.full_cart", Row("segment.full_cart", "is_not")),
        (" person.is_new ", Row("person.is_new", "is")),
        ("session.cart_value >= 100.0", Row("session.cart_value", "at_least", "100.0")),
        ("session.views_30min == 0", Row("session.views_30min", "is", "0")),
        ('session.funnel != "bought"', Row("session.funnel", "is_not", "bought")),
        ("session.funnel == 'cart'", Row("session.funnel", "is", "cart")),
        ('"arch support" in session.topics', Row("session.topics", "has", "arch support")),
        ('!("a" in session.topics)', Row("session.topics", "has_not", "a")),
        (r'session.page == "a \"b\" \\ c"', Row("session.page", "is", r'a "b" \ c')),
        ('"a" in session.topics && "b" in session.topics', None),
        ("segment.full_cart && person.is_new", None),
        ("segment.unknown", None),
        ("session.page", None),
        (r'session.page == "\x41"', None),
        ("session.cart_value >= session.price_max", None),
        ("session.cart_value >= 1e3", None),
        ('session.filters.size == "10"', None),
    ],
)
def test_a_row_says_what_its_condition_says_or_nothing(when: str, row: Row | None) -> None:
    assert row_of(when, TYPES) == row
    if row is not None:
        assert row_of(condition_of(row, TYPES), TYPES) == row


@pytest.mark.parametrize("value", ['"', "\\", "a\nb", '") || ("a" == "a', "ü", "}"])
def test_what_is_typed_never_becomes_part_of_the_condition(value: str) -> None:
    for of, how in (("session.page", "is"), ("session.topics", "has_not")):
        row = Row(of, how, value)
        assert row_of(condition_of(row, TYPES), TYPES) == row
    with pytest.raises(Unsaid):
        condition_of(Row("session.cart_value", "above", value), TYPES)


def test_a_new_row_has_a_name_that_says_what_it_is() -> None:
    assert name_of(Row("segment.full_cart", "is_not")) == "not_full_cart"
    assert name_of(Row("session.top_topic", "is", "Trail & Road")) == "top_topic_is_trail_road"
