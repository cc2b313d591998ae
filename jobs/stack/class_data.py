"""Class data: what a JVM reads, checks and lays out at each start, made once and then mapped into memory.

Class-data sharing (JDK Enhancement Proposals 310 and 350). A first start notes which classes it loads, the next one
makes an archive of them, all later ones use it. An archive belongs to one JDK and one class path. Nothing depends on
it: where it does not fit, cannot be made, or somebody else is making one, the JVM starts as it would without.
"""

import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from jobs.stack.alone import Busy, alone
from jobs.stack.environment import plain_environment
from jobs.stack.java import java_home
from jobs.stack.process import dying_with

Kind = Literal["kafka", "job", "task-manager"]
"""What a JVM is for: those of one kind load the same classes."""
NOTED_MIN: Final[dict[Kind, int]] = {"kafka": 6_000, "job": 15_000, "task-manager": 10_000}
"""A list with fewer lines is of a start that was broken off, of a task manager without a job, of a submission."""
SETTLED_S: Final = 5.0
MAKE_S_MAX: Final = 45.0
"""Less than anybody waits for a start."""
UNUSED_S: Final = 30 * 86_400.0
"""Another checkout may use the same folder: its archives stay for so long after their last use."""
REFUSED_S: Final = 86_400.0
"""A JVM that would not make an archive is asked again after a day: the disk may have been full."""
KEY_LENGTH: Final = 12
LOW_PRIORITY: Final = ("nice", "-n", "19")
POLL_S: Final = 0.1


def never() -> bool:
    """The end is not near."""
    return False


@dataclass(frozen=True)
class ClassData:
    """The class data of a JVM: what it is for, its class path, its other options, and where they are kept."""

    kind: Kind
    class_path: Sequence[Path]
    options: Sequence[str]
    folder: Path

    def at_start(
        self,
        say: Callable[[str], None] = lambda line: None,
        is_ending: Callable[[], bool] = never,
    ) -> tuple[str, ...]:
        """Options to start with; makes the archive first if the classes have been noted, unless the end comes before."""
        try:
            noted = self._noted(is_ended=True)
            if not self._archive.exists() and noted is not None:
                say("preparing Java for faster starts: once, some twenty seconds")
                self._prepare(noted, (), is_ending)
            self._tidy()
        except (OSError, Busy):
            pass
        return self.at_once()

    def at_once(self) -> tuple[str, ...]:
        """Options to start with, without any delay."""
        try:
            archive = self._archive
            if archive.exists():
                if archive.stat().st_size:
                    if os.access(archive, os.W_OK):
                        os.utime(archive)
                    return (f"-XX:SharedArchiveFile={archive}",)
                if _time_s(archive) > time.time() - REFUSED_S:
                    return ()
                archive.unlink()
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError:  # a folder that cannot be written, a full disk
            return ()
        return (f"-XX:DumpLoadedClassList={self.folder}/{self._name}.%p.list",)

    def make_beside(self, is_ending: Callable[[], bool]) -> bool:
        """Makes the archive, at low priority, as soon as a JVM that runs loads no more; whether it is there."""
        try:
            if not self._archive.exists() and (noted := self._noted(is_ended=False)) is not None:
                self._prepare(noted, LOW_PRIORITY, is_ending)
            self._tidy()
            return self._archive.exists()
        except (OSError, Busy):
            return False

    @cached_property
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
            (len(_lines(one)), one)
            for one in self.folder.glob(f"{self._name}.pid*.list")
            if not _is_written(one) or (not is_ended and _time_s(one) < settled_s)
        ]
        count, longest = max(lists, default=(0, None))
        return longest if count >= NOTED_MIN[self.kind] else None

    def _prepare(self, noted: Path, priority: Sequence[str], is_ending: Callable[[], bool]) -> None:
        """Makes the archive; an empty one where the JVM refuses, so that it is not asked at each start (REFUSED_S).

        Raises Busy where another process is at it.
        """
        archive = self._archive
        with alone(self.folder, ".classes-*", f".classes-{self.kind}.lock", is_patient=False):
            if archive.exists():  # another process has made it meanwhile
                return
            with TemporaryDirectory(prefix=".classes-", dir=self.folder) as made:
                wanted, fresh = Path(made) / "list", Path(made) / "jsa"
                wanted.write_text("".join(_loadable(_lines(noted))))
                command = [
                    *priority, str(java_home() / "bin" / "java"), *self.options, "-Xshare:dump",
                    f"-XX:SharedArchiveFile={fresh}", f"-XX:SharedClassListFile={wanted}",
                    "-cp", os.pathsep.join(map(str, self.class_path)),
                ]  # fmt: skip
                code = _run(command, is_ending)
                if code == 0 and fresh.exists():
                    fresh.chmod(0o644)
                    fresh.replace(archive)
                elif code == 1:  # its own word; all else may be another time's
                    archive.touch()

    def _tidy(self) -> None:
        """Removes lists that are of no use any more, and archives that nobody uses."""
        for one in self.folder.glob(f"{self._name}.pid*.list"):
            if not _is_written(one):
                one.unlink(missing_ok=True)
        unused_s = time.time() - UNUSED_S
        for one in self.folder.glob(f"classes-{self.kind}-*"):
            if one != self._archive and _time_s(one) < unused_s:
                one.unlink(missing_ok=True)


def _run(command: Sequence[str], is_ending: Callable[[], bool]) -> int | None:
    """Runs a command; its exit code, or None where it was killed: the end had come, or it took too long."""
    quiet, end_s = subprocess.DEVNULL, time.monotonic() + MAKE_S_MAX
    with subprocess.Popen(
        command, stdin=quiet, stdout=quiet, stderr=quiet, env=plain_environment(),
        process_group=0,  # a Ctrl-C is for us, who then end it
        preexec_fn=dying_with(os.getpid()),  # noqa: PLW1509 - it only tells the kernel
    ) as process:  # fmt: skip
        try:
            while process.poll() is None:
                if is_ending() or time.monotonic() > end_s:
                    return None
                time.sleep(POLL_S)
        finally:
            process.kill()
    return process.returncode


def _is_written(noted: Path) -> bool:
    return Path("/proc", noted.suffixes[-2].removeprefix(".pid")).exists()


def _lines(noted: Path) -> list[str]:
    """None of a list that another process has just removed."""
    try:
        return noted.read_text(errors="replace").splitlines(keepends=True)
    except FileNotFoundError:
        return []


def _time_s(path: Path) -> float:
    """When it was written last; now, where it has just gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


def _loadable(lines: Iterable[str]) -> Iterable[str]:
    """Without classes of class loaders that Flink makes, whose jars have another name at each start, and half a line."""
    return (line for line in lines if " source: " not in line and line.endswith("\n"))
