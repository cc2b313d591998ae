"""What the command line prints of what anybody may have sent."""

import threading
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from channels.security.keys import Key, KeysFile, changing, hash_of, read_keys, write_keys
from scripts import console

HOSTILE = "a\x1b[2Jb\rc\x07\u202ed\u2028e\ud800"
SPELLED = r"a\x1b[2Jb\rc\x07\u202ed\u2028e\ud800"


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    output = StringIO()
    wide = Console(file=output, width=200, highlight=False, soft_wrap=True)
    monkeypatch.setattr(console, "stdout", lambda: wide)
    return output


def test_nothing_in_a_table_steers_the_terminal(printed: StringIO) -> None:
    console.show_table("", ("id", "score"), [(HOSTILE, 0.5), ("two\nlines", 1.0)])
    assert SPELLED in printed.getvalue()
    assert r"two\nlines" in printed.getvalue()
    assert not {"\x1b", "\r", "\x07"} & set(printed.getvalue())


def test_markup_in_a_value_is_a_value(printed: StringIO) -> None:
    console.show_table("", ("id",), [("[red]x[/red] [/]",)])
    assert "[red]x[/red] [/]" in printed.getvalue()


def test_lines_stay_lines(printed: StringIO) -> None:
    console.show(f"one\n\ttwo {HOSTILE}")
    assert printed.getvalue() == f"one\n        two {SPELLED}\n"


@pytest.mark.parametrize("text", ["plain", "Käse 🧀", "می\u200cشود", "👩\u200d🚒", "日本語"])
def test_every_language_is_printed_as_it_is(text: str) -> None:
    assert console.harmless(text) == text


def test_keys_made_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    write_keys(path, KeysFile())

    def create(name: str) -> None:
        with changing(path):
            before = read_keys(path)
            key = Key(name, hash_of(name), role="viewer")
            write_keys(path, KeysFile((*before.keys, key), before.secret))

    threads = [threading.Thread(target=create, args=(f"k{at}",)) for at in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.name for one in read_keys(path).keys} == {f"k{at}" for at in range(20)}
