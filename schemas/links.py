"""Links that a page may follow: `https`, `http`, `mailto`, `tel`, or relative ones of the page's own site."""

import re
from typing import Final
from urllib.parse import quote

from schemas.limits import STRING_LENGTH_MAX

NAMES: Final = ("link", "url", "href", "image", "src")
"""Content of these names, or that ends in `_` and one of them, is a link; so are an item's `image` and such attributes."""
SCHEME: Final = re.compile(r"([^/?#:]*):")
WITH_HOST: Final = re.compile(r"https?://[^/?#]", re.IGNORECASE)
STANDS: Final = "/%:?#[]@!$&'()*+,;=-._~"
"""What stands in a link as it is, beside letters and digits."""
SCHEMES: Final = frozenset({"https", "http", "mailto", "tel"})
HOST_TO_COME: Final = re.compile(r"https?://[^/?#]*\Z", re.IGNORECASE)


def is_link_name(name: str) -> bool:
    """Whether what has this name is a link."""
    return name.lower().rpartition("_")[2] in NAMES


def cleaned_link(text: str) -> str | None:
    """A link into which values were put, what may not stand in one percent-encoded; None = it may not be followed."""
    cleaned = quote(text, safe=STANDS, errors="replace")
    return None if link_fault(cleaned) else cleaned


def link_fault(text: str) -> str:
    r"""Why this is no link that may be followed; empty = it may.

    Browsers leave out control characters and blanks, and take `\` for `/`: where one is, the scheme or the host could
    be another than it looks. `//host` is another site that looks like a path.
    """
    if len(text) > STRING_LENGTH_MAX:
        return f"a link has at most {STRING_LENGTH_MAX} characters"
    if any(one <= " " or one == "\\" or "\x7f" <= one <= "\xa0" or one.isspace() for one in text):
        return "a link holds no blanks, control characters or backslashes: percent-encode them"
    if text.startswith("//"):
        return "a link to another site names its scheme: https://…"
    scheme = SCHEME.match(text)
    if scheme and scheme[1].lower() not in SCHEMES:
        return f"a link is {', '.join(sorted(SCHEMES))} or relative, not {scheme[1][:50]!r}"
    if scheme and scheme[1].lower() in ("http", "https") and not WITH_HOST.match(text):
        return "a link to another site names its host: https://host"
    return ""
