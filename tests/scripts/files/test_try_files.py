"""`kairos try`: the fold on files, as a marketer sees it and as a program reads it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jobs.config import config_from
from models.artefact import save_artefact
from schemas.decisions import Decision
from schemas.errors import ConfigError, UnusableInput
from scripts.files.import_events import read_json_lines
from scripts.files.try_counts import check
from scripts.files.try_files import SHOWN, Trial, World, explain_one, show_trial
from scripts.policy.policy_file import read_policy
from tests.e2e.homes import KAIROS
from tests.models.made import artefact_of, booster_of
from tests.scripts.scenarios import FOLDER, Scenario, play, scenarios
from udfs.facts.features import FEATURE_SPACE

SHOP = FOLDER / "shop"
HESITATION = SHOP / "scenario_hesitation.jsonl"
SHOP_WORLD = World(SHOP / "items.jsonl", read_policy(SHOP / "policy.yaml"))


def trial(*files: Path, world: World = SHOP_WORLD) -> Trial:
    source = [one for file in files for one in read_json_lines(file, 10**15)]
    return Trial(source, world, config_from({"KAIROS_SEED": "kairos"}))


def lines(printed: str) -> list[Any]:
    return [json.loads(line) for line in printed.splitlines()]


def is_as_written(scenario: Scenario) -> bool:
    """Whether it names no decision, whose id is known only once it was made."""
    return not any(one.decision_id for one in scenario.events())


@pytest.mark.parametrize(
    "scenario", [one for one in scenarios() if is_as_written(one)], ids=lambda one: one.name
)
def test_it_decides_what_the_scenarios_say(scenario: Scenario) -> None:
    folder = FOLDER / scenario.demo
    world = World(folder / "items.jsonl", read_policy(folder / "policy.yaml"))
    made: dict[str, Decision] = {}
    for one in trial(folder / scenario.file, world=world).run():
        for decision, _ in one.decisions:
            if decision.event_id == scenario.asked:
                made[decision.placement] = decision
    expected = play(scenario.demo, scenario.events(), scenario.items())
    for placement, action_id in scenario.expected.items():
        assert made[placement].action_id == action_id
        assert made[placement].content == expected[scenario.asked, placement][0].content


def test_it_prints_one_object_a_line_and_the_accounting_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = HESITATION.read_bytes().splitlines()
    file = tmp_path / "mixed.jsonl"
    nobody = (
        b'{"event_id":"n","event_type":"identified","event_time_ms":1717434000000,"session_id":"s",'
        b'"anonymous_id":"a","person_id":"null"}'
    )
    file.write_bytes(b"\n".join([*reversed(whole), b"no event", whole[0], nobody]))
    show_trial(trial(file), is_json=True, shows_all=False)
    *told, counts = lines(capsys.readouterr().out)
    letters = [one["dead_letter"] for one in told if "dead_letter" in one]
    decisions = [one for one in told if "dead_letter" not in one]
    assert [(one["file"], one["line"]) for one in letters] == [
        ("mixed.jsonl", len(whole) + 1), ("mixed.jsonl", len(whole) + 3),
    ]  # fmt: skip
    assert "names nobody" in letters[1]["message"]
    assert {tuple(one) for one in decisions} == {SHOWN}
    assert counts == {
        "counts": {
            "read": len(whole) + 3, "events": len(whole), "duplicates": 1, "dead_letters": 2, "decisions": len(decisions),
            "actions": sum(one["action_id"] != "nothing" for one in decisions), "people": 1,
        }, "assumed_consent": []
    }  # fmt: skip
    show_trial(trial(HESITATION), is_json=True, shows_all=False)
    again = [one for one in lines(capsys.readouterr().out) if "decision_id" in one]
    assert again == decisions, "whatever the order of the lines"


def test_a_marketer_reads_what_happened_what_was_offered_and_why(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_trial(trial(HESITATION), is_json=False, shows_all=False)
    text = capsys.readouterr().out
    assert "product_added_to_cart Ostrevane Bramble supportive cushioned shoe" in text
    assert "offer_bar -> express_shipping" in text
    assert "-> nothing" not in text
    assert "7 read: 7 events" in text
    show_trial(trial(HESITATION), is_json=False, shows_all=True)
    assert "-> nothing" in capsys.readouterr().out


def test_why_explains_one_decision_by_the_beginning_of_its_id(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = [one for some in trial(HESITATION).run() for one, _ in some.decisions]
    offer = next(one for one in made if one.action_id == "express_shipping")
    explain_one(trial(HESITATION), offer.decision_id[:12], is_json=True)
    (found,) = lines(capsys.readouterr().out)
    assert found["decision"]["decision_id"] == offer.decision_id
    assert found["actions"][0]["action_id"] == "express_shipping"
    for unclear in ("", "no-such-id"):
        with pytest.raises(ConfigError, match="of 13 decisions begin with"):
            explain_one(trial(HESITATION), unclear, is_json=True)


def test_a_models_file_decides_and_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published = save_artefact(artefact_of(booster_of(FEATURE_SPACE.count)), tmp_path)
    world = SHOP_WORLD._replace(models=[published.uri])
    ranked = [
        one
        for some in trial(HESITATION, world=world).run()
        for one, _ in some.decisions
        if one.items
    ]
    assert {one.versions.model for one in ranked} == {published.version}
    explain_one(trial(HESITATION, world=world), ranked[0].decision_id, is_json=True)
    (found,) = lines(capsys.readouterr().out)
    assert found["trace"]["contributions"]


def test_what_the_policy_ignores_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of a crawler's would be decided on by nobody knows whom, and in silence."""
    file = tmp_path / "bot.jsonl"
    first = json.loads(HESITATION.read_bytes().splitlines()[0])
    bots = [first | {"event_id": f"b{n}", "context": {"user_agent": "Googlebot/2.1"}} for n in range(3)]  # fmt: skip
    file.write_text("\n".join(map(json.dumps, [first, *bots])))
    one = trial(file)
    show_trial(one, is_json=False, shows_all=False)
    assert (
        "4 read: 1 event, 0 there twice, 3 ignored by the policy, 0 dead letters"
        in capsys.readouterr().out
    )
    assert (one.counts["events"], one.counts["ignored"]) == (1, 3)


def test_a_file_of_next_to_no_events_is_unusable(tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    for content, said in ((b"", "no event"), (b"{}\n{}\n" + HESITATION.read_bytes()[:0], "2 of 2")):
        file.write_bytes(content)
        one = trial(file)
        assert [step for step in one.run() if step.decisions] == []
        with pytest.raises(UnusableInput, match=said):
            check(one.counts)


def test_the_command_needs_no_server_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [KAIROS, "try", "--events", HESITATION, "--policy", SHOP / "policy.yaml", "--json"],
        env={"PATH": "/usr/bin:/bin", "KAIROS_HOME": str(tmp_path / "home"), "KAIROS_KAFKA": "127.0.0.1:1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert msgspec.json.decode(done.stdout.splitlines()[-1])["counts"]["events"] == 7
    assert not (tmp_path / "home").exists()
    bad = subprocess.run([KAIROS, "try"], capture_output=True, text=True, check=False)
    assert (bad.returncode, bad.stdout) == (2, "")
