"""What serves models that were trained before a fact was changed, renamed or dropped: an upgrade takes no ranking away.

Whoever changes what a column means raises its fact's `version` and puts how it was computed into FORMER, until the release after the next;
whoever renames it, its name into RENAMED; whoever drops it, into GONE. Training reads none of these.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from udfs.facts.fact import Compute


class Former(NamedTuple):
    """A former `version` of the column `name`, and the release `until` which it is computed."""

    name: str
    version: int
    column: Compute
    until: str


FORMER: Final[tuple[Former, ...]] = ()
RENAMED: Final[Mapping[str, str]] = {}
"""A name of before -> the one of now, of the same meaning and version."""
GONE: Final[tuple[str, ...]] = ()
"""What models may still name and nobody computes: for them it is missing."""
