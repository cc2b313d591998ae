"""A world's file, read and checked with the files that it names: every mistake with its line and field."""

from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec import inspect

from schemas.errors import ConfigError
from schemas.marked_yaml import Fault, Node, Place, Unreadable, node_at, read_tree
from schemas.policy import Policy
from scripts.console import say
from scripts.demo.make_catalogue import DEMO_DATA
from scripts.files.item_files import read_items
from scripts.policy.policy_file import read_policy
from scripts.policy.policy_reader import PolicyReader
from scripts.simulate.goods import Goods, goods_of, made_items
from scripts.simulate.world import World
from udfs.policy.compiled_policy import dotted

SHIPPED: Final = DEMO_DATA / "worlds"
FILE_BYTES_MAX: Final = 1_000_000
KIND: Final = inspect.type_info(World)
SUM_CLOSE: Final = 1e-6


class Setting(NamedTuple):
    """A world with what its files hold."""

    name: str
    world: World
    policy: Policy
    goods: Goods


class Overrides(NamedTuple):
    """What the command line says in the place of the file."""

    seed: str | None = None
    people: int | None = None
    days: int | None = None

    def put_into(self, world: World) -> World:
        """The world with them; raises ConfigError where one is out of bounds."""
        fields = msgspec.structs.asdict(world) | {
            name: value for name, value in self._asdict().items() if value is not None
        }
        try:
            return msgspec.convert(fields, World)
        except msgspec.ValidationError as error:
            raise ConfigError(f"a world: {error}") from error


def shipped_worlds() -> list[str]:
    """The names of the worlds that come with Kairos."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml") if not path.stem.endswith("policy"))


def world_path(named: str) -> Path:
    """The file of a world: one that comes with Kairos, by its name, or a path; raises ConfigError."""
    if named in shipped_worlds():
        return SHIPPED / f"{named}.yaml"
    if not Path(named).is_file():
        raise ConfigError(
            f"{named}: a world's file is wanted, or one of {', '.join(shipped_worlds())}"
        )
    return Path(named)


def read_setting(path: Path, overrides: Overrides = Overrides()) -> Setting:  # noqa: B008 - it is a tuple
    """The world in a file, its policy and goods; raises ConfigError with all that is wrong."""
    root, world = _read(path)
    world = overrides.put_into(world)
    policy_file = path.parent / world.policy
    if not policy_file.is_file():
        raise _mistakes(path, root, [(("policy",), f"there is no file {policy_file}")])
    policy = read_policy(policy_file)
    goods = _goods(path, root, world, policy)
    wrong = [*_wrong_shares(world), *_wrong_names(world, policy)]
    if wrong:
        raise _mistakes(path, root, wrong)
    return Setting(path.stem, world, policy, goods)


def _read(path: Path) -> tuple[Node, World]:
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no UTF-8") from error
    if len(content) > FILE_BYTES_MAX:
        raise ConfigError(f"{path}: a world has at most {FILE_BYTES_MAX:,} bytes")
    try:
        root, faults = read_tree(text)
    except Unreadable as error:
        raise _told(path, [error.fault]) from error
    reader = PolicyReader(faults, KIND, "the world")
    document = reader.read(root)
    if reader.faults:
        raise _told(path, reader.faults)
    return root, msgspec.convert(document, World)


def _goods(path: Path, root: Node, world: World, policy: Policy) -> Goods:
    catalogue = world.catalogue
    if catalogue.file is None:
        items = made_items(catalogue, policy.currency, world.seed)
    else:
        items = list(read_items(path.parent / catalogue.file, say))
    goods = goods_of(items, policy.currency, world.seed)
    if not goods.shelves:
        said = "none of its items has a category and a price, so nobody would buy any"
        raise _mistakes(path, root, [(("catalogue", "file"), said)])
    return goods


def _wrong_shares(world: World) -> list[tuple[Place, str]]:
    found: list[tuple[Place, str]] = []
    if world.consent.granted + world.consent.denied > 1 + SUM_CLOSE:
        found.append((("consent",), "granted and denied are more than 1 together"))
    if abs(sum(world.devices) - 1) > SUM_CLOSE:
        found.append((("devices",), f"the shares sum to {sum(world.devices):g}, and should to 1"))
    return found


def _wrong_names(world: World, policy: Policy) -> list[tuple[Place, str]]:
    """What the world names and the policy does not have."""
    found: list[tuple[Place, str]] = []
    placements = {one.name for one in policy.placements}
    for page in ("home", "product", "cart"):
        for name in getattr(world.pages, page):
            if name not in placements:
                said = f"the policy has no placement {name!r}: there are {_some(placements)}"
                found.append((("pages", page), said))
    actions = {one.id for one in policy.actions} | {"recommend_items"}
    arms = {f"{one.name}/{arm.name}" for one in policy.experiments for arm in one.arms}
    for at, effect in enumerate(world.effects):
        place = ("effects", at)
        if (effect.action is None) is (effect.arm is None):
            found.append((place, "an effect is of an action or of an arm: one of them is wanted"))
        elif effect.action is not None and effect.action not in actions:
            said = f"the policy has no action {effect.action!r}: there are {_some(actions)}"
            found.append(((*place, "action"), said))
        elif effect.arm is not None and effect.arm not in arms:
            said = f"the policy has no arm {effect.arm!r}: there are {_some(arms) or 'none'}"
            found.append(((*place, "arm"), said))
    return found


def _mistakes(path: Path, root: Node, wrong: list[tuple[Place, str]]) -> ConfigError:
    return _told(path, [Fault(node_at(root, place).line, place, said) for place, said in wrong])


def _told(path: Path, faults: list[Fault]) -> ConfigError:
    lines = [
        ": ".join(filter(None, (f"{path}:{line}", dotted(place), message)))
        for line, place, message in sorted(set(faults), key=lambda one: (one.line, one.message))
    ]
    return ConfigError("\n".join(lines))


def _some(names: set[str]) -> str:
    return ", ".join(sorted(names))
