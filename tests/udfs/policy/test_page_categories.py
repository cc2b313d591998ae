"""The category of a page by the policy: which templates are any, what they read, and that it is folded like a category that was sent."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.policy import Policy
from tests.builders import make_event, track
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import PolicyError, compile_policy
from udfs.policy.page_categories import fault_in, template_of, with_category
from udfs.session.give_meaning import give_meaning


def category(page: str, *templates: str, **fields: Any) -> str | None:
    return with_category(make_event(page=page, **fields), map(template_of, templates)).category


@pytest.mark.parametrize(
    ("template", "page", "wanted"),
    [
        ("/c/{category}", "/c/shoes", "shoes"),
        ("/c/{category}", "/c/shoes/", "shoes"),
        ("/c/{category}/", "/c/shoes?sort=price#top", "shoes"),
        ("/c/{category}", "/c/running%20shoes", "running shoes"),
        ("/c/{category}", "/c/sch%C3%B6n", "schön"),
        ("/c/{category}", "/c/", None),
        ("/c/{category}", "/c/shoes/red", None),
        ("/c/{category}", "/x/c/shoes", None),
        ("/c/{category}", "/c/%ff%fe", None),
        ("/c/{category}", "/c/a%00b", None),
        ("/c/{category}", "/c/%20", None),
        ("/*/{category...}/list", "/en/Sport/Shoes/list", "Sport/Shoes"),
        ("/*/{category...}/list", "/en/list", None),
        ("/a.b/{category}", "/aXb/shoes", None),
    ],
)
def test_what_a_template_reads(template: str, page: str, wanted: str | None) -> None:
    assert category(page, template) == wanted


def test_the_first_that_fits_counts_and_what_was_said_stands() -> None:
    assert category("/c/shoes", "/x/{category}", "/{category...}", "/c/{category}") == "c/shoes"
    assert category("/c/shoes", "/c/{category}", category="Hats") == "Hats"
    assert category("/c/shoes", "/c/{category}", item_ids=("i1",)) is None
    event = make_event()
    assert with_category(event, [template_of("/c/{category}")]) is event


@pytest.mark.parametrize(
    "template",
    ["", "c/{category}", "/c", "/c/{category}/{category}", "/c/x{category}", "/c//{category}", "/c/{kind}/{category}", "/c/a*/{category}", "/{category...}x"],
)  # fmt: skip
def test_what_is_no_template_is_a_mistake_of_the_policy(template: str) -> None:
    assert fault_in(template)
    with pytest.raises(PolicyError, match="page_categories"):
        compile_policy(msgspec.convert({"page_categories": [template]}, Policy))


def knowing(**policy: Any) -> Knowledge:
    knowledge = Knowledge()
    knowledge.add_policy("p", 0, 0, compile_policy(msgspec.convert(policy, Policy)))
    return knowledge


def test_it_is_folded_as_if_it_had_been_sent() -> None:
    page = make_event(page="/c/shoes")
    told = track(None, page, knowing(page_categories=["/c/{category}"]))
    sent = track(None, msgspec.structs.replace(page, category="shoes"), knowing())
    assert told == sent
    assert told != track(None, page, knowing())


def test_conditions_over_an_event_and_roles_see_it() -> None:
    named = {"name": "tile", "role": "page", "when": 'event.category == "shoes"'}
    knowledge = knowing(page_categories=["/c/{category}"], events=[named])
    assert give_meaning(make_event(event_type="tile", page="/c/shoes"), knowledge).event.event_type == "page_viewed"  # fmt: skip
    assert give_meaning(make_event(event_type="tile", page="/c/hats"), knowledge).event.event_type == "tile"  # fmt: skip


@given(st.text(max_size=60))
def test_whatever_a_page_is_it_is_a_category_or_none(page: str) -> None:
    found = category(f"/{page}", "/{category...}")
    assert found is None or (found == found.strip() and found.isprintable())


@given(st.text(alphabet="/{}*.category", max_size=30))
def test_a_template_without_a_fault_can_be_used(text: str) -> None:
    if not fault_in(text):
        assert template_of(text).groups == 1
