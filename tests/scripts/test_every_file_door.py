"""Every kind of file at every command that reads one: taken with what is wrong named, or refused at once with exit code 1."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner, Result

from jobs.fold.fold import Fold, FoldRules
from schemas.errors import ConfigError
from schemas.formats import FORMATS
from schemas.records import LogRecord
from scripts.cli import app
from scripts.demo.make_catalogue import DEMO_DATA
from scripts.exit_codes import code_of
from scripts.files import import_files
from tests.builders import NOON
from tests.scripts.files.test_import_events import Written, line
from tests.scripts.files.test_import_snowplow import make_row
from tests.scripts.files.test_import_trivago import row, table_of
from tests.scripts.files.test_input_files import zstd
from udfs.knowledge.erasures import Erasures
from udfs.knowledge.knowledge import Knowledge

ROOT: Final[Any] = typer.main.get_command(app)
POLICY: Final = DEMO_DATA / "shop" / "policy.yaml"

LINES: Final = [line(str(at), NOON + at).encode() for at in range(4)]
PLAIN: Final = b"\n".join(LINES)
SURROGATE: Final = rb"\ud83d"


def with_bad(bad: bytes) -> bytes:
    """Four events, and behind the second what is none: line 3."""
    return b"\n".join([*LINES[:2], bad, *LINES[2:]])


WHOLE: Final = {
    "lines": PLAIN,
    "crlf": b"\r\n".join(LINES),
    "cr": b"\r".join(LINES),
    "bom": b"\xef\xbb\xbf" + PLAIN,
    "gzip": gzip.compress(PLAIN),
    "zstd": zstd(PLAIN),
    "array": b"[" + b",".join(LINES) + b"]",
    "pretty": json.dumps([json.loads(one) for one in LINES], indent=2).encode(),
}
ONE_BAD: Final = {
    "junk": (b"junk", "malformed"),
    "cut_in_an_emoji": (line("x", NOON, query="QUERY").encode().replace(b"QUERY", SURROGATE), "cut inside"),
    "endless": (line("x", NOON, price=1).encode().replace(b'"price": 1', b'"price": 1e999'), ""),
    "no_utf_8": (b'{"event_id": "\xff\xfe"}', "UTF-8"),
    "other_fields": (b'{"user": "u", "action": "click"}', "missing required field"),
    "nobody": (line("x", NOON, event_type="identified", person_id="undefined").encode(), "nobody"),
    "who": (line("x", NOON, event_type="identified").encode(), "person_id"),
    "seconds": (line("x", NOON // 1000).encode(), "event_time_ms"),
    "beyond_any_number": (line("x", 2**70).encode(), ""),
    "no_name": (line("x", NOON, event_type="").encode(), "event_type"),
    "unreadable_name": (line("x", NOON, event_type="level\x1b[2J").encode(), "event_type"),
}  # fmt: skip
UNUSABLE: Final = {
    "empty": (b"", "there is no"),
    "blank": (b"\n \n\n", "there is no"),
    "all_bad": (b"junk\nmore junk\n{}\n", "3 of 3"),
    "mostly_bad": (b"\n".join([LINES[0], b"junk", b"more"]), "2 of 3"),
    "utf_16": (PLAIN.decode().encode("utf-16"), "UTF-16"),
    "utf_16_without_mark": (PLAIN.decode().encode("utf-16-le"), "UTF-16"),
    "page": (b"<html><body>403</body></html>", "HTML"),
    "table": (b"event_id,event_type\n1,page_viewed\n2,page_viewed\n", "is a table (CSV)"),
    "parquet": (b"PAR1....", "Parquet"),
    "spreadsheet": (b"PK\x03\x04....", "zip"),
    "cut_gzip": (gzip.compress(PLAIN * 50)[:-20], "cannot be read to its end"),
    "cut_zstd": (zstd(PLAIN * 50)[:-5], "cannot be read to its end"),
}


class Done(NamedTuple):
    """How a command ended, as `kairos` ends it, and all that it said."""

    code: int
    said: str


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Written:
    """What `import` writes to; without a server."""
    written = Written()
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KAIROS_TRIVAGO", raising=False)
    monkeypatch.setattr(import_files, "running_kafka", lambda _: "")
    monkeypatch.setattr(import_files, "Log", lambda *_, **__: written)
    monkeypatch.setattr(import_files, "now_ms", lambda: NOON + 1_000)
    monkeypatch.setattr(import_files, "announced", lambda *_: [])
    monkeypatch.setattr(import_files, "list_of_erased", lambda *_: Erasures())
    return written


def kairos(*words: object) -> Done:
    done: Result = CliRunner().invoke(app, list(map(str, words)), standalone_mode=False)
    said = done.output + done.stderr
    error = done.exception
    if isinstance(error, ConfigError):
        return Done(code_of(error), f"{said}{error}")
    if isinstance(error, typer.Exit | SystemExit):
        return Done(getattr(error, "exit_code", None) or int(error.code or 0), said)  # type: ignore[union-attr]
    if error is not None:
        raise error
    return Done(done.return_value or 0, said)


def given(tmp_path: Path, data: bytes, name: str = "events.jsonl") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


DOORS: Final[dict[str, tuple[str, ...]]] = {
    "import": ("import",),
    "train": ("train", "--events"),
    "train_responses": ("train", "--responses", "--events"),
    "evaluate": ("evaluate", "--train-before", "2023-11-14T22:13:20.002Z", "--events"),
    "try": ("try", "--events"),
}
NOTHING_TO_LEARN: Final = ("train", "train_responses", "evaluate")
"""Four page views are events, and nothing that a model could be made of: exit code 2, another reason."""


def is_taken(door: str, done: Done) -> bool:
    if door in NOTHING_TO_LEARN:
        return done.code == 2 and ("nothing to learn" in done.said or "no decision" in done.said)
    return done.code == 0


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", WHOLE)
def test_files_as_people_have_them_are_taken(
    tmp_path: Path, log: Written, door: str, kind: str
) -> None:
    done = kairos(*DOORS[door], given(tmp_path, WHOLE[kind]))
    assert is_taken(door, done), done
    assert "no events" not in done.said
    if door == "import":
        assert [one.event_id for one in log.events] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", ONE_BAD)
def test_one_bad_line_costs_itself_and_is_named(
    tmp_path: Path, log: Written, door: str, kind: str
) -> None:
    bad, reason = ONE_BAD[kind]
    done = kairos(*DOORS[door], given(tmp_path, with_bad(bad)))
    assert is_taken(door, done), done
    assert "events.jsonl, line 3: " in done.said
    assert reason.lower() in done.said.lower()
    if door == "import":
        assert len(log.events) == 4
        assert [one.offset for one in log.letters] == [2]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_is_not_what_it_should_be_is_said_at_once(
    tmp_path: Path, log: Written, door: str, kind: str
) -> None:
    data, reason = UNUSABLE[kind]
    done = kairos(*DOORS[door], given(tmp_path, data))
    assert done.code == 1, done
    assert reason in done.said, done
    if "bad" in kind:
        assert "events.jsonl, line " in done.said, "the first reason"


ODD: Final = {
    "null_property": line("x", NOON, event_type="purchase_completed", properties={"coupon": None, "n": 5, "is": True}),
    "old_names": json.dumps(
        {"event_id": "x", "event": "product_viewed", "timestamp": NOON, "session_id": "s1", "anonymous_id": "a1", "product_id": 7}
    ),
    "time_in_words": line("x").replace(str(NOON), '"2023-11-14T22:13:20Z"'),
    "null_fields": line("x", NOON, person_id=None, candidates=None, context=None),
    "slashes": line("x/%2F, y", NOON, session_id="s/1,2"),
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", ODD)
def test_what_is_odd_and_meant_well_is_taken(
    tmp_path: Path, log: Written, door: str, kind: str
) -> None:
    done = kairos(*DOORS[door], given(tmp_path, with_bad(ODD[kind].encode())))
    assert is_taken(door, done), done
    assert "no events" not in done.said
    assert "no event:" not in done.said
    if door == "import":
        assert len(log.events) == 5


@pytest.mark.parametrize("door", DOORS)
def test_a_field_that_nobody_reads_is_told_with_what_was_meant(
    tmp_path: Path, log: Written, door: str
) -> None:
    done = kairos(*DOORS[door], given(tmp_path, with_bad(line("x", user_id="u").encode())))
    assert is_taken(door, done), done
    assert "`user_id` is no field, and not read: `person_id` is meant?" in done.said


@pytest.mark.parametrize("door", DOORS)
def test_files_given_together_are_one_log_in_order_of_time(
    tmp_path: Path, log: Written, door: str
) -> None:
    newest_first = given(tmp_path, b"\n".join(reversed(LINES)), "new.jsonl")
    older = given(tmp_path, line("old", NOON - 1).encode(), "old.jsonl")
    done = kairos(*DOORS[door], newest_first, older)
    assert is_taken(door, done), done
    if door == "import":
        assert [one.event_id for one in log.events] == ["old", "0", "1", "2", "3"]


def test_an_import_of_what_says_nothing_of_consent_says_so(tmp_path: Path, log: Written) -> None:
    path = given(tmp_path, b"\n".join(LINES))
    said = "nothing in it says what its people agree to (`consent`)"
    assert said in " ".join(kairos("import", path).said.split())
    assert said not in " ".join(kairos("import", path, "--consent", "none").said.split())
    agreed = given(tmp_path, line("x", consent=["email"]).encode(), "agreed.jsonl")
    assert said not in " ".join(kairos("import", path, agreed).said.split())


@pytest.mark.parametrize("kind", ONE_BAD)
def test_a_bad_record_of_the_live_topic_is_one_dead_letter_and_costs_no_other(kind: str) -> None:
    """The topic in JSON, as other programs write it; the job takes each record by the steps of the fold."""
    bad, reason = ONE_BAD[kind]
    records = [
        LogRecord("events", 0, at, NOON + at, "s1", value)
        for at, value in enumerate(with_bad(bad).split(b"\n"))
    ]
    fold = Fold(Knowledge(), FoldRules(FORMATS["json"].decode, "kairos"))
    steps = list(fold.run(records))
    (letter,) = (one for step in steps for one in step.dead_letters)
    assert letter.offset == 2
    assert reason.lower() in f"{letter.reason}: {letter.message}".lower()
    assert sum(step.news is not None and step.news.kind == "event" for step in steps) == 4


TIMES: Final = ("--from", "--to", "--at", "--effective-from", "--train-before", "--expires")
FOLDERS: Final = (("archive", "--to"), ("docs", "--to"))
NEEDED: Final = {
    "items import": ("none.jsonl",), "import": ("--profiles", "none.csv"), "why-not": ("p", "a"), "compare": ("x.",), "model publish": ("v",), "policy publish": (POLICY,), "policy draft publish": ("sale",),
    "evaluate": ("--events", "none.jsonl"), "replay": ("--prefix", "x."), "key create": ("--name", "n", "--role", "viewer", "--file", "none.yaml"), "outcomes": ("--out", "none.parquet"),
    "rates set": ("EUR=1",),
}  # fmt: skip


def timed(group: Any = ROOT, words: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Every option of every command that is a time."""
    for name, one in getattr(group, "commands", {}).items():
        yield from timed(one, (*words, name))
    for parameter in group.params:
        for option in set(parameter.opts) & set(TIMES):
            if (" ".join(words), option) not in FOLDERS:
                yield " ".join(words), option


