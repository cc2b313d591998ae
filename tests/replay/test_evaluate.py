"""`kairos replay --evaluate`: another policy beside a log that shoppers made, whose truth is what the same shoppers do under it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from jobs.config import config_from
from jobs.fold.binding import Limit
from jobs.fold.evaluating import EvaluatingFold
from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from schemas.actions import Action
from schemas.codec import DECISION
from schemas.contact import Contact, ContactLimit
from schemas.decisions import Decision
from schemas.errors import ConfigError
from schemas.formats.json_lines import event_from_json
from schemas.limits import DAY_MS
from schemas.policy import Exploration, Placement, Policy
from schemas.records import LogRecord
from schemas.topics import DECISIONS, EVENTS
from scripts.policy.policy_file import check_policy
from scripts.replay.evaluate import Evaluated, History, Wish, compare, evaluate
from scripts.replay.evaluate_view import in_words, run, told
from scripts.simulate.in_fold import knowledge_of
from tests.scripts.simulate.worlds import Played, play, setting_of
from udfs.policy.compile_policy import compile_policy

TEXT = """
placements:
  - {name: home, size: 1, actions: [plain, bold], fallback: nothing}
actions:
  - {id: plain, kind: offer, value: 20, prior: 0.2, treatments: [{id: line, content: {title: {en: Hello}}}]}
  - {id: bold, kind: offer, value: 1, prior: 0.2, treatments: [{id: line, content: {title: {en: HELLO}}}]}
