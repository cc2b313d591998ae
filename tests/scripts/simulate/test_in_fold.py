"""A world played into the fold: the same bytes for a seed, decided as any fold decides its log, and its truth is for tests alone."""

import json
import re
from collections import defaultdict
from math import sqrt
from pathlib import Path

import msgspec
import pytest

from jobs.config import config_from
from schemas.decisions import Decision
from schemas.errors import ConfigError
from schemas.events import Event
from schemas.limits import EVENT_TIME_MAX_MS
from scripts.experiments.decision_log import Columns
from scripts.experiments.evaluate_policy import judge
from scripts.files.event_files import EventFiles
from scripts.files.event_lines import EventLines, lines_of
from scripts.files.item_files import read_items
from scripts.files.try_files import Trial, World
from scripts.policy.policy_file import read_policy
from scripts.simulate.in_fold import Play
from scripts.simulate.log_files import opened
from scripts.simulate.simulate import Wish, in_words, simulate, told
from scripts.simulate.truth import truths, write_truth
from scripts.simulate.world_file import Overrides, read_setting, world_path
from tests.scripts.simulate.worlds import Played, Taken, play, setting_of, written

MEMBERS = {"share": 1.0, "signs_in": 0.7}
FEW = {"people": 25, "members": MEMBERS, "devices": [0.3, 0.7], "visits": {"mean": 2.5}}
"""People who sign in, on two devices, so that visitors are merged."""
POLICY_FILE = world_path("tiny").parent / "tiny-policy.yaml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("world") / "log"


@pytest.fixture(scope="module")
def tiny(folder: Path) -> Played:
    setting = setting_of("tiny", **FEW)
    with opened(folder, setting, POLICY_FILE) as files:
        return play(setting, files)


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tiny: Played) -> None:
    again, other = play(setting_of("tiny", **FEW)), play(setting_of("tiny", seed="2", people=2))
    assert len(tiny.out.lines) > 300
    assert again.out.lines == tiny.out.lines
    assert (again.out.decisions, again.out.rows) == (tiny.out.decisions, tiny.out.rows)
    assert len(other.out.lines) > 5
    assert not {*other.out.lines} & {*tiny.out.lines}


def test_its_log_is_in_order_of_time_and_no_two_events_have_the_same(tiny: Played) -> None:
    times = [one.event_time_ms for one in tiny.events]
    assert times == sorted(set(times))
    ids = [one.event_id for one in tiny.events]
    assert len({*ids}) == len(ids)


def test_who_would_do_something_in_the_same_millisecond_does_it_in_the_next() -> None:
    setting = setting_of("tiny", people=60, bots={"share": 1.0, "declared": 1.0, "views": 3})
    out = Taken()
    crowd = Play(setting, config_from({}), out)
    crowd._coming = [(setting.world.begins_ms, number, at) for _, number, at in crowd._coming]
    crowd.run()
    times = [msgspec.json.decode(line, type=Event).event_time_ms for line in out.lines]
    assert len(times) >= 180
    assert times == sorted({*times})


def test_any_fold_of_its_files_decides_the_same(tiny: Played, folder: Path) -> None:
    world = World(folder / "items.jsonl", read_policy(folder / "policy.yaml"))
    files = EventFiles([folder / "events.jsonl"], is_strict=True)
    trial = Trial(files.read(EVENT_TIME_MAX_MS), world, config_from({}))
    made = {decision.decision_id: decision for one in trial.run() for decision, _ in one.decisions}
    lines = (folder / "decisions.jsonl").read_bytes().splitlines()
    logged = [msgspec.json.decode(line, type=Decision) for line in lines]
    assert logged == tiny.out.decisions
    decided = {one.decision_id: one for one in logged if one.kind == "decided"}
    assert len(decided) == tiny.counts.decisions > 100
    assert decided == made
    assert any(one.person.startswith("customer-") for one in logged)
    assert trial.counts["dead_letters"] == 0


