"""Serves the demo shop and the browser's client: static files under headers that let nothing else in."""

import gzip
import hashlib
from pathlib import Path
from typing import Final, NamedTuple

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.params import FromPath

SHOP: Final = Path(__file__).parent / "static"
CLIENT: Final = Path(__file__).parent.parent / "client" / "kairos.js"
CAPTURE: Final = CLIENT.with_name("kairos-capture.js")
CLIENT_HEAD: Final = "/* {name}: see the head of channels/client/{name}, or docs/channels.md */"
INDEX: Final = "index.html"
MEDIA_TYPES: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
HEADERS: Final = {
    # nothing inline, nothing from elsewhere, nobody frames it
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    # the tag tells at once whether a file has changed
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
}
ANY_ORIGIN: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""The client's files may be loaded into the pages of others; what they may do there their key says."""


class Asset(NamedTuple):
    """A file as it is served; `tag` names its content."""

    media_type: str
    body: bytes
    packed: bytes
    tag: str


def shop_router() -> Router:
    """GET /shop/ and all below it, and GET /client/kairos.js and /client/kairos-capture.js.

    An address below /shop/ that names no file is a page of the shop, which its index draws; one
    with a file's ending that is not there is 404.
    """
    assets = {
        path.relative_to(SHOP).as_posix(): read_asset(path)
        for path in sorted(SHOP.rglob("*"))
        if path.suffix in MEDIA_TYPES
    }
    client, capture = read_client(), read_client(CAPTURE)

    @get(["/shop", "/shop/"], include_in_schema=False, sync_to_thread=False)
    def home(request: Request[None, None, State]) -> Response[bytes]:
        return answer(request, assets[INDEX])

    @get("/shop/{name:path}", include_in_schema=False, sync_to_thread=False)
    def page(request: Request[None, None, State], name: FromPath[Path]) -> Response[bytes]:
        wanted = name.as_posix().lstrip("/")
        found = assets.get(wanted)
        if found is None and Path(wanted).suffix in MEDIA_TYPES:
            return Response(
                b"there is no such file",
                status_code=404,
                media_type="text/plain",
                headers=HEADERS,
            )
        return answer(request, found or assets[INDEX])

    @get("/client/kairos.js", include_in_schema=False, sync_to_thread=False)
    def script(request: Request[None, None, State]) -> Response[bytes]:
        return answer(request, client, ANY_ORIGIN)

    @get("/client/kairos-capture.js", include_in_schema=False, sync_to_thread=False)
    def more(request: Request[None, None, State]) -> Response[bytes]:
        return answer(request, capture, ANY_ORIGIN)

    return Router("/", route_handlers=[home, page, script, more])


def read_asset(path: Path) -> Asset:
    """The file, also compressed."""
    return _asset(path, path.read_bytes())


def read_client(path: Path = CLIENT) -> Asset:
    """A file of the browser's client as pages load it: without its documentation, lines of comment, and indentation."""
    _, _, code = path.read_text().partition("*/")
    lines = (line.strip() for line in code.splitlines())
    kept = [line for line in lines if line and not line.startswith("//")]
    head = CLIENT_HEAD.format(name=path.name)
    return _asset(path, "\n".join([head, *kept, ""]).encode())


def _asset(path: Path, body: bytes) -> Asset:
    digest = hashlib.sha256(body).hexdigest()[:16]
    return Asset(MEDIA_TYPES[path.suffix], body, gzip.compress(body, mtime=0), f'"{digest}"')


def answer(
    request: Request[None, None, State], asset: Asset, more: dict[str, str] | None = None
) -> Response[bytes]:
    """The file, compressed where the browser takes that; 304 where it has it already."""
    headers = HEADERS | {"ETag": asset.tag} | (more or {})
    if asset.tag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(
            asset.packed,
            media_type=asset.media_type,
            headers=headers | {"Content-Encoding": "gzip"},
        )
    return Response(asset.body, media_type=asset.media_type, headers=headers)
