"""A game's own events, as docs/howto.md has them: one policy, and the same decisions whatever format they come in."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from jobs.config import PROJECT
from schemas.limits import MINUTE_MS
from scripts.cli import app
from tests.builders import NOON

HOWTO: Final = (PROJECT / "docs" / "howto.md").read_text()
SAID: Final = {"stars": 2, "mode": "hard"}


def policy(tmp_path: Path, more: str = "") -> Path:
    """The page's own example."""
    section = HOWTO.split("### Events of your own")[1]
    found = re.search(r"```yaml\n(.*?)```", section, re.DOTALL)
    assert found is not None
    path = tmp_path / "game.yaml"
    path.write_text(found[1] + more)
    return path


def ours(number: int, name: str = "level_completed") -> dict[str, Any]:
    return {
        "event_id": f"e{number}", "event_type": name, "event_time_ms": NOON + number * MINUTE_MS, "session_id": "s",
        "anonymous_id": "a", "consent": ["personalisation"], "properties": SAID,
    }  # fmt: skip


def segment(number: int) -> dict[str, Any]:
    consent = {"categoryPreferences": {"personalisation": True}}
    return {
        "type": "track", "event": "Level Completed", "messageId": f"e{number}", "anonymousId": "a",
        "timestamp": NOON + number * MINUTE_MS, "properties": SAID, "context": {"sessionId": "s", "consent": consent},
    }  # fmt: skip


def ga4(number: int) -> dict[str, Any]:
    params = [{"key": "stars", "value": {"int_value": 2}}, {"key": "mode", "value": {"string_value": "hard"}}]  # fmt: skip
    return {
        "event_name": "level_completed", "event_timestamp": (NOON + number * MINUTE_MS) * 1000, "user_pseudo_id": "a",
        "event_params": params,
    }  # fmt: skip


def cloudevents(number: int) -> dict[str, Any]:
    event = ours(number)
    return {
        "specversion": "1.0", "id": f"e{number}", "source": "/game", "type": "com.example.level_completed",
        "data": {name: value for name, value in event.items() if name != "event_type"},
    }  # fmt: skip


def tried(tmp_path: Path, events: list[dict[str, Any]], *words: str) -> list[dict[str, Any]]:
    """What `kairos try --json` says, line by line."""
    file = tmp_path / "game.jsonl"
    file.write_text("\n".join(map(json.dumps, events)))
    done = CliRunner().invoke(app, ["try", str(file), "--json", *words], catch_exceptions=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("form", "event"),
    [("kairos", ours), ("segment", segment), ("ga4", ga4), ("cloudevents", cloudevents)],
)
def test_the_same_levels_in_four_formats_give_the_same_chest(
    tmp_path: Path, form: str, event: Any
) -> None:
    consent = () if form != "ga4" else ("--consent", "personalisation")
    told = tried(tmp_path, [event(n) for n in range(4)], "--policy", str(policy(tmp_path)), "--format", form, *consent)  # fmt: skip
    *decisions, end = told
    assert [one["action_id"] for one in decisions] == ["nothing", "nothing", "chest", "chest"]
    assert [one["content"]["title"] for one in decisions[2:]] == ["3 levels done!", "4 levels done!"]  # fmt: skip
    assert end["counts"]["dead_letters"] == 0
    assert "events_without_role" not in end


def test_what_nobody_knows_is_told_with_the_nearest_and_counted_by_name(tmp_path: Path) -> None:
    events = [ours(0, "level_completed"), ours(1, "level_completed"), ours(2, "product_veiwed")]
    file = tmp_path / "game.jsonl"
    file.write_text("\n".join(map(json.dumps, events)))
    done = CliRunner().invoke(app, ["try", str(file), "--json"], catch_exceptions=False)
    end = json.loads(done.stdout.splitlines()[-1])
    assert end["counts"]["events"] == 3
    assert end["events_without_role"] == {"level_completed": 2, "product_veiwed": 1}
    assert "`product_viewed` is meant?" in done.stderr
    assert "`level_completed` is no type of ours" in done.stderr


def test_in_the_formats_of_others_it_is_told_too(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text(json.dumps(segment(0) | {"event": "Product Veiwed"}))
    done = CliRunner().invoke(
        app, ["try", str(file), "--format", "segment"], catch_exceptions=False
    )
    assert "`product_viewed` is meant?" in done.stderr


def test_names_are_counted_one_by_one_up_to_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.files.try_files.NAMES_MAX", 2)
    end = tried(tmp_path, [ours(n, f"name_{n}") for n in range(5)])[-1]
    assert end["events_without_role"] == {"(other names)": 3, "name_0": 1, "name_1": 1}


def test_strictly_it_is_a_dead_letter_and_what_the_policy_names_is_not(tmp_path: Path) -> None:
    strict = policy(tmp_path, "strict_events: true\n")
    *told, end = tried(tmp_path, [ours(0), ours(1, "level_started")], "--policy", str(strict))
    assert end["counts"]["dead_letters"] == 1
    letters = [one["dead_letter"] for one in told if "dead_letter" in one]
    assert [one["reason"] for one in letters] == ["unknown_event_type"]
    assert "level_started" in letters[0]["message"]
