"""The Java libraries: fetched once from Maven Central, checked against `jars.lock` each time."""

import hashlib
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Literal, NamedTuple

from jobs.stack.alone import alone
from schemas.errors import ConfigError

JarSet = Literal["kafka", "flink"]
LOCK: Final = Path(__file__).with_name("jars.lock")
PARALLEL_FETCHES: Final = 4
ATTEMPTS_MAX: Final = 3
TIMEOUT_SECONDS: Final = 30
PROBE_SECONDS: Final = 5


class Jar(NamedTuple):
    """One line of the lock: set, group:artifact:version, size and SHA-256."""

    jar_set: str
    coordinate: str
    bytes_count: int
    sha256: str

    @property
    def path(self) -> str:
        """Where it lies below the cache folder."""
        _, artifact, version = self.coordinate.split(":")
        return f"{self.jar_set}/{artifact}-{version}.jar"


def locked_jars(jar_set: JarSet) -> tuple[Jar, ...]:
    """What the lock pins for one set, in the order of the class path."""
    rows = (line.split() for line in LOCK.read_text(encoding="utf-8").splitlines())
    return tuple(Jar(row[0], row[1], int(row[2]), row[3]) for row in rows if row[0] == jar_set)


def missing_jars(jar_set: JarSet, cache: Path) -> tuple[Jar, ...]:
    """The jars that are not in the cache as the lock wants them."""
    return tuple(jar for jar in locked_jars(jar_set) if not _is_whole(cache / jar.path, jar))


def jar_paths(jar_set: JarSet, cache: Path, say: Callable[[str], None]) -> tuple[Path, ...]:
    """The jars of a set, fetched into `cache` where missing; no network where none is.

    Raises ConfigError where one cannot be fetched.
    """
    if missing_jars(jar_set, cache):
        with alone(cache, ".fetching-*"):
            _fetch_all(missing_jars(jar_set, cache), cache, say)
    # by their own name: class data belong to a class path to the letter
    folder = cache.resolve()
    return tuple(folder / jar.path for jar in locked_jars(jar_set))


def can_fetch() -> bool:
    """Whether Maven Central, or the mirror named instead, answers within a few seconds."""
    from jgo.util import http

    try:
        answer = http.head(_repositories()["central"], timeout=PROBE_SECONDS)
        return bool(answer.status_code < 500)
    except OSError:
        return False


def _is_whole(path: Path, jar: Jar) -> bool:
    if not path.is_file() or path.stat().st_size != jar.bytes_count:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256


def _fetch_all(jars: tuple[Jar, ...], cache: Path, say: Callable[[str], None]) -> None:
    size_mb = sum(jar.bytes_count for jar in jars) / 1e6
    say(f"fetching {len(jars)} Java libraries once, {size_mb:.0f} MB in all")
    with ThreadPoolExecutor(PARALLEL_FETCHES) as pool:
        fetched = pool.map(lambda jar: _fetch(jar, cache), jars)
        for number, jar in enumerate(jars, start=1):
            next(fetched)
            say(f"{number}/{len(jars)} {jar.coordinate} {jar.bytes_count / 1e6:.1f} MB")


def _fetch(jar: Jar, cache: Path) -> None:
    reason = ""
    for _ in range(ATTEMPTS_MAX):
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=cache) as folder:
            try:
                found = _download(jar.coordinate, Path(folder))
            except (OSError, RuntimeError) as error:
                # An OSError with a number is this machine's (a full disk), one without the web's.
                if isinstance(error, OSError) and error.errno is not None:
                    raise
                reason = str(error)
                continue
            if _is_whole(found, jar):
                (cache / jar.path).parent.mkdir(exist_ok=True)
                found.replace(cache / jar.path)
                return
            reason = "its checksum is not the one in jars.lock"
    raise ConfigError(
        f"{jar.coordinate} cannot be fetched ({reason}): connect to the internet and start again, "
        "or name a mirror as `central` in the section [repositories] of ~/.config/jgo.conf"
    )


def _download(coordinate: str, folder: Path) -> Path:
    # Imported here as in its neighbours: only the first start needs what takes 0.3 s to import.
    from jgo.maven import MavenContext

    maven = MavenContext(repo_cache=folder, remote_repos=_repositories(), timeout=TIMEOUT_SECONDS)
    return Path(maven.create_dependency(coordinate).artifact.resolve())


def _repositories() -> dict[str, str]:
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL

    # A user's own `central` is a mirror.
    return {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
