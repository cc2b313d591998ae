"""Which links a page may follow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.limits import STRING_LENGTH_MAX
from schemas.links import cleaned_link, is_link_name, link_fault
from tests.links import BAD, GOOD


@pytest.mark.parametrize("text", GOOD)
def test_a_link_that_may_be_followed(text: str) -> None:
    assert link_fault(text) == ""


@pytest.mark.parametrize("text", BAD)
def test_a_link_that_may_not(text: str) -> None:
    assert link_fault(text)


def test_a_link_has_a_bound() -> None:
    assert link_fault("/" + "x" * STRING_LENGTH_MAX)


@given(st.text(st.sampled_from("javscript:/\\\t\n hp#?.\u00a0"), max_size=14))
def test_whatever_values_make_is_cleaned_or_dropped(text: str) -> None:
    cleaned = cleaned_link(text)
    assert cleaned is None or (cleaned.isascii() and link_fault(cleaned) == "")


def test_what_is_put_into_a_link_is_encoded() -> None:
    assert cleaned_link("/search?q=running shoes") == "/search?q=running%20shoes"
    assert cleaned_link("java\nscript:alert(1)") is None
    assert cleaned_link("//evil.example") is None


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("link", True), ("Link", True), ("button_url", True), ("image", True), ("title", False), ("linked", False)],
)  # fmt: skip
def test_which_names_are_of_links(name: str, is_one: bool) -> None:
    assert is_link_name(name) is is_one
