"""What docs/security.md tells to write for servers of one's own is what our clients take."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from jobs.config import config_from
from log.clients import open_admin_of, open_consumer_of, open_producer_of
from log.settings import Brokers, client_settings, java_settings
from log.store_address import StoreAddress, check_address, open_redis

DOCS: Final = (Path(__file__).parents[1] / "docs" / "security.md").read_text()
FOLDER: Final = "/etc/kairos"
KAFKA: Final = re.findall(r"^```properties\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL)
REDIS: Final = re.findall(r"^KAIROS_REDIS=(\S+)$", DOCS, re.MULTILINE)
SECRETS: Final = ("THE_SECRET", "THE_PASSWORD")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the docs call /etc/kairos: an authority, and a certificate with its key."""
    folder = tmp_path_factory.mktemp("etc")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued = authority.issue_cert("kairos.example")
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "own.pem").write_bytes(text + issued.cert_chain_pems[0].bytes())
    return folder


def test_all_ways_are_shown() -> None:
    mechanisms = {re.search(r"mechanisms=(\S+)|protocol=SSL", one)[0] for one in KAFKA}  # type: ignore[index]
    assert {one.removeprefix("mechanisms=") for one in mechanisms} == {
        "PLAIN", "SCRAM-SHA-512", "OAUTHBEARER", "protocol=SSL",
    }  # fmt: skip
    schemes = {one.partition("://")[0] for one in REDIS}
    assert {"redis", "rediss", "rediss+cluster"} <= schemes


@pytest.mark.parametrize("block", KAFKA, ids=lambda one: one.splitlines()[1])
def test_the_settings_of_a_managed_kafka_are_taken(
    block: str, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "kafka.properties"
    file.write_text(block.replace(FOLDER, str(folder)))
    file.chmod(0o600)
    kafka = config_from(
        {"KAIROS_KAFKA": "k.example:9093", "KAIROS_KAFKA_SETTINGS_FILE": str(file)}
    ).kafka
    assert isinstance(kafka, Brokers)
    given = dict(line.split("=", 1) for line in file.read_text().splitlines())
    assert client_settings(kafka) == {"bootstrap.servers": "k.example:9093"} | given
    java = java_settings(kafka)
    assert java["security.protocol"] == given["security.protocol"]
    assert not any(secret in repr(java) for secret in SECRETS)
    if "OAUTHBEARER" not in block:  # whose client asks for a token at once
        open_admin_of(kafka)
        open_consumer_of(kafka).close()
        open_producer_of(kafka).flush(0)


@pytest.mark.parametrize("url", REDIS)
def test_the_address_of_a_managed_redis_is_taken(url: str, folder: Path, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("hush\n")
    password.chmod(0o600)
    own = url.replace(FOLDER, str(folder))
    redis = config_from({"KAIROS_REDIS": own, "KAIROS_REDIS_PASSWORD_FILE": str(password)}).redis
    assert isinstance(redis, StoreAddress)
    assert check_address(redis) == own
    assert redis.password_file == password
    if "+cluster" in url:
        return  # whose client asks a node at once: tests/channels/test_hostile_store.py has one
    found: dict[str, Any] = open_redis(redis).connection_pool.connection_kwargs
    assert found["password"] == "hush"
    assert found.get("username") == ("kairos" if "kairos@" in url else None)
    assert bool(found.get("ssl_ca_certs")) == ("ssl_ca_certs" in url)