OPTIONS: Final = sorted(timed())


@pytest.mark.parametrize(("command", "option"), OPTIONS, ids=[" ".join(one) for one in OPTIONS])
@pytest.mark.parametrize(
    ("written", "said"),
    [("1922400000", "in seconds it would be 2030"), ("\u00b2", "is no time"), ("9" * 30, "is no time")],
    ids=["seconds", "superscript", "beyond_any"],
)  # fmt: skip
def test_every_time_on_the_command_line_is_read_alike(
    log: Written, command: str, option: str, written: str, said: str
) -> None:
    done = kairos(*command.split(), *NEEDED.get(command, ()), option, written)
    assert done.code == 2, done
    assert said in done.said


ITEM_DOORS: Final[dict[str, tuple[str, ...]]] = {
    "train": ("train", "--items", "ITEMS", "--events"),
    "evaluate": (
        "evaluate", "--train-before", "2023-11-14T22:13:20.002Z", "--items", "ITEMS", "--events",
    ),
    "try": ("try", "--items", "ITEMS", "--events"),
    "import": ("import", "--items", "ITEMS"),
}  # fmt: skip
BAD_ITEMS: Final = {
    "junk": (b'{"item_id": "a"}\njunk\n', "line 2"),
    "number_as_id": (b'{"item_id": "a"}\n{"item_id": 5}\n', "line 2"),
    "negative_price": (b'{"item_id": "a", "price": -1}\n', "line 1"),
    "cut_in_an_emoji": (b'{"item_id": "a"}\n\n{"item_id": "b", "name": "' + SURROGATE + b'"}\n', "line 3"),
    "utf_16": ('{"item_id": "a"}\n'.encode("utf-16"), "UTF-16"),
    "page": (b"<html></html>", "HTML"),
}  # fmt: skip


