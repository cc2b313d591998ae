"""The demo as a person watches it, played on the fold in place of the servers: its parts, its lines, its figures."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest

from jobs.config import config_from
from jobs.fold.fold import Fold, FoldRules
from jobs.learning.artefact_check import artefacts_of
from schemas.codec import EVENT
from schemas.decisions import Decision
from schemas.events import Event
from schemas.records import LogRecord
from scripts.demo import showing
from scripts.demo.demo import LEARNT_SHARE, lessons
from scripts.demo.feeding import Take
from scripts.demo.showing import (
    REHEARSED_LINES,
    Stage,
    decided_without,
    latency,
    play,
    rehearse,
    story_of,
)
from scripts.files.import_snowplow import DEMO_APP_IDS, DEMO_FOLDER, read_snowplow
from scripts.files.item_files import read_items
from scripts.files.retime import retime
from scripts.training.training import default_knowledge, train_from
from udfs.facts.features import FEATURE_SPACE

NOW_MS = 1_790_000_000_000
LINE = re.compile(r" *(\d*)  (\S.*?)  +(\S.*?)  +(\S.*?)  +([0-9a-f]{32})$")


@cache
def events() -> tuple[Event, ...]:
    return tuple(retime(read_snowplow(DEMO_FOLDER, DEMO_APP_IDS).events, NOW_MS))


@cache
def without() -> Mapping[str, Decision]:
    items = list(read_items(DEMO_FOLDER / "items.jsonl"))
    return decided_without(events(), items, FoldRules(EVENT.decode, "kairos"))


class Folded(Stage):
    """A stage whose events are decided at once, as without a model."""

    def __init__(self) -> None:
        super().__init__(None, None, events(), list(read_items(DEMO_FOLDER / "items.jsonl")))  # type: ignore[arg-type]
        self.sent: list[tuple[str, float]] = []
        self._made: dict[str, list[Decision]] = {}
        for one in without().values():
            self._made.setdefault(one.event_id, []).append(one)

    def send(
        self,
        events: Sequence[Event],
        per_s: float,
        take: Take,
        is_enough: Callable[[], bool] = lambda: False,
    ) -> int:
        """Counts them, and hands over what is decided on them."""
        for number, event in enumerate(events):
            if is_enough():
                return number
            self.sent.append((event.event_id, per_s))
            for made in self._made.get(event.event_id, []):
                take(made)
        return len(events)

    def wait(self, decisions: Mapping[str, Decision], take: Take) -> None:
        """All are there."""


def test_the_first_lines_need_no_server_and_are_those_that_the_job_will_write(
    capsys: pytest.CaptureFixture[str],
) -> None:
    items = list(read_items(DEMO_FOLDER / "items.jsonl"))
    rehearse(events(), items, FoldRules(EVENT.decode, "kairos"))
    found = [one.split() for one in capsys.readouterr().out.splitlines()]
    lines = [words for words in found if words and re.fullmatch("[0-9a-f]{32}", words[-1])]
    assert len(lines) == REHEARSED_LINES
    first = list(without().values())[:40]
    assert {words[-1] for words in lines} <= {one.decision_id for one in first}
    assert any("Cotton shirt" in " ".join(words) for words in lines), "by their names"


@pytest.fixture(scope="module")
def shown() -> tuple[Folded, list[str], list[Decision]]:
    lines: list[str] = []
    stage = Folded()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(showing, "show", lambda text: lines.extend(text.split("\n")))
        made = play(
            stage, story_of(events(), LEARNT_SHARE), without(), lambda: lines.append("TAUGHT")
        )
    return stage, lines, made


def test_the_story_is_all_events_once_and_its_visit_begins_after_the_past() -> None:
    story = story_of(events(), LEARNT_SHARE)
    parts = [one.event_id for part in story for one in part]
    assert sorted(parts) == sorted(one.event_id for one in events())
    (session,) = {one.session_id for one in story.visit}
    assert session not in {one.session_id for one in (*story.past, *story.later)}
    assert max(one.event_time_ms for one in story.past) <= story.visit[0].event_time_ms
    assert len(story.visit) > 40


def test_ten_to_twenty_lines_with_names_below_two_headers(
    shown: tuple[Folded, list[str], list[Decision]],
) -> None:
    _, lines, _ = shown
    told = [found for one in lines if (found := LINE.match(one))]
    assert 10 <= len(told) <= 20
    assert not any(re.search(r"\b123\d\b|productId", one) for one in lines), "an id for a name"
    assert all(one[5] in without() for one in told), "whole ids of decisions"
    headers = [at for at, one in enumerate(lines) if one.startswith("   ms  ")]
    assert [lines[at + 1][:5] for at in headers] == ["-----"] * 2
    assert "because" in lines[headers[0]]
    assert "without a model" in lines[headers[1]]
    assert "with the model" in lines[headers[1]]
    assert headers[0] < lines.index("TAUGHT") < headers[1]


def test_what_is_shown_is_sent_at_a_readable_pace_and_the_rest_is_announced(
    shown: tuple[Folded, list[str], list[Decision]],
) -> None:
    stage, lines, _ = shown
    assert [one for one, _ in stage.sent] == [
        one.event_id for part in story_of(events(), LEARNT_SHARE) for one in part
    ]
    visit = len(story_of(events(), LEARNT_SHARE).visit)
    paces = [pace for _, pace in stage.sent]
    assert set(paces[-visit:]) == {showing.SHOWN_PER_S} == {20.0}
    assert set(paces[50:-visit]) == {showing.FAST_PER_S}
    for words in (
        "200 events a second, without lines",
        "a model learns from it",
        "the other visits, without lines",
    ):
        assert sum(words in one for one in lines) == 1, words


def test_each_decision_of_the_visit_is_compared_and_what_repeats_is_counted(
    shown: tuple[Folded, list[str], list[Decision]],
) -> None:
    stage, lines, made = shown
    ids = {one.event_id for one in story_of(events(), LEARNT_SHARE).visit}
    assert [one.decision_id for one in made] == [
        key for key, one in without().items() if one.event_id in ids
    ]
    first = next(at for at, one in enumerate(lines) if "without a model" in one)
    told = sum(bool(LINE.match(one)) for one in lines[first:])
    assert told + stage.repeated == len(made)
    assert any(
        f"{stage.repeated} more decisions, each as the one before it" in one for one in lines
    )
    assert lines[-1].startswith(
        f"In 0 of these {len(made)} decisions the model makes another order"
    )


def test_what_is_compared_rests_on_what_the_running_job_knows_then() -> None:
    """It learns of old events when they arrive, which is after them: statistics would be of another world."""
    assert {one.versions.knowledge for one in without().values()} == {0}
    assert {one.versions.model for one in without().values()} == {"cold_start"}


def test_the_model_of_the_demo_changes_the_visit(tmp_path: Path) -> None:
    """It learns the same each time, whatever the clock says, so each demo has something to show."""
    items = list(read_items(DEMO_FOLDER / "items.jsonl"))
    rules = FoldRules(EVENT.decode, "kairos")
    config = config_from({"KAIROS_HOME": str(tmp_path)})
    _, published = train_from(
        lessons(read_snowplow(DEMO_FOLDER, DEMO_APP_IDS), items, rules), config
    )
    story = story_of(events(), LEARNT_SHARE)
    knowledge = default_knowledge(items)
    ranker = artefacts_of(config).ranker(published, FEATURE_SPACE)
    knowledge.add_model(ranker.version, story.later[0].event_time_ms, 0, ranker)
    log = [
        LogRecord("demo", 0, at, one.event_time_ms, one.session_id, EVENT.encode(one))
        for at, one in enumerate(events())
    ]
    ids = {one.event_id for one in story.visit}
    made = [one for step in Fold(knowledge, rules).run(log) for one, _ in step.decisions]
    visit = [one for one in made if one.event_id in ids]
    orders = [
        one for one in visit
        if [item.item_id for item in one.items]
        != [item.item_id for item in without()[one.decision_id].items]
    ]  # fmt: skip
    assert {one.versions.model for one in visit} == {published.version}
    assert len(orders) >= 10


def test_latency_is_the_median_of_the_visit_and_the_cold_start_stands_apart() -> None:
    assert latency([500.0, 400.0, 9.0, 11.0, 10.0], 3, 480) == (
        "From the event to the decision in the store: 10 ms, the median of that visit. "
        "The very first, just after the start, took 480 ms."
    )
