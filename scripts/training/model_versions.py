"""The versions of the models on `control` and in this home: which is live, put one in force, go back."""

import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from jobs.config import Config
from jobs.learning.artefact_check import Artefacts, artefacts_of
from jobs.learning.model_roots import SCHEME, Roots, is_within, locate
from jobs.learning.trust import models_folder, roots_of
from jobs.publish import AHEAD_MS, Log, now_ms
from log.kafka import read_to_end
from models.artefact import SUFFIX, Listed, artefact_from, list_artefacts, served
from models.content import Published, read_content, save_content
from models.serving import gone_in_words
from schemas.control import Control
from schemas.counted import counted
from schemas.errors import ConfigError
from schemas.limits import ARTEFACT_BYTES_MAX
from schemas.policy import MODEL, RANKER, RESPONSES
from schemas.records import LogRecord
from schemas.signed_control import ControlKeys
from schemas.topics import CONTROL as CONTROL_TOPIC
from scripts.change import Change, controls_in, in_force, put_in_force
from scripts.console import say, show_table
from scripts.times import utc
from scripts.training.model_guard import doubts_in, in_words
from udfs.facts.features import FEATURE_SPACE
from udfs.items.orders import ORDERS

NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")


class Announced(NamedTuple):
    """A model on `control`; of those of one name that are in force the one with the highest (time, offset) is used."""

    effective_from_ms: int
    offset: int
    version: str
    published: Published
    name: str = RANKER


def announced(kafka: str, prefix: str, keys: ControlKeys) -> list[Announced]:
    """Every ranker on `control`, of whatever name, in the order in which they come into force."""
    return announced_in(read_to_end(kafka, [prefix + CONTROL_TOPIC]), keys)


def announced_in(
    records: Iterable[LogRecord], keys: ControlKeys, *, is_responses: bool = False
) -> list[Announced]:
    """Every ranker, or model of responses, in the records of `control`, in the order in which they come into force."""
    found = []
    for record, control in controls_in(records, keys):
        is_meant = control.kind == "model" and (control.name == RESPONSES) is is_responses
        if is_meant and control.uri and control.sha256:
            published = Published(control.uri, control.sha256)
            from_ms, version = control.effective_from_ms, control.version
            found.append(Announced(from_ms, record.offset, version, published, control.name))
    return sorted(found, key=lambda one: (one.effective_from_ms, one.offset))


def called(models: Iterable[Announced], name: str = RANKER) -> list[Announced]:
    """Those of this name."""
    return [one for one in models if one.name == name]


def checked_name(name: str) -> str:
    """What a ranker is called, for `rank_by` of a policy; raises ConfigError for a name that means something else."""
    if NAME.fullmatch(name) is None:
        raise ConfigError(f"{name!r}: a name is small letters, digits, `_` and `-`, 32 at most")
    if name in (MODEL, RESPONSES, *ORDERS):
        raise ConfigError(f"{name!r} is the name of something else")
    return name


def control_of(name: str, published: Published, from_ms: int) -> Control:
    """The record that puts the model of that name in force from then on."""
    version, uri = published.version, published.uri
    return Control("model", name, version, from_ms, uri=uri, sha256=published.sha256)


def announce(log: Log, name: str, published: Published, at_ms: int | None = None) -> Control:
    """Puts the model of that name in force from `at_ms` on (default: in AHEAD_MS)."""
    control = control_of(name, published, now_ms() + AHEAD_MS if at_ms is None else at_ms)
    log.control(control)
    log.flush()
    return control


def find_artefact(named: str, config: Config) -> Published:
    """The artefact with this version (or the beginning of it), in this file, or at this URI of a root.

    It is tried as the engine tries it; a file from elsewhere is copied into the first root, where the
    engine reads it. Raises ConfigError where there is none, it is broken, or of another feature set.
    """
    artefacts = artefacts_of(config)
    if SCHEME.match(named) is not None:
        data = artefacts.read(named)
        published = Published(named, sha256(data).hexdigest())
    elif named.endswith(SUFFIX):
        published = _own(named, artefacts.roots, config)
    else:
        published = _version(named, artefacts.roots)
    artefacts.ranker(published, FEATURE_SPACE)
    return published


def _version(named: str, roots: Roots) -> Published:
    listed = [one for folder in roots.folders for one in list_artefacts(Path(folder))]
    found = {
        one.published.version: one for one in listed if one.published.version.startswith(named)
    }
    if len(found) != 1 or not named:
        raise ConfigError(
            f"{counted(len(found) if named else 0, 'model begins', 'models begin')} with {named!r}: `kairos model list` shows them"
        )
    (one,) = found.values()
    if one.artefact is None:
        raise ConfigError(one.fault)
    return Published(str(Path(one.published.uri).resolve()), one.published.sha256)


