"""How Kafka's clients reach a broker that wants more than an address: names and passwords in a file of settings.

The file has the client's own names (librdkafka's, https://github.com/confluentinc/librdkafka CONFIGURATION.md), one
`name=value` a line. Only the path travels through environments and to a cluster, never what stands in the file.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from stat import S_IRWXG, S_IRWXO
from typing import Any, Final

from schemas.errors import ConfigError

SETTINGS_FILE_BYTES_MAX: Final = 65_536
PROTOCOLS: Final = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
ALIASES: Final = {"sasl.mechanism": "sasl.mechanisms"}
NAMES: Final = frozenset(
    {
        "security.protocol",
        "sasl.mechanisms",
        "sasl.username",
        "sasl.password",
        "sasl.oauthbearer.method",
        "sasl.oauthbearer.client.id",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.scope",
        "sasl.oauthbearer.extensions",
        "sasl.oauthbearer.token.endpoint.url",
        "ssl.ca.location",
        "ssl.certificate.location",
        "ssl.key.location",
        "ssl.key.password",
        "ssl.endpoint.identification.algorithm",
        "client.dns.lookup",
        "socket.keepalive.enable",
        "broker.address.family",
    }
)
"""What may stand in the file: how to reach a broker and who asks. How it is read and written is ours to set."""
FILES: Final = ("ssl.ca.location", "ssl.certificate.location", "ssl.key.location")


class Brokers(str):  # noqa: SLOT000 - it carries its file
    """HOST:PORT[,HOST:PORT...] of a Kafka, and the file with the settings that its clients need (None: none).

    A plain string is a Kafka that asks nobody who they are, so it can stand wherever Brokers can.
    """

    settings_file: Path | None = None

    def __new__(cls, addresses: str, settings_file: Path | None = None) -> "Brokers":
        """The addresses, with their file."""
        made = super().__new__(cls, addresses)
        made.settings_file = settings_file
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled with its file's path: an operator's settings go to the task managers so."""
        return Brokers, (str(self), self.settings_file)


def client_settings(kafka: str) -> dict[str, str]:
    """What every client of this Kafka is opened with. Raises ConfigError where its file cannot be used."""
    file = settings_file_of(kafka)
    return {"bootstrap.servers": str(kafka)} | (read_settings(file) if file is not None else {})


def settings_file_of(kafka: str) -> Path | None:
    """The file with the settings that this Kafka's clients need."""
    return kafka.settings_file if isinstance(kafka, Brokers) else None


def read_settings(path: Path) -> dict[str, str]:
    """Kafka's settings in a file; raises ConfigError."""
    found = read_pairs(path, NAMES, ALIASES, "Kafka's settings")
    _check(path, found)
    return found


