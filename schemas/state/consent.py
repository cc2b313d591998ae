"""Consent as it is kept of a visit and a person; arrays by position, like schemas/state/session.py."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from schemas.numbers import Name, Whole

Purposes = Annotated[tuple[Name, ...], Meta(max_length=16)]
"""Purposes, and what else a decision may rest on (udfs/facts/consent.py)."""


class Placed(Struct, array_like=True, frozen=True):
    """What was decided for a placement last: until when it stands, and what it needs to be granted."""

    valid_until_ms: Whole
    needs: Purposes


class Consent(Struct, array_like=True, frozen=True):
    """What somebody agreed to, by what they said last (udfs/facts/consent.py); times are the events'.

    `purposes` None: nothing was said. `is_assumed`: an import said it for a record that says nothing. `gpc`: the browser
    asks by Global Privacy Control not to be sold or shared; `objects`: to profiling (GDPR, Art. 21 and 22).
    """

    purposes: Purposes | None = None
    said_ms: Whole = 0
    text_version: Name = ""
    source: Name = ""
    is_assumed: bool = False
    gpc: bool = False
    gpc_ms: Whole = 0
    objects: bool = False
    objects_ms: Whole = 0


NO_CONSENT: Final = Consent()
"""Nothing was said."""
