"""Which category a page is of, by the templates of a policy: `/c/{category}`. Pure."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from msgspec.structs import replace

from schemas.events import Event

ONE: Final = "{category}"
MANY: Final = "{category...}"
SEGMENT: Final = r"[^/]+"
ENDS: Final = re.compile(r"[?#]")
"""Behind the path of a page."""

Template = re.Pattern[str]


def fault_in(text: str) -> str:
    """What is wrong with a template; empty = nothing."""
    parts = text.split("/")
    if not text.startswith("/") or "" in parts[1:-1]:
        return "a path is wanted, such as `/c/{category}`"
    if sum(part in (ONE, MANY) for part in parts) != 1:
        return f"one of its parts is `{ONE}`, or `{MANY}` for several"
    odd = next((part for part in parts if "{" in part.replace(ONE, "") and part != MANY), None)
    if odd is not None or any("*" in part and part != "*" for part in parts):
        return f"a part is a word, `*` (any), `{ONE}` or `{MANY}`, and nothing beside it"
    return ""


def template_of(text: str) -> Template:
    """The template, ready; it is one without a fault. With a slash or without at its end it means the same."""
    parts = [_pattern(part) for part in text.rstrip("/").split("/")]
    return re.compile("/".join(parts) + "/?")


def with_category(event: Event, templates: Iterable[Template]) -> Event:
    """The event with the category of its page, by the first template that fits, where it names neither category nor item; else the same object."""
    if event.page is None or event.category is not None or event.item_ids:
        return event
    path = ENDS.split(event.page, 1)[0]
    found = next((match[1] for one in templates if (match := one.fullmatch(path))), None)
    category = None if found is None else _read(found)
    return event if category is None else replace(event, category=category)


def _pattern(part: str) -> str:
    if part == ONE:
        return f"({SEGMENT})"
    if part == MANY:
        return f"({SEGMENT}(?:/{SEGMENT})*)"
    return SEGMENT if part == "*" else re.escape(part)


def _read(found: str) -> str | None:
    """What a path says, decoded; None of what is no text."""
    try:
        said = unquote(found, errors="strict").strip()
    except UnicodeDecodeError:
        return None
    return said if said and said.isprintable() else None