def read_pairs(
    path: Path, names: frozenset[str], aliases: Mapping[str, str], what: str
) -> dict[str, str]:
    """`name=value` of each line of a file that nobody else can read; ConfigError names the line at fault, never a value that may be a secret."""
    found: dict[str, str] = {}
    for number, line in enumerate(_text(path, what).splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith(("#", "!")):
            continue
        name, equals, value = (part.strip() for part in stripped.partition("="))
        name = aliases.get(name, name)
        if not equals or name not in names:
            known = ", ".join(sorted(names))
            raise ConfigError(f"{path}, line {number}: no such setting; there are {known}")
        found[name] = value
    return found


def _text(path: Path, what: str) -> str:
    try:
        status = path.stat()
        if status.st_mode & (S_IRWXG | S_IRWXO) and status.st_uid == os.getuid():
            raise ConfigError(f"{path} can be read by others: `chmod 600 {path}`")
        if status.st_size > SETTINGS_FILE_BYTES_MAX:
            raise ConfigError(f"{path}: of more than {SETTINGS_FILE_BYTES_MAX} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise ConfigError(f"{what} {path} cannot be read: {reason}") from error


def _check(path: Path, found: Mapping[str, str]) -> None:
    protocol = found.get("security.protocol", "plaintext").lower()
    if protocol not in PROTOCOLS:
        raise ConfigError(f"{path}: security.protocol has to be {', '.join(PROTOCOLS)}")
    is_sasl = protocol.startswith("sasl_")
    mechanism = found.get("sasl.mechanisms", "").upper()
    if is_sasl and mechanism not in MECHANISMS:
        raise ConfigError(f"{path}: sasl.mechanisms has to be one of {', '.join(MECHANISMS)}")
    wanted: tuple[str, ...] = (
        ("sasl.username", "sasl.password") if is_sasl and mechanism != "OAUTHBEARER" else ()
    )
    if is_sasl and mechanism == "OAUTHBEARER":
        wanted = (
            "sasl.oauthbearer.client.id", "sasl.oauthbearer.client.secret",
            "sasl.oauthbearer.token.endpoint.url",
        )  # fmt: skip
    missing = [name for name in wanted if not found.get(name)]
    if missing:
        raise ConfigError(f"{path}: {', '.join(missing)} is missing")
    for name in FILES:
        if name in found and not Path(found[name]).is_file():
            raise ConfigError(f"{path}: {name} is no file: {found[name]}")


JAVA: Final = "org.apache.flink.kafka.shaded.org.apache.kafka.common"
"""Where Kafka's own classes are in the jar of Flink's connector: under another name."""
JAVA_FILES: Final = "file"
"""The name under which Java's clients read secrets from files (KIP-297), so that no job's graph holds one."""


def java_settings(kafka: str) -> dict[str, str]:
    """The same for Flink's connector, which has Java's clients. Secrets stay in their file, which has to lie in the same
    place on every task manager.
    """
    file = settings_file_of(kafka)
    found = read_settings(file) if file is not None else {}
    java: dict[str, str] = {}
    if file is not None and found:
        java |= {
            "config.providers": JAVA_FILES,
            f"config.providers.{JAVA_FILES}.class": f"{JAVA}.config.provider.FileConfigProvider",
        }
    protocol = found.get("security.protocol", "plaintext").upper()
    java["security.protocol"] = protocol
    if protocol.startswith("SASL_") and file is not None:
        java |= _java_sasl(file, found)
    if protocol.endswith("SSL") and file is not None:
        java |= _java_tls(file, found)
    if "client.dns.lookup" in found:
        java["client.dns.lookup"] = found["client.dns.lookup"]
    return java if found else {}


def _java_sasl(file: Path, found: Mapping[str, str]) -> dict[str, str]:
    mechanism = found["sasl.mechanisms"].upper()
    if mechanism == "OAUTHBEARER":
        scope = found.get("sasl.oauthbearer.scope")
        options = {
            "clientId": _quoted(file, "sasl.oauthbearer.client.id", found),
            "clientSecret": _reference(file, "sasl.oauthbearer.client.secret", found),
        } | ({"scope": _quoted(file, "sasl.oauthbearer.scope", found)} if scope else {})
        login = f"{JAVA}.security.oauthbearer.OAuthBearerLoginModule"
        more = {
            "sasl.login.callback.handler.class": (
                f"{JAVA}.security.oauthbearer.OAuthBearerLoginCallbackHandler"
            ),
            "sasl.oauthbearer.token.endpoint.url": found["sasl.oauthbearer.token.endpoint.url"],
        }
    else:
        kind = "plain.PlainLoginModule" if mechanism == "PLAIN" else "scram.ScramLoginModule"
        login = f"{JAVA}.security.{kind}"
        options = {
            "username": _quoted(file, "sasl.username", found),
            "password": _reference(file, "sasl.password", found),
        }
        more = {}
    said = " ".join(f'{name}="{value}"' for name, value in options.items())
    return {"sasl.mechanism": mechanism, "sasl.jaas.config": f"{login} required {said};"} | more


def _java_tls(file: Path, found: Mapping[str, str]) -> dict[str, str]:
    java: dict[str, str] = {}
    if "ssl.ca.location" in found:
        java |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": found["ssl.ca.location"]}
    if "ssl.certificate.location" in found:
        both = Path(found["ssl.certificate.location"])
        if Path(found.get("ssl.key.location", both)) != both:
            raise ConfigError(
                f"{file}: Java's clients want key and certificate in one PEM file: name it by both "
                "ssl.certificate.location and ssl.key.location"
            )
        java |= {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(both)}
        if "ssl.key.password" in found:
            java["ssl.key.password"] = _reference(file, "ssl.key.password", found)
    algorithm = found.get("ssl.endpoint.identification.algorithm", "https")
    java["ssl.endpoint.identification.algorithm"] = "" if algorithm == "none" else algorithm
    return java


def _reference(file: Path, name: str, found: Mapping[str, str]) -> str:
    """What Java's clients put the secret in the place of; it must read as itself there."""
    _checked(file, name, found)
    return f"${{{JAVA_FILES}:{file}:{name}}}"


def _quoted(file: Path, name: str, found: Mapping[str, str]) -> str:
    return _checked(file, name, found)


def _checked(file: Path, name: str, found: Mapping[str, str]) -> str:
    value = found[name]
    if any(one in value for one in '"\\$\n') or not value.isascii() or not value.isprintable():
        raise ConfigError(
            f"{file}: {name} holds a character that Java's clients cannot be handed (one of \" \\ $ or no ASCII)"
        )
    return value
