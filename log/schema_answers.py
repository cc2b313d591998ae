"""What a schema registry answers, over HTTP: one schema with all that it refers to.

https://docs.confluent.io/platform/current/schema-registry/develop/api.html

The standard library's client: two kinds of GET need no other, and none of the ones we have may be left to follow a redirect with the
password in its hand, or to read an answer without an end.
"""

import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
from msgspec import Meta, Struct

from log.registry_settings import Access
from schemas.errors import InvalidEvent
from schemas.formats.foreign_schema import ForeignSchema, foreign_schema
from schemas.limits import (
    SCHEMA_ANSWER_MS,
    SCHEMA_BYTES_MAX,
    SCHEMA_REFERENCES_MAX,
    STRING_LENGTH_MAX,
)
from schemas.thread_safe_types import prepared

ACCEPTED: Final = "application/vnd.schemaregistry.v1+json, application/json"
PIECE_BYTES: Final = 65_536
OK: Final = 200
NOT_FOUND: Final = 404

Text = Annotated[str, Meta(max_length=STRING_LENGTH_MAX)]


class Unavailable(Exception):
    """The registry gave no answer that could be one: asked again, it may."""


class Reference(Struct, frozen=True):
    """A schema that another one names: by its place in the registry."""

    subject: Text
    version: Annotated[int, Meta(ge=0, le=2**31)]


class Answer(Struct, frozen=True):
    """A schema as the registry has it; of Avro its `schemaType` may be left out."""

    schema: str
    schemaType: Text | None = None  # noqa: N815 - the registry's name
    references: list[Reference] | None = None


ANSWER: Final = msgspec.json.Decoder(prepared(Answer))
"""Made here, by one thread: what asks is a thread beside those that decode."""


def fetch_schema(access: Access, schema_id: int) -> ForeignSchema:
    """The schema of an id, asked for now; raises InvalidEvent (what it is, stays so) or Unavailable."""
    answers = _Answers(access)
    first = answers.ask(f"/schemas/ids/{schema_id}", f"schema {schema_id}")
    return foreign_schema(first.schema, answers.named_by(first, f"schema {schema_id}"))


class _Answers:
    """Of one schema: together within the bounds of one."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._deadline_s = time.monotonic() + SCHEMA_ANSWER_MS / 1000
        self._bytes = 0
        self._asked: set[tuple[str, int]] = set()

    def named_by(self, answer: Answer, what: str) -> list[str]:
        """The schemas that it refers to, each behind those that it refers to itself."""
        texts: list[str] = []
        self._add(answer, what, texts.append)
        return texts

    def _add(self, answer: Answer, what: str, add: Callable[[str], None]) -> None:
        for one in answer.references or ():
            place = (one.subject, one.version)
            if place in self._asked:
                continue
            self._asked.add(place)
            if len(self._asked) > SCHEMA_REFERENCES_MAX:
                raise InvalidEvent(
                    "schema_invalid", f"{what}: of more than {SCHEMA_REFERENCES_MAX} references"
                )
            named = f"version {one.version} of {one.subject[:100]!r}, which {what} names"
            path = f"/subjects/{quote(one.subject, safe='')}/versions/{one.version}"
            found = self.ask(path, named)
            self._add(found, what, add)
            add(found.schema)

    def ask(self, path: str, what: str) -> Answer:
        """One answer; raises InvalidEvent or Unavailable."""
        try:
            with closing(self._connection()) as connection:
                whole = self._access.path + path
                connection.request(
                    "GET", whole, headers=self._access.headers | {"Accept": ACCEPTED}
                )
                with connection.getresponse() as response:
                    status = response.status
                    if status not in (OK, NOT_FOUND):
                        raise Unavailable(f"the registry answers {status}")
                    body = self._body(response.read1)
        except (OSError, HTTPException, UnicodeError) as error:
            raise Unavailable(f"the registry is not reached: {type(error).__name__}") from error
        if status == NOT_FOUND:
            raise InvalidEvent("unknown_schema", f"{what} is not in the registry")
        if body is None:
            raise InvalidEvent(
                "schema_invalid", f"{what} is of more than {SCHEMA_BYTES_MAX:,} bytes"
            )
        return _read(body, what)

    def _connection(self) -> HTTPConnection:
        host, port, tls, left_s = *self._access[:2], self._access.tls, self._left_s()
        if tls is None:
            return HTTPConnection(host, port, timeout=left_s)
        return HTTPSConnection(host, port, timeout=left_s, context=tls)

    def _body(self, read: Callable[[int], bytes]) -> bytes | None:
        """All of an answer; None where that is too much."""
        pieces = []
        while piece := read(PIECE_BYTES):
            self._bytes += len(piece)
            if self._bytes > SCHEMA_BYTES_MAX:
                return None
            pieces.append(piece)
            self._left_s()
        return b"".join(pieces)

    def _left_s(self) -> float:
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            raise Unavailable("the registry does not come to an end")
        return left_s


def _read(body: bytes, what: str) -> Answer:
    try:
        answer = ANSWER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unavailable("the registry's answer is none of a registry") from error
    if answer.schemaType not in (None, "AVRO"):
        raise InvalidEvent(
            "schema_invalid", f"{what} is {answer.schemaType[:20]!r}, and AVRO is wanted"
        )
    return answer
