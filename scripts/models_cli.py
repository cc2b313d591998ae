"""`kairos model`: the artefacts of this home, which of them is in force, publish one, go back."""

from pathlib import Path
from typing import Any, Final, NamedTuple

from jobs.config import Config
from jobs.kafka import read_to_end
from jobs.knowledge_feed import RESPONSES
from jobs.publish import AHEAD_MS, Log, now_ms
from models.artefact import SUFFIX, Listed, list_artefacts, load_artefact
from models.content import Published
from schemas.codec import CONTROL
from schemas.control import Control
from schemas.errors import ConfigError, InvalidEvent
from schemas.topics import CONTROL as CONTROL_TOPIC
from scripts.change import Change
from scripts.console import show, show_table
from scripts.times import utc
from scripts.training import announce
from udfs.features import FEATURE_SPACE

MODELS: Final = "models"


class Announced(NamedTuple):
    """A ranker on `control`; of those in force the one with the highest (time, offset) is used."""

    effective_from_ms: int
    offset: int
    version: str
    published: Published


def announced(kafka: str, prefix: str) -> list[Announced]:
    """Every ranker on `control`, in the order in which they come into force."""
    found = []
    for record in read_to_end(kafka, [prefix + CONTROL_TOPIC]):
        control = _control(record.value)
        if control is None or control.kind != "model" or control.name == RESPONSES:
            continue
        if control.uri and control.sha256:
            published = Published(control.uri, control.sha256)
            found.append(
                Announced(control.effective_from_ms, record.offset, control.version, published)
            )
    return sorted(found)


def in_force(models: list[Announced], at_ms: int) -> Announced | None:
    """The model that decides at `at_ms`; None = none."""
    return next((one for one in reversed(models) if one.effective_from_ms <= at_ms), None)


def find_artefact(named: str, folder: Path) -> Published:
    """The artefact with this version (or the beginning of it), or at this path.

    Raises ConfigError where there is none, it is broken, or of another feature set.
    """
    listed = list_artefacts(Path(named).parent if named.endswith(SUFFIX) else folder)
    if named.endswith(SUFFIX):
        path = Path(named).resolve()
        found = [one for one in listed if Path(one.published.uri).resolve() == path]
    else:
        found = [one for one in listed if named and one.published.version.startswith(named)]
    if len(found) != 1:
        raise ConfigError(
            f"{len(found) or 'no'} models are {named!r}: `kairos model list` shows them"
        )
    if found[0].artefact is None:
        raise ConfigError(found[0].fault)
    published = Published(str(Path(found[0].published.uri).resolve()), found[0].published.sha256)
    load_artefact(published.uri, published.sha256, FEATURE_SPACE)
    return published


def publish(log: Log, models: list[Announced], published: Published, at_ms: int | None) -> Change:
    """Puts the artefact in force from `at_ms` on (default: in AHEAD_MS)."""
    from_ms = now_ms() + AHEAD_MS if at_ms is None else at_ms
    before = in_force(models, from_ms)
    after = next((one for one in models if one.effective_from_ms > from_ms), None)
    announce(log, published, from_ms)
    return Change(
        published.version, from_ms, before.version if before else None,
        after.version if after else None,
    )  # fmt: skip


def previous(models: list[Announced], at_ms: int) -> Published:
    """The model that was in force before the one in force at `at_ms`.

    One that cannot be loaded was refused by the engine and is passed over. Raises ConfigError where
    nothing is left.
    """
    live = in_force(models, at_ms)
    if live is None:
        raise ConfigError("nothing to roll back to: no model is in force")
    fault = f"only {live.version} has been in force"
    for one in reversed(models[: models.index(live)]):
        if one.version == live.version:
            continue
        try:
            load_artefact(one.published.uri, one.published.sha256, FEATURE_SPACE)
        except ConfigError as error:
            fault = str(error)
        else:
            return one.published
    raise ConfigError(f"nothing to roll back to: {fault}")


def listed_json(config: Config, models: list[Announced]) -> list[dict[str, Any]]:
    """Every artefact in this home, and those announced that lie elsewhere."""
    now = now_ms()
    live = in_force(models, now)
    rows = [_row(one, models, live, now) for one in list_artefacts(config.home / MODELS)]
    here = {row["version"] for row in rows}
    elsewhere = {one.version: one for one in models if one.version not in here}
    foreign = (Listed(one.published, None, "not in this home") for one in elsewhere.values())
    return rows + [_row(one, models, live, now) for one in foreign]


def show_listed(rows: list[dict[str, Any]]) -> None:
    """One line per artefact."""
    columns = ("", "version", "trained on data until", "decisions", "figures", "in force", "remark")
    show_table("", columns, [_cells(row) for row in rows])


def show_change(change: Change) -> None:
    """One sentence."""
    replaces = f"instead of {change.replaces}" if change.replaces else "the first"
    ended = f", until {change.ended_by}, announced before, takes over" if change.ended_by else ""
    show(
        f"model {change.version} decides from {utc(change.effective_from_ms)} on, {replaces}{ended}"
    )


def _row(one: Listed, models: list[Announced], live: Announced | None, now: int) -> dict[str, Any]:
    artefact, version = one.artefact, one.published.version
    times = [model.effective_from_ms for model in models if model.version == version]
    remark = one.fault
    if artefact is not None and artefact.feature_set != FEATURE_SPACE.digest:
        remark = f"of feature set {artefact.feature_set}, this is {FEATURE_SPACE.digest}"
    return {
        "version": version,
        "uri": one.published.uri,
        "is_live": live is not None and live.version == version,
        "effective_from_ms": times,
        "is_coming": any(time > now for time in times),
        "to_ms": artefact.to_ms if artefact else None,
        "examples": artefact.examples if artefact else None,
        "metrics": artefact.metrics if artefact else {},
        "remark": remark,
    }


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    figures = "  ".join(f"{name} {value:.4f}" for name, value in row["metrics"].items())
    return (
        "live" if row["is_live"] else "coming" if row["is_coming"] else "",
        row["version"],
        utc(row["to_ms"]) if row["to_ms"] is not None else "",
        row["examples"] if row["examples"] is not None else "",
        figures,
        "  ".join(map(utc, row["effective_from_ms"])),
        row["remark"],
    )


def _control(value: bytes) -> Control | None:
    try:
        return CONTROL.decode(value)
    except InvalidEvent:
        return None  # the jobs count and name it
