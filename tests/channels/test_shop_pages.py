"""The shop's files: small enough, under the right headers, nothing inline, nothing from elsewhere."""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from channels.shop.pages import CAPTURE, CLIENT, MEDIA_TYPES, SHOP, read_client, shop_router
from jobs.config import PROJECT

CLIENT_BYTES_MAX: Final = 5 * 1024
CAPTURE_BYTES_MAX: Final = 5_600
FILES: Final = sorted(path for path in SHOP.rglob("*") if path.suffix in MEDIA_TYPES)
ELSEWHERE: Final = re.compile(r"""(?:src|href|url|import|fetch|from)\W{1,3}(?:https?:)?//""")
INLINE: Final = re.compile(r"<script(?![^>]*\bsrc=)|<style|\son[a-z]+=|\sstyle=", re.IGNORECASE)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    with TestClient(Litestar([shop_router()], openapi_config=None)) as client:
        yield client


def test_the_client_is_at_most_5_kb_compressed_and_documented_in_ten_lines() -> None:
    source = CLIENT.read_text()
    served = read_client()
    size = len(served.packed)
    print(f"kairos.js: {len(served.body)} bytes, {size} compressed")
    assert size <= CLIENT_BYTES_MAX
    head = source[: source.index("*/")]
    assert re.findall(r"^ \*\s+(\d+)  ", head, re.MULTILINE) == [str(at) for at in range(1, 11)]
    assert "import " not in source
    assert "require(" not in source


def test_what_captures_by_itself_is_as_small_as_the_documentation_says() -> None:
    served = read_client(CAPTURE)
    size = len(served.packed)
    print(f"kairos-capture.js: {len(served.body)} bytes, {size} compressed")
    assert size <= CAPTURE_BYTES_MAX
    assert (
        f"`channels/client/kairos-capture.js` is {CAPTURE_BYTES_MAX / 1000:.1f} KB at most"
        in (PROJECT / "docs" / "channels.md").read_text()
    )
    assert "import " not in served.body.decode()


@pytest.mark.parametrize(
    "read", [r"\.value\b", r"\.key\b", r"\.code\b", "textContent", "innerText", r"\.id\b", "className", "classList",
             "cookie", "localStorage", "sessionStorage"],
)  # fmt: skip
def test_what_captures_by_itself_reads_and_stores_nothing_personal(read: str) -> None:
    code = read_client(CAPTURE).body.decode()
    assert re.findall(read, code) == []
    assert re.findall(r"\.dataset\b", code), "a pattern that finds what is there"


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/shop/", "text/html"), ("/shop", "text/html"), ("/shop/p/SKU-401", "text/html"),
        ("/shop/c/Home/Living/Throws%20and%20cushions", "text/html"), ("/shop/style.css", "text/css"),
        ("/shop/main.js", "text/javascript"), ("/shop/icon.svg", "image/svg+xml"),
        ("/client/kairos.js", "text/javascript"), ("/client/kairos-capture.js", "text/javascript"),
    ],
)  # fmt: skip
def test_a_file_comes_with_headers_that_let_nothing_else_in(
    client: TestClient[Litestar], path: str, media_type: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == media_type
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"


def test_a_file_that_has_not_changed_is_not_sent_again(client: TestClient[Litestar]) -> None:
    tag = client.get("/shop/main.js").headers["etag"]
    again = client.get("/shop/main.js", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get("/shop/main.js", headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


def test_who_takes_no_compression_gets_the_file_as_it_is(client: TestClient[Litestar]) -> None:
    answer = client.get("/client/kairos.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert answer.content == read_client().body


@pytest.mark.parametrize(
    "path", ["/shop/gone.js", "/shop/../pages.py", "/shop/%2e%2e/pages.py", "/shop/..%2fpages.py"]
)
def test_nothing_but_the_shops_own_files_is_served(client: TestClient[Litestar], path: str) -> None:
    answer = client.get(path)
    assert b"shop_router" not in answer.content
    assert answer.status_code == 404 or b"<!doctype html>" in answer.content


@pytest.mark.parametrize("path", [*FILES, CLIENT, CAPTURE], ids=lambda path: path.name)
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(path: object) -> None:
    text = (SHOP / str(path)).read_text()
    assert ELSEWHERE.findall(text) == []
    assert INLINE.findall(text) == []


def test_every_file_of_the_shop_is_used() -> None:
    told = "".join(path.read_text() for path in FILES)
    for path in FILES:
        assert path.name == "index.html" or f"/{path.name}" in told
