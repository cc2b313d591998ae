"""`kairos package`: all that a Flink cluster needs of us in one archive, and how to use it."""

import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from jobs.code import PACKAGES, code_digest
from jobs.config import PROJECT, Config
from jobs.stack.flink_java import flink_home
from jobs.stack.jars import jar_paths
from schemas import CODE_VERSION
from schemas.errors import ConfigError
from scripts.console import say, show

LOCKS: Final = ("pyproject.toml", "uv.lock", ".python-version", "LICENSE")
GUIDE: Final = """\
Kairos {version}, code {code}, for Flink {flink} with Python 3.11 and Java 17 or 21.

  code/     the job: give it to Flink with -pyfs
  lib/      jars: put them into the lib folder of every JobManager and task manager, before they start
  lock/     what Python needs on every machine: `uv sync --frozen --no-dev --project lock`, or
            `uv export --frozen --no-dev --project lock | pip install -r /dev/stdin`
  conf/     settings for Flink's own config.yaml

One slot in each task manager (Python tasks of one process share one interpreter lock). The job
takes two slots for each degree of parallelism, one with KAIROS_SLOTS=shared.

On a session cluster, from a machine that has this project:

  ./kairos decide --cluster HOST:PORT

In application mode, with nothing but this archive (PYTHON: the interpreter with the lock's packages;
set KAIROS_CHECKPOINTS to a folder or URI that all machines see):

  export KAIROS_KAFKA=HOST:PORT KAIROS_CHECKPOINTS=s3://bucket/kairos PYTHONPATH=SITE-PACKAGES
  $FLINK_HOME/bin/standalone-job.sh start \\
      --job-classname org.apache.flink.client.python.PythonDriver \\
      -pyclientexec PYTHON -pyexec PYTHON -pyfs code -pym jobs.application decide

Flink's REST and its other ports take code from whoever reaches them: `./kairos cluster keys FOLDER --name HOST` makes
keys and the settings with which they answer only those who have them.

To go on from a savepoint, put `--fromSavepoint URI` behind `start`. `learn` in the place of `decide`
runs the learn job. Topics must exist (`./kairos up --no-jobs` makes them), or the job makes its outputs.
"""
CONFIGURATION: Final = """\
# Beside your own settings. Each job brings the rest (jobs/flink/settings.py).
taskmanager.numberOfTaskSlots: 1
heartbeat.interval: 1 s
heartbeat.timeout: 10 s
heartbeat.rpc-failure-threshold: 2
taskmanager.network.memory.buffer-debloat.enabled: true
"""


def package(config: Config, out: Path | None) -> Path:
    """Writes the archive and returns its path; the same inputs give the same bytes."""
    digest = code_digest()
    path = out or Path(f"kairos-{CODE_VERSION}-{digest[:8]}.tar.gz")
    fresh = path.with_name(f".{path.name}.new")
    root = path.name.removesuffix(".gz").removesuffix(".tar").removesuffix(".tgz")
    try:
        with (
            fresh.open("wb") as file,
            gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as zipped,
            tarfile.open(fileobj=zipped, mode="w") as archive,
        ):
            for name, data in _members(config, digest):
                _add(archive, f"{root}/{name}", data)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    return path


def describe(path: Path) -> dict[str, Any]:
    """What is in an archive."""
    with tarfile.open(path) as archive:
        names = [one.name.partition("/")[2] for one in archive.getmembers()]
    jars = [name for name in names if name.startswith("lib/")]
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "modules": sum(name.endswith(".py") for name in names),
        "jars": [name.removeprefix("lib/") for name in jars],
        "code": code_digest(),
    }


def show_package(found: dict[str, Any]) -> None:
    """What is in an archive, in a sentence."""
    show(
        f"{found['file']}: {found['bytes'] / 1e6:.0f} MB, {found['modules']} modules, "
        f"{', '.join(found['jars'])}; its README says how to use it"
    )


def _members(config: Config, digest: str) -> Iterator[tuple[str, bytes]]:
    flink = flink_home()
    python_jars = sorted((flink / "opt").glob("flink-python-*.jar"))
    if not python_jars:
        raise ConfigError(f"no flink-python jar in {flink / 'opt'}: delete .venv and start again")
    version = python_jars[0].stem.removeprefix("flink-python-")
    guide = GUIDE.format(version=CODE_VERSION, code=digest, flink=version)
    yield "README", guide.encode()
    yield "conf/config.yaml", CONFIGURATION.encode()
    for name in LOCKS:
        yield f"lock/{name}", (PROJECT / name).read_bytes()
    for package_name in PACKAGES:
        for path in sorted((PROJECT / package_name).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"code/{path.relative_to(PROJECT)}", path.read_bytes()
    for jar in (*jar_paths("flink", config.home / "jars", say), *python_jars):
        yield f"lib/{jar.name}", jar.read_bytes()


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o644
    archive.addfile(member, io.BytesIO(data))
