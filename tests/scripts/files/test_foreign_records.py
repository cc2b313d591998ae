"""A record of somebody's topic as JSON: plain, behind a schema's id, or Avro of a registry; what has to wait is no bad record."""

import json
from io import BytesIO
from typing import Any

import fastavro
import pytest

from jobs.config import config_from
from schemas.errors import ConfigError, InvalidEvent
from schemas.formats.foreign_schema import ForeignSchema, foreign_schema
from schemas.formats.registered import header_of
from scripts.files import foreign_records
from scripts.files.foreign_records import json_of

GOODS: dict[str, Any] = {"type": "record", "name": "Goods", "fields": [{"name": "sku", "type": "string"}, {"name": "price", "type": "double"}]}  # fmt: skip
REGISTRY = {"KAIROS_SCHEMA_REGISTRY": "http://127.0.0.1:1", "KAIROS_FORMAT": "confluent-avro"}


def avro(schema_id: int) -> bytes:
    body = BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(GOODS), {"sku": "hat", "price": 9.5})
    return header_of(schema_id) + body.getvalue()


def schema_of(schema_id: int) -> ForeignSchema:
    if schema_id == 7:
        return foreign_schema(json.dumps(GOODS))
    raise InvalidEvent("schema_unavailable" if schema_id == 8 else "unknown_schema", "no answer")


def test_json_is_what_it_is_behind_a_schemas_id_or_not() -> None:
    read = json_of(config_from({}))
    assert read(b'{"sku": "hat"}') == b'{"sku": "hat"}'
    assert read(header_of(3) + b'{"sku": "hat"}') == b'{"sku": "hat"}'
    assert read(b"") == b""
    with pytest.raises(InvalidEvent, match="malformed"):
        read(b"\x00\x01")


def test_by_a_registry_it_is_avro(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_records, "registry_at", lambda _: schema_of)
    read = json_of(config_from(REGISTRY))
    assert read(avro(7)) == b'{"sku":"hat","price":9.5}'
    assert read(b'{"sku": "hat"}') == b'{"sku": "hat"}', "and JSON that stands there all the same"
    with pytest.raises(InvalidEvent, match="unknown_schema"):
        read(avro(9))
    with pytest.raises(ConfigError, match="the registry does not answer"):
        read(avro(8))
