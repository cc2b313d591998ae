"""`kairos key`: person tokens, tokens that open nothing any more, another secret."""

import re
import secrets
from datetime import timedelta
from typing import Annotated, Final

import msgspec
import typer

from channels.api.access import VISITOR_S, Access
from channels.security.keys import (
    SECRET_BYTES,
    FormerSecret,
    KeysFile,
    RevokedPerson,
    RevokedToken,
    SecretFile,
    hash_of_person,
    write_private,
)
from channels.security.tokens import BadToken, opened
from jobs.config import config_from
from schemas.errors import ConfigError
from scripts.console import say, show, show_json
from scripts.ops.keys_file import File, Json, change_keys, keys_path, moment, now

TOKEN_ID: Final = re.compile(r"[\w-]{16,64}\Z", re.ASCII)
OVERLAP_HOURS: Final = 24


def person_token(
    person: Annotated[str, typer.Argument(help="A person's id.")],
    file: File = None,
    json: Json = False,
) -> None:
    """Print the token that opens a person's own decisions for a day: send it as X-Kairos-Person."""
    config = config_from()
    token = Access(keys_path(file, config), config.api_secret).person_token(person)
    if json:
        show_json({"person": person, "token": token, "id": _id_of(token)})
        return
    show(token)
    say(f"its id is {_id_of(token)}: `kairos key revoke-token` takes either")


def revoke_token(
    token: Annotated[
        str, typer.Argument(help="A token of a person, session or console; or its id.")
    ],
    file: File = None,
) -> None:
    """Take one token back: a second later it opens nothing."""
    config = config_from()
    token_id = token if TOKEN_ID.match(token) else _id_of(token)
    revoked = RevokedToken(token_id, now() + timedelta(seconds=VISITOR_S))

    def changed(before: KeysFile) -> KeysFile:
        others = tuple(one for one in before.revoked_tokens if one.id != token_id)
        return msgspec.structs.replace(before, revoked_tokens=(*others, revoked))

    change_keys(config, keys_path(file, config), "token revoke", {"id": token_id}, changed)
    show(f"the token {token_id} is revoked")


def revoke_person(
    person: Annotated[str, typer.Argument(help="A person's id.")],
    before: Annotated[
        str, typer.Option(help="Only tokens issued until then; without it, until now.")
    ] = "",
    file: File = None,
) -> None:
    """Take back all tokens of a person that were issued until now; new ones open again."""
    config = config_from()
    hashed = hash_of_person(person)
    revoked = RevokedPerson(hashed, moment(before) if before else now())

    def changed(file: KeysFile) -> KeysFile:
        known = [one.before for one in file.revoked_persons if one.person_sha256 == hashed]
        newest = RevokedPerson(hashed, max([revoked.before, *known]))
        others = tuple(one for one in file.revoked_persons if one.person_sha256 != hashed)
        return msgspec.structs.replace(file, revoked_persons=(*others, newest))

    details = {"person_sha256": hashed, "before": revoked.before.isoformat()}
    change_keys(config, keys_path(file, config), "token revoke-person", details, changed)
    show(f"tokens issued until {revoked.before.isoformat()} open nothing any more")


def rotate_secret(
    overlap_hours: Annotated[
        int, typer.Option(min=0, max=9_600, help="So long what the old one signed still opens.")
    ] = OVERLAP_HOURS,
    file: File = None,
) -> None:
    """Sign with a new secret; the old one is taken for a while yet, so that nobody is thrown out."""
    config = config_from()
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
        write_private(place, secrets.token_hex(SECRET_BYTES).encode() + b"\n")
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
