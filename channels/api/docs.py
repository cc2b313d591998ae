"""The API's own documentation: the OpenAPI document and its page, served by us alone."""

from pathlib import Path
from typing import Final

import msgspec
from litestar import MediaType, Response, Router, get
from litestar.params import FromPath
from swagger_ui_bundle import swagger_ui_path

from channels.api.openapi import document, older

ASSETS: Final = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
}
CSP: Final = (
    # the page's own scripts only; Swagger sets styles and pictures by itself
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kairos: Decision API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<main id="swagger-ui"></main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
START: Final = """SwaggerUIBundle({
  url: "/docs/openapi.json", dom_id: "#swagger-ui", deepLinking: true, tryItOutEnabled: true,
  validatorUrl: null,
});
"""


def docs_router() -> Router:
    """GET /openapi.json and /docs with what belongs to it."""
    described = msgspec.json.encode(document())
    described_older = msgspec.json.encode(older(document()))
    assets = {name: (Path(swagger_ui_path) / name).read_bytes() for name in ASSETS}

    @get("/openapi.json")
    async def openapi() -> Response[bytes]:
        return Response(described, media_type="application/json")

    @get("/docs/openapi.json")
    async def openapi_older() -> Response[bytes]:
        return Response(described_older, media_type="application/json")

    @get("/docs")
    async def page() -> Response[str]:
        return Response(PAGE, media_type=MediaType.HTML, headers={"Content-Security-Policy": CSP})

    @get("/docs/start.js")
    async def start() -> Response[str]:
        return Response(START, media_type="text/javascript; charset=utf-8")

    @get("/docs/swagger-ui.css")
    async def style() -> Response[bytes]:
        return _asset("swagger-ui.css")

    @get("/docs/swagger-ui-bundle.js")
    async def script() -> Response[bytes]:
        return _asset("swagger-ui-bundle.js")

    def _asset(name: FromPath[str]) -> Response[bytes]:
        return Response(
            assets[name], media_type=ASSETS[name], headers={"Cache-Control": "max-age=3600"}
        )

    return Router("/", route_handlers=[openapi, openapi_older, page, start, style, script])
