"""`kairos import --profiles` without a server: rows of people become events, each at the time since when it holds."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.erasures import ErasureKey, erasure_record
from schemas.limits import DAY_MS
from scripts.files import import_profiles
from tests.builders import NOON
from tests.scripts.files.test_import_events import Written
from tests.scripts.test_every_file_door import Done, kairos
from tests.udfs.test_erase import KEY
from udfs.knowledge.erasures import Erasures

CSV = """customer_id;Valid From;Loyalty Tier;churn_score;e-mail;note
mia;2023-11-01;gold;0,87;m@example.com;
tom;2023-11-02T10:00:00Z;silver;;t@example.com;calls often
"""


forms: list[str] = []
"""In which our own events are written."""


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Written:
    written = Written()
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(import_profiles, "running_kafka", lambda _: "")

    def log_of(_kafka: str, _prefix: str, form: str, **_: object) -> Written:
        forms.append(form)
        return written

    forms.clear()
    monkeypatch.setattr(import_profiles, "Log", log_of)
    monkeypatch.setattr(import_profiles, "now_ms", lambda: NOON + 1_000)
    monkeypatch.setattr(import_profiles, "list_of_erased", lambda *_: Erasures())
    monkeypatch.setattr(import_profiles, "decided_of", lambda *_: lambda _: 7)
    return written


def given(tmp_path: Path, text: str, name: str = "crm.csv") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def profiles(*words: object) -> Done:
    return kairos("import", "--profiles", *words)


def figures(done: Done) -> dict[str, Any]:
    assert done.code == 0, done.said
    found: dict[str, Any] = json.JSONDecoder().raw_decode(done.said[done.said.index("{") :])[0]
    return found


def test_rows_of_a_table_are_told_of_their_people(log: Written, tmp_path: Path) -> None:
    done = profiles(given(tmp_path, CSV))
    assert (done.code, "2 rows read, 2 profiles written" in done.said) == (0, True)
    mia, tom = log.events
    assert (mia.person_id, mia.event_type, mia.event_time_ms) == ("mia", "profile_updated", 1_698_796_800_000)  # fmt: skip
    assert mia.properties == {"loyalty_tier": "gold", "churn_score": "0,87"}
    assert tom.properties == {"loyalty_tier": "silver", "note": "calls often"}
    assert "`e-mail` is left out" in done.said
    assert "example.com" not in done.said
    assert "7 decisions were made since 2023-11-01T00:00:00.000+00:00" in done.said
    assert "KAIROS_CONSENT" in done.said


def test_the_same_file_twice_is_the_same_events(log: Written, tmp_path: Path) -> None:
    path = given(tmp_path, CSV)
    profiles(path)
    first = list(log.events)
    profiles(path)
    assert log.events == first * 2
    assert figures(profiles(path, path, "--json"))["there_twice"] == 2


def test_what_rows_do_not_say_is_said_for_them(log: Written, tmp_path: Path) -> None:
    rows = [{"kundennr": 7, "tier": "gold"}, {"kundennr": 8, "tier": "silver"}]
    path = given(tmp_path, json.dumps(rows), "crm.json")
    assert "nothing says whom it is of" in profiles(path).said
    assert "nothing says since when" in profiles(path, "--rename", "kundennr=person_id").said
    words = (
        "--rename",
        "kundennr=person_id",
        "--from",
        "2023-11-03",
        "--consent",
        "personalisation",
    )
    done = profiles(path, *words)
    assert done.code == 0, done.said
    assert [(one.person_id, one.consent) for one in log.events] == [
        ("7", ("personalisation",)),
        ("8", ("personalisation",)),
    ]


BAD = "person_id,as_of,tier\nmia,2023-11-01,gold\n,2023-11-01,x\ntom,soon,x\nann,2123-01-01,x\nbob,2023-11-01\n"


def test_one_bad_row_ends_it_before_anything_is_written_or_is_left_out(
    log: Written, tmp_path: Path
) -> None:
    path = given(tmp_path, BAD)
    done = profiles(path)
    assert (done.code, "line 3: nothing says whom" in done.said, log.events) == (2, True, [])
    done = profiles(path, "--partial")
    assert done.code == 1, "most of it is none"
    assert "5 rows read, 1 profile written, 4 left out" in done.said
    assert [one.person_id for one in log.events] == ["mia"]
    good = given(tmp_path, BAD + "eve,2023-11-02,a\nada,2023-11-02,b\nzoe,2023-11-02,b\n")
    assert figures(profiles(good, "--partial", "--json"))["left_out"] == 4


def test_an_empty_file_and_rows_that_no_profile_keeps_are_told(
    log: Written, tmp_path: Path
) -> None:
    done = profiles(given(tmp_path, "person_id,as_of,tier\n"))
    assert (done.code, "no row" in done.said) == (1, True)
    done = profiles(given(tmp_path, "person_id,as_of,tier\nmia,2019-01-01,gold\n"))
    assert (done.code, "1 row holds since more than 400 days" in done.said) == (0, True)


def test_who_was_erased_stays_erased(
    log: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    erased = Erasures(KEY)
    assert isinstance(KEY, ErasureKey)
    erased.add(erasure_record(KEY, "person", "mia", NOON - DAY_MS))
    monkeypatch.setattr(import_profiles, "list_of_erased", lambda *_: erased)
    done = profiles(given(tmp_path, CSV))
    assert "1 left out, of people who were erased" in done.said
    assert [one.person_id for one in log.events] == ["tom"]


@pytest.mark.parametrize(("mapping", "form"), [("", "json"), ("rules: [{skip: true}]\n", "kairos")])
def test_what_a_mapping_reads_is_others_so_what_we_add_is_avro(
    log: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mapping: str, form: str
) -> None:
    monkeypatch.setenv("KAIROS_FORMAT", "json")
    if mapping:
        monkeypatch.setenv("KAIROS_MAPPING", str(given(tmp_path, mapping, "m.yaml")))
    assert profiles(given(tmp_path, CSV), "--json").code == 0
    assert forms == [form]
