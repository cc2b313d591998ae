"""Nothing of a local cluster listens beyond this machine, and what takes commands wants a secret."""

import pytest

from jobs.flink.rest import FlinkRest
from tests.cluster.conftest import Cluster
from tests.listening import is_flink, obeyed, ports

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]


def test_everything_listens_on_the_loopback_interface_only(cluster: Cluster) -> None:
    found = list(ports(cluster.home.processes()))
    there = {f"127.0.0.1:{one.number}" for one in found}
    assert {cluster.kafka, cluster.redis, cluster.address} <= there
    assert [one for one in found if not one.is_loopback] == []


def test_nobody_without_a_secret_is_obeyed(cluster: Cluster) -> None:
    flink = [one for one in cluster.home.processes() if is_flink(one)]
    found = list(ports(flink))
    assert len(flink) == 3, "a JobManager and two task managers"
    assert len(found) >= 3 + 2 * 2, "REST, RPC and BlobServer; RPC and data of each task manager"
    assert [(one, said) for one in found for said in obeyed(one)] == []
    assert not FlinkRest(cluster.address).answers(), "nor is a client without keys"


def test_the_password_of_the_keys_is_readable_by_the_owner_alone(cluster: Cluster) -> None:
    password = (cluster.rest.keys.folder / "password").read_text() if cluster.rest.keys else ""
    holders = [
        one for one in (cluster.home.path / "cluster").rglob("*")
        if one.is_file() and password in one.read_text(errors="replace")
    ]  # fmt: skip
    assert [one.name for one in holders] == ["config.yaml"]
    assert {one.stat().st_mode & 0o777 for one in holders} == {0o600}
    words = " ".join(word for one in cluster.home.processes() for word in one.cmdline())
    assert password not in words
