"""Mappings as files: read, checked and tried; `convert` and `try` read by one."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from jobs.config import PROJECT
from jobs.mapping_file import read_mapping
from schemas.errors import CheckFailed, ConfigError
from schemas.events import Event
from schemas.mappings.mapped import leaves, mapped_event
from scripts.cli import app
from scripts.files.event_files import EventFiles
from scripts.files.import_events import Bad, write_events
from scripts.mappings.mapping_here import check_mapping, notes_of, read_paths
from tests.builders import NOON
from tests.scripts.files.test_import_events import Written

MAPPING: Final = """\
# a game's events
fields:
  event_time_ms: {path: at, unit: s}
  session_id: run
  anonymous_id: player.id
rules:
  - when: {what: [ping, "1"]}
    skip: true
  - when: {what: bought}
    event_type: purchase_completed
    fields:
      item_ids: cart[].sku
      value_amount: {path: sum, number: "1.299,00"}
  - fields:
      event_type: {path: what, map: {saw: product_viewed, 7: page_viewed}}
      item_ids: [sku]
      quantity: {value: 2}
    properties: [level]
"""
AT: Final = NOON / 1000
RECORDS: Final[tuple[dict[str, Any], ...]] = (
    {"what": "saw", "at": AT, "run": "r1", "player": {"id": "p1", "mail": "x"}, "sku": "i1", "level": 3},
    {"what": "bought", "at": AT + 1, "run": "r1", "player": {"id": "p1"}, "cart": [{"sku": "i1", "n": 1}], "sum": "1.019,90"},
    {"what": "ping", "at": AT + 2, "run": "r1", "player": {"id": "p1"}},
    {"what": "danced", "at": AT + 3, "run": "r1", "player": {"id": "p1"}},
    {"what": "saw", "at": AT + 4, "run": "r1", "player": {"id": "p1"}, "sku": "i2", "level": 4},
)  # fmt: skip


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "game.yaml"
    path.write_text(MAPPING)
    return path


@pytest.fixture
def records(tmp_path: Path) -> Path:
    path = tmp_path / "game.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in RECORDS))
    return path


def read(mapping: Path, records: Path) -> list[Event | Bad]:
    return list(EventFiles([records], mapping=mapping).read(NOON + 10_000))


def test_records_become_events_bad_ones_are_named_and_some_are_passed_over(
    mapping: Path, records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    viewed, bought, bad, last = read(mapping, records)
    assert isinstance(viewed, Event)
    assert (viewed.event_type, viewed.item_ids, viewed.properties, viewed.quantity) == ("product_viewed", ("i1",), {"level": "3"}, 2)  # fmt: skip
    assert isinstance(bought, Event)
    assert (bought.event_type, bought.item_ids, bought.value_amount) == ("purchase_completed", ("i1",), 1019.9)  # fmt: skip
    assert isinstance(bad, Bad)
    assert (bad.line, bad.error.message) == (3, "what: 'danced' is none of what the mapping knows: saw, 7")  # fmt: skip
    assert isinstance(last, Event)
    assert "1 record passed over by the mapping" in capsys.readouterr().err


def test_an_import_writes_them_in_order_of_time(mapping: Path, records: Path) -> None:
    log = Written()
    files = EventFiles([records], mapping=mapping, consent=frozenset({"analytics"}))
    assert not files.is_json, "they may be in no order"
    done = write_events(log, files.read(NOON + 10_000))
    assert (done.events, done.invalid) == (3, 1)
    assert [one.consent for one in log.events] == [("analytics",)] * 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules: [", "line "), ("rules:\n\t- skip: true\n", "tab"), ("a: 1\na: 2\nrules: []", "line 2"), ("rules: []", "rules"),
        (MAPPING.replace("unit: s", "unit: days"), "days"), (MAPPING.replace("item_ids: [sku]", "colour: sku"), "no field `colour`"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_file_is_said_and_where(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words) as refused:
        read_mapping(path)
    assert str(path) in str(refused.value)
    with pytest.raises(CheckFailed):
        check_mapping(path)


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_mapping(tmp_path / "gone.yaml")
    path = tmp_path / "bytes.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_mapping(path)


def test_numbers_without_quotes_are_numbers_and_names_of_a_map_are_texts(mapping: Path) -> None:
    skips, _, views = read_mapping(mapping)
    assert skips.when == {"what": frozenset({"ping", "1"})}
    assert views.sources["quantity"].value == 2
    assert views.sources["event_type"].map == {"saw": "product_viewed", "7": "page_viewed"}


def test_what_may_not_be_meant_is_noted(mapping: Path) -> None:
    notes = list(notes_of(read_mapping(mapping)))
    assert [one.partition(":")[0] for one in notes] == [
        "nothing says `event_id`", "nothing says what people agree to (`consent`)"
    ]  # fmt: skip
    mapping.write_text(MAPPING + "  - skip: true\n")
    assert "rules[2] holds of every record" in next(notes_of(read_mapping(mapping)))


def test_what_is_read_and_what_is_there(mapping: Path) -> None:
    assert read_paths(read_mapping(mapping)) == {"at", "run", "player.id", "what", "cart[].sku", "sum", "sku", "level"}  # fmt: skip
    assert {path for path, _ in leaves(RECORDS[1])} == {"what", "at", "run", "player.id", "cart[].sku", "cart[].n", "sum"}  # fmt: skip


def told(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(one) for one in words], standalone_mode=False)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    code = done.return_value if isinstance(done.return_value, int) else 0
    return code, done.stdout


def test_trying_tells_what_becomes_what_and_what_is_lost(mapping: Path, records: Path) -> None:
    code, out = told("mapping", "try", mapping, records, "--json", "--last", "1")
    found = json.loads(out)
    assert code == 0
    assert (found["read"], found["skipped"], found["invalid"]) == (5, 1, 1)
    assert found["events"] == {"product_viewed": 2, "purchase_completed": 1}
    assert found["lost"] == {"player.mail": 1, "cart[].n": 1}
    assert found["fields"]["item_ids"] == 3
    assert found["first_fault"].startswith("game.jsonl, line 4: invalid_value")
    (example,) = found["examples"]
    assert example["event_type"] == "product_viewed"
    code, words = told("mapping", "try", mapping, records)
    assert code == 0
    assert "5 read: 3 events, 1 passed over, 1 none" in words
    assert "player.mail" in words


def test_trying_ends_with_1_where_most_is_none(mapping: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"what": "danced"}\n{"what": "danced"}')
    assert told("mapping", "try", mapping, other)[0] == 1


def test_checking_says_what_it_makes(mapping: Path) -> None:
    code, out = told("mapping", "check", mapping)
    assert (code, "3 rules, 1 of them pass records over" in out) == (0, True)


def test_convert_and_try_read_by_a_mapping(mapping: Path, records: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    told("convert", records, out, "--mapping", mapping)
    assert [json.loads(one)["event_type"] for one in out.read_text().splitlines()] == [
        "product_viewed", "purchase_completed", "product_viewed"
    ]  # fmt: skip
    code, said = told("try", records, "--mapping", mapping, "--json")
    counts = json.loads(said.splitlines()[-1])["counts"]
    assert (code, counts["events"]) == (0, 3)
    with pytest.raises(ConfigError, match="one of them is wanted"):
        told("convert", records, out)
    with pytest.raises(ConfigError, match="one of them is wanted"):
        told("convert", records, out, "--mapping", mapping, "--format", "segment")


def test_the_mapping_of_the_docs_is_one_and_does_what_they_say(tmp_path: Path) -> None:
    page = (PROJECT / "docs" / "what-we-accept.md").read_text()
    path = tmp_path / "docs.yaml"
    path.write_text(page.partition("```yaml\nfields:")[2].partition("```")[0].join(["fields:", ""]))
    rules = read_mapping(path)
    player = {"id": "p1", "country": "AT", "rank": 9}
    bought = {"id": 1, "at": AT, "player": player, "what": "bought", "cart": [{"sku": "a"}, {"sku": "b"}], "sum": "1.019,90"}  # fmt: skip
    found = mapped_event(json.dumps(bought).encode(), rules)
    assert found is not None
    assert (found.event_type, found.item_ids, found.value_amount, found.currency) == ("purchase_completed", ("a", "b"), 1019.9, "EUR")  # fmt: skip
    other = {"id": 2, "at": AT, "player": player, "what": "won", "skus": "a, b", "level": 3}
    found = mapped_event(json.dumps(other).encode(), rules)
    assert found is not None
    assert (found.event_type, found.item_ids, found.properties) == ("page_viewed", ("a", "b"), {"level": "3", "rank": "9"})  # fmt: skip
    assert found.context is not None
    assert (found.context.country, found.session_id) == ("AT", "p1")
    assert mapped_event(b'{"what": "pong"}', rules) is None


def test_a_record_that_is_nested_deeply_ends_no_command(mapping: Path, tmp_path: Path) -> None:
    path = tmp_path / "deep.jsonl"
    deep = json.dumps(RECORDS[0])[:-1] + ', "deep": ' + '{"a":' * 900 + "1" + "}" * 901
    path.write_text(f"{json.dumps(RECORDS[0])}\n{deep}\n")
    code, out = told("mapping", "try", mapping, path, "--json")
    found = json.loads(out)
    assert (code, found["read"]) == (0, 2)
    assert found["lost"] == {"player.mail": 2}, "what lies so deep is not looked for"
    assert told("infer", path)[1].startswith("# proposed from")


@pytest.mark.parametrize("more", [{"format": "segment"}, {"is_strict": True}])
def test_beside_a_mapping_an_option_that_says_nothing_is_refused(
    mapping: Path, records: Path, more: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match="leave --format and --strict out"):
        list(EventFiles([records], mapping=mapping, **more).read())
