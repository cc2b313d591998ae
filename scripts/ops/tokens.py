"""`kairos key person-token`, `revoke-token`, `revoke-person`, `rotate-secret`: tokens, and the secret that signs them."""

import re
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec

from channels.api.access import VISITOR_S, Access
from channels.security.keys import (
    FormerSecret,
    KeysFile,
    RevokedPerson,
    RevokedToken,
    SecretFile,
    hash_of_person,
)
from channels.security.tokens import BadToken, opened
from jobs.config import Config
from schemas.errors import ConfigError
from scripts.console import say, show, show_json
from scripts.ops.keys_file import change_keys, keys_path, moment, now, write_secret

TOKEN_ID: Final = re.compile(r"[\w-]{16,64}\Z", re.ASCII)


def show_person_token(config: Config, file: Path | None, person: str, *, is_json: bool) -> None:
    """The token that opens a person's own decisions for a day."""
    token = Access(keys_path(file, config), config.api_secret).person_token(person)
    if is_json:
        show_json({"person": person, "token": token, "id": _id_of(token)})
        return
    show(token)
    say(f"its id is {_id_of(token)}: `kairos key revoke-token` takes either")


def revoke_token(config: Config, file: Path | None, token: str) -> None:
    """Takes one token back, by itself or its id."""
    token_id = token if TOKEN_ID.match(token) else _id_of(token)
    revoked = RevokedToken(token_id, now() + timedelta(seconds=VISITOR_S))

    def changed(before: KeysFile) -> KeysFile:
        others = tuple(one for one in before.revoked_tokens if one.id != token_id)
        return msgspec.structs.replace(before, revoked_tokens=(*others, revoked))

    change_keys(config, keys_path(file, config), "token revoke", {"id": token_id}, changed)
    show(f"the token {token_id} is revoked")


def revoke_person(config: Config, file: Path | None, person: str, before: str) -> None:
    """Takes back a person's tokens that were issued until then, or until now."""
    hashed = hash_of_person(person)
    until = moment(before) if before else now()

    def changed(file: KeysFile) -> KeysFile:
        known = [one.before for one in file.revoked_persons if one.person_sha256 == hashed]
        newest = RevokedPerson(hashed, max([until, *known]))
        others = tuple(one for one in file.revoked_persons if one.person_sha256 != hashed)
        return msgspec.structs.replace(file, revoked_persons=(*others, newest))

    details = {"person_sha256": hashed, "before": until.isoformat()}
    change_keys(config, keys_path(file, config), "token revoke-person", details, changed)
    show(f"tokens issued until {until.isoformat()} open nothing any more")


def rotate_secret(config: Config, file: Path | None, overlap_hours: int) -> None:
    """Signs with a new secret; the old one counts for so long. Raises ConfigError where a setting holds it."""
    path = keys_path(file, config)
    if config.api_secret:
        raise ConfigError(
            "KAIROS_API_SECRET is set: put the new secret there, and the old one into a file "
            f"that {path} names under `former_secrets: [{{file: PATH, until: TIME}}]`"
        )
    until = now() + timedelta(hours=overlap_hours)
    place = path.with_name(f"{path.stem}.{now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}.secret")

    def changed(before: KeysFile) -> KeysFile:
        if before.secret is None:
            raise ConfigError(f"{path} names no secret")
        former = (*before.former_secrets, FormerSecret(before.secret.file, until))
        write_secret(place)
        return msgspec.structs.replace(
            before,
            secret=SecretFile(place.name),
            former_secrets=former if overlap_hours else (),
        )

    details = {"secret": place.name, "overlap_hours": str(overlap_hours)}
    change_keys(config, path, "secret rotate", details, changed)
    show(f"{place} signs from now on; what was signed before opens until {until.isoformat()}")


def _id_of(token: str) -> str:
    """A token names itself, whatever its signature: revoking what is none of ours does no harm."""
    try:
        return opened((), "", token, is_checked=False).token_id
    except BadToken as error:
        raise ConfigError(f"this is neither a token nor the id of one: {error}") from error
