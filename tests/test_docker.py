"""Image, compose file and manifest: pinned, without root, and in step with the code they start. No engine runs them here."""

import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from typer.main import get_group

from jobs.application import JOBS
from jobs.config import PROJECT, SETTINGS
from jobs.flink.key_maker import make_keys, write_settings
from jobs.stack.jars import locked_jars
from scripts.cli import app

DOCKER: Final = PROJECT / "docker"
DOCKERFILE: Final = (DOCKER / "Dockerfile").read_text()
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
MANIFEST: Final[dict[str, Any]] = yaml.safe_load((DOCKER / "flink-deployment.yaml").read_text())
POLICY: Final[dict[str, Any]] = yaml.safe_load((DOCKER / "network-policy.yaml").read_text())
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
    """Words that may stand behind `kairos`: commands and groups of them."""
    return set(get_group(app).commands)


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
        "keys",
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


def test_every_container_may_do_no_more_than_it_needs() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("read_only") or name == "kafka", "its image writes its settings"
        assert not service.get("privileged"), name
    main = MANIFEST["spec"]["podTemplate"]["spec"]["containers"][0]
    assert main["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    volumes = {one["name"] for one in MANIFEST["spec"]["podTemplate"]["spec"]["volumes"]}
    assert {one["name"] for one in main["volumeMounts"]} == volumes
    assert MANIFEST["spec"]["podTemplate"]["spec"]["securityContext"]["seccompProfile"] == {
        "type": "RuntimeDefault"
    }


def test_only_the_api_is_reached_from_outside_and_from_this_machine_alone() -> None:
    assert COMPOSE["networks"]["engine"]["internal"] is True
    for name, service in COMPOSE["services"].items():
        assert "engine" in service["networks"], name
        assert ("ports" in service) == ("front" in service["networks"]) == (name == "api")
        assert all(one.startswith("127.0.0.1:") for one in service.get("ports", ()))


def test_secrets_are_files_and_no_variables() -> None:
    for name, service in COMPOSE["services"].items():
        for variable, value in service.get("environment", {}).items():
            is_file = str(value).startswith(("/run/secrets/", "/keys/"))
            wants_file = "KEY" in variable or "SECRET" in variable or "PASSWORD" in variable
            assert is_file == wants_file, (name, variable)
        assert set(service.get("secrets", ())) <= COMPOSE["secrets"].keys()
    (main,) = MANIFEST["spec"]["podTemplate"]["spec"]["containers"]
    assert not [one for one in main["env"] if re.search("KEY|SECRET|PASSWORD", one["name"])]


def test_no_jobmanager_obeys_without_the_keys() -> None:
    services = COMPOSE["services"]
    assert services["keys"]["command"][:3] == ["cluster", "keys", "/keys/flink"]
    assert services["keys"]["command"][3:] == ["--name", "jobmanager"]
    for name in ("jobmanager", "taskmanager"):
        assert services[name]["entrypoint"] == ["/opt/kairos/flink-start.sh"]
        assert "keys:/keys:ro" in services[name]["volumes"], name
    assert "https://jobmanager:8081/overview" in services["jobmanager"]["healthcheck"]["test"]
    wanted = services["jobmanager"]["depends_on"]["keys"]["condition"]
    assert wanted == "service_completed_successfully"
    assert "$(cat /keys/flink/flink.yaml)" in (DOCKER / "flink-start.sh").read_text()
    settings = MANIFEST["spec"]["flinkConfiguration"]
    for name in ("internal.enabled", "rest.enabled", "rest.authentication-enabled"):
        assert settings[f"security.ssl.{name}"] == "true", name
    (container,) = MANIFEST["spec"]["jobManager"]["podTemplate"]["spec"]["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert "tcpSocket" in container[probe], "a probe has no key"
    assert (settings["web.submit.enable"], settings["web.cancel.enable"]) == ("false", "false")


def test_settings_of_keys_are_those_that_flink_starts_with(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys" / "flink", ("jobmanager",))
    written = yaml.safe_load(write_settings(keys).read_text())
    assert written == keys.settings()
    assert written["security.ssl.rest.authentication-enabled"] == "true"
    in_manifest = MANIFEST["spec"]["flinkConfiguration"]
    ours = {name for name in written if name.startswith("security.ssl.")}
    assert {name for name in in_manifest if name.startswith("security.ssl.")} == ours
    assert {name for name in ours if ".rest." in name} > {"security.ssl.rest.enabled"}


def test_the_script_that_starts_flink_is_sound() -> None:
    script = DOCKER / "flink-start.sh"
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
    done = subprocess.run(["sh", script], capture_output=True, text=True, check=False)
    assert "usage: flink-start.sh" in done.stderr


def test_pods_are_reached_by_each_other_and_the_operator_alone() -> None:
    ours = {"podSelector": {"matchLabels": {"kairos.job": "decide"}}}
    labels = MANIFEST["spec"]["podTemplate"]["metadata"]["labels"]
    assert labels == POLICY["spec"]["podSelector"]["matchLabels"]
    assert set(POLICY["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    inner, operator = POLICY["spec"]["ingress"]
    assert inner == {"from": [ours]}
    assert operator["ports"] == [{"protocol": "TCP", "port": 8081}]
    assert all("ports" in one or one["to"] == [ours] for one in POLICY["spec"]["egress"])


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
    assert words <= commands(), words
