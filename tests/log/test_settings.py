"""Kafka's settings from a file: every client's, Flink's connector's, and no secret anywhere else."""

import pickle
from pathlib import Path

import pytest

from jobs.config import as_environment, config_from
from log.clients import open_admin_of, open_consumer_of, open_producer_of
from log.settings import Brokers, client_settings, java_settings, read_settings
from schemas.errors import ConfigError

PASSWORD = "hush hush"


def write(folder: Path, *lines: str, name: str = "kafka.properties") -> Path:
    path = folder / name
    path.write_text("\n".join(lines))
    path.chmod(0o600)
    return path


def scram(folder: Path, *more: str, protocol: str = "SASL_PLAINTEXT") -> Path:
    return write(
        folder, "# ours", f"security.protocol={protocol}", "sasl.mechanism = SCRAM-SHA-512",
        "sasl.username=kairos", f"sasl.password={PASSWORD}", *more,
    )  # fmt: skip


def test_a_plain_address_needs_no_file() -> None:
    assert client_settings("k:9092") == {"bootstrap.servers": "k:9092"}
    assert java_settings("k:9092") == {}


def test_every_client_gets_what_the_file_says(tmp_path: Path) -> None:
    kafka = Brokers("127.0.0.1:1", scram(tmp_path))
    settings = client_settings(kafka)
    assert settings["sasl.mechanisms"] == "SCRAM-SHA-512"
    assert settings["sasl.password"] == PASSWORD
    open_consumer_of(kafka).close()
    open_admin_of(kafka)
    open_producer_of(kafka).flush(0)


def test_no_secret_is_in_what_is_shown_or_handed_on(tmp_path: Path) -> None:
    path = scram(tmp_path)
    config = config_from({"KAIROS_KAFKA": "k:9092", "KAIROS_KAFKA_SETTINGS_FILE": str(path)})
    assert isinstance(config.kafka, Brokers)
    assert config.kafka.settings_file == path
    again = pickle.loads(pickle.dumps(config.kafka))
    assert (again, again.settings_file) == (config.kafka, path)
    said = f"{config!r} {as_environment(config)} {pickle.dumps(config.kafka)!r}"
    assert PASSWORD not in said + repr(java_settings(config.kafka))


def test_flinks_connector_reads_the_secret_from_the_file_itself(tmp_path: Path) -> None:
    path = scram(tmp_path)
    assert java_settings(Brokers("k:9092", path)) == {
        "config.providers": "file",
        "config.providers.file.class": "org.apache.flink.kafka.shaded.org.apache.kafka.common.config.provider.FileConfigProvider",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": (
            "org.apache.flink.kafka.shaded.org.apache.kafka.common.security.scram.ScramLoginModule required "
            f'username="kairos" password="${{file:{path}:sasl.password}}";'
        ),
    }


def test_tls_and_a_certificate_of_ones_own_are_translated(tmp_path: Path) -> None:
    ca, both = write(tmp_path, "ca", name="ca.pem"), write(tmp_path, "both", name="own.pem")
    path = write(
        tmp_path, "security.protocol=ssl", f"ssl.ca.location={ca}",
        f"ssl.certificate.location={both}", f"ssl.key.location={both}", "ssl.key.password=k",
        "ssl.endpoint.identification.algorithm=none",
    )  # fmt: skip
    found = java_settings(Brokers("k:9093", path))
    assert (found["security.protocol"], found["ssl.truststore.location"]) == ("SSL", str(ca))
    assert (found["ssl.keystore.type"], found["ssl.keystore.location"]) == ("PEM", str(both))
    assert found["ssl.key.password"] == f"${{file:{path}:ssl.key.password}}"
    assert found["ssl.endpoint.identification.algorithm"] == ""


def test_oauth_is_translated(tmp_path: Path) -> None:
    path = write(
        tmp_path, "security.protocol=SASL_SSL", "sasl.mechanisms=OAUTHBEARER",
        "sasl.oauthbearer.method=oidc", "sasl.oauthbearer.client.id=kairos",
        "sasl.oauthbearer.client.secret=hush", "sasl.oauthbearer.token.endpoint.url=https://id/token",
    )  # fmt: skip
    found = java_settings(Brokers("k:9093", path))
    assert found["sasl.oauthbearer.token.endpoint.url"] == "https://id/token"
    assert 'clientId="kairos"' in found["sasl.jaas.config"]
    assert "hush" not in repr(found)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["bootstrap.servers=k:1"], "line 1: no such setting"),
        (["", "sasl.pasword=x"], "line 2: no such setting"),
        (["security.protocol"], "line 1: no such setting"),
        (["security.protocol=tls"], "security.protocol has to be"),
        (["security.protocol=SASL_SSL"], "sasl.mechanisms has to be one of"),
        (["security.protocol=SASL_SSL", "sasl.mechanisms=GSSAPI"], "sasl.mechanisms has to be"),
        (
            ["security.protocol=SASL_SSL", "sasl.mechanisms=PLAIN"],
            "sasl.username, sasl.password is",
        ),
        (["security.protocol=SSL", "ssl.ca.location=/none"], "ssl.ca.location is no file"),
        (["security.protocol=SASL_SSL", "sasl.mechanisms=OAUTHBEARER"], "endpoint.url is missing"),
    ],
)
def test_what_is_wrong_is_named_and_no_value_is_shown(
    tmp_path: Path, lines: list[str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        read_settings(write(tmp_path, *lines))
    assert "pasword=x" not in str(refused.value)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = scram(tmp_path)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_settings(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_settings(tmp_path / "none")


@pytest.mark.parametrize("password", ['a"b', "a\\b", "a$b", "ä"])
def test_a_password_that_java_would_read_otherwise_is_refused(
    tmp_path: Path, password: str
) -> None:
    path = scram(tmp_path, f"sasl.password={password}")
    with pytest.raises(ConfigError, match=r"sasl\.password holds a character") as refused:
        java_settings(Brokers("k:9092", path))
    assert password not in str(refused.value)
