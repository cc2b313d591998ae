"""The truth of a world: what its people like and what its effects are, for a test alone; never in the log."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from schemas.errors import ConfigError
from scripts.simulate.mind import Mind
from scripts.simulate.people import Person
from scripts.simulate.world_file import Setting


def write_truth(
    path: Path, setting: Setting, people: Sequence[Person], minds: Sequence[Mind]
) -> None:
    """JSON Lines: the world with its effects, the quality of each item, then a person each; raises ConfigError."""
    try:
        with path.open("wb") as file:
            for one in truths(setting, people, minds):
                file.write(msgspec.json.encode(one) + b"\n")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


def truths(
    setting: Setting, people: Sequence[Person], minds: Sequence[Mind]
) -> Iterator[dict[str, Any]]:
    """The lines."""
    yield {"world": msgspec.to_builtins(setting.world)}
    for thing in setting.goods.things.values():
        yield {"item": thing.item_id, "quality": thing.quality}
    for person, mind in zip(people, minds, strict=True):
        yield truth_of(person, mind, setting)


def truth_of(person: Person, mind: Mind, setting: Setting) -> dict[str, Any]:
    """What is true of a person, and the ids under which the log has them."""
    shelves = setting.goods.shelves
    return {
        "person": person.number, "is_bot": person.is_bot, "is_declared": person.is_declared,
        "tastes": {one.category: share for one, share in zip(shelves, person.tastes, strict=True)},
        "level": person.level, "sensitivity": person.sensitivity, "budget": person.budget,
        "is_granting": person.is_granting, "withdraws_in": person.withdraws_in, "person_id": person.account,
        "devices": len(person.devices), "visits": len(person.visits), "anonymous_ids": list(mind.known_as),
    }  # fmt: skip