@pytest.mark.parametrize("door", ITEM_DOORS)
@pytest.mark.parametrize("kind", BAD_ITEMS)
def test_a_mistake_in_the_catalogue_ends_every_command_before_its_work(
    tmp_path: Path, log: Written, door: str, kind: str
) -> None:
    data, reason = BAD_ITEMS[kind]
    items, events = given(tmp_path, data, "items.jsonl"), given(tmp_path, PLAIN)
    words = [items if word == "ITEMS" else word for word in ITEM_DOORS[door]]
    done = kairos(*words, events)
    assert done.code in (1, 2), done
    assert "items.jsonl" in done.said
    assert reason in done.said
    assert not log.events


SNOWPLOW: Final = [make_row(f"e{at}", at) for at in range(4)]
HEADER: Final = ",".join(SNOWPLOW[0])
TABLE: Final = [HEADER, *(",".join(one.values()) for one in SNOWPLOW)]
TABLES: Final = {
    "lines": "\n".join(TABLE).encode(),
    "crlf": "\r\n".join(TABLE).encode(),
    "cr": "\r".join(TABLE).encode(),
    "bom": b"\xef\xbb\xbf" + "\n".join(TABLE).encode(),
    "gzip": gzip.compress("\n".join(TABLE).encode()),
    "zstd": zstd("\n".join(TABLE).encode()),
}
BAD_TABLES: Final = {
    "utf_16": ("\n".join(TABLE).encode("utf-16"), "UTF-16"),
    "binary": (b"\0\1\2\3", "no text"),
    "another_table": (b"id,name\n1,a\n", "no column event_id"),
    "page": (b"<html></html>", "HTML"),
    "only_a_header": (HEADER.encode(), "there is no"),
    "all_bad": (f"{HEADER}\na,b\nc".encode(), "2 of 2"),
    "cut_gzip": (gzip.compress("\n".join(TABLE * 50).encode())[:-20], "cannot be read to its end"),
}


