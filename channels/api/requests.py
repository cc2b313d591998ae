"""What every endpoint does first: who calls, how often they may, and the body in bounded size and time."""

import asyncio
import re
import zlib
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar

import msgspec
from litestar import Request
from msgspec import Meta, Struct

from channels.api.access import KEY_LENGTH_MAX, Caller, Forbidden, Unauthorized
from channels.api.bodies import BODY_BYTES_MAX, DECISION_ID_PATTERN
from channels.api.doorway import check, visit_of
from channels.api.paths import id_of
from channels.api.problems import ApiError
from channels.api.repair import repaired
from channels.api.services import Services
from channels.security.tokens import TOKEN_LENGTH_MAX
from schemas.errors import InvalidEvent
from schemas.formats.json_values import fault_of
from schemas.limits import ID_LENGTH_MAX
from schemas.times import time_ms

BODY_S: Final = 10.0
"""A body that takes longer is not waited for."""
DECISION_ID: Final = re.compile(DECISION_ID_PATTERN.removeprefix("^").removesuffix("$"))
SESSION_HEADER: Final = "X-Kairos-Session"
PERSON_HEADER: Final = "X-Kairos-Person"

ANYTHING: Final = msgspec.json.Decoder(Any)
FLAGS: Final = {"true": True, "1": True, "": True, "false": False, "0": False}

T = TypeVar("T")
Ask = Request[Any, Any, Any]


class Credentials(Struct, frozen=True, omit_defaults=True):
    """Key and tokens in a body, where no header can be set."""

    key: Annotated[str, Meta(max_length=KEY_LENGTH_MAX)] = ""
    session: Annotated[str, Meta(max_length=TOKEN_LENGTH_MAX)] = ""
    person: Annotated[str, Meta(max_length=TOKEN_LENGTH_MAX)] = ""


NO_CREDENTIALS: Final = Credentials()


def caller_of(
    services: Services,
    request: Ask,
    *,
    in_query: bool = False,
    in_body: Credentials = NO_CREDENTIALS,
) -> Caller:
    """Who calls: headers count, then what the body says.

    With `in_query` key and tokens may be in the address, as pages send them that hold a client of before 0.2: an
    address stands in logs. Raises ApiError 401, 403, 429.
    """
    authorization = request.headers.get("authorization")
    token = request.headers.get(SESSION_HEADER)
    person = request.headers.get(PERSON_HEADER)
    if in_body.key:
        authorization = authorization or f"Bearer {in_body.key}"
    token, person = token or in_body.session, person or in_body.person
    if in_query:
        key = request.query_params.get("key")
        if request.query_params.keys() & {"key", "token", "person"}:
            services.measures.count("kairos_api_tokens_in_address_total")
        authorization = authorization or (f"Bearer {key}" if key else None)
        token = token or request.query_params.get("token")
        person = person or request.query_params.get("person")
    origin = request.headers.get("origin")
    try:
        caller = services.access.caller(authorization, token, person, origin)
    except Unauthorized as error:
        raise ApiError(401, str(error)) from error
    except Forbidden as error:
        raise ApiError(403, str(error)) from error
    if (
        in_query
        and not caller.is_browser
        and "key" in request.query_params
        and not services.access.is_open
    ):
        raise ApiError(403, "only a browser's key may stand in an address: send Authorization")
    limit(services, services.key_rates.wait_s(caller.name), "key")
    return caller


def may_write(services: Services, caller: Caller, session_id: str) -> None:
    """Raises ApiError 403, or 429 where the session asks too often."""
    if not services.access.may_write(caller, session_id):
        raise ApiError(403, "this key may not write events of this session")
    limit(services, services.session_rates.wait_s(session_id), "session")


def may_read(services: Services, caller: Caller, session_id: str) -> None:
    """Raises ApiError 403."""
    if not services.access.may_read_session(caller, session_id):
        raise ApiError(403, "this key may not read decisions of this session")


def limit(services: Services, wait_s: float, what: str) -> None:
    """Raises ApiError 429 where there is to be waited."""
    if wait_s > 0:
        services.measures.count("kairos_api_limited_total", what=what)
        raise ApiError(429, f"this {what} asks too often", retry_after_s=wait_s)


def take_events(
    services: Services, request: Ask, caller: Caller, sessions: Mapping[str, int], size: int
) -> None:
    """Counts events by session, with the size of their body; raises ApiError 429: none of them is taken then."""
    address = visit_of(request).address
    check(services.measures, services.door.events(caller, address, sessions, size), 0)


