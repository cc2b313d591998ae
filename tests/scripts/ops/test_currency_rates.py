"""`kairos rates` without a server: the log's records of `control` are a list here."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jobs.config import config_from
from jobs.publish import AHEAD_MS
from schemas.codec import CONTROL
from schemas.control import Control
from schemas.currencies import Rates, rates_from_payload
from schemas.errors import ConfigError
from schemas.items import Item
from schemas.records import LogRecord
from schemas.signed_control import Signer, new_key, read_keys, signature_fault
from scripts.files import items_here
from scripts.ops import currency_rates, rates_on_control
from scripts.ops.currency_rates import rates_of
from scripts.ops.local_audit import audit_log_of
from tests.builders import NOON
from tests.scripts.test_every_file_door import kairos

ITEMS = [
    Item("a", price=1.0, currency="EUR"), Item("b", price=1.0, currency="usd"), Item("c", price=1.0, currency="GBP"),
    Item("d", price=1.0, currency="GBP"), Item("e", price=1.0), Item("f", currency="JPY"),
]  # fmt: skip


class Topic(list[LogRecord]):
    """The topic `control`, and the log that writes to it, signed where a key is set."""

    sign: Any = staticmethod(lambda control: control)

    def control(self, control: Control) -> None:
        value = CONTROL.encode(self.sign(control))
        self.append(LogRecord("control", 0, len(self), control.effective_from_ms, "rates/rates", value))  # fmt: skip

    def flush(self) -> None:
        pass


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Topic:
    found = Topic()

    def log(*_: object, sign: Any) -> Topic:
        found.sign = sign
        return found

    monkeypatch.setenv("KAIROS_HOME", str(tmp_path / "home"))
    for module in (currency_rates, items_here):
        monkeypatch.setattr(module, "running_kafka", lambda _: "")
    monkeypatch.setattr(currency_rates, "Log", log)
    monkeypatch.setattr(currency_rates, "items_in_force", lambda *_: ITEMS)
    monkeypatch.setattr(rates_on_control, "read_to_end", lambda *_: list(found))
    for module in (currency_rates, rates_on_control):
        monkeypatch.setattr(module, "now_ms", lambda: NOON)
    return found


def control_in(topic: Topic) -> Control:
    return CONTROL.decode(topic[-1].value)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("EUR=1", Rates("EUR")),
        ("EUR=1 USD=1.08 CHF=0.94", Rates("EUR", {"USD": 1.08, "CHF": 0.94})),
        ("eur=1.0 usd=1", Rates("EUR", {"USD": 1.0})),
    ],
)
def test_rates_are_said_by_the_worth_of_the_first(said: str, wanted: Rates) -> None:
    assert rates_of(said.split()) == wanted


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("", "comes first, and is 1"),
        ("USD=1.08 EUR=1", "comes first, and is 1"),
        ("EUR=1 USD", "'USD': each currency once is wanted"),
        ("EUR=1 USD=1,08", "'USD=1,08': each currency once is wanted"),
        ("EUR=1 USD=1 USD=2", "'USD=2': each currency once is wanted"),
        ("EUR=1 USD=nan", "each currency once"),
        ("EUR=1 USD=0", "rates: Expected `float` >= 1e-09"),
        ("EUR=1 USD=-1", "rates: Expected"),
        ("EURO=1", "rates: Expected"),
        ("EUR=1 US=2", "rates: Expected"),
    ],
)
def test_what_says_no_rates_is_refused(said: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        rates_of(said.split())


def test_rates_are_put_on_control_ahead_of_now_noted_and_what_has_none_is_told(topic: Topic) -> None:  # fmt: skip
    done = kairos("rates", "set", "EUR=1", "USD=2")
    assert done.code == 0, done.said
    put = control_in(topic)
    assert (put.kind, put.name, put.effective_from_ms) == ("rates", "rates", NOON + AHEAD_MS)
    assert rates_from_payload(put.payload or b"") == Rates("EUR", {"USD": 2.0})
    assert f"rates {put.version} decides from 2023-11-14T22:13:22.000+00:00 on, the first" in done.said  # fmt: skip
    assert "2 items in GBP, which has no rate: their prices count as missing" in done.said
    (entry,) = audit_log_of(config_from()).newest(1)
    assert entry.what == "rates set"
    later = kairos("rates", "set", "EUR=1", "--from", "2023-12-01", "--json")
    change = json.JSONDecoder().raw_decode(later.said[later.said.index("{") :])[0]
    assert change["replaces"] == put.version
    assert control_in(topic).effective_from_ms == change["effective_from_ms"] == 1_701_388_800_000


def test_another_first_currency_is_warned_of(topic: Topic) -> None:
    warning = (
        "amounts that are kept in EUR (carts, purchases, prices seen) count as if they were in USD"
    )
    kairos("rates", "set", "EUR=1", "--from", "2023-01-01")
    assert warning not in kairos("rates", "set", "EUR=1", "USD=2").said
    assert warning in kairos("rates", "set", "USD=1").said


def test_what_is_in_force_and_comes_is_shown(topic: Topic) -> None:
    assert "prices are in EUR, GBP, usd, and compared as if these were one" in kairos("rates", "show").said  # fmt: skip
    kairos("rates", "set", "EUR=1", "USD=3", "--from", "2023-01-01")
    kairos("rates", "set", "EUR=1", "USD=2", "--from", "2023-02-01")
    kairos("rates", "set", "EUR=1", "GBP=0.5", "--from", "2024-02-01")
    said = kairos("rates", "show").said
    assert [one for one in ("USD=3", "USD=2", "GBP=0.5") if one in said] == ["USD=2", "GBP=0.5"]
    assert "2 items in GBP, which has no rate" in said
    done = kairos("rates", "show", "--json")
    shown = json.JSONDecoder().raw_decode(done.said[done.said.index("{") :])[0]
    assert [(one["state"], one["per_base"]) for one in shown["versions"]] == [
        ("live", {"USD": 2.0}), ("coming", {"GBP": 0.5}),
    ]  # fmt: skip
    assert shown["items_without_rate"] == {"GBP": 2}


def test_rates_are_signed_as_whatever_is_put_on_control(
    topic: Topic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = tmp_path / "key.pem"
    pem.write_bytes(new_key())
    pem.chmod(0o600)
    monkeypatch.setenv("KAIROS_CONTROL_SIGNING_KEY_FILE", str(pem))
    assert kairos("rates", "set", "EUR=1").code == 0
    keys = read_keys([str(Signer(pem.read_bytes()).public)])
    assert signature_fault(control_in(topic), keys) is None
    altered = msgspec.structs.replace(control_in(topic), payload=b'{"base": "USD"}')
    assert signature_fault(altered, keys) is not None


def test_an_import_tells_of_currencies_that_nothing_makes_comparable(topic: Topic) -> None:
    config, one, two = config_from(), ITEMS[:1], ITEMS[:3]
    assert rates_on_control.lines_of(config, "", one) == []
    assert rates_on_control.lines_of(config, "", two)[0].startswith("prices are in EUR, GBP, usd")
    kairos("rates", "set", "EUR=1", "USD=2", "--from", "2023-01-01")
    assert rates_on_control.lines_of(config, "", two) == ["1 item in GBP, which has no rate: their prices count as missing"]  # fmt: skip
    kairos("rates", "set", "EUR=1", "USD=2", "GBP=0.5", "--from", "2023-01-02")
    assert rates_on_control.lines_of(config, "", two) == []
