"""`--consent`: what is granted in files that say nothing of it, told in every output, and never against what was said."""

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.config import config_from, purposes_or_none, with_consent
from jobs.fold.fold import Fold, FoldRules
from jobs.learning.evaluation_split import Setting
from schemas.codec import EVENT
from schemas.errors import ConfigError, InvalidEvent
from schemas.events import Event
from schemas.limits import PROPERTIES_PER_EVENT_MAX
from scripts.files.event_files import EventFiles, Heard, assuming
from scripts.files.import_events import Bad, read_json_lines
from scripts.files.try_files import Trial, World, show_trial
from scripts.training import response_training, training
from scripts.training.evaluation import evaluate_files, show_report
from tests.builders import NOON, make_catalogue, make_event, make_knowledge, make_record
from udfs.facts.consent import agreed

GRANTED = frozenset({"personalisation", "analytics"})


def file_of(folder: Path, *events: dict[str, Any]) -> Path:
    path = folder / "events.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in events))
    return path


def line(event_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "event_id": event_id, "event_type": "product_viewed", "event_time_ms": NOON, "session_id": "s1",
        "anonymous_id": "a1", "item_ids": ["i1"],
    } | fields  # fmt: skip


def test_events_that_say_nothing_are_marked_and_the_others_stay(tmp_path: Path) -> None:
    path = file_of(tmp_path, line("e1"), line("e2", consent=[]), {"event_id": "bad"})
    first, second, bad = EventFiles([path], consent=GRANTED).read(NOON)
    assert isinstance(first, Event)
    assert (first.consent, first.properties) == (
        ("personalisation", "analytics"), {"consent_source": "assumed"},
    )  # fmt: skip
    assert isinstance(second, Event)
    assert (second.consent, second.properties) == ((), {})
    assert isinstance(bad, Bad)
    plain = next(iter(EventFiles([path]).read(NOON)))
    assert isinstance(plain, Event)
    assert plain.consent is None


def test_an_event_without_room_for_the_mark_says_nothing() -> None:
    full = make_event(properties={f"p{n}": "x" for n in range(PROPERTIES_PER_EVENT_MAX)})
    assert list(assuming([full], GRANTED)) == [full]


@pytest.mark.parametrize("is_first", [True, False])
def test_what_a_person_said_overrules_what_an_import_assumes(is_first: bool) -> None:
    said = make_event(event_id="no", event_type="consent_changed", consent=[], event_time_ms=NOON)
    later_ms = NOON + 1 if is_first else NOON - 1
    silent = make_event(event_id="e", event_time_ms=later_ms)
    (assumed,) = assuming([silent], GRANTED)
    assert isinstance(assumed, Event)
    fold = Fold(make_knowledge(*make_catalogue(3)), FoldRules(EVENT.decode, "seed"))
    told = sorted([said, assumed], key=lambda one: one.event_time_ms)
    list(fold.run([make_record(one, n) for n, one in enumerate(told)]))
    assert agreed(fold.persons["a1"].consent, GRANTED).said == "none"


@pytest.mark.parametrize(
    ("text", "granted"), [(None, {*GRANTED}), ("none", set()), ("email", {"email"})]
)
def test_a_trial_says_what_it_assumed(
    text: str | None, granted: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = with_consent(config_from({"KAIROS_CONSENT": ",".join(GRANTED)}), text)
    found = list(read_json_lines(file_of(tmp_path, line("e1")), NOON))
    show_trial(Trial(found, World(None, None, ()), config), is_json=True, shows_all=False)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["assumed_consent"] == sorted(granted)
    show_trial(Trial(found, World(None, None, ()), config), is_json=False, shows_all=False)
    assert f"{'email' if text == 'email' else 'nothing' if text else 'personalisation, analytics'} is granted" in capsys.readouterr().out  # fmt: skip


SILENT = make_event()
AGREED = make_event(consent=[])
BAD = Bad("events.jsonl", 1, b"", InvalidEvent("malformed", "none"))


@pytest.mark.parametrize(
    ("source", "is_silent"),
    [
        ([], False), ([BAD], False), ([SILENT], True), ([SILENT, BAD, SILENT], True), ([BAD, SILENT], True),
        ([SILENT, AGREED], False), ([AGREED, SILENT], False),
    ],
)  # fmt: skip
def test_what_says_nothing_of_consent_is_heard(source: list[Event | Bad], is_silent: bool) -> None:
    heard = Heard(source)
    assert list(heard) == source
    assert heard.is_silent is is_silent


def visits(folder: Path, **fields: Any) -> Path:
    """Six visits that look at items, the first three with these fields, and see an action."""
    events = []
    for n in range(60):
        name = f"{n // 10}"
        own = {
            "session_id": f"s{name}",
            "anonymous_id": f"a{name}",
            "event_time_ms": NOON + n * 1_000,
        }
        said = fields if n < 30 else {}
        events.append(line(f"e{n}", item_ids=[f"i{n * 7 % 5}"], **own, **said))
        shown = {"decision_id": f"d{n}", "properties": {"action_id": "x", "placement": "home"}}
        events.append(
            line(f"x{n}", event_type="decision_exposed", item_ids=[], **own, **said, **shown)
        )
    return file_of(folder, *events)


def test_where_nobody_agreed_nothing_is_learnt_and_the_option_is_named(tmp_path: Path) -> None:
    config = config_from({"KAIROS_HOME": str(tmp_path), "KAIROS_CONSENT": "none"})
    path, setting = visits(tmp_path), Setting("next_item", NOON + 15_000, 5, "seed")
    why = r"none of these people agreed to `analytics` .*nothing is granted\): --consent personalisation,analytics"
    with pytest.raises(ConfigError, match=f"nothing to learn from: {why}"):
        training.train_from(training.from_files([path], None, config), config)
    with pytest.raises(ConfigError, match=f"nothing to learn from: {why}"):
        response_training.train_from(training.from_files([path], None, config), config)
    with pytest.raises(ConfigError, match=f"nothing to score: {why}"):
        evaluate_files([path], None, setting, config, None)
    assert not (tmp_path / "models").exists()
    granted = evaluate_files([path], None, setting, with_consent(config, "analytics"), None)
    assert (granted["refused"], granted["assumed_consent"]) == (0, ["analytics"])


def test_those_who_did_not_agree_are_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = config_from({"KAIROS_HOME": str(tmp_path), "KAIROS_CONSENT": "none"})
    path, setting = visits(tmp_path, consent=["analytics"]), Setting("next_item", NOON + 15_000, 5, "s")  # fmt: skip
    found = evaluate_files([path], None, setting, config, None)
    assert found["decisions"] > 0 < found["refused"]
    show_report(found)
    said = " ".join(capsys.readouterr().out.split())
    assert f"{found['refused']} decisions of people who do not agree to it left out; where" in said
    report, _ = training.train_from(training.from_files([path], None, config), config)
    assert report.refused > 0 < report.decisions


def test_a_purpose_that_is_none_is_said_by_the_option() -> None:
    with pytest.raises(ConfigError, match=r"--consent: .*'personalized' is none of"):
        purposes_or_none("personalized")
    with pytest.raises(ConfigError, match="KAIROS_CONSENT='personalized'"):
        config_from({"KAIROS_CONSENT": "personalized"})
