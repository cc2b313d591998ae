"""What led somebody here: by a campaign in an address, or by the site before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.enrich.origins import Origin, campaign_in, origin_of

SHOP = "https://shop.example/shoes"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", {}),
        ("?q=shoes&sid=5", {}),
        ("?utm_source=news&utm_medium=email&utm_campaign=spring&utm_term=a&utm_content=b&utm_id=7",
         {"utm_source": "news", "utm_medium": "email", "utm_campaign": "spring", "utm_term": "a", "utm_content": "b", "utm_id": "7"}),
        ("?utm_campaign=r%C3%A4der+2#top", {"utm_campaign": "räder 2"}),
        ("?gclid=abc", {"utm_source": "google", "utm_medium": "cpc"}),
        ("?utm_campaign=x&msclkid=1", {"utm_campaign": "x", "utm_source": "bing", "utm_medium": "cpc"}),
        ("?gclid=abc&utm_source=partner", {"utm_source": "partner"}),
        ("?utm_source=%20&gclid=", {}),
        ("?utm_source=" + "x" * 3_000, {}),
        ("?" + "&".join(f"a{n}=1" for n in range(100)), {}),
        ("?utm_source=%ff%00", {"utm_source": "\ufffd\0"}),
    ],
)  # fmt: skip
def test_a_campaign_of_an_address(query: str, wanted: dict[str, str]) -> None:
    assert campaign_in(SHOP + query) == wanted


@pytest.mark.parametrize(
    ("referrer", "wanted"),
    [
        (None, Origin()),
        ("", Origin()),
        ("https://www.google.com/", Origin("search", "google")),
        ("https://www.google.co.uk/search?q=x", Origin("search", "google")),
        ("google.de", Origin("search", "google")),
        ("https://mail.google.com/mail", Origin("email", "mail.google")),
        ("https://t.co/abc", Origin("social", "x")),
        ("https://l.facebook.com/", Origin("social", "facebook")),
        ("https://chatgpt.com/", Origin("assistant", "chatgpt")),
        ("https://gemini.google.com/app", Origin("assistant", "gemini.google")),
        ("android-app://com.pinterest/", Origin("social", "pinterest")),
        ("https://www.blog.example/post", Origin("referral", "blog.example")),
        ("https://user:secret@Blog.Example:8443/", Origin("referral", "blog.example")),
        ("https://notgoogle.example", Origin("referral", "notgoogle.example")),
        ("(none)", Origin()),
        ("https://", Origin()),
    ],
)
def test_a_site_before(referrer: str | None, wanted: Origin) -> None:
    assert origin_of(referrer, None, None) == wanted


def test_a_campaign_says_more_than_a_site() -> None:
    assert origin_of("https://google.com", "News", "E-Mail") == Origin("e-mail", "news")
    assert origin_of("https://google.com", None, "cpc") == Origin("cpc", None)


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_address_is_read(before: str, query: str) -> None:
    assert all(len(one) <= 1_000 for one in campaign_in(f"{before}?{query}").values())
    medium, source = origin_of(before, None, None)
    assert (medium is None) is (source is None)
