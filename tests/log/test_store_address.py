"""Addresses of the store: what each is taken for, and that none of them holds a password."""

from pathlib import Path
from typing import Any

import pytest

from jobs.config import config_from
from log.store_address import StoreAddress, check_address, host_and_port, open_redis, read_password
from schemas.errors import ConfigError


def password_file(folder: Path, text: str = "hush\n", mode: int = 0o600) -> Path:
    path = folder / "redis.password"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("r:6379", ("r", 6379)),
        ("redis://r", ("r", 6379)),
        ("redis://u@r:7000/3", ("r", 7000)),
        ("rediss://r:6380/0?ssl_ca_certs=/ca.pem", ("r", 6380)),
        ("redis+cluster://r:7001", ("r", 7001)),
    ],
)
def test_an_address_is_taken(address: str, place: tuple[str, int]) -> None:
    assert check_address(address) == address
    assert host_and_port(address) == place


@pytest.mark.parametrize(
    "address",
    [
        "r", "r:", ":6379", "r:0", "r:65536", "r:x", "a:1,b:2", "http://r:1", "redis://", "redis://r/x",
        "redis://r/-1", "redis://r:1?password=x", "redis://u:hush@r:1", "unix:///tmp/x", "redis://r:99999",
    ],
)  # fmt: skip
def test_another_one_is_refused_without_being_shown_with_a_password(address: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        check_address(address)
    assert "hush" not in str(refused.value)


def settings_of(address: str) -> dict[str, Any]:
    found: dict[str, Any] = open_redis(address).connection_pool.connection_kwargs
    return found


def test_user_database_password_and_tls_reach_the_client(tmp_path: Path) -> None:
    url = StoreAddress("rediss://some%40one@r:6380/2?ssl_ca_certs=/ca.pem", password_file(tmp_path))
    found = settings_of(url)
    assert (found["host"], found["port"], found["db"]) == ("r", 6380, 2)
    assert (found["username"], found["password"]) == ("some@one", "hush")
    assert found["ssl_ca_certs"] == "/ca.pem"
    assert settings_of("r:6379")["password"] is None


def test_the_password_is_shown_nowhere(tmp_path: Path) -> None:
    environment = {
        "KAIROS_REDIS": "rediss://u@r:6380",
        "KAIROS_REDIS_PASSWORD_FILE": str(password_file(tmp_path)),
    }
    config = config_from(environment)
    assert isinstance(config.redis, StoreAddress)
    assert config.redis.password_file == tmp_path / "redis.password"
    assert "hush" not in repr(config)


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [("hush", 0o644, "chmod 600"), ("", 0o600, "holds no password"), (" \n", 0o600, "holds no")],
)
def test_a_file_that_cannot_be_a_secret_is_refused(
    tmp_path: Path, text: str, mode: int, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        read_password(password_file(tmp_path, text, mode))
    with pytest.raises(ConfigError, match="cannot be read"):
        read_password(tmp_path / "none")
