"""`kairos features`: the registry of features as a page; docs/features.md is what this writes."""

from typing import Final

from jobs.config import PROJECT
from scripts.pages import cell
from udfs.facts.features import FEATURE_SPACE, FEATURES

PAGE: Final = PROJECT / "docs" / "features.md"
HEAD: Final = """\
# Features

Written by `kairos features --write` from the rooms in `udfs/facts`; do not edit. {count} features, set `{digest}`.

Each row of a decision's matrix is one candidate, in this order of columns; what is missing is NaN. `purpose`
is what a feature is of: `service` of this visit and the catalogue, `personalisation` of the person beyond it. Of a person who has not
agreed to personalisation those are missing (docs/consent.md).

A model names the columns that it reads, with their versions, so an upgrade that adds, moves, renames or changes features leaves it in force: a feature that means something else
now is computed for it as before until the release after the next (`name@1`), one that is gone is missing for it, and `kairos model list` says which and how much of its gain that
is. Above a fifth of its gain it is refused until it is trained anew. A model of a newer version is refused, as it may read what nobody here knows.

| feature | entity | purpose | meaning |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    head = HEAD.format(count=FEATURE_SPACE.count, digest=FEATURE_SPACE.digest)
    rows = (f"| `{f.feature}` | {f.entity} | {f.purpose} | {cell(f.meaning)} |\n" for f in FEATURES)
    return head + "".join(rows)
