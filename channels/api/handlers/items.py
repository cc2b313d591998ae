"""The catalogue, as the API has it now."""

import asyncio
from typing import Final

import msgspec
from litestar import get
from litestar.openapi.spec import OpenAPIType, Schema

from channels.api.app_state import Asked, services_of
from channels.api.bodies import (
    IDS_LENGTH_MAX,
    ITEMS_PER_PAGE_MAX,
    CategoriesOut,
    ItemOut,
    ItemsOut,
)
from channels.api.catalogue import categories_of, find_items, ids_asked, item_out
from channels.api.declaring import (
    CATALOGUE,
    PLAIN,
    STRICT,
    ItemId,
    number,
    problems,
    query,
    taking,
    text,
)
from channels.api.examples import CATEGORY
from channels.api.log_events import now_ms
from channels.api.names import ITEMS_QUERY, read_names, warnings_of
from channels.api.problems import ApiError
from channels.api.requests import (
    caller_of,
    flag_in_query,
    id_in_path,
    number_in_query,
    text_in_query,
    texts_in_query,
)
from schemas.formats.field_names import Notices
from schemas.limits import ID_LENGTH_MAX, STRING_LENGTH_MAX

OFFSET_MAX: Final = 10**9
ASKED: Final = (
    query("category", text(STRING_LENGTH_MAX), "A category; those below it belong to it", CATEGORY),
    query("q", text(STRING_LENGTH_MAX), "Words that must all be in name, brand, category or tags"),
    query(
        "id",
        Schema(type=OpenAPIType.ARRAY, items=text(ID_LENGTH_MAX)),
        "An id, whatever is in it; `id=a&id=b` for several",
    ),
    query(
        "ids",
        text(IDS_LENGTH_MAX),
        "Ids, with commas between them; ids that have commas themselves are for `id`",
    ),
    query("offset", number(0, OFFSET_MAX), "Leave out so many"),
    query("limit", number(1, ITEMS_PER_PAGE_MAX), "At most so many", 5),
    STRICT,
)


@get(
    "/v1/items",
    tags=[CATALOGUE],
    summary="Items of the catalogue",
    responses=problems(*PLAIN),
    operation_class=taking(asked=ASKED),
)
async def items(request: Asked) -> ItemsOut:
    """Those that all parts of the query allow, in the catalogue's order."""
    services = services_of(request)
    caller_of(services, request)
    is_strict, own = flag_in_query(request, "strict"), Notices()
    read_names(dict(request.query_params.items()), ITEMS_QUERY, own, is_strict=is_strict)
    limit = number_in_query(request, "limit", 50, 1, ITEMS_PER_PAGE_MAX)
    offset = number_in_query(request, "offset", 0, 0, OFFSET_MAX)
    category = text_in_query(request, "category", STRING_LENGTH_MAX)
    words = text_in_query(request, "q", STRING_LENGTH_MAX)
    exact = texts_in_query(request, "id", IDS_LENGTH_MAX)
    listed = texts_in_query(request, "ids", IDS_LENGTH_MAX)
    snapshot = services.knowledge.snapshot
    ids = ids_asked(snapshot, exact, listed)
    found = await asyncio.to_thread(find_items, snapshot, category, words, ids, offset, limit)
    return msgspec.structs.replace(found, warnings=warnings_of(own))


@get(
    "/v1/items/{item_id:str}",
    tags=[CATALOGUE],
    summary="One item of the catalogue",
    responses=problems(*PLAIN, 404),
)
async def item(request: Asked, item_id: ItemId) -> ItemOut:
    """As it is in force now."""
    services = services_of(request)
    caller_of(services, request)
    item_id = id_in_path(item_id, "an item id")
    found = services.knowledge.item_at(item_id, now_ms())
    if found is None or found.is_gone:
        raise ApiError(404, f"the catalogue has no item {item_id!r}")
    return item_out(found)


@get(
    "/v1/catalogue/categories",
    tags=[CATALOGUE],
    summary="All categories",
    responses=problems(401, 403, 429),
)
async def categories(request: Asked) -> CategoriesOut:
    """By name, with how many items are in each."""
    services = services_of(request)
    caller_of(services, request)
    return categories_of(services.knowledge.snapshot)
