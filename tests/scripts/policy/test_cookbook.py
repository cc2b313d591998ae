"""docs/cookbook.md: each of its policies is one, and decides on its events what the page says."""

import re
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from jobs.config import PROJECT, config_from
from scripts.files.import_events import read_json_lines
from scripts.files.try_files import Trial, World, said
from scripts.policy.policy_file import check_policy

PAGE: Final = (PROJECT / "docs" / "cookbook.md").read_text()
RECIPE: Final = re.compile(
    r"^## (?P<title>.+?)$(?P<told>.*?)"
    r"```yaml\n(?P<policy>.*?)```\n```jsonl\n(?P<events>.*?)```\n```text\n(?P<decided>.*?)```",
    re.DOTALL | re.MULTILINE,
)
CATALOGUE: Final = PAGE[: PAGE.index("\n## ")].split("```jsonl\n")[1].split("```")[0]
ID: Final = re.compile(r"  \([0-9a-f]{32}\)$")
"""What the page leaves out behind a reason."""


class Recipe(NamedTuple):
    """A section of the page: the files in it, and what `try --all` says of them."""

    title: str
    policy: str
    events: str
    decided: str


RECIPES: Final = [
    Recipe(one["title"], one["policy"], one["events"], one["decided"])
    for one in RECIPE.finditer(PAGE)
]
by_title = pytest.mark.parametrize("recipe", RECIPES, ids=lambda one: one.title)


def decided(recipe: Recipe, folder: Path) -> str:
    """What `kairos try --all` prints of a recipe, without ids; a policy with a mistake or a warning fails."""
    files = {"policy.yaml": recipe.policy, "events.jsonl": recipe.events, "items.jsonl": CATALOGUE}
    for name, text in files.items():
        (folder / name).write_text(text)
    found = check_policy(folder / "policy.yaml")
    assert [str(one) for one in found.warnings] == []
    source = list(read_json_lines(folder / "events.jsonl", 10**15))
    world = World(folder / "items.jsonl", found.policy)
    trial = Trial(source, world, config_from({"KAIROS_SEED": "kairos"}))
    lines = [line for one in trial.run() for line in said(trial.knowledge, one, shows_all=True)]
    assert trial.counts["dead_letters"] == 0, lines
    return "".join(f"{ID.sub('', line)}\n" for line in lines)


def test_every_section_of_the_page_is_a_recipe() -> None:
    assert len(RECIPES) == PAGE.count("\n## ") == 14


@by_title
def test_a_recipe_decides_what_the_page_says(recipe: Recipe, tmp_path: Path) -> None:
    assert decided(recipe, tmp_path) == recipe.decided


@pytest.mark.parametrize(
    ("title", "written", "instead"),
    [
        ("An offer with a rule", ">= 40.0", ">= 10.0"),
        ("An A/B test", "size: 2", "size: 1"),
        ("Once only", "times: 1,", "times: 2,"),
        ("Once only", "never_after_dismissal: true", "never_after_dismissal: false"),
        ("Not too often", "per_day: 2", "per_day: 3"),
        ("Not too often", "times: 1, within: 7 d", "times: 2, within: 7 d"),
        ("Quiet hours", "begin: 22", "begin: 0"),
        ("Quiet hours", "time_zone: Europe/Vienna", "time_zone: UTC"),
        ("A budget", "total: 10,", "total: 1000,"),
        ("Pinned items", '"new" in item.tags', '"old" in item.tags'),
        ("A list that does not jump", "steadiness: 3", "steadiness: 0"),
        ("What is near, comes here, and is free then", "< 250.0", "< 100.0"),
        ("What is near, comes here, and is free then", "undelivered: true, ", ""),
        ("What is near, comes here, and is free then", ", unavailable: true", ""),
        ("Must-read", '"must-read" in', '"read" in'),
        ("Must-read", " && !item.is_viewed\n      pin", "\n      pin"),
        ("A segment", ">= 2", ">= 3"),
        ("A personal banner", "purposes: [personalisation]", "purposes: []"),
        ("Assistance", ">= 3", ">= 2"),
        ("Assistance", "never_after_click: true", "never_after_click: false"),
        ("No action", "nothing_priority: 0.2", "nothing_priority: 0.6"),
        ("No action", '"checkout"', '"bought"'),
    ],
)
def test_a_recipe_rests_on_its_rule(title: str, written: str, instead: str, tmp_path: Path) -> None:
    (recipe,) = (one for one in RECIPES if one.title == title)
    assert recipe.policy.count(written) == 1
    changed = recipe._replace(policy=recipe.policy.replace(written, instead))
    assert decided(changed, tmp_path) != recipe.decided
