"""Signing: the secrets that sign tokens, and which tokens open nothing any more."""

import secrets
from collections.abc import Callable
from pathlib import Path

from channels.security.keys import (
    SECRET_BYTES,
    KeysFile,
    hash_of_person,
    read_former_secrets,
    read_secret,
)
from channels.security.tokens import BadToken, Value, is_proof, opened, proof, sign


class Signing:
    """By one state of the file of keys; without a file with a secret of its own, which nobody else knows."""

    def __init__(
        self,
        clock: Callable[[], float],
        path: Path | None = None,
        file: KeysFile | None = None,
        given: str = "",
    ) -> None:
        """Raises ConfigError where a secret cannot be read."""
        self._clock = clock
        self._former: list[tuple[float, bytes]] = []
        self._tokens: frozenset[str] = frozenset()
        self._persons: dict[str, float] = {}
        if path is None or file is None:
            self._secret = secrets.token_bytes(SECRET_BYTES)
            return
        self._secret = read_secret(path, file, given)
        self._former = read_former_secrets(path, file, clock())
        self._tokens = frozenset(one.id for one in file.revoked_tokens)
        for one in file.revoked_persons:
            before_s = max(one.before.timestamp(), self._persons.get(one.person_sha256, 0.0))
            self._persons[one.person_sha256] = before_s

    def token(self, purpose: str, *values: Value) -> str:
        """A token of these values, as of now."""
        return sign(self._secrets, purpose, int(self._clock()), *values)

    def opened(
        self, purpose: str, token: str, count: int, seconds_max: int, *, is_checked: bool = True
    ) -> list[Value]:
        """The `count` values of a token that is in force; raises BadToken.

        Without `is_checked` signature, age and revocation count for nothing.
        """
        found = opened(self._secrets, purpose, token, is_checked=is_checked)
        if len(found.values) != count:
            raise BadToken("its content cannot be read")
        if not is_checked:
            return found.values
        if found.issued_s + seconds_max <= self._clock():
            raise BadToken("it has expired")
        if found.token_id in self._tokens:
            raise BadToken("it was revoked")
        if purpose == "person":
            before_s = self._persons.get(hash_of_person(str(found.values[0])))
            if before_s is not None and found.issued_s <= before_s:
                raise BadToken("it was revoked")
        return found.values

    def proof(self, purpose: str, text: str) -> str:
        """What proves to us that we have seen this text."""
        return proof(self._secrets, purpose, text)

    def is_proof(self, purpose: str, text: str, given: str) -> bool:
        """Whether it is such a proof."""
        return is_proof(self._secrets, purpose, text, given)

    @property
    def _secrets(self) -> list[bytes]:
        now_s = self._clock()
        return [*(secret for until_s, secret in self._former if until_s > now_s), self._secret]
