"""Who may publish: a signature covers every field, and one function reads for everybody."""

import ast
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import CONTROL
from schemas.control import Control
from schemas.errors import ConfigError, InvalidEvent
from schemas.policy import DEFAULT_CONTROL
from schemas.signed_control import (
    OPEN,
    ControlKeys,
    Signer,
    content,
    content_hash,
    new_key,
    read_control,
    read_keys,
)

ROOT = Path(__file__).parent.parent.parent
OURS, OTHERS = Signer(new_key()), Signer(new_key())
KEYS = ControlKeys((OURS.public,))
MODEL = Control("model", "ranker", "v", 5, uri="/m/a", sha256="ab" * 32)


def read(control: Control, keys: ControlKeys = KEYS) -> Control:
    return read_control(CONTROL.encode(control), keys)


@pytest.mark.parametrize("control", [DEFAULT_CONTROL, MODEL])
def test_what_is_signed_with_a_key_is_taken(control: Control) -> None:
    signed = OURS.sign(control)
    assert read(signed) == signed
    assert signed == OURS.sign(signed), "the same record has the same signature"
    assert content_hash(signed) == content_hash(control), "and is called the same"


def test_without_keys_everything_is_taken_as_before() -> None:
    for control in (MODEL, OURS.sign(MODEL), OTHERS.sign(MODEL)):
        assert read(control, OPEN) == control


@pytest.mark.parametrize(
    ("control", "reason"),
    [
        (MODEL, "it is not signed"),
        (OTHERS.sign(MODEL), "signed with .*, which is none"),
        (msgspec.structs.replace(OTHERS.sign(MODEL), key_id=OURS.public.key_id), "is wrong"),
        (msgspec.structs.replace(OURS.sign(MODEL), key_id=None), "which is none"),
        (msgspec.structs.replace(OURS.sign(MODEL), signature=b""), "is wrong"),
        (msgspec.structs.replace(OURS.sign(MODEL), signature=bytes(64)), "is wrong"),
        (msgspec.structs.replace(OURS.sign(MODEL), signature=bytes(63)), "is wrong"),
        (msgspec.structs.replace(OURS.sign(DEFAULT_CONTROL), payload=b"{}"), "is wrong"),
    ],
)
def test_what_is_unsigned_or_signed_by_somebody_else_is_refused(
    control: Control, reason: str
) -> None:
    with pytest.raises(InvalidEvent, match=reason):
        read(control)


CHANGES: dict[str, Any] = {
    "kind": "policy", "name": "responses", "version": "w", "effective_from_ms": 6, "payload": b"",
    "uri": "/m/b", "sha256": "ac" * 32,
    "note": "why", "author": "anna", "is_return": True,
}  # fmt: skip


def test_what_was_signed_before_there_were_notes_or_returns_is_taken_as_ever() -> None:
    """The bytes that are signed of a record without note and author are those of before."""
    fields = ("model", "ranker", "v", 5, None, "/m/a", "ab" * 32)
    assert content(MODEL) == b"kairos.control.1\0" + msgspec.msgpack.encode(fields)
    noted = msgspec.structs.replace(MODEL, note="why", author="anna")
    assert content(noted) == b"kairos.control.1\0" + msgspec.msgpack.encode(
        (*fields, "why", "anna")
    )
    back = msgspec.structs.replace(MODEL, is_return=True)
    assert content(back) == b"kairos.control.1\0" + msgspec.msgpack.encode(
        (*fields, None, None, True)
    )


def test_every_field_is_signed() -> None:
    assert {*CHANGES, "signature", "key_id"} == set(Control.__struct_fields__)


@pytest.mark.parametrize("field", CHANGES)
def test_a_field_that_was_changed_is_found(field: str) -> None:
    altered = msgspec.structs.replace(OURS.sign(MODEL), **{field: CHANGES[field]})
    with pytest.raises(InvalidEvent, match="it was altered"):
        read(altered)


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_flipped_bit_of_a_signed_record_is_taken(at: int, bit: int) -> None:
    signed = OURS.sign(MODEL)
    data = bytearray(CONTROL.encode(signed))
    data[at % len(data)] ^= 1 << bit
    with suppress(InvalidEvent):
        assert read_control(bytes(data), KEYS) == signed


def test_two_records_are_never_the_same_bytes() -> None:
    """No field runs into the next one."""
    one, two = Control("ab", "c", "v", 0), Control("a", "bc", "v", 0)
    assert content(one) != content(two)
    assert content(Control("a", "b", "v", 0, payload=b"x")) != content(
        Control("a", "b", "v", 0, uri="x")
    )


def test_several_keys_are_taken_so_that_one_can_follow_another() -> None:
    both = read_keys([f"{OURS.public} the old one", "", "# comment", f"{OTHERS.public} # the new"])
    for signer in (OURS, OTHERS):
        assert read(signer.sign(MODEL), both).key_id == signer.public.key_id
    with pytest.raises(InvalidEvent):
        read(OURS.sign(MODEL), ControlKeys((OTHERS.public,)))


@pytest.mark.parametrize(
    "lines",
    [[], ["# none"], ["ed25519"], ["ed25519 AAAA"], ["rsa AAAA"], ["ed25519 !"], ["x" * 500]],
)
def test_a_file_of_keys_that_is_none_is_refused(lines: list[str]) -> None:
    with pytest.raises(ConfigError):
        read_keys(lines)


@pytest.mark.parametrize("pem", [b"", b"junk", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_signing_key_that_is_none_is_refused(pem: bytes) -> None:
    with pytest.raises(ConfigError, match="signing key"):
        Signer(pem)


def decoders(source: str) -> list[int]:
    """Lines that decode a record of `control` by themselves."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and node.attr == "decode"
        and ast.unparse(node.value) in ("CONTROL", "CONTROL_CODEC", "codec.CONTROL")
    ]


def test_nobody_reads_control_but_the_one_function() -> None:
    """The other two only list and copy records: who reads the copy checks it."""
    allowed = {
        "schemas/signed_control.py", "scripts/ops/signed_records.py", "scripts/replay/replay_topics.py",
    }  # fmt: skip
    found = {
        str(path.relative_to(ROOT))
        for folder in ("schemas", "models", "udfs", "jobs", "channels", "scripts", "log")
        for path in (ROOT / folder).rglob("*.py")
        if "CONTROL" in (source := path.read_text()) and decoders(source)
    }
    assert found == allowed
    assert decoders("x = CONTROL.decode(value)") == [1], "or nothing is found"
