"""A picture of each page is made on the shop that runs, as `kairos docs --pictures` makes them all."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from scripts.demo.pictures import PICTURES, take
from tests.browser.shop import Shop

pytestmark = pytest.mark.browser
KIB = 1024


@pytest.mark.parametrize("name", ["shop-phone", "tour-desk", "console-person"])
def test_a_picture_is_taken(shop: Shop, browser: Browser, tmp_path: Path, name: str) -> None:
    (wanted,) = (one for one in PICTURES if one.name == name)
    file = take(browser, shop.url, wanted, tmp_path)
    assert list(tmp_path.iterdir()) == [file]
    assert file.stat().st_size > 20 * KIB, "more than an empty page"
