"""Texts of a policy for one person: `{attribute}` stands for what the attribute is at that moment."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final, NamedTuple

from schemas.events import Event
from schemas.links import HOST_TO_COME, cleaned_link, link_fault
from udfs.policy.conditions import Types

PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
LANGUAGE: Final = "language"
"""The property of an event that names the person's language, as `de` or `de-AT`."""


class TextError(Exception):
    """A text that names what there is not."""


class Template(NamedTuple):
    """A text in pieces: what stands between `pieces[i]` and `pieces[i + 1]` is the attribute `names[i]` or,
    where that is a map, its value of `keys[i]`.
    """

    pieces: tuple[str, ...]
    names: tuple[str, ...]
    keys: tuple[str, ...]


def parse_text(text: str, types: Types) -> Template:
    """The template in `text`; raises TextError for a placeholder that is no attribute of `types`."""
    parts = PLACEHOLDER.split(text)
    paths = [_path(name, types) for name in parts[1::2]]
    names, keys = (tuple(one) for one in zip(*paths, strict=True)) if paths else ((), ())
    return Template(tuple(parts[::2]), names, keys)


def _path(name: str, types: Types) -> tuple[str, str]:
    """The attribute and, where it is a map, the key in it: `session.filters.size`."""
    of, _, key = name.rpartition(".")
    if of in types and types[of].kind == "map":
        return of, key
    if name in types and types[name].kind != "map":
        return name, ""
    near = get_close_matches(name, list(types), n=1)
    hint = f": did you mean {{{near[0]}}}?" if near else ""
    raise TextError(f"there is no {{{name}}}{hint}")


def render(template: Template, values: Mapping[str, object]) -> str | None:
    """The text with the values; None where one is missing: half a sentence is not shown."""
    found = [
        _looked_up(values.get(name), key)
        for name, key in zip(template.names, template.keys, strict=True)
    ]
    if any(value is None for value in found):
        return None
    words = [template.pieces[0]]
    for value, piece in zip(found, template.pieces[1:], strict=True):
        words += (_said(value), piece)
    return "".join(words)


def link_template_fault(template: Template) -> str:
    """Why a template makes no link that may be followed, whatever its values; empty = it may."""
    if template.names and HOST_TO_COME.match(template.pieces[0]):
        return "a placeholder may not make the host of a link"
    return link_fault("x".join(template.pieces))


def render_link(template: Template, values: Mapping[str, object]) -> str | None:
    """The link with the values; None where one is missing, or makes a link that may not be followed."""
    text = render(template, values)
    return cleaned_link(text) if text is not None and template.names else text


def in_language(texts: Mapping[str, Template], language: str, otherwise: str) -> Template | None:
    """The text in the language, else in the other one, else any; None where there is none."""
    return texts.get(language) or texts.get(otherwise) or next(iter(texts.values()), None)


def language_of(event: Event, otherwise: str) -> str:
    """The language that the event names (`de-AT` is `de`), else the other one."""
    return event.properties.get(LANGUAGE, otherwise).partition("-")[0].lower() or otherwise


def _looked_up(value: object, key: str) -> object:
    if not key:
        return value
    return value.get(key) if isinstance(value, Mapping) else None


def _said(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)
