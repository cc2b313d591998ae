"""The keys of a home's Flink: made once, private, and asked for where Flink is ours."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509

from jobs.config import config_from
from jobs.flink.counted import is_running
from jobs.flink.key_maker import make_keys
from jobs.flink.keys import Keys, home_keys, keys_for
from jobs.flink.rest import FlinkRest
from schemas.errors import ConfigError


def test_keys_are_made_once_and_are_private(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(lambda _: make_keys(tmp_path / "a" / "keys"), range(8)))
    assert made == {Keys(tmp_path / "a" / "keys")}
    (keys,) = made
    before = {one.name: one.read_bytes() for one in keys.folder.iterdir()}
    assert make_keys(keys.folder) == keys
    assert {one.name: one.read_bytes() for one in keys.folder.iterdir()} == before
    assert [one.name for one in keys.folder.parent.iterdir()] == ["keys"], "nothing is left over"
    assert keys.folder.stat().st_mode & 0o777 == 0o700
    assert {one.stat().st_mode & 0o777 for one in keys.folder.iterdir()} == {0o600}
    keys.context()


def test_keys_are_for_the_names_that_are_asked_for(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys", ("jobmanager", "10.0.0.7"))
    certificate = x509.load_pem_x509_certificate((keys.folder / "flink.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["jobmanager"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.7"]


def test_flink_is_told_to_want_them_of_everybody(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys")
    settings = keys.settings()
    for name in ("rest.enabled", "rest.authentication-enabled", "internal.enabled"):
        assert settings[f"security.ssl.{name}"] == "true"
    assert not [name for name in keys.rest_settings() if "internal" in name]


def test_whose_keys_are_shown_to_which_flink(tmp_path: Path) -> None:
    ours = home_keys(tmp_path)
    home = {"KAIROS_HOME": str(tmp_path)}
    embedded = config_from(home)
    assert keys_for(embedded, "127.0.0.1:8081") == ours
    other = config_from(home | {"KAIROS_FLINK": "far:8081"})
    assert keys_for(other, "far:8081") is None, "it is asked as it is, without TLS"
    assert keys_for(other, "127.0.0.1:8082") == ours
    known = config_from(home | {"KAIROS_FLINK": "far:8081", "KAIROS_FLINK_KEYS": "/k/flink"})
    assert keys_for(known, "far:8081") == Keys(Path("/k/flink"))


def test_a_home_without_keys_has_no_job_that_runs(tmp_path: Path) -> None:
    assert not is_running(FlinkRest("127.0.0.1:1", home_keys(tmp_path)))


def test_a_folder_that_cannot_take_keys_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "something").touch()
    with pytest.raises(ConfigError, match="no keys can be put into"):
        make_keys(tmp_path / "keys")
