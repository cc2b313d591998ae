"""Image, compose file and manifest: pinned, without root, and in step with the code they start. No engine runs them here."""

import re
import subprocess
from typing import Any, Final

import pytest
import yaml

from jobs.application import JOBS
from jobs.config import PROJECT, SETTINGS
from jobs.stack.jars import locked_jars
from scripts.cli import app

DOCKER: Final = PROJECT / "docker"
DOCKERFILE: Final = (DOCKER / "Dockerfile").read_text()
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
MANIFEST: Final[dict[str, Any]] = yaml.safe_load((DOCKER / "flink-deployment.yaml").read_text())
PINNED: Final = re.compile(r"^[\w./-]+:[\w.-]*\d+\.\d+[\w.-]*$")
KNOWN: Final = {one.name for one in SETTINGS}
FLINK: Final = "2.3.0"


def lines(word: str) -> list[str]:
    return [
        line.removeprefix(word).strip()
        for line in DOCKERFILE.splitlines()
        if line.startswith(word + " ")
    ]


def stages() -> list[list[str]]:
    """The instructions after each FROM."""
    return [part.splitlines() for part in re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]]


def commands() -> set[str]:
    return {
        str(one.name or getattr(one.callback, "__name__", "")) for one in app.registered_commands
    }


def test_every_image_is_pinned_and_for_the_one_platform() -> None:
    for line in lines("FROM"):
        platform, image = line.split()[:2]
        assert platform == "--platform=linux/amd64"
        assert PINNED.match(image), image
    for name, service in COMPOSE["services"].items():
        assert PINNED.match(service["image"]), name
        assert service["platform"] == "linux/amd64", name
    assert PINNED.match(MANIFEST["spec"]["image"])


def test_nothing_that_is_run_is_root() -> None:
    final = stages()[-2:]
    assert [line for stage in final for line in stage if line.startswith("USER")] == [
        "USER 9999:9999"
    ] * 2
    security = MANIFEST["spec"]["podTemplate"]["spec"]["securityContext"]
    assert (security["runAsNonRoot"], security["runAsUser"]) == (True, 9999)


def test_what_is_copied_is_there_and_let_through() -> None:
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    for line in lines("COPY"):
        if "--from" in line:
            continue
        for name in line.split()[:-1]:
            assert (PROJECT / name).exists(), name
            assert f"!{name}" in ignored, name


def test_the_script_of_the_image_is_sound_and_copies_every_package() -> None:
    script = DOCKER / "install.sh"
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
    done = subprocess.run(["sh", script], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "usage: docker/install.sh FOLDER" in done.stderr
    copied = re.search(r"for package in ([\w ]+);", script.read_text())
    assert copied is not None
    packages = {one.parent.name for one in PROJECT.glob("*/__init__.py")}
    assert set(copied[1].split()) == packages


def test_services_start_what_there_is_with_settings_that_there_are() -> None:
    services = COMPOSE["services"]
    assert {
        "kafka",
        "valkey",
        "jobmanager",
        "taskmanager",
        "store",
        "decide",
        "learn",
        "api",
    } == services.keys()
    volumes = COMPOSE["volumes"].keys()
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= services.keys(), name
        for other, wish in service.get("depends_on", {}).items():
            assert wish["condition"] != "service_healthy" or "healthcheck" in services[other], other
        mounted = {one.split(":")[0] for one in service.get("volumes", ())}
        assert {one for one in mounted if not one.startswith(".")} <= volumes, name
        environment = service.get("environment", {})
        assert {one for one in environment if one.startswith("KAIROS_")} <= KNOWN, name
        if service["image"].startswith("kairos:"):
            assert service["command"][0] in commands(), name
            assert service["read_only"], name


def test_the_cluster_has_a_slot_for_each_that_the_jobs_take() -> None:
    services = COMPOSE["services"]
    flink = yaml.safe_load(services["taskmanager"]["environment"]["FLINK_PROPERTIES"])
    assert flink["taskmanager.numberOfTaskSlots"] == 1
    assert services["taskmanager"]["deploy"]["replicas"] == 3


def test_the_manifest_runs_the_job_of_the_image() -> None:
    spec, job = MANIFEST["spec"], MANIFEST["spec"]["job"]
    assert spec["flinkVersion"] == "v" + "_".join(FLINK.split(".")[:2])
    assert f"flink:{FLINK}-java21" in DOCKERFILE
    assert job["jarURI"].endswith(f"flink-python-{FLINK}.jar")
    assert job["args"][-3:-1] == ["-pym", "jobs.application"]
    assert job["args"][-1] in JOBS
    assert (job["upgradeMode"], job["allowNonRestoredState"]) == ("savepoint", False)
    settings = spec["flinkConfiguration"]
    assert settings["taskmanager.numberOfTaskSlots"] == "1"
    assert settings["job.autoscaler.enabled"] == "true"
    assert all(isinstance(value, str) for value in settings.values()), "the operator takes strings"
    for role in ("jobManager", "taskManager"):
        (container,) = spec[role]["podTemplate"]["spec"]["containers"]
        assert "livenessProbe" in container, role
        assert spec[role]["resource"].keys() == {"cpu", "memory"}, role
    (main,) = spec["podTemplate"]["spec"]["containers"]
    names = {one["name"] for one in main["env"]}
    assert {one for one in names if one.startswith("KAIROS_")} <= KNOWN
    assert {"KAIROS_KAFKA", "KAIROS_CHECKPOINTS"} <= names, "the job does not start without"


def test_the_connector_of_the_lock_is_the_one_that_is_fetched() -> None:
    assert any("flink-sql-connector-kafka" in str(one.path) for one in locked_jars("flink"))


@pytest.mark.parametrize("name", ["docker.md", "archive.md", "audit.md"])
def test_the_commands_of_the_pages_are_there(name: str) -> None:
    text = (PROJECT / "docs" / name).read_text()
    for path in re.findall(r"docker/[\w.-]+", text):
        assert (PROJECT / path.rstrip(".")).exists(), path
    words = set(re.findall(r"^\./kairos (\w+)", text, re.MULTILINE))
    groups = {str(one.name) for one in app.registered_groups}
    assert words <= commands() | groups, words
