"""Logs of decisions with their chances, CSV (also packed) or Parquet, as arrays; anybody's, under the names that they have."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from models.off_policy import Floats, Logged, NewPolicy, of_table, uniform
from schemas.errors import ConfigError

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "action": ("action_id", "action", "item_id", "arm"),
    "chance": ("propensity", "propensity_score", "pscore", "action_prob", "chance", "probability"),
    "reward": ("reward", "click", "clicked", "outcome"),
    "group": ("position", "placement"),
}
"""What columns are called that nobody names; of a group, where there is none all rows are one."""
UNIFORM: Final = "uniform"
SHOWN_MAX: Final = 12
SUM_CLOSE: Final = 1e-6


class Columns(NamedTuple):
    """Names of columns; None: the one of NAMES that is there."""

    action: str | None = None
    chance: str | None = None
    reward: str | None = None
    group: str | None = None


class DecisionLog(NamedTuple):
    """`named` are the columns that were read; `actions` and `groups` what the numbers stand for."""

    logged: Logged
    actions: list[str]
    groups: list[str]
    named: dict[str, str]
    table: pa.Table


def read_log(path: Path, columns: Columns) -> DecisionLog:
    """The log in a file; raises ConfigError where a column is not there, or a value cannot be."""
    table = _read(path)
    named = {}
    for what, given in columns._asdict().items():
        name = _named(what, given, table.column_names, path)
        if name is not None:
            named[what] = name
    if not len(table):
        raise ConfigError(f"{path}: there is no decision in it")
    actions, places = _numbered(table, named["action"], path)
    groups, of_group = (
        _numbered(table, named["group"], path) if "group" in named else ([""], np.zeros(len(table), np.int64))
    )  # fmt: skip
    chances = _numbers(table, named["chance"], path)
    _check(chances > 0, chances, path, named["chance"], "a chance above 0")
    _check(chances <= 1, chances, path, named["chance"], "a chance of at most 1")
    rewards = _numbers(table, named["reward"], path)
    return DecisionLog(Logged(places, of_group, rewards, chances), actions, groups, named, table)


def new_policy(log: DecisionLog, said: str, path: Path) -> NewPolicy:
    """`uniform`, a column of the log with its chances of the actions taken, or a file of chances by action (and group); raises ConfigError."""
    if said == UNIFORM:
        return uniform(log.logged)
    if said in log.table.column_names:
        taken = _numbers(log.table, said, path)
        _check((taken >= 0) & (taken <= 1), taken, path, said, "a chance from 0 to 1")
        return NewPolicy(taken)
    if not Path(said).is_file():
        raise ConfigError(
            f"--new {said}: {UNIFORM}, a column of {path} or a file is wanted; columns are {_some(log.table.column_names)}"
        )
    return of_table(log.logged, _chances_in(Path(said), log))


def _chances_in(path: Path, log: DecisionLog) -> Floats:
    """(groups, actions); an action that the log does not know widens it."""
    table = _read(path)
    action = _named("action", None, table.column_names, path)
    chance = _named("chance", None, table.column_names, path)
    group = _named("group", None, table.column_names, path)
    assert action is not None
    assert chance is not None
    places = {name: at for at, name in enumerate(log.actions)}
    groups = {name: at for at, name in enumerate(log.groups)}
    values = _numbers(table, chance, path)
    _check((values >= 0) & (values <= 1), values, path, chance, "a chance from 0 to 1")
    names = _texts(table, action, path)
    wide = len(places) + len({*names} - places.keys())
    found = np.zeros((len(groups), wide))
    of_rows: Sequence[str | None] = _texts(table, group, path) if group else [None] * len(names)
    for name, value, of_group in zip(names, values, of_rows, strict=True):
        at = places.setdefault(name, len(places))
        if of_group is None:
            found[:, at] += value
        elif of_group in groups:
            found[groups[of_group], at] += value
    for at, total in enumerate(found.sum(axis=1)):
        if abs(total - 1.0) > SUM_CLOSE:
            where = f" of {log.groups[at]}" if log.groups[at] else ""
            raise ConfigError(f"{path}: its chances{where} sum to {total:.6f}, and should to 1")
    return found


def _read(path: Path) -> pa.Table:
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        return pyarrow.csv.read_csv(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ConfigError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error


def _named(what: str, given: str | None, there: Sequence[str], path: Path) -> str | None:
    if given is not None:
        if given not in there:
            raise ConfigError(f"{path} has no column {given!r}: there are {_some(there)}")
        return given
    found = next((one for one in NAMES[what] if one in there), None)
    if found is None and what != "group":
        raise ConfigError(
            f"{path}: which column is the {what}? --{what} names it; there are {_some(there)}"
        )
    return found


def _numbered(table: pa.Table, name: str, path: Path) -> tuple[list[str], np.ndarray]:  # type: ignore[type-arg]
    names = _texts(table, name, path)
    known: dict[str, int] = {}
    places = np.fromiter((known.setdefault(one, len(known)) for one in names), np.int64, len(names))
    return list(known), places


def _texts(table: pa.Table, name: str, path: Path) -> list[str]:
    values = table.column(name).to_pylist()
    missing = next((at for at, one in enumerate(values) if one is None), None)
    if missing is not None:
        raise ConfigError(f"{path}, row {missing + 1}: {name} is missing")
    return [str(one) for one in values]


def _numbers(table: pa.Table, name: str, path: Path) -> Floats:
    try:
        found: Floats = pc.cast(table.column(name), pa.float64()).to_numpy().astype(np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ConfigError(
            f"{path}: {name} is no column of numbers: {str(error).splitlines()[0]}"
        ) from error
    _check(np.isfinite(found), found, path, name, "a number")
    return found


def _check(
    is_good: np.ndarray,  # type: ignore[type-arg]
    values: Floats,
    path: Path,
    name: str,
    wanted: str,
) -> None:
    if not is_good.all():
        at = int(np.argmin(is_good))
        raise ConfigError(f"{path}, row {at + 1}: {name}: {wanted} is wanted, not {values[at]:g}")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_MAX} more" if len(names) > SHOWN_MAX else ""
    return ", ".join(names[:SHOWN_MAX]) + more