GZIP_BITS: Final = 31
"""A window of 32 KiB, with gzip's head and tail."""


async def body_of(request: Ask, bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """The body, unpacked where it is packed by gzip; raises ApiError 400, 408, 413 or 415."""
    is_packed = _is_packed(request)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_S):
            async for part in request.stream():
                size += len(part)
                if size > bytes_max:
                    raise ApiError(413, f"a body has at most {bytes_max} bytes")
                parts.append(part)
    except TimeoutError as error:
        raise ApiError(408, f"the body did not come within {BODY_S:g} s") from error
    body = b"".join(parts)
    return unpacked(body, bytes_max) if is_packed else body


def unpacked(body: bytes, bytes_max: int) -> bytes:
    """What gzip holds, within the same bound; raises ApiError 400 or 413."""
    unpack = zlib.decompressobj(GZIP_BITS)
    try:
        found = unpack.decompress(body, bytes_max + 1)
    except zlib.error as error:
        raise ApiError(400, "the body is no gzip") from error
    if len(found) > bytes_max:
        raise ApiError(413, f"a body has at most {bytes_max} bytes, unpacked")
    if not unpack.eof or unpack.unused_data:
        raise ApiError(400, "the body is cut off, or more than one gzip")
    return found


def _is_packed(request: Ask) -> bool:
    """Whether the body is packed by gzip; raises ApiError 415 for what is not read at all."""
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip"):
        raise ApiError(415, "a body may be packed by gzip, and by nothing else")
    _, _, charset = request.headers.get("content-type", "").lower().partition("charset=")
    if charset.partition(";")[0].strip(' "') not in ("", "utf-8", "utf8", "us-ascii"):
        raise ApiError(415, "a body is UTF-8")
    return encoding == "gzip"


def decoded(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    """The body's value; raises ApiError 400 that names the field at fault.

    An event in it that is no JSON is refused by itself, later, with its place (see `repair`).
    """
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        again = repaired(body)
        if again is not None:
            return decoded(decoder, again)
        raise ApiError(400, f"the body cannot be used: {fault_of(body, error)}") from error


def id_in_path(text: str, what: str) -> str:
    """An id of a segment of the address (see `paths`); raises ApiError 400 where it is none."""
    text = id_of(text)
    if not 0 < len(text) <= ID_LENGTH_MAX:
        raise ApiError(400, f"{what} has 1 to {ID_LENGTH_MAX} characters")
    return text


def decision_id_in_path(text: str) -> str:
    """A decision's id of the address; raises ApiError 400 where it is none."""
    if not 0 < len(text) <= ID_LENGTH_MAX or not DECISION_ID.fullmatch(text):
        raise ApiError(400, "a decision id has letters, digits, hyphens and underscores only")
    return text


def number_in_query(request: Ask, name: str, default: int, low: int, high: int) -> int:
    """A whole number of the query; raises ApiError 400."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 12 and low <= int(text) <= high):
        raise ApiError(400, f"{name}={text[:50]!r}: a whole number from {low} to {high} is wanted")
    return int(text)


def time_in_query(request: Ask, name: str) -> int | None:
    """A time of the query; None where it is not there, or 0. Raises ApiError 400."""
    text = request.query_params.get(name)
    if text in (None, "", "0"):
        return None
    try:
        return time_ms(str(text))
    except InvalidEvent as error:
        raise ApiError(400, f"{name}: {error.message}") from error


def flag_in_query(request: Ask, name: str) -> bool:
    """Whether the query says `true` (or 1, or nothing but the name); raises ApiError 400 for what is neither."""
    text = request.query_params.get(name, "false").lower()
    if text not in FLAGS:
        raise ApiError(400, f"{name}={text[:50]!r}: true or false is wanted")
    return FLAGS[text]


def texts_in_query(request: Ask, name: str, length_max: int) -> list[str] | None:
    """All texts of that name in the query, None where there is none; raises ApiError 400 for too much of them."""
    if name not in request.query_params:
        return None
    texts: list[str] = request.query_params.getall(name)
    if sum(map(len, texts)) > length_max:
        raise ApiError(400, f"all of {name} have at most {length_max} characters")
    return texts


def text_in_query(request: Ask, name: str, length_max: int) -> str:
    """A text of the query, empty where it is not there; raises ApiError 400."""
    text: str = request.query_params.get(name) or ""
    if len(text) > length_max:
        raise ApiError(400, f"{name} has at most {length_max} characters")
    return text
