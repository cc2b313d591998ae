"""Files as people have them: each is read, or said to be something else at once."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest

from schemas.errors import ConfigError, UnusableInput
from scripts.files import input_files
from scripts.files.input_files import read_values

ROWS = [{"n": number, "text": "ü, [] {}"} for number in range(5)]
LINES = [json.dumps(row, ensure_ascii=False).encode() for row in ROWS]
PLAIN = b"\n".join(LINES)


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        PLAIN + b"\n",
        b"\n\n".join(LINES) + b"\n \n",
        b"\r\n".join(LINES),
        b"\r".join(LINES) + b"\r",
        b"\xef\xbb\xbf" + PLAIN,
        gzip.compress(PLAIN),
        gzip.compress(PLAIN[:50]) + gzip.compress(PLAIN[50:]),
        zstd(PLAIN),
        gzip.compress(b"\xef\xbb\xbf" + PLAIN),
        json.dumps(ROWS).encode(),
        b" \n" + json.dumps(ROWS, indent=2).encode(),
        "\n".join(json.dumps(row, indent=2) for row in ROWS).encode(),
    ],
    ids=[
        "lines", "last_end", "blank_lines", "crlf", "cr", "bom", "gzip", "two_gzip_members", "zstd",
        "gzip_of_bom", "array", "pretty_array", "pretty_objects",
    ],
)  # fmt: skip
def test_all_of_it_is_read(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(data)
    assert [json.loads(one.raw) for one in read_values(path)] == ROWS


def test_lines_count_as_an_editor_counts_them(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"a\n\nb\r\nc")
    assert [(one.number, one.raw) for one in read_values(path)] == [(0, b"a"), (2, b"b"), (3, b"c")]


def test_lines_are_the_same_wherever_the_file_is_cut_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\r\n".join([*LINES, b"", *LINES]))
    wanted = list(read_values(path))
    for size in range(len(LINES[0]) + 2, 3 * len(LINES[0])):  # how lines end, the first one tells
        monkeypatch.setattr(input_files, "CHUNK", size)
        assert list(read_values(path)) == wanted


def test_a_line_without_an_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_files, "CHUNK", 100)
    monkeypatch.setattr(input_files, "LINE_BYTES_MAX", 1_000)
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"x" * 100_000 + b"\n{}\n")
    first, second = read_values(path)
    assert len(first.raw) < 1_300
    assert second == (1, b"{}")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (PLAIN.decode().encode("utf-16"), "UTF-16"),
        (PLAIN.decode().encode("utf-16-le"), "UTF-16"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"PK\x03\x04zip", "zip"),
        (b"BZh91AY", "bzip2"),
        (b"<html>", "HTML"),
        (bytes(range(256)) * 10, "no text"),
        (gzip.compress(PLAIN * 1_000)[:-20], "to its end"),
    ],
    ids=["utf_16", "utf_16_le", "parquet", "zip", "bzip2", "html", "binary", "cut_gzip"],
)
def test_what_is_something_else_is_said_at_once(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(data)
    with pytest.raises(UnusableInput, match=said):
        list(read_values(path))


def test_a_file_that_is_not_there_is_another_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read") as refused:
        list(read_values(tmp_path / "none"))
    assert not isinstance(refused.value, UnusableInput)
    with pytest.raises(ConfigError, match="cannot be read"):
        list(read_values(tmp_path))


def test_one_text_beyond_the_bound_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_files, "WHOLE_BYTES_MAX", 100)
    monkeypatch.setattr(input_files, "CHUNK", 50)
    path = tmp_path / "events.json"
    path.write_text(json.dumps(ROWS * 10))
    with pytest.raises(UnusableInput, match="write JSON Lines"):
        list(read_values(path))
