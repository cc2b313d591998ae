"""Class data: what a JVM reads, checks and lays out at each start, made once and then mapped into memory.

Class-data sharing (JDK Enhancement Proposals 310 and 350). A first start notes which classes it loads, the next one
makes an archive of them, all later ones use it. An archive belongs to one JDK and one class path; where it does not
fit, or cannot be made, the JVM starts as it would without.
"""

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from jobs.stack.alone import alone
from jobs.stack.java import java_home

Kind = Literal["kafka", "job", "task-manager"]
"""What a JVM is for: those of one kind load the same classes."""
MAKE_S_MAX: Final = 120.0
NOTED_MIN: Final = 5_000
"""A list with fewer lines is of a start that was broken off."""
KEY_LENGTH: Final = 12


def shared_classes(
    kind: Kind,
    class_path: Sequence[Path],
    folder: Path,
    options: Sequence[str] = (),
    say: Callable[[str], None] = lambda line: None,
) -> tuple[str, ...]:
    """Options of the JVM's command line for its class data; `options` are its others, `folder` keeps what is made."""
    try:
        name = f"classes-{kind}-{_key(class_path)}"
        archive = folder / f"{name}.jsa"
        if not archive.exists():
            noted = _noted(folder, name)
            if noted is None:
                folder.mkdir(parents=True, exist_ok=True)
                return (f"-XX:DumpLoadedClassList={folder}/{name}.%p.list",)
            say("Java will start faster from now on; to prepare it takes some twenty seconds, once")
            with alone(folder, ".classes-*"):
                if not archive.exists():  # another process may have made it meanwhile
                    _make(archive, noted, class_path, options)
                    _tidy(archive, f"classes-{kind}-*")
        return (f"-XX:SharedArchiveFile={archive}",) if archive.stat().st_size else ()
    except OSError:  # a folder that cannot be written, a full disk
        return ()


def _noted(folder: Path, name: str) -> Path | None:
    """The longest list of a JVM that has ended."""
    lists = [one for one in folder.glob(f"{name}.pid*.list") if not _is_written(one)]
    with_lines = [(one.read_bytes().count(b"\n"), one) for one in lists]
    count, longest = max(with_lines, default=(0, None))
    return longest if count >= NOTED_MIN else None


def _is_written(noted: Path) -> bool:
    return Path("/proc", noted.suffixes[-2].removeprefix(".pid")).exists()


def _make(archive: Path, noted: Path, class_path: Sequence[Path], options: Sequence[str]) -> None:
    """Makes the archive; an empty one where the JVM cannot, so that it is not tried at each start."""
    with TemporaryDirectory(prefix=".classes-", dir=archive.parent) as made:
        wanted, fresh = Path(made) / "list", Path(made) / "jsa"
        with wanted.open("w") as file:
            file.writelines(_loadable(noted.read_text().splitlines(keepends=True)))
        command = [
            str(java_home() / "bin" / "java"), *options, "-Xshare:dump",
            f"-XX:SharedArchiveFile={fresh}", f"-XX:SharedClassListFile={wanted}",
            "-cp", os.pathsep.join(map(str, class_path)),
        ]  # fmt: skip
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(command, capture_output=True, timeout=MAKE_S_MAX, check=False)
        fresh.touch()
        fresh.replace(archive)


def _tidy(archive: Path, pattern: str) -> None:
    """Removes lists, which have done their duty, and archives of other class paths."""
    for other in archive.parent.glob(pattern):
        if other != archive and not (other.suffix == ".list" and _is_written(other)):
            other.unlink(missing_ok=True)


def _loadable(lines: Iterable[str]) -> Iterable[str]:
    """Without classes of class loaders that Flink makes: their jars have another name at each start."""
    return (line for line in lines if " source: " not in line)


def _key(class_path: Sequence[Path]) -> str:
    found = hashlib.sha256((java_home() / "release").read_bytes())
    for path in class_path:
        known = path.stat()
        found.update(f"{path} {known.st_size} {known.st_mtime_ns}\n".encode())
    return found.hexdigest()[:KEY_LENGTH]
