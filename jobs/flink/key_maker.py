"""Making the keys of a Flink: a private key and its own certificate, for us and for Java."""

import datetime as dt
import ipaddress
import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from jobs.flink.keys import PEM, STORE, WORD, Keys
from jobs.stack.ports import LOOPBACK
from schemas.errors import ConfigError

SETTINGS: Final = "flink.yaml"
"""The settings of a Flink that has this very folder: for containers, where it is mounted."""
DAYS: Final = 36_500
"""A pair belongs to one home, and ends with it; deleting the folder makes a new one at the next start."""
HERE: Final = ("localhost", LOOPBACK)
NAME: Final = "Kairos's Flink"


def make_keys(folder: Path, names: Sequence[str] = HERE, password: str | None = None) -> Keys:
    """The keys in `folder`, which are made for a Flink of these names or addresses where there are none.

    `password` None: a random one for the PKCS 12 file.
    """
    if not (folder / PEM).is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        _write(fresh, names, password or secrets.token_hex(32))
        try:
            fresh.rename(folder)
        except OSError as error:
            for one in fresh.iterdir():
                one.unlink()
            fresh.rmdir()
            if not (folder / PEM).is_file():  # another process was quicker
                raise ConfigError(f"no keys can be put into {folder}: {error.strerror}") from error
    return Keys(folder)


def write_settings(keys: Keys) -> Path:
    """Writes the settings of a Flink beside its keys, for its own config.yaml; where that is."""
    path = keys.folder / SETTINGS
    lines = (f"{name}: {json.dumps(value)}\n" for name, value in keys.settings().items())
    path.unlink(missing_ok=True)
    _write_private(path, "".join(lines).encode())
    return path


def _write(folder: Path, names: Sequence[str], password: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(key, names)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    store = pkcs12.serialize_key_and_certificates(
        b"flink", key, certificate, None, serialization.BestAvailableEncryption(password.encode())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    for name, data in ((PEM, private + public), (STORE, store), (WORD, password.encode())):
        _write_private(folder / name, data)


def _write_private(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def _certificate(key: ec.EllipticCurvePrivateKey, names: Sequence[str]) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName([_named(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )


def _named(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