def snowplow_words(door: str, path: Path, out: Path) -> tuple[object, ...]:
    return (door, path, *([out] if door == "convert" else []), "--format", "snowplow")


@pytest.mark.parametrize("door", ["import", "convert", "try"])
@pytest.mark.parametrize("kind", TABLES)
def test_tables_as_people_have_them_are_taken(
    tmp_path: Path, log: Written, door: str, kind: str
) -> None:
    out = tmp_path / "out.jsonl"
    done = kairos(*snowplow_words(door, given(tmp_path, TABLES[kind], "t.csv"), out))
    assert done.code == 0, done
    if door == "convert":
        assert len(out.read_text().splitlines()) == 4


@pytest.mark.parametrize("door", ["import", "convert", "try"])
@pytest.mark.parametrize("kind", BAD_TABLES)
def test_tables_that_are_none_are_said_and_leave_nothing(
    tmp_path: Path, log: Written, door: str, kind: str
) -> None:
    data, reason = BAD_TABLES[kind]
    out = given(tmp_path, b"as it was", "out.jsonl")
    done = kairos(*snowplow_words(door, given(tmp_path, data, "t.csv"), out))
    assert done.code == 1, done
    assert reason in done.said
    assert out.read_bytes() == b"as it was"
    assert not (tmp_path / "out.jsonl.part").exists()


@pytest.mark.parametrize("door", ["import", "convert", "try"])
def test_a_row_of_another_format_costs_itself(tmp_path: Path, log: Written, door: str) -> None:
    good = [row(at, "interaction item info", "a") for at in (1, 2)]
    path = table_of(tmp_path, *good, row(3, "teleport", "b"))
    out = tmp_path / "out.jsonl"
    words: list[Any] = [door, path, *([out] if door == "convert" else []), "--format", "trivago"]
    done = kairos(*words)
    assert done.code == 0, done
    assert "rows.parquet, line 3: 'teleport' is no action" in done.said
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), other)
    words[1] = other
    assert kairos(*words).code == 1


def test_a_file_without_ids_is_imported_twice_as_the_same_events(
    log: Written, tmp_path: Path
) -> None:
    said = [json.loads(one) for one in LINES]
    bare = [json.dumps({k: v for k, v in one.items() if k != "event_id"}) for one in said]
    path = given(tmp_path, "\n".join(bare).encode())
    for _ in range(2):
        done = kairos("import", path)
        assert (done.code, "`event_id` is missing" in done.said) == (0, True), done.said
    ids = [one.event_id for one in log.events]
    assert (len(ids), ids[:4]) == (8, ids[4:])
