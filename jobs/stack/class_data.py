"""Class data: what a JVM reads, checks and lays out at each start, made once and then mapped into memory.

Class-data sharing (JDK Enhancement Proposals 310 and 350). A first start notes which classes it loads, the next one
makes an archive of them, all later ones use it. An archive belongs to one JDK and one class path; where it does not
fit, or cannot be made, the JVM starts as it would without.
"""

import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal, NamedTuple

from jobs.stack.alone import alone
from jobs.stack.java import java_home

Kind = Literal["kafka", "job", "task-manager"]
"""What a JVM is for: those of one kind load the same classes."""
NOTED_MIN: Final[dict[Kind, int]] = {"kafka": 6_000, "job": 15_000, "task-manager": 10_000}
"""A list with fewer lines is of a start that was broken off, of a task manager without a job, of a submission."""
SETTLED_S: Final = 5.0
MAKE_S_MAX: Final = 120.0
KEY_LENGTH: Final = 12
LOW_PRIORITY: Final = ("nice", "-n", "19")
POLL_S: Final = 0.1


class ClassData(NamedTuple):
    """The class data of a JVM: what it is for, its class path, its other options, and where they are kept."""

    kind: Kind
    class_path: Sequence[Path]
    options: Sequence[str]
    folder: Path

    def at_start(self, say: Callable[[str], None] = lambda line: None) -> tuple[str, ...]:
        """Options to start with; makes the archive if the classes have been noted."""
        try:
            noted = self._noted(is_ended=True)
            if not self._archive.exists() and noted is not None:
                say("preparing Java for faster starts: once, some twenty seconds")
                self._prepare(noted)
            self._tidy()
        except OSError:
            return ()
        return self.at_once()

    def at_once(self) -> tuple[str, ...]:
        """Options to start with, without any delay."""
        try:
            if self._archive.exists():
                is_usable = self._archive.stat().st_size > 0
                return (f"-XX:SharedArchiveFile={self._archive}",) if is_usable else ()
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError:  # a folder that cannot be written, a full disk
            return ()
        return (f"-XX:DumpLoadedClassList={self.folder}/{self._name}.%p.list",)

    def make_beside(self, is_ending: Callable[[], bool]) -> bool:
        """Makes the archive as soon as a JVM that runs loads no more, unless the end comes before; whether all is done."""
        try:
            if not self._archive.exists() and (noted := self._noted(is_ended=False)) is not None:
                self._prepare(noted, is_ending)
                self._tidy()
            return self._archive.exists()
        except OSError:
            return True  # nothing is to be waited for

    @property
    def _name(self) -> str:
        found = hashlib.sha256((java_home() / "release").read_bytes())
        for path in self.class_path:
            known = path.stat()
            found.update(f"{path} {known.st_size} {known.st_mtime_ns}\n".encode())
        return f"classes-{self.kind}-{found.hexdigest()[:KEY_LENGTH]}"

    @property
    def _archive(self) -> Path:
        return self.folder / f"{self._name}.jsa"

    def _noted(self, *, is_ended: bool) -> Path | None:
        """The longest list, of a JVM that has ended or one that loads no more."""
        settled_s = time.time() - SETTLED_S
        lists = [
            (one.read_bytes().count(b"\n"), one)
            for one in self.folder.glob(f"{self._name}.pid*.list")
            if not _is_written(one) or (not is_ended and one.stat().st_mtime < settled_s)
        ]
        count, longest = max(lists, default=(0, None))
        return longest if count >= NOTED_MIN[self.kind] else None

    def _prepare(self, noted: Path, is_ending: Callable[[], bool] | None = None) -> None:
        """Makes the archive, beside other work (at low priority) or first; an empty one where the JVM cannot, so that it is not tried at each start."""
        archive = self._archive
        with alone(self.folder, ".classes-*"):
            if archive.exists():  # another process has made it meanwhile
                return
            with TemporaryDirectory(prefix=".classes-", dir=self.folder) as made:
                wanted, fresh = Path(made) / "list", Path(made) / "jsa"
                with wanted.open("w") as file:
                    file.writelines(_loadable(noted.read_text().splitlines(keepends=True)))
                command = [
                    *(LOW_PRIORITY if is_ending else ()),
                    str(java_home() / "bin" / "java"), *self.options, "-Xshare:dump",
                    f"-XX:SharedArchiveFile={fresh}", f"-XX:SharedClassListFile={wanted}",
                    "-cp", os.pathsep.join(map(str, self.class_path)),
                ]  # fmt: skip
                if not _ends_by_itself(command, is_ending):
                    return
                fresh.touch()
                fresh.replace(archive)

    def _tidy(self) -> None:
        """Removes lists that are of no use any more, and archives of other class paths."""
        archive = self._archive
        for other in self.folder.glob(f"classes-{self.kind}-*"):
            if other != archive and not (other.suffix == ".list" and _is_written(other)):
                other.unlink(missing_ok=True)


def _ends_by_itself(command: Sequence[str], is_ending: Callable[[], bool] | None) -> bool:
    """Runs a command; False where it was killed because the end had come."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet) as process:
        end_s = time.monotonic() + MAKE_S_MAX
        try:
            while process.poll() is None and time.monotonic() < end_s:
                if is_ending is not None and is_ending():
                    return False
                time.sleep(POLL_S)
        finally:
            process.kill()
    return True


def _is_written(noted: Path) -> bool:
    return Path("/proc", noted.suffixes[-2].removeprefix(".pid")).exists()


def _loadable(lines: Iterable[str]) -> Iterable[str]:
    """Without classes of class loaders that Flink makes, whose jars have another name at each start, and half a line."""
    return (line for line in lines if " source: " not in line and line.endswith("\n"))
