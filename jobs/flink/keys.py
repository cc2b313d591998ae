"""Keys by which Flink and those who may command it know each other: one pair per home, both sides of every connection.

Flink's REST takes jobs, which are code, from whoever can reach it, web pages too; so do its other ports. With mutual TLS
they answer only those who hold this key, which lies in a private folder. `flink_key_maker` makes it.
"""

import ssl
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from jobs.config import Config
from jobs.stack.local_cluster import is_local

FOLDER: Final = "flink-keys"
PEM: Final = "flink.pem"
STORE: Final = "flink.p12"
WORD: Final = "password"
CIPHERS: Final = "TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384"


class Keys(NamedTuple):
    """A folder with the pair as PEM (for us), as PKCS 12 (for Java), and that one's password."""

    folder: Path

    def context(self) -> ssl.SSLContext:
        """What a client of ours connects with; raises OSError where there are no keys yet."""
        pem = self.folder / PEM
        return _context(pem, pem.stat().st_mtime_ns)

    def rest_settings(self) -> dict[str, str]:
        """Flink's settings for a REST, or a client of one, that knows these keys only."""
        return self._settings("rest") | {"security.ssl.rest.authentication-enabled": "true"}

    def settings(self) -> dict[str, str]:
        """The same, with all of Flink's other ports (JobManager, task managers, BlobServer)."""
        return self.rest_settings() | self._settings("internal")

    def _settings(self, part: str) -> dict[str, str]:
        store, password = str(self.folder / STORE), (self.folder / WORD).read_text()
        name = f"security.ssl.{part}"
        return {
            "security.ssl.protocol": "TLSv1.3",
            "security.ssl.algorithms": CIPHERS,
            f"{name}.enabled": "true",
            f"{name}.keystore": store,
            f"{name}.keystore-type": "PKCS12",
            f"{name}.keystore-password": password,
            f"{name}.key-password": password,
            # Java trusts the certificate of a pair as it does one that stands alone
            f"{name}.truststore": store,
            f"{name}.truststore-type": "PKCS12",
            f"{name}.truststore-password": password,
        }


def home_keys(home: Path) -> Keys:
    """The keys of this home, whether or not they have been made."""
    return Keys(home.absolute() / FOLDER)


def keys_for(config: Config, address: str) -> Keys | None:
    """The keys of the Flink at `address`: ours, those that the settings name, or None for another's that has none."""
    if config.flink_keys is not None:
        return Keys(config.flink_keys)
    is_other = address == config.flink and not is_local(config.home, address)
    return None if is_other else home_keys(config.home)


@lru_cache(maxsize=8)
def _context(pem: Path, made_ns: int) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(pem)
    context.load_verify_locations(pem)
    return context
