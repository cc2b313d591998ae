"""The API's own documentation: the OpenAPI document and its page, served by us alone."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec
from litestar import MediaType, Response, Router, get
from litestar.params import FromPath

from channels.api.openapi import document

PACKAGE: Final = "flask_swagger_ui"
"""Whose files are Swagger UI as its authors release it; the package itself, which is for Flask, is not imported."""
ASSETS: Final = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
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
<meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kairos: Decision API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<style>html.dark-mode .swagger-ui .examples-select__section-label { color: inherit }</style>
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<main id="swagger-ui"></main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
START: Final = """const dark = matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", dress);
dress();
SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, tryItOutEnabled: true,
  validatorUrl: null, filter: true, defaultModelsExpandDepth: 0, displayRequestDuration: true,
});
"""


def swagger_files() -> Path:
    """The folder with Swagger UI's files."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"the package {PACKAGE} is not installed")
    return Path(spec.origin).parent / "dist"


def docs_router() -> Router:
    """GET /openapi.json and /docs with what belongs to it."""
    described = msgspec.json.encode(document())
    folder = swagger_files()
    assets = {name: (folder / name).read_bytes() for name in ASSETS}

    @get("/openapi.json")
    async def openapi() -> Response[bytes]:
        return Response(described, media_type="application/json")

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

    @get("/docs/favicon-32x32.png")
    async def icon() -> Response[bytes]:
        return _asset("favicon-32x32.png")

    def _asset(name: FromPath[str]) -> Response[bytes]:
        return Response(
            assets[name], media_type=ASSETS[name], headers={"Cache-Control": "max-age=3600"}
        )

    return Router("/", route_handlers=[openapi, page, start, style, script, icon])
