"""What consent platforms say becomes `consent_changed`: made-up platforms with the real protocols, on a page with the real client."""

from collections.abc import Callable
from hashlib import sha256
from typing import Final

import pytest

from schemas.events import CONSENT_CHANGED, Event
from tests.browser.shop import Visitor, open_own
from tests.e2e.homes import wait_for

pytestmark = pytest.mark.browser
SETTLE_MS: Final = 400
TC_STRING: Final = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"
"""Of the examples of the framework; what stands in it does not matter, for nobody reads it."""
TCF: Final = f"""
  const heard = new Map(); // a platform as the framework describes it
  window.__tcfapi = (command, version, callback, id) => {{
    if (command === "addEventListener") {{ const listenerId = heard.size; heard.set(listenerId, callback); callback({{listenerId, eventStatus: "cmpuishown"}}, true); }}
    else if (command === "removeEventListener") {{ heard.delete(id); callback(true); }}
  }};
  window.answer = (purposes, more = {{}}) => heard.forEach((callback, listenerId) => callback({{
    listenerId, eventStatus: "useractioncomplete", gdprApplies: true, tcfPolicyVersion: 5, tcString: "{TC_STRING}",
    purpose: {{consents: Object.fromEntries(purposes.map((one) => [one, true])), legitimateInterests: {{5: true, 6: true, 9: true}}}}, vendor: {{consents: {{755: true}}}}, ...more,
  }}, true));
"""


def opened(visit: Callable[..., Visitor], platform: str, options: str) -> Visitor:
    visitor: Visitor = visit(agrees=False)
    open_own(visitor, "", f"{platform}; KairosCapture.consent(kairos, {options})")
    return visitor


def said(visitor: Visitor, script: str) -> list[Event]:
    """All that was said of consent once this has happened; a withdrawal ends what is known, so others know the visitor next."""
    before = visitor.session()
    visitor.page.evaluate(script)
    visitor.page.wait_for_timeout(SETTLE_MS)
    visitor.page.evaluate("kairos.track('cart_viewed', {value: 'mark'})")
    session = visitor.session()
    wait_for(lambda: any(one.value == "mark" for one in visitor.events(session)))
    all_of_it = [one for name in dict.fromkeys((before, session)) for one in visitor.events(name)]
    return [one for one in all_of_it if one.event_type == CONSENT_CHANGED]


def purposes(event: Event) -> set[str]:
    return set(event.consent or ())


def test_what_the_iab_framework_says_is_told_once_and_without_its_string(
    visit: Callable[..., Visitor],
) -> None:
    visitor = opened(visit, TCF, "{tcf: true}")
    assert said(visitor, "0") == []  # it is only shown
    first = said(visitor, "answer([1, 5, 6, 8, 9])")
    assert [purposes(one) for one in first] == [{"personalisation", "analytics"}]
    assert first[0].properties["source"] == "tcf"
    digest = sha256(TC_STRING.encode()).hexdigest()[:16]
    assert first[0].properties["text_version"] == f"tcf-5/{digest}"
    assert TC_STRING not in "".join(map(str, visitor.events()))
    assert len(said(visitor, "answer([1, 5, 6, 8, 9, 10])")) == 1  # nothing of ours has changed
    # what is kept on the device is needed for most; legitimate interest is no consent
    assert [purposes(one) for one in said(visitor, "answer([5, 6, 8, 9])")][1:] == [set()]
    visitor.page.evaluate("KairosCapture.stop()")
    assert said(visitor, "answer([1, 3, 4, 5, 6, 8, 9])") == []
    assert visitor.page.evaluate("heard.size") == 0


