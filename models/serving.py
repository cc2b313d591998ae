"""Which columns serve a model that another version of the code trained."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from models.scorer import FORMER_MARK, FeatureSpace
from schemas.errors import ConfigError

GONE_SHARE_MAX: Final = 0.2
"""A model that has more of its gain from columns that are gone is refused: the order of no model is better known."""
NAMED_MAX: Final = 5
MISSING: Final = ""


class Serving(NamedTuple):
    """For each column of the booster the column that is computed, MISSING where it is none; those that are `gone`, and their share of its gain."""

    columns: tuple[str, ...]
    gone: tuple[str, ...] = ()
    gone_share: float = 0.0


def serving(
    names: Sequence[str],
    versions: Sequence[int],
    importance: Mapping[str, float],
    space: FeatureSpace,
) -> Serving:
    """What serves columns of these names and versions; `importance`: shares of the model's gain by name.

    A column of the same name and version, or of its new name; else the former version, as long as that is computed; what is
    computed no longer is missing, as a value that nobody knows is. Raises ConfigError for columns that were never here, and where
    more than GONE_SHARE_MAX of the gain would be missing.
    """
    current = dict(zip(space.names, space.versions, strict=True))
    found = [
        _column(name, version, current, space)
        for name, version in zip(names, versions, strict=True)
    ]
    unknown = [name for name, column in zip(names, found, strict=True) if column is None]
    if unknown:
        raise ConfigError(f"it reads {_in_words(unknown)}, which this version does not know: it was trained by a newer one")  # fmt: skip
    gone = tuple(name for name, column in zip(names, found, strict=True) if column == MISSING)
    share = sum(importance.get(name, 0.0) for name in gone)
    if share > GONE_SHARE_MAX:
        raise ConfigError(f"{share:.0%} of its gain is of {_in_words(gone)}, which this version does not compute any more: train anew")  # fmt: skip
    return Serving(tuple(one or MISSING for one in found), gone, share)


def _column(name: str, version: int, current: Mapping[str, int], space: FeatureSpace) -> str | None:
    """The column that is computed, MISSING, or None: it is not known."""
    name = space.renamed.get(name, name)
    if current.get(name) == version:
        return name
    former = f"{name}{FORMER_MARK}{version}"
    if former in current:
        return former
    was_here = name in space.gone or version < current.get(name, 0)
    return MISSING if was_here else None


def _in_words(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return ", ".join(names[:NAMED_MAX]) + more


def gone_in_words(found: Serving) -> str:
    """What the model reads and nobody computes any more, for who should train anew; nothing where it has all."""
    if not found.gone:
        return ""
    return f"{_in_words(found.gone)}: gone since it was trained ({found.gone_share:.0%} of its gain): train anew"
