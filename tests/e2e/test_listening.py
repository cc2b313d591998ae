"""Nothing of the stack listens beyond this machine, and what takes commands wants a secret."""

import ssl
from pathlib import Path
from urllib.request import urlopen

import pytest

from jobs.flink.jvm import PORT_AND_TOKEN
from jobs.flink.key_maker import make_keys
from jobs.flink.keys import home_keys
from jobs.flink.rest import FlinkRest
from tests.e2e.homes import Engine
from tests.listening import is_flink, obeyed, ports

pytestmark = pytest.mark.e2e


def test_everything_listens_on_the_loopback_interface_only(engine: Engine) -> None:
    found = list(ports(engine.home.processes()))
    there = {f"127.0.0.1:{one.number}" for one in found}
    assert {engine.kafka, engine.redis, engine.flink, engine.learn} <= there
    assert [one for one in found if not one.is_loopback] == []


def test_flink_obeys_nobody_without_a_secret(engine: Engine) -> None:
    flink = [one for one in engine.home.processes() if is_flink(one)]
    found = list(ports(flink))
    assert len(flink) == 2, "one JVM for each job"
    assert len(found) >= 2 * 3, "the gateway, the REST and the BlobServer of each"
    assert [(one, said) for one in found for said in obeyed(one)] == []


def test_python_of_a_job_listens_to_nobody(engine: Engine) -> None:
    jobs = [one for one in engine.home.processes() if "jobs.run_" in " ".join(one.cmdline())]
    assert len([one for one in jobs if "python" in one.name()]) >= 2
    assert list(ports(one for one in jobs if not is_flink(one))) == []


def test_flink_obeys_who_has_the_keys_of_the_home_and_they_are_private(
    engine: Engine, tmp_path: Path
) -> None:
    keys = home_keys(engine.home.path)
    assert FlinkRest(engine.flink, keys).answers()
    others = make_keys(tmp_path / "others")
    assert not FlinkRest(engine.flink, others).answers()
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    trusting.load_cert_chain(others.folder / "flink.pem")
    with (
        pytest.raises(OSError, match=r"\w"),
        urlopen(f"https://{engine.flink}/overview", context=trusting),
    ):
        pass
    assert keys.folder.stat().st_mode & 0o777 == 0o700
    assert {one.stat().st_mode & 0o777 for one in keys.folder.iterdir()} == {0o600}
    settings = FlinkRest(engine.flink, keys).ask("/jobmanager/config")
    assert (keys.folder / "password").read_text() not in str(settings)


def test_token_of_the_gateway_is_on_no_disk_once_it_is_known(engine: Engine) -> None:
    printed = list(engine.home.path.glob("flink/*/printed"))
    assert len(printed) == 2
    assert [one for one in printed if PORT_AND_TOKEN.search(one.read_bytes())] == []
    assert {one.stat().st_mode & 0o777 for one in printed} == {0o600}
    assert {one.parent.stat().st_mode & 0o777 for one in printed} == {0o700}