def test_another_mapping_a_vendor_and_where_the_law_does_not_hold(
    visit: Callable[..., Visitor],
) -> None:
    mapped = opened(
        visit, TCF, "{tcf: {purposes: {analytics: [9]}, vendor: 755, text_version: 'banner-3'}}"
    )
    mapped.page.evaluate("kairos.consent(['email', 'personalisation'])")
    assert [purposes(one) for one in said(mapped, "answer([9], {vendor: {consents: {}}})")] == [
        {"email", "personalisation"}
    ]
    events = said(mapped, "answer([9])")
    assert purposes(events[-1]) == {"email", "personalisation", "analytics"}
    assert events[-1].properties["text_version"] == "banner-3"
    for options, wanted in (("true", []), ("{outside: ['analytics']}", [{"analytics"}])):
        outside = opened(visit, TCF, f"{{tcf: {options}}}")
        events = said(outside, "answer([1, 3, 4, 5, 6, 8, 9], {gdprApplies: false})")
        assert [purposes(one) for one in events] == wanted


def test_consent_mode_counts_what_was_answered_and_not_what_is_the_default(
    visit: Callable[..., Visitor],
) -> None:
    gtag = """
      window.dataLayer = []; function gtag() { dataLayer.push(arguments); }
      gtag("consent", "default", {ad_storage: "denied", ad_user_data: "denied", ad_personalization: "denied", analytics_storage: "denied", personalization_storage: "denied", wait_for_update: 500});
      gtag("consent", "default", {ad_storage: "granted", region: ["US"]})"""
    visitor = opened(visit, gtag, "{google: true}")
    assert said(visitor, "dataLayer.push({event: 'gtm.js'})") == []
    events = said(
        visitor,
        "gtag('consent', 'update', {analytics_storage: 'granted', personalization_storage: 'granted', ad_storage: 'granted'})",
    )
    assert [purposes(one) for one in events] == [{"personalisation", "analytics"}]
    assert events[0].properties["source"] == "google_consent_mode"
    events = said(
        visitor,
        "gtag('consent', 'update', {ad_user_data: 'granted', ad_personalization: 'granted'}); gtag('consent', 'update', {analytics_storage: 'denied'})",
    )
    assert [purposes(one) for one in events[1:]] == [
        {"personalisation", "analytics", "advertising"},
        {"personalisation", "advertising"},
    ]


def test_categories_of_segment_are_read_of_any_call_and_the_call_goes_on(
    visit: Callable[..., Visitor],
) -> None:
    """As a server reads them (schemas/formats/segment.py)."""
    segment = """
      const steps = [], passed = [];
      const told = (categoryPreferences) => {
        const payload = {obj: {type: "track", event: "Order Completed", context: {consent: {categoryPreferences}}}};
        steps.reduceRight((next, step) => (one) => step({payload: one, next}), (one) => passed.push(one))(payload);
      };
      setTimeout(() => { window.analytics = {addSourceMiddleware: (step) => steps.push(step)}; }, 700)"""
    visitor = opened(visit, segment, "{segment: true}")
    visitor.page.wait_for_function("steps.length === 1")
    assert said(visitor, "told({Analytics: true, Functional: true})") == []
    events = said(visitor, "told({Analytics: true, Personalization: true, Advertising: false})")
    assert [purposes(one) for one in events] == [{"personalisation", "analytics"}]
    assert events[0].properties["source"] == "segment"
    assert visitor.page.evaluate("passed.length") == 2
    mapped = opened(
        visit, segment, "{segment: {purposes: {analytics: ['C0002'], personalisation: ['C0003']}}}"
    )
    mapped.page.wait_for_function("steps.length === 1")
    assert [purposes(one) for one in said(mapped, "told({C0002: true, C0003: false})")] == [
        {"analytics"}
    ]


def test_with_global_privacy_control_no_platform_grants_anything(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit(agrees=False)
    visitor.page.add_init_script(
        "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"
    )
    open_own(visitor, "", f"{TCF}; KairosCapture.consent(kairos, {{tcf: true}})")
    assert said(visitor, "answer([1, 3, 4, 5, 6, 8, 9])") == []
    assert {one.consent for one in visitor.events()} == {()}
