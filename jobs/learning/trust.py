"""What is taken from records of `control`: by whose signature, and artefacts from where."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from jobs.config import Config
from jobs.erasure_key import erasure_key_of
from jobs.learning.model_roots import Roots, roots_from
from schemas.control import Control
from schemas.erasures import NO_ERASURE_KEY, ErasureKey
from schemas.errors import ConfigError
from schemas.signed_control import OPEN, ControlKeys, Signer, read_keys

MARKS: Final = "tried-models"
FILE_BYTES_MAX: Final = 100_000

Sign = Callable[[Control], Control]


class Trust(NamedTuple):
    """Plain values, carried to the operators. `marks`: see jobs/learning/artefact_check.py. `erasures`: the key of who was erased."""

    roots: Roots = Roots(())
    marks: str | None = None
    keys: ControlKeys = OPEN
    erasures: ErasureKey = NO_ERASURE_KEY


def trust_of(config: Config) -> Trust:
    """What this deployment trusts; raises ConfigError where its keys cannot be read."""
    marks = str((config.home / MARKS).absolute())
    return Trust(roots_of(config), marks, keys_of(config), erasure_key_of(config))


def roots_of(config: Config) -> Roots:
    """Where artefacts may come from."""
    return roots_from(config.models, config.home)


def models_folder(config: Config) -> Path:
    """Where models are written: the first root that is a folder; of a home without any, its own."""
    folders = roots_of(config).folders
    return Path(folders[0]) if folders else config.home / "models"


def keys_of(config: Config) -> ControlKeys:
    """The keys that may publish; none are asked for without the setting."""
    if config.control_public_keys is None:
        return OPEN
    return read_keys(_read(config.control_public_keys).decode(errors="replace").splitlines())


def signer_of(config: Config) -> Sign:
    """Signs what is published; raises ConfigError where readers would refuse it."""
    keys = keys_of(config)
    if config.control_signing_key_file is None:
        if keys.keys:
            raise ConfigError(
                "KAIROS_CONTROL_PUBLIC_KEYS is set, so readers refuse what is not signed: set "
                "KAIROS_CONTROL_SIGNING_KEY_FILE where you publish"
            )
        return unsigned
    signer = Signer(_read(config.control_signing_key_file))
    if keys.keys and keys.named(signer.public.key_id) is None:
        raise ConfigError(
            f"the key {signer.public.key_id} of {config.control_signing_key_file} is none of "
            f"{config.control_public_keys}: readers would refuse what it signs"
        )
    return signer.sign


def unsigned(control: Control) -> Control:
    """The record as it is: nobody asks for signatures."""
    return control


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_BYTES_MAX)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
