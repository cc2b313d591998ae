"""What is signed, what lacks a signature, what would be in force and is refused."""

from pathlib import Path

import msgspec
import pytest

from jobs.config import Config, config_from
from jobs.learning.trust import Trust, roots_of, signer_of, trust_of
from schemas.codec import CONTROL
from schemas.control import Control
from schemas.currencies import Rates, control_of
from schemas.errors import ConfigError
from schemas.policy import DEFAULT_CONTROL
from schemas.records import LogRecord
from schemas.signed_control import OPEN, ControlKeys, Signer, content_hash, new_key
from scripts.ops import signed_records
from scripts.ops.signed_records import Read, listed, refused_in_force, unsigned_records

NOW = 1_000_000
OURS, NEXT = Signer(new_key()), Signer(new_key())


def policy(version: str, from_ms: int, payload: bytes = b"{}") -> Control:
    return Control("policy", "default", version, from_ms, payload=payload)


def model(version: str, from_ms: int, uri: str, name: str = "ranker") -> Control:
    return Control("model", name, version, from_ms, uri=uri, sha256=version * 8)


def in_log(*controls: Control) -> list[Read]:
    return [Read(offset, one) for offset, one in enumerate(controls)]


def config_of(home: Path, **settings: str) -> Config:
    return config_from({"KAIROS_HOME": str(home)} | settings)


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    (tmp_path / "models").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / "models" / name).write_bytes(b"x")
    return Trust(roots_of(config_of(tmp_path)), None, ControlKeys((OURS.public,)))


def versions(controls: list[Control]) -> list[str]:
    return [one.version for one in controls]


def test_rates_are_listed_and_what_is_none_is_refused(trust: Trust) -> None:
    euro = control_of(Rates("EUR", {"USD": 2.0}), "euro", 1)
    broken = msgspec.structs.replace(euro, version="broken", effective_from_ms=2, payload=b"{}")
    log = in_log(*map(OURS.sign, (euro, broken)), control_of(Rates("USD"), "unsigned", 3))
    states = {one.version: (one.state, one.is_missed) for one in listed(log, trust, NOW)}
    assert states == {"euro": ("live", False), "broken": ("refused", False), "unsigned": ("refused", True)}  # fmt: skip
    assert versions(unsigned_records(log, trust, NOW, is_all=False)) == ["unsigned"]


def test_what_is_in_force_or_coming_is_signed_once(trust: Trust, tmp_path: Path) -> None:
    root = f"{tmp_path}/models"
    log = in_log(
        DEFAULT_CONTROL, policy("old", 1), policy("now", 2), policy("broken", 3, b"{"),
        model("a", 1, f"{root}/a"), model("b", 2, f"{root}/b"), model("c", 1, f"{root}/c", "responses"),
        model("x", 3, "/elsewhere"), policy("next", NOW + 1), policy("now", 2),
    )  # fmt: skip
    found = unsigned_records(log, trust, NOW, is_all=False)
    assert versions(found) == ["b", "c", "next", "now"]
    signed = in_log(*(one.control for one in log), *map(OURS.sign, found))
    assert unsigned_records(signed, trust, NOW, is_all=False) == []
    assert versions(unsigned_records(log, trust, NOW, is_all=True)) == [
        "default-1", "old", "a", "b", "c", "next", "now",
    ]  # fmt: skip


def test_what_was_taken_back_is_not_signed_again_behind_what_took_its_place(trust: Trust) -> None:
    """The last record of a time holds: written again, the replaced one would come into force."""
    log = in_log(policy("now", 2), policy("sale", NOW + 1), OURS.sign(policy("now", NOW + 1)))
    for is_all in (False, True):
        assert versions(unsigned_records(log, trust, NOW, is_all=is_all)) == ["now"]
    states = [(one.version, one.state) for one in listed(log, trust._replace(keys=OPEN), NOW)]
    assert states == [("now", "coming"), ("sale", "replaced"), ("now", "live")]


def test_another_key_signs_again_what_readers_take_no_more(trust: Trust) -> None:
    log = in_log(OURS.sign(policy("v", 1)))
    assert unsigned_records(log, trust, NOW, is_all=True) == []
    after = trust._replace(keys=ControlKeys((NEXT.public,)))
    (found,) = unsigned_records(log, after, NOW, is_all=True)
    assert NEXT.sign(found) == NEXT.sign(policy("v", 1))


def test_the_list_says_by_whom_and_why_not(trust: Trust, tmp_path: Path) -> None:
    signed, unsigned = OURS.sign(policy("signed", 1)), policy("unsigned", 2)
    rows = listed(
        in_log(signed, unsigned, policy("broken", 3, b"{"), policy("next", NOW + 1)), trust, NOW
    )
    assert [(row.version, row.state, row.is_missed, row.signed_by) for row in rows] == [
        ("next", "refused", True, "nobody"), ("broken", "refused", False, "nobody"),
        ("unsigned", "refused", True, "nobody"), ("signed", "live", False, OURS.public.key_id),
    ]  # fmt: skip
    assert [row.state for row in listed(in_log(policy("a", 1), policy("b", 2), policy("c", NOW + 1)),
            trust._replace(keys=OPEN), NOW)] == ["coming", "live", "past"]  # fmt: skip
    assert [bool(row.fault) for row in rows] == [True, True, True, False]
    assert rows[3].record == content_hash(signed) == content_hash(policy("signed", 1))


def test_a_model_that_was_published_from_elsewhere_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a").write_bytes(b"x")
    (tmp_path / "b").write_bytes(b"x")
    controls = [
        DEFAULT_CONTROL,
        model("a", 1, f"{tmp_path}/models/a"),
        model("b", 2, f"{tmp_path}/b"),
    ]
    records = [
        LogRecord("control", 0, at, 0, "", CONTROL.encode(one)) for at, one in enumerate(controls)
    ]
    monkeypatch.setattr(signed_records, "read_to_end", lambda *_: records)
    (line,) = refused_in_force("", "", trust_of(config_of(tmp_path)))
    assert line.startswith(f"model ranker b is refused: model {tmp_path}/b: lies outside of")
    assert line.endswith("`kairos model publish FILE` copies it there")


def test_who_publishes_needs_the_key_that_readers_ask_for(tmp_path: Path) -> None:
    pem = new_key()
    (tmp_path / "key").write_bytes(pem)
    (tmp_path / "pub").write_text(f"{Signer(pem).public}\n")
    (tmp_path / "other").write_text(f"{OURS.public}\n")
    control = policy("v", 1)
    key, pub, other = (str(tmp_path / name) for name in ("key", "pub", "other"))
    assert signer_of(config_of(tmp_path))(control) == control
    both = {"KAIROS_CONTROL_SIGNING_KEY_FILE": key, "KAIROS_CONTROL_PUBLIC_KEYS": pub}
    signed = signer_of(config_of(tmp_path, **both))(control)
    assert signed.signature
    assert msgspec.structs.replace(signed, signature=None, key_id=None) == control
    with pytest.raises(ConfigError, match="set KAIROS_CONTROL_SIGNING_KEY_FILE where you publish"):
        signer_of(config_of(tmp_path, KAIROS_CONTROL_PUBLIC_KEYS=pub))
    with pytest.raises(ConfigError, match=r"is none of .*other: readers would refuse"):
        signer_of(config_of(tmp_path, **both | {"KAIROS_CONTROL_PUBLIC_KEYS": other}))
    with pytest.raises(ConfigError, match="none cannot be read"):
        trust_of(config_of(tmp_path, KAIROS_CONTROL_PUBLIC_KEYS=str(tmp_path / "none")))
