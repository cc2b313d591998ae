"""The policy file: wrong ones are refused with the field at fault."""

import json
from typing import Any

import pytest

from schemas.errors import ConfigError
from schemas.limits import PLACEMENTS_PER_POLICY_MAX, SLATE_MAX
from schemas.policy import DEFAULT_CONTROL, DEFAULT_POLICY, Policy, policy_from_payload


def read(policy: Any) -> Policy:
    return policy_from_payload(json.dumps(policy).encode())


def placement(**fields: Any) -> dict[str, Any]:
    return {"placements": [{"name": "home"} | fields]}


def test_the_default_policy_is_the_one_that_is_published() -> None:
    assert DEFAULT_CONTROL.payload is not None
    assert policy_from_payload(DEFAULT_CONTROL.payload) == DEFAULT_POLICY
    assert DEFAULT_CONTROL.effective_from_ms == 0


def test_what_is_left_out_has_its_default() -> None:
    assert read({}) == Policy()
    assert read(placement()).placements[0].size == 8


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        (placement(size=0), r"\$\.placements\[0\]\.size"),
        (placement(size=SLATE_MAX + 1), r"\$\.placements\[0\]\.size"),
        (placement(size="8"), r"\$\.placements\[0\]\.size"),
        (placement(valid_ms=0), r"\$\.placements\[0\]\.valid_ms"),
        (placement(event_types=[""]), r"\$\.placements\[0\]\.event_types\[0\]"),
        (placement(name=""), r"\$\.placements\[0\]\.name"),
        (placement(name="x" * 300), r"\$\.placements\[0\]\.name"),
        (placement(suppress="yes"), r"\$\.placements\[0\]\.suppress"),
        (placement(sise=3), "sise"),
        ({"placements": [{}]}, "name"),
        ({"placements": [{"name": str(n)} for n in range(PLACEMENTS_PER_POLICY_MAX + 1)]}, "placements"),
        ({"suppression": {"bought_ms": -1}}, r"\$\.suppression\.bought_ms"),
        ({"suppression": {"dismissed_ms": 1.5}}, r"\$\.suppression\.dismissed_ms"),
        ({"suppression": {"sold_out": True}}, "sold_out"),
        ({"placement": []}, "placement"),
        ([], "object"),
    ],
)  # fmt: skip
def test_a_bad_policy_is_refused_with_the_field_named(policy: Any, field: str) -> None:
    with pytest.raises(ConfigError, match=f"policy: .*{field}"):
        read(policy)


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"\xff", b'{"\xff": 1}', b"[" * 9000, b'{"a":' * 9000]
)
def test_bytes_that_are_no_policy_are_refused(payload: bytes) -> None:
    with pytest.raises(ConfigError, match="policy: "):
        policy_from_payload(payload)
