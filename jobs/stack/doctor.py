"""What is missing on this machine, and how to get it."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from jobs.config import Config, own_ports
from jobs.kept_days import days_of
from jobs.learning.trust import keys_of, roots_of, signer_of
from jobs.stack import kafka, valkey
from jobs.stack.jars import JarSet, can_fetch, missing_jars
from jobs.stack.java import java_home
from jobs.stack.ports import is_free, way_out
from jobs.stack.private import is_private
from jobs.stack.state import is_alive, read_state
from log.topic_settings import differences
from schemas.errors import ConfigError
from schemas.limits import DAY_MS
from schemas.topics import (
    COMPACTION_LAG_MS,
    FOR_EVER,
    NEVER,
    RETENTION_MS,
    TopicSpec,
    topics,
)

GIB: Final = 2**30
DISK_BYTES_MIN: Final = 2 * GIB
MEMORY_BYTES_MIN: Final = 3 * GIB
GLIBC_MIN: Final = (2, 28)
RUN_SECONDS_MAX: Final = 20.0
JAR_SETS: Final[tuple[JarSet, ...]] = ("kafka", "flink")


class Check(NamedTuple):
    """One thing that was looked at; `remedy` is one sentence where it is not as it should be."""

    name: str
    is_ok: bool
    found: str
    remedy: str


def checks(config: Config, jars: Path | None = None) -> list[Check]:
    """Everything that a start needs, in the order in which it would fail."""
    home = config.home
    return [
        _machine(),
        _python(),
        _glibc(),
        _runs("java", lambda: java_home() / "bin" / "java", "-version"),
        _runs("valkey", valkey.valkey_binary, "--version"),
        _folder(home),
        _private(home),
        _disk(home),
        _memory(),
        _jars(jars or home / "jars"),
        _models(config),
        _control(config),
        _topics(config),
        *_ports(config),
    ]


def _machine() -> Check:
    found = f"{platform.system()} {platform.machine()}"
    return Check("machine", found == "Linux x86_64", found, "use an x86-64 Linux machine")


def _python() -> Check:
    is_ok = sys.version_info[:2] == (3, 11)
    return Check("python", is_ok, platform.python_version(), "start with ./kairos: it gets 3.11")


def _glibc() -> Check:
    found = os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else None
    version = tuple(int(part) for part in found.split()[1].split(".")[:2]) if found else (0, 0)
    return Check(
        "glibc",
        version >= GLIBC_MIN,
        found or "another C library",
        "use a distribution with glibc 2.28 or newer, not Alpine",
    )


def _runs(name: str, find: Callable[[], Path], argument: str) -> Check:
    remedy = "delete .venv and start again to reinstall it"
    try:
        done = subprocess.run(
            (find(), argument), capture_output=True, text=True, timeout=RUN_SECONDS_MAX, check=False
        )
    except (ConfigError, OSError, subprocess.TimeoutExpired) as error:
        return Check(name, False, str(error), remedy)
    said = (done.stdout + done.stderr).strip() or f"ended with code {done.returncode}"
    return Check(name, done.returncode == 0, said.splitlines()[0], remedy)


def _folder(home: Path) -> Check:
    folder = _nearest(home)
    is_ok = os.access(folder, os.W_OK | os.X_OK) and ":" not in str(home)
    return Check("folder", is_ok, str(home), "set KAIROS_HOME to a folder you may write, without :")


def _private(home: Path) -> Check:
    is_ok = not home.exists() or is_private(home)
    found = "closed to other users" if is_ok else "other users of this machine can read it"
    return Check("home", is_ok, found, f"chmod -R go= {home}, as its owner")


def _disk(home: Path) -> Check:
    free = shutil.disk_usage(_nearest(home)).free
    return _amount("disk", free, DISK_BYTES_MIN, "free some disk space, or set KAIROS_HOME")


def _memory() -> Check:
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text(encoding="ascii").strip() if limit.exists() else "max"
    found = _meminfo_bytes()
    # A container's limit; what it uses is not subtracted, being mostly reclaimable cache.
    return _amount(
        "memory",
        found if text == "max" else min(found, int(text)),
        MEMORY_BYTES_MIN,
        "close other programs",
    )


def _meminfo_bytes() -> int:
    path = Path("/proc/meminfo")
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    return next((int(one.split()[1]) * 1024 for one in lines if one.startswith("MemAvailable")), 0)


def _jars(cache: Path) -> Check:
    missing = sum(len(missing_jars(jar_set, cache)) for jar_set in JAR_SETS)
    if not missing:
        return Check("jars", True, f"all in {cache}", "")
    is_reachable = can_fetch()
    how = "Maven Central answers" if is_reachable else "Maven Central does not answer"
    remedy = "connect to the internet for the first start, or name a mirror in ~/.config/jgo.conf"
    return Check("jars", is_reachable, f"{missing} to fetch, {how}", remedy)


def _models(config: Config) -> Check:
    roots = roots_of(config)
    missing = [one for one in roots.folders if config.models and not Path(one).is_dir()]
    found = f"{', '.join(missing)} is no folder" if missing else f"taken from {roots}"
    return Check("models", not missing, found, "make the folder, or set KAIROS_MODELS to another")


def _control(config: Config) -> Check:
    """Never a reason to fail without the setting: it is then said who may publish."""
    try:
        keys = keys_of(config).keys
        if config.control_signing_key_file is not None:
            signer_of(config)
    except ConfigError as error:
        return Check("control", False, str(error), "see docs/security.md, Who may publish")
    if not keys:
        found = "whoever may write to it publishes: no KAIROS_CONTROL_PUBLIC_KEYS"
        return Check("control", True, found, "")
    return Check("control", True, f"signed by one of {', '.join(one.key_id for one in keys)}", "")


def _topics(config: Config) -> Check:
    """Never a reason to fail: it is said how long topics are kept, and what is recommended for a Kafka of one's own."""
    specs = topics(config.topic_prefix, days_of(config))
    if config.kafka is None:
        return Check("topics", True, _kept(specs), "")
    if not kafka.is_kafka_healthy(config.kafka):
        return Check("topics", True, "not compared: Kafka does not answer", "")
    try:
        found = differences(config.kafka, specs)
    except ConfigError as error:
        return Check("topics", True, f"not compared: {error}", "")
    other = "; ".join(
        f"{one.topic}: {one.setting} is {one.found}, recommended is {one.wanted}" for one in found
    )
    return Check("topics", True, other or "all are as recommended", "")


