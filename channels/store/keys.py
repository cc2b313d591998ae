"""Where things lie in the store.

`PREFIX:decision:PERSON:PLACEMENT`  hash: sequence, decision (the record's bytes), stored_at_ms
`PREFIX:fallback:CATEGORY`          trending items of a category, the empty one: of all; JSON, best first
`PREFIX:session:SESSION_ID`         the person the session's newest decision was made for, a day
`PREFIX:outcomes:PERSON`            hash, by cause: revision, when it happened, the record's bytes; `gone`: until when all is withdrawn
`PREFIX:writer`                     there while a store writer is at work
`PREFIX:latency`                    newest samples of event -> store, in milliseconds

Names in keys are percent-encoded (`key_of`), so a `:` only separates; a name of letters, digits and `-._~` stands as
it is. With a pseudonym key, PERSON and SESSION_ID are pseudonyms; values hold the ids themselves.
"""

import re
from typing import Final
from urllib.parse import quote

ENCODED: Final = re.compile(r"(?:[\w.~-]|%[0-9A-F]{2})*\Z", re.ASCII)


def key_of(prefix: str, kind: str, *names: str) -> str:
    """Where something of these names lies: two keys are the same only where all names are."""
    encoded = (quote(name, safe="", errors="surrogatepass") for name in names)
    return ":".join((prefix, kind, *encoded))


def former_key_of(prefix: str, kind: str, *names: str) -> str | None:
    """Where it lay while names stood in keys as they are; None = in the same place, or that one is now another's."""
    if all(ENCODED.match(name) for name in names):
        return None
    return ":".join((prefix, kind, *names))