def test_its_files_are_read_by_what_trains_and_what_evaluates(tiny: Played, folder: Path) -> None:
    assert list(read_items(folder / "items.jsonl")) == list(tiny.setting.goods.items)
    lines = EventLines(lines_of([folder / "events.jsonl"]))
    assert (len(lines), lines.invalid) == (tiny.counts.events, 0)
    judged = judge(folder / "decisions.csv", "uniform", Columns(), None)
    assert judged.columns == {
        "action": "action_id", "chance": "probability", "reward": "clicked", "group": "placement",
    }  # fmt: skip
    assert judged.support.rows == tiny.counts.decisions


def test_a_path_that_ends_in_jsonl_is_a_file_of_events_alone(tmp_path: Path) -> None:
    setting = setting_of("tiny", people=2)
    with opened(tmp_path / "e.jsonl", setting, POLICY_FILE) as files:
        played = play(setting, files)
    assert (tmp_path / "e.jsonl").read_bytes().splitlines() == played.out.lines
    assert [one.name for one in tmp_path.iterdir()] == ["e.jsonl"]
    with (
        pytest.raises(ConfigError, match="cannot be written"),
        opened(tmp_path / "e.jsonl" / "x", setting, POLICY_FILE),
    ):
        pass


def test_a_page_shows_what_was_decided_for_it_and_tells_of_nothing_else(tiny: Played) -> None:
    decided = {one.decision_id: one for one in tiny.out.decisions}
    asked = {event.event_id: event for event in tiny.events}
    reacting = [one for one in tiny.events if one.decision_id is not None]
    assert len(reacting) > 60
    for event in reacting:
        decision = decided[event.decision_id or ""]
        cause = asked[decision.event_id]
        assert decision.placement in cause.placements
        assert event.event_time_ms > cause.event_time_ms
        assert event.session_id == cause.session_id
        if event.event_type == "decision_clicked":
            assert {*event.item_ids} <= {one.item_id for one in decision.items}


def test_rows_are_the_decisions_with_what_the_log_tells_of_their_end(tiny: Played) -> None:
    rows = {one.decision_id: one for one in tiny.out.rows}
    decided = [one for one in tiny.out.decisions if one.kind == "decided"]
    assert {*rows} == {one.decision_id for one in decided}
    for kind, column in (("decision_exposed", "exposed"), ("decision_clicked", "clicked")):
        said = {one.decision_id for one in tiny.events if one.event_type == kind}
        assert {name for name, row in rows.items() if getattr(row, column)} == said != set()
    paid = sum(one.value_amount or 0.0 for one in tiny.events if one.event_type == "purchase_completed")  # fmt: skip
    bought = {one.event_id.rpartition("-")[0]: row.value for one in tiny.events if (row := rows.get(one.decision_id or "")) and row.bought}  # fmt: skip
    assert sum(bought.values()) <= paid
    assert paid > 0


def test_consents_of_the_log_are_those_of_the_people() -> None:
    played = play(
        setting_of("tiny", people=70, consent={"granted": 0.5, "denied": 0.3, "withdrawn": 0.3})
    )
    owner = played.owner()
    last: dict[int, Event] = {}
    for event in played.events:
        last[owner[event.anonymous_id].number] = event
    said = defaultdict(set)
    for number, event in last.items():
        person = played.people[number]
        has_withdrawn = person.withdraws_in is not None
        said[person.is_granting, has_withdrawn].add(event.consent)
    both = ("personalisation", "analytics")
    assert said == {(True, False): {both}, (True, True): {()}, (False, False): {()}, (None, False): {None}}  # fmt: skip
    purged = {one.person for one in played.out.decisions if one.kind == "purged"}
    withdrawn = {name for name, one in owner.items() if one.withdraws_in is not None}
    assert purged & withdrawn