def _own(named: str, roots: Roots, config: Config) -> Published:
    """A file that the user named: anywhere, and copied into the first root unless it lies in one."""
    path = Path(named).resolve()
    if not path.exists():
        raise ConfigError(f"there is no file {named}: `kairos model list` shows the models")
    data = read_content("model", str(path), ARTEFACT_BYTES_MAX)
    here = Published(str(path), sha256(data).hexdigest())
    artefact_from(here, data, FEATURE_SPACE)
    if is_within(str(path), roots):
        return here
    if not roots.folders:
        raise ConfigError(
            f"{named} lies outside of KAIROS_MODELS ({roots}), which is no folder of this machine: "
            "put it there by yourself and publish its URI"
        )
    copied = save_content(data, models_folder(config), SUFFIX)
    say(f"copied to {copied.uri}")
    return Published(str(Path(copied.uri).resolve()), copied.sha256)


def publish(
    log: Log, models: list[Announced], published: Published, at_ms: int | None, name: str = RANKER
) -> Change:
    """Puts the ranker in force under this name from `at_ms` on (default: in AHEAD_MS)."""
    from_ms = now_ms() + AHEAD_MS if at_ms is None else at_ms
    return put_in_force(log, control_of(name, published, from_ms), called(models, name))


def previous(models: list[Announced], at_ms: int, artefacts: Artefacts) -> Published:
    """The model that was in force before the one in force at `at_ms`, of models of one name.

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
            artefacts.ranker(one.published, FEATURE_SPACE)
        except ConfigError as error:
            fault = str(error)
        else:
            return one.published
    raise ConfigError(f"nothing to roll back to: {fault}")


def listed_json(config: Config, models: list[Announced]) -> list[dict[str, Any]]:
    """Every artefact in this home, and those announced that lie elsewhere."""
    now = now_ms()
    live = live_names(models, now)
    roots = roots_of(config)
    listed = [one for folder in roots.folders for one in list_artefacts(Path(folder))]
    rows = [_row(one, models, live, now) for one in listed]
    here = {row["version"] for row in rows}
    elsewhere = {one.version: one for one in models if one.version not in here}
    foreign = (
        Listed(one.published, None, _foreign(one.published, roots)) for one in elsewhere.values()
    )
    return rows + [_row(one, models, live, now) for one in foreign]


def live_names(models: list[Announced], at_ms: int) -> dict[str, str]:
    """The version that is in force under each name."""
    found = {name: in_force(called(models, name), at_ms) for name in {one.name for one in models}}
    return {name: one.version for name, one in sorted(found.items()) if one is not None}


def _foreign(published: Published, roots: Roots) -> str:
    try:
        locate("model", published.uri, roots)
    except ConfigError as error:
        return str(error)
    return "not in this home"


def show_listed(rows: list[dict[str, Any]]) -> None:
    """One line per artefact."""
    columns = ("", "version", "trained on data until", "decisions", "figures", "in force", "remark")
    show_table("", columns, [_cells(row) for row in rows])


def _row(one: Listed, models: list[Announced], live: dict[str, str], now: int) -> dict[str, Any]:
    artefact, version = one.artefact, one.published.version
    times = [model.effective_from_ms for model in models if model.version == version]
    remark = one.fault
    if artefact is not None:
        try:
            remark = gone_in_words(served(artefact, FEATURE_SPACE))
        except ConfigError as error:
            remark = str(error)
    return {
        "version": version,
        "uri": one.published.uri,
        "is_live": live.get(RANKER) == version,
        "live_as": [name for name, of_name in live.items() if of_name == version],
        "effective_from_ms": times,
        "is_coming": any(time > now for time in times),
        "to_ms": artefact.to_ms if artefact else None,
        "examples": artefact.examples if artefact else None,
        "placement": artefact.placement or None if artefact else None,
        "metrics": artefact.metrics if artefact else {},
        "doubts": doubts_in(artefact) if artefact and not remark else [],
        "remark": remark,
    }


def _state(row: dict[str, Any]) -> str:
    others = ", ".join(one for one in row["live_as"] if one != RANKER)
    if others:
        return f"live, and as {others}" if row["is_live"] else f"as {others}"
    return "live" if row["is_live"] else "coming" if row["is_coming"] else ""


def _of(placement: str | None) -> list[str]:
    return [] if placement is None else [f"learnt from {placement} alone"]


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    figures = "  ".join(f"{name} {value:.4f}" for name, value in row["metrics"].items())
    return (
        _state(row),
        row["version"],
        utc(row["to_ms"]) if row["to_ms"] is not None else "",
        row["examples"] if row["examples"] is not None else "",
        figures,
        "  ".join(map(utc, row["effective_from_ms"])),
        row["remark"] or in_words([*_of(row["placement"]), *row["doubts"]]),
    )
