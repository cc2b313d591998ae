"""What a cluster's supervisor shall run: asked for in a file, from any process."""

from collections.abc import Iterable
from pathlib import Path

import msgspec


class Wanted(msgspec.Struct, frozen=True):
    """What the supervisor shall run: the names of the task managers, none of which is ever used again.

    An upgrade brings new ones, since an interpreter keeps the modules that it has imported. `asked`
    grows with each `up`, which also tries again what has been left alone. `codes`: which code
    (jobs/code.py) a task manager has been given and may have imported.
    """

    names: tuple[str, ...] = ()
    next_number: int = 1
    is_rocksdb: bool = False
    asked: int = 0
    codes: dict[str, str] = {}

    def resized(self, count: int) -> "Wanted":
        """With so many task managers: the newest go first."""
        return self.without(self.names[count:]).with_new(max(0, count - len(self.names)))

    def with_new(self, count: int) -> "Wanted":
        """With so many more."""
        numbers = range(self.next_number, self.next_number + count)
        return msgspec.structs.replace(
            self,
            names=(*self.names, *(f"task-manager-{number}" for number in numbers)),
            next_number=self.next_number + count,
        )

    def again(self, is_rocksdb: bool) -> "Wanted":
        """The same, asked for once more."""
        return msgspec.structs.replace(self, is_rocksdb=is_rocksdb, asked=self.asked + 1)

    def without(self, names: Iterable[str]) -> "Wanted":
        """Without these."""
        gone = set(names)
        return msgspec.structs.replace(
            self,
            names=tuple(name for name in self.names if name not in gone),
            codes={name: code for name, code in self.codes.items() if name not in gone},
        )

    def given(self, names: Iterable[str], code: str) -> "Wanted":
        """With these having got this code."""
        return msgspec.structs.replace(self, codes=self.codes | dict.fromkeys(names, code))


def read_wanted(folder: Path) -> Wanted | None:
    """What the supervisor was asked for last; None where there never was a cluster."""
    try:
        return msgspec.json.decode((folder / "wanted.json").read_bytes(), type=Wanted)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def write_wanted(folder: Path, wanted: Wanted) -> None:
    """Asks the supervisor for this, in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / "wanted.json.new"
    fresh.write_bytes(msgspec.json.encode(wanted))
    fresh.replace(folder / "wanted.json")