def test_without_consent_a_browser_keeps_no_id(tiny: Played) -> None:
    for person, mind in zip(tiny.people, tiny.minds, strict=True):
        known = len(mind.known_as)
        if person.is_granting and person.withdraws_in is None:
            assert known <= len(person.devices)
        elif not person.is_granting:
            assert known == len(person.visits)


def test_bots_that_say_so_are_ignored_as_the_policy_says_and_the_others_are_not() -> None:
    played = play(setting_of("tiny", people=25, bots={"share": 0.5, "declared": 0.5, "views": 8}))
    owner = played.owner()
    of_bots = [one for one in played.events if owner[one.anonymous_id].is_bot]
    declared = [one for one in of_bots if owner[one.anonymous_id].is_declared]
    assert played.counts.ignored == len(declared) > 30
    assert {one.context.device for one in declared if one.context} == {"bot"}
    deciding = {one.person for one in played.out.decisions}
    assert not deciding & {one.anonymous_id for one in declared}
    hidden = [one for one in of_bots if not owner[one.anonymous_id].is_declared]
    assert deciding & {one.anonymous_id for one in hidden}
    assert {one.event_type for one in of_bots} == {"product_viewed", "decision_exposed", "decision_clicked"}  # fmt: skip


def test_money_is_given_back_for_what_was_bought_and_later() -> None:
    played = play(setting_of("tiny", people=30, days=30, reactions={"cart": 1.0, "buy": 1.0, "refund": 1.0}))  # fmt: skip
    bought = {one.session_id: one for one in played.events if one.event_type == "purchase_completed"}  # fmt: skip
    back = [one for one in played.events if one.event_type == "purchase_refunded"]
    assert len(back) > 3
    assert (played.counts.purchases, played.counts.refunds) == (len(bought), len(back))
    for one in back:
        purchase = bought[one.session_id.removesuffix("-refund")]
        assert (one.value_amount, one.item_ids) == (purchase.value_amount, purchase.item_ids)
        assert one.event_time_ms - purchase.event_time_ms >= 86_400_000


def test_nothing_of_the_truth_is_in_the_log(tiny: Played) -> None:
    opaque = re.compile(r"[as]-[0-9a-f]{16}")
    for event in tiny.events:
        assert opaque.fullmatch(event.anonymous_id)
        assert opaque.fullmatch(event.session_id.removesuffix("-refund"))
        assert event.properties.keys() <= {"action_id", "placement"}
        if event.person_id is not None:
            mind = tiny.minds[int(event.person_id.rpartition("-")[2])]
            assert mind.signed_in
    text = b"\n".join(tiny.out.lines).decode()
    for line in truths(tiny.setting, tiny.people, tiny.minds):
        for hidden in ("quality", "level", "sensitivity", "budget"):
            if hidden in line:
                assert str(line[hidden]) not in text
        for share in line.get("tastes", {}).values():
            assert str(share) not in text


def test_the_truth_names_everybody_by_their_ids_in_the_log(tmp_path: Path, tiny: Played) -> None:
    write_truth(tmp_path / "truth.jsonl", tiny.setting, tiny.people, tiny.minds)
    world, *lines = written(tmp_path / "truth.jsonl")
    assert world["world"]["people"] == 25
    items, people = lines[:24], lines[24:]
    assert {one["item"] for one in items} == {*tiny.setting.goods.things}
    assert [one["person"] for one in people] == list(range(25))
    ids = {name for one in people for name in one["anonymous_ids"]}
    assert ids == {one.anonymous_id for one in tiny.events}
    assert all(sum(one["tastes"].values()) == pytest.approx(1.0) for one in people)


