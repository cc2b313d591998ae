"""How large a record can be at most, without making it."""

from typing import Final

from msgspec import Struct, msgpack

_PLAIN: Final = msgpack.Encoder()


def size_at_most(value: Struct) -> int:
    """No less than the bytes of the value's Avro record, header included: MessagePack spells the names out.

    True of records with two fields or more; tests/udfs/explain/test_fit_records.py holds it against all of them.
    """
    return len(_PLAIN.encode(value))