def _kept(specs: Sequence[TopicSpec]) -> str:
    bounded = [
        f"{one.name} {int(one.settings[RETENTION_MS]) // DAY_MS} days"
        for one in specs
        if one.settings[RETENTION_MS] != FOR_EVER
    ]
    bounded += [
        f"{one.name} compacted after {int(one.settings[COMPACTION_LAG_MS]) // DAY_MS} days"
        for one in specs
        if one.settings.get(COMPACTION_LAG_MS, NEVER) != NEVER
    ]
    return f"kept from arrival: {', '.join([*bounded, 'others for ever'])}"


def _ports(config: Config) -> list[Check]:
    state = read_state(config.home)
    if state is not None and is_alive(state.owner):
        return [Check("ports", True, "in use by what runs here: see `kairos status`", "")]
    return [_port(name, port) for name, port in own_ports(config).items()]


def _port(name: str, port: int) -> Check:
    is_ok = port == 0 or is_free(port)
    found = f"{port} is {'free' if is_ok else 'taken'}" if port else "any free one"
    remedy = f"stop what listens there, or choose another one: {way_out([name])}"
    return Check(f"port of {name}", is_ok, found, remedy)


def _amount(name: str, found: int, wanted: int, remedy: str) -> Check:
    text = f"{found / GIB:.1f} GiB free"
    return Check(name, found >= wanted, text, f"{remedy}: {wanted // GIB} GiB are needed")


def _nearest(path: Path) -> Path:
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.exists())