OFFER_POLICY = """
holdout: {share: 0}
placements:
  - {name: cart_line, size: 1, actions: [], fallback: nothing}
actions:
  - id: free_shipping
    kind: offer
    value: 5
    treatments: [{id: line, content: {title: {en: Free}}}]
experiments:
  - name: shipping
    arms:
      - {name: without, share: 0.5}
      - {name: with, share: 0.5, changes: {placements: {cart_line: {actions: [free_shipping]}}}}
"""
SOLD = {
    "people": 500, "days": 3, "visits": {"mean": 1.0, "views": 1.0, "begins_at_home": 0.0, "searches": 0.0}, "members": {"share": 0.0},
    "consent": {"granted": 1.0, "denied": 0.0, "withdrawn": 0.0}, "bots": {"share": 0.0}, "pages": {"home": [], "product": [], "cart": ["cart_line"]},
    "reactions": {"sees": 1.0, "cart": 1.0, "buy": 0.3, "refund": 0.0}, "tastes": {"concentration": 1000.0, "level": {"median": 1e6, "spread": 0.0}, "budget": {"median": 1e6, "spread": 0.0}},
}  # fmt: skip


def conversions(effects: list[dict[str, object]]) -> tuple[float, float]:
    """Buyers with the offer less those without, of people whose cart was looked at, and the standard error of that."""
    policy = read_policy(OFFER_POLICY)
    played = play(setting_of("tiny", policy, **SOLD, effects=effects))
    arms = {"shipping/with": [], "shipping/without": []}  # type: dict[str, list[int]]
    sessions = {one.session_id for one in played.events if one.event_type == "purchase_completed"}
    for one in played.out.decisions:
        arms[f"shipping/{one.arm['shipping']}"].append(int(one.session_id in sessions))
        assert (one.action_id == "free_shipping") is (one.arm["shipping"] == "with")
    means = {name: sum(rows) / len(rows) for name, rows in arms.items()}
    variance = sum(means[name] * (1 - means[name]) / len(rows) for name, rows in arms.items())
    return means["shipping/with"] - means["shipping/without"], sqrt(variance)


@pytest.mark.parametrize(("effect", "said"), [(0.25, {"action": "free_shipping"}), (-0.2, {"arm": "shipping/with"})])  # fmt: skip
def test_the_planted_effect_of_an_offer_is_what_a_difference_in_means_finds(
    effect: float, said: dict[str, object]
) -> None:
    found, error = conversions([{"of": "purchase", "adds": effect, **said}])
    assert abs(found - effect) < 1.96 * error
    assert abs(found) > 2.58 * error


def test_without_an_effect_the_offer_changes_nothing() -> None:
    found, error = conversions([])
    assert abs(found) < 1.96 * error


def test_what_is_told_of_a_run_is_what_happened(tiny: Played) -> None:
    found = told(tiny.counts, 2.0)
    assert (found["events"], found["people"]) == (len(tiny.events), 25)
    assert (found["people_per_minute"], found["events_per_second"]) == (
        750,
        round(len(tiny.events) / 2),
    )
    words = in_words(tiny.counts, 2.0)
    assert f"{tiny.counts.events:,} events" in words
    assert "750 people a minute" in words


def test_the_command_writes_the_log_and_the_truth_and_tells_the_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, truth = tmp_path / "log", tmp_path / "truth.jsonl"
    wish = Wish("tiny", Overrides(people=3), log, truth, None)
    assert simulate(config_from({}), wish, is_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["people"] == 3
    assert found["events"] == len(written(log / "events.jsonl")) > 5
    decided = [one for one in written(log / "decisions.jsonl") if one["kind"] == "decided"]
    assert found["decisions"] == len(decided) > 3
    assert found["cpu_seconds"] > 0
    assert len([one for one in written(truth) if "person" in one]) == 3
    assert (log / "policy.yaml").read_bytes() == POLICY_FILE.read_bytes()
    assert simulate(config_from({}), wish._replace(out=None, truth=None), is_json=False) == 0
    assert f"{found['events']} events" in capsys.readouterr().out


def test_options_take_the_place_of_what_the_file_says() -> None:
    found = read_setting(world_path("tiny"), Overrides("other", 7, 1)).world
    assert (found.seed, found.people, found.days) == ("other", 7, 1)
