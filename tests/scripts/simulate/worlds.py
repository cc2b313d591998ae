"""Worlds for tests: a shipped one with other numbers, and what came of playing it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from jobs.config import config_from
from schemas.decisions import Decision
from schemas.events import Event
from scripts.simulate.goods import Goods, Shelf, Thing
from scripts.simulate.in_fold import Counts, Out, Play
from scripts.simulate.mind import Mind
from scripts.simulate.people import Person, make_person
from scripts.simulate.scene import Row
from scripts.simulate.visit import Shopper, Shown, Told
from scripts.simulate.world import World
from scripts.simulate.world_file import Overrides, Setting, read_setting, world_path

NOBODY = Overrides()


def setting_of(name: str = "tiny", policy: Any = None, **fields: Any) -> Setting:
    """A shipped world but for these fields, each as the file would have it."""
    found = read_setting(world_path(name))
    whole = msgspec.to_builtins(found.world)
    for field, value in fields.items():
        whole[field] = whole[field] | value if isinstance(value, dict) else value
    world = msgspec.convert(whole, World)
    return found._replace(world=world, policy=policy or found.policy)


class Taken:
    """Keeps all that a world writes."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.decisions: list[Decision] = []
        self.rows: list[Row] = []

    def event(self, line: bytes) -> None:
        self.lines.append(line)

    def decision(self, decision: Decision) -> None:
        self.decisions.append(decision)

    def row(self, row: Row) -> None:
        self.rows.append(row)


class Both(Taken):
    """Keeps it, and writes it to files."""

    def __init__(self, files: Out) -> None:
        super().__init__()
        self._files = files

    def event(self, line: bytes) -> None:
        super().event(line)
        self._files.event(line)

    def decision(self, decision: Decision) -> None:
        super().decision(decision)
        self._files.decision(decision)

    def row(self, row: Row) -> None:
        super().row(row)
        self._files.row(row)


class Played(NamedTuple):
    """What came of a world."""

    setting: Setting
    people: list[Person]
    minds: list[Mind]
    counts: Counts
    out: Taken

    @property
    def events(self) -> list[Event]:
        return [msgspec.json.decode(line, type=Event) for line in self.out.lines]

    def owner(self) -> dict[str, Person]:
        """Whose each anonymous id is."""
        pairs = zip(self.people, self.minds, strict=True)
        return {name: person for person, mind in pairs for name in mind.known_as}


def play(setting: Setting, files: Out | None = None) -> Played:
    """Plays it into the fold, and where that is wanted into files."""
    out = Taken() if files is None else Both(files)
    played = Play(setting, config_from({}), out)
    counts = played.run()
    return Played(setting, played.people, played.minds, counts, out)


ALIKE = {"median": 50.0, "spread": 0.0}


def two_shelves() -> Goods:
    """Ten things that cost nothing to speak of on each of two shelves, all of the best quality."""
    shelves = []
    for at, name in enumerate(("Sports/Running", "Kitchen/Pans")):
        things = tuple(Thing(f"{name}-{n}", at, 1.0, 1.0, "EUR") for n in range(10))
        shelves.append(Shelf(name, things, tuple(float(n + 1) for n in range(10))))
    return Goods(
        (), tuple(shelves), {one.item_id: one for shelf in shelves for one in shelf.things}
    )


def person_of(setting: Setting, goods: Goods, number: int, **fields: Any) -> Person:
    """A person who is no bot and says nothing of consent, but for these fields."""
    plain = {"is_bot": False, "is_declared": False, "is_granting": None, "withdraws_in": None}
    return make_person(setting.world, goods, number)._replace(**(plain | fields))


def stroll(
    setting: Setting, goods: Goods, person: Person, mind: Mind, shown: Sequence[Shown]
) -> list[Told]:
    """What somebody does in a visit in which every page that asks shows the same."""
    visit = Shopper(setting.world, goods, person, mind, 0).visit()
    told, found = next(visit, None), []
    while told is not None:
        found.append(told)
        try:
            told = visit.send(shown if told.fields.get("placements") else ())
        except StopIteration:
            told = None
    return found


def written(path: Path) -> list[dict[str, Any]]:
    """The values of a file of JSON Lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]