exploration: {kind: epsilon_greedy, share: 0.5}
holdout: {share: 0}
"""
OLD = check_policy(TEXT).policy
"""Says it plainly, and boldly now and then."""
BOLD = check_policy(TEXT.replace("value: 20", "value: 2").replace("value: 1,", "value: 20,")).policy
"""Says it boldly, which is what people click on: by .3 of them more."""
CONFIG = config_from({"KAIROS_CONSENT": "all"})
NAME = Path("new.yaml")


def world(policy: Policy, people: int = 200, **fields: Any) -> Played:
    """People who open the home page, see one line and click on it, or not."""
    told: dict[str, Any] = {
        "people": people, "days": 3, "catalogue": {"items": 4, "categories": ["A/B"]},
        "pages": {"home": ["home"], "product": [], "cart": []}, "bots": {"share": 0.0},
        "visits": {"mean": 1.5, "views": 1, "begins_at_home": 1.0},
        "consent": {"granted": 1.0, "denied": 0.0, "withdrawn": 0.0},
        "reactions": {"offer_click": 0.1, "fatigue": 0.0, "sees": 1.0},
        "effects": [{"of": "click", "action": "bold", "adds": 0.3}],
    } | fields  # fmt: skip
    return play(setting_of("tiny", policy, **told))


@pytest.fixture(scope="module")
def played() -> Played:
    return world(OLD)


def history(played: Played, decisions: Iterable[Decision] | None = None) -> History:
    """What these shoppers left behind."""
    events = played.events
    log = [
        LogRecord(EVENTS, 0, at, event.event_time_ms, event.session_id, line)
        for at, (event, line) in enumerate(zip(events, played.out.lines, strict=True))
    ]
    written = None if decisions is None else [
        LogRecord(DECISIONS, 0, at, one.event_time_ms, one.person, DECISION.encode(one))
        for at, one in enumerate(decisions)
    ]  # fmt: skip
    rules = FoldRules(event_from_json, CONFIG.seed)
    return History(log, rules, lambda: knowledge_of(played.setting, CONFIG), "EUR", written)


def values(found: Evaluated) -> dict[str, float]:
    return {one.name: one.value for one in found.estimates}


def test_the_policy_that_decided_earns_exactly_what_was_earned_and_changes_nothing(
    played: Played,
) -> None:
    found = compare(history(played), OLD, "click")
    said = values(found)
    clicks = sum(one.clicked for one in played.out.rows)
    assert clicks > 30
    assert said["on_policy"] == pytest.approx(clicks / len(played.out.rows), abs=1e-12)
    assert said["ips"] == said["snips"] == said["clipped"] == said["on_policy"]
    assert found.is_trusted
    assert found.support.effective_rows == found.support.rows == len(played.out.rows)
    assert (found.differences.decisions.changed, found.differences.people.changed) == (0, 0)
    assert found.differences.moves == []
    assert found.limits[0].refused == found.limits[1].refused
    assert found.limits[0].decisions == found.limits[1].decisions == len(played.out.rows)
    lines = list(in_words(found, NAME))
    assert "no difference that this log can show" in lines[0]
    assert lines[1].startswith("0.0% of ")
    assert "as often as they did" in lines[2]


def test_a_better_policy_is_told_from_the_log_of_another_one(played: Played) -> None:
    """The truth: what the same people, and as many others, do under the better one."""
    found = compare(history(played), BOLD, "click")
    truths = [row.clicked for seed in "12" for row in world(BOLD, seed=seed).out.rows]
    truth = sum(truths) / len(truths)
    said = {one.name: one for one in found.estimates}
    assert found.is_trusted
    assert truth > (said["on_policy"].high or 0.0)
    for name in ("ips", "snips", "doubly_robust"):
        low, high = said[name].low, said[name].high
        assert low is not None
        assert high is not None
        assert low <= truth <= high, (name, said[name], truth)
    assert "more" in next(in_words(found, NAME))
    moves = {(one.logged, one.other): one for one in found.differences.moves}
    assert moves["plain", "bold"].decisions > 40
    by_id = {one.decision_id: one for one in played.out.decisions}
    assert by_id[moves["plain", "bold"].examples[0]].action_id == "plain"
    assert found.differences.by_action["plain"].changed > 0


def test_the_second_policy_changes_nothing_that_the_first_decides(played: Played) -> None:
    past = history(played)
    rules = past.rules
    fold = EvaluatingFold(past.knowledge(), rules, compile_policy(BOLD))
    made = [one for step in fold.run(past.log) for one, _ in step.decisions]
    alone = Fold(past.knowledge(), rules, Learner())
    assert made == [one for step in alone.run(past.log) for one, _ in step.decisions]
    assert len(made) == len(fold.compared) == len(played.out.rows)


def test_only_what_is_decided_from_a_time_on_is_compared_and_all_before_is_known(
    played: Played,
) -> None:
    made = sorted(one.event_time_ms for one in played.out.decisions)
    middle_ms, past = made[len(made) // 2], history(played)
    whole, late = (
        EvaluatingFold(past.knowledge(), past.rules, compile_policy(BOLD), from_ms)
        for from_ms in (0, middle_ms)
    )
    for fold in (whole, late):
        assert list(fold.run(past.log))
    later = [one for one in whole.compared if one.logged and one.logged.event_time_ms >= middle_ms]
    assert 30 < len(later) < len(whole.compared)
    assert late.compared == later


def test_where_nothing_overlaps_it_is_refused(played: Played) -> None:
    shown = Action("never_shown", kind="offer", value=9.0, prior=0.5, treatments=OLD.actions[0].treatments)  # fmt: skip
    new = replace(
        OLD, actions=(*OLD.actions, shown), exploration=Exploration(),
        placements=(Placement("home", size=1, actions=("never_shown",), fallback="nothing"),),
    )  # fmt: skip
    found = compare(history(played), new, "click")
    assert not found.is_trusted
    assert any("never tried" in one for one in found.doubts)
    assert not any("mean weight" in one for one in found.doubts), "it is what it should be: 0"
    assert found.support.unseen == 1.0
    assert next(in_words(found, NAME)).startswith("This log cannot tell")
    assert found.differences.decisions.changed == found.differences.decisions.decisions


def test_limits_bind_by_what_the_policy_itself_would_have_sent(played: Played) -> None:
    """The log's policy has none; by the new one a person's second line within a day is refused, and their third, too."""
    limit = ContactLimit("daily", times=1, within_ms=3 * DAY_MS)
    found = compare(history(played), replace(OLD, contact=Contact(limits=(limit,))), "click")
    was, now = found.limits
    assert not was.refused
    asked: dict[str, int] = {}
    for one in played.out.decisions:
        asked[one.person] = asked.get(one.person, 0) + 1
    several = sum(1 for times in asked.values() if times > 1)
    assert several > 5
    refused = now.refused[Limit("constraints", "contact:daily", "plain")]
    assert refused == now.refused[Limit("constraints", "contact:daily", "bold")] > several / 2
    assert any("the contact limit daily" in one for one in in_words(found, NAME))
    rows = {(one["rule"], one["action"]): one for one in told(found)["limits"]}
    assert rows["contact:daily", "plain"]["new"] == refused
    assert rows["contact:daily", "plain"]["logged"] == 0


def test_decisions_of_one_policy_alone_are_counted_and_not_compared(played: Played) -> None:
    other = replace(OLD, placements=(Placement("away", event_types=("page_viewed",), actions=("plain",), fallback="nothing"),))  # fmt: skip
    with pytest.raises(ConfigError, match="nothing to compare"):
        compare(history(played), other, "click")
    both = replace(OLD, placements=(*OLD.placements, *other.placements))
    found = compare(history(played), both, "click")
    assert found.only_new == found.limits[1].decisions - found.support.rows > 0
    assert found.only_logged == 0


def test_of_whom_no_outcome_is_told_nothing_is_compared() -> None:
    silent = world(OLD, people=80, consent={"granted": 0.5, "denied": 0.5, "withdrawn": 0.0})
    found = compare(history(silent), OLD, "click")
    assert found.unheard > 10
    assert found.support.rows + found.unheard == len(silent.out.rows)


def test_what_was_written_otherwise_is_left_out_and_doubted(played: Played) -> None:
    made = [one for one in played.out.decisions if one.kind == "decided"]
    whole = compare(history(played, made), OLD, "click")
    assert (whole.unwritten, whole.otherwise, whole.is_trusted) == (0, 0, True)
    half = [replace(one, action_id="other") if at % 2 else one for at, one in enumerate(made[10:])]
    found = compare(history(played, half), OLD, "click")
    assert found.unwritten == 10
    assert found.otherwise == len(half) // 2
    assert found.support.rows == len(half) - len(half) // 2
    assert any("verify replay" in one for one in found.doubts)


def test_of_files_it_is_told_in_words_tables_and_json(
    played: Played, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events, old, new = tmp_path / "events.jsonl", tmp_path / "old.yaml", tmp_path / "new.yaml"
    events.write_bytes(b"\n".join(played.out.lines))
    old.write_text(TEXT)
    new.write_text(TEXT.replace("value: 20", "value: 2").replace("value: 1,", "value: 20,"))
    config = config_from({"KAIROS_HOME": str(tmp_path / "home"), "KAIROS_CONSENT": "all"})
    wish = Wish(new, "click", (events,), None, old)
    assert run(wish, config, is_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["is_trusted"]
    assert said["changed"]["decisions"]["changed"] > 40
    assert said["support"]["rows"] == len(played.out.rows)
    assert run(wish, config, is_json=False) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("new.yaml would earn ")
    for word in ("doubly_robust", "plain", "device:mobile", "people, not decisions"):
        assert word in shown
    with pytest.raises(ConfigError, match="--reward is one of click, cart"):
        evaluate(wish._replace(reward="joy"), config)
    with pytest.raises(ConfigError, match="are of the log"):
        evaluate(wish._replace(from_ms=1), config)
    with pytest.raises(ConfigError, match="are of files"):
        evaluate(wish._replace(events=()), config)
    old.write_text(TEXT + "currency: USD\n")
    with pytest.raises(ConfigError, match="nothing is converted"):
        evaluate(wish._replace(reward="revenue"), config)


@pytest.mark.long
@pytest.mark.e2e
def test_of_a_log_that_was_written_it_says_what_it_says_of_its_files(
    played: Played, tmp_path: Path
) -> None:
    """A real Kafka: events, control and decisions as they were written, one of them otherwise and one not at all."""
    from confluent_kafka import Producer

    from log.kafka import create_topics
    from schemas.codec import CONTROL, EVENT
    from schemas.policy import DEFAULT_CONTROL
    from schemas.topics import CONTROL as CONTROL_TOPIC
    from schemas.topics import topics
    from tests.broker import running_broker

    new = tmp_path / "new.yaml"
    new.write_text(TEXT.replace("value: 20", "value: 2").replace("value: 1,", "value: 20,"))
    control = replace(DEFAULT_CONTROL, payload=msgspec.json.encode(OLD))
    made = [one for one in played.out.decisions if one.kind == "decided"][1:]
    made[0] = replace(made[0], action_id="other")
    with running_broker(tmp_path / "kafka") as address:
        create_topics(address, topics("t-"))
        producer = Producer({"bootstrap.servers": address})
        producer.produce("t-" + CONTROL_TOPIC, CONTROL.encode(control), "policy/default", timestamp=1)  # fmt: skip
        for event in played.events:
            producer.produce("t-" + EVENTS, EVENT.encode(event), event.session_id, timestamp=event.event_time_ms)  # fmt: skip
        for one in made:
            producer.produce("t-" + DECISIONS, DECISION.encode(one), one.person)
        producer.flush()
        config = config_from({
            "KAIROS_HOME": str(tmp_path / "home"), "KAIROS_KAFKA": address, "KAIROS_TOPIC_PREFIX": "t-", "KAIROS_CONSENT": "all",
        })  # fmt: skip
        found = evaluate(Wish(new), config)
    whole = compare(history(played), BOLD, "click")
    assert (found.otherwise, found.unwritten) == (1, 1)
    assert found.support.rows == whole.support.rows - 2
    assert found.limits[1].refused == whole.limits[1].refused
    assert values(found)["snips"] == pytest.approx(values(whole)["snips"], abs=0.01)
    assert found.differences.decisions.changed >= whole.differences.decisions.changed - 2
