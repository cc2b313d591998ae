"""`kairos evaluate` from files to its report, and what it refuses."""

from pathlib import Path
from typing import Any, Final

import pytest

from jobs.config import config_from
from jobs.learning.evaluation_split import Setting
from jobs.learning.trust import models_folder
from models.artefact import list_artefacts
from models.evaluation import Outcome
from schemas.errors import ConfigError
from schemas.limits import DAY_MS
from schemas.policy import Placement, Policy
from scripts.bench.click_log import BEGUN_MS, Size, click_log
from scripts.files.event_lines import write_lines
from scripts.policy.policy_versions import PolicyVersion
from scripts.training import evaluation
from scripts.training.evaluation import (
    evaluate_files,
    setting_of,
    show_report,
)
from scripts.training.saved_runs import (
    Saved,
    compare_files,
    read_saved,
    show_comparison,
    write_saved,
)
from scripts.training.train_report import vectors_in_words, vectors_report
from tests.builders import NOON, make_event

GRANTED = {"KAIROS_CONSENT": "all"}
"""These events say nothing of consent."""
SIZE = Size(events=3_000, items=60, sessions=500, days=4)
SPLIT_MS = BEGUN_MS + 3 * DAY_MS


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """The report of one whole run, and what it saved."""
    folder = tmp_path_factory.mktemp("run")
    events, save = folder / "events.jsonl", folder / "run.parquet"
    write_lines(click_log(SIZE, seed=3), events)
    config = config_from(GRANTED)._replace(home=folder)
    setting = Setting("next_item", SPLIT_MS, 20, config.seed)
    return evaluate_files([events], None, setting, config, save), save


def test_the_report_has_every_figure(run: tuple[dict[str, Any], Path]) -> None:
    found, _ = run
    figures = {"hr@20", "mrr@20", "ndcg@20", "coverage@20", "mrr", "mrr_last"}
    figures |= {"novelty@20", "diversity@20", "changed@20", "moved@20"}
    assert found["placement"] == "next_item"
    assert figures | {
        "decisions", "train_seconds", "ms_per_decision_p50", "ms_per_decision_p99", "version",
        "mrr_low", "mrr_high", "lead", "warnings", "candidates_mean", "recall", "ece", "train", "items", "events", "invalid", "placement", "baselines", "assumed_consent", "refused", "parts", "by_score", "settings_lead", "examination",
    } == set(found)  # fmt: skip
    assert set(found["baselines"]) == {
        "transitions", "nearest_sessions", "last_touched", "popularity", "cold_start",
    }  # fmt: skip
    assert all(set(one) == figures for one in found["baselines"].values())
    assert found["decisions"] > 200
    assert 0 <= found["ece"] < 0.2
    assert found["train"]["examples"] > 500
    assert not found["train"]["is_cold_start"]
    assert (found["train"]["seed"], found["train"]["sampled_share"]) == ("kairos", 1.0)


def test_of_a_placement_with_settings_it_prints_what_they_cost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a model, by popularity: each visit looks at other items, so what is popular changes all the time."""
    path = tmp_path / "events.jsonl"
    views = [
        make_event(
            event_id=f"e{n}", event_type="product_viewed", event_time_ms=NOON + n * 5_000,
            session_id=f"s{n % 2}", anonymous_id=f"a{n % 2}", item_ids=[f"i{n * n % 7}"],
        )
        for n in range(1, 25)
    ]  # fmt: skip
    write_lines([make_event(session_id="old"), *views], path)
    config = config_from(GRANTED)._replace(home=tmp_path)

    def run(steadiness: float) -> dict[str, Any]:
        own = Placement("here", ("product_viewed",), steadiness=steadiness, rank_by="popularity")
        return evaluate_files([path], None, Setting("here", NOON + 1, 3, "s", own), config, None)

    as_ever, steady = run(0.0), run(100.0)
    assert (as_ever["by_score"], as_ever["settings_lead"]) == (None, None)
    assert steady["changed@3"] < steady["by_score"]["changed@3"] == as_ever["changed@3"]
    lead = steady["settings_lead"]
    assert lead["difference"] == pytest.approx(steady["mrr"] - steady["by_score"]["mrr"])
    assert lead["difference"] != 0.0
    capsys.readouterr()
    show_report(steady)
    said = " ".join(capsys.readouterr().out.split())
    assert (
        f"the settings of the placement change the mrr by {lead['difference']:+.4f} ({lead['low']:+.4f} to "
        f"{lead['high']:+.4f}, 95 %) beside its scores alone" in said
    )
    assert "changed@3" in said
    assert "(by score alone)" in said
    show_report(as_ever)
    assert "by score alone" not in capsys.readouterr().out


def test_the_model_has_vectors_of_the_sessions_before_the_split(
    run: tuple[dict[str, Any], Path],
) -> None:
    found, save = run
    (listed,) = list_artefacts(models_folder(config_from(GRANTED)._replace(home=save.parent)))
    assert listed.artefact is not None
    vectors = listed.artefact.vectors
    assert vectors is not None
    assert vectors.sessions > 200
    assert 50 < len(vectors.item_ids) <= 60
    told = vectors_in_words(vectors_report(vectors))
    assert told == f"vectors of {len(vectors.item_ids)} items, by {vectors.sessions} sessions"
    assert vectors_in_words(None).startswith("no vectors of items")
    assert set(found["parts"]) == {"cold_items", "first_events"}
    first = found["parts"]["first_events"]
    assert 0 < first["decisions"] < found["decisions"]
    assert first["hr@20"] <= first["recall"] <= 1.0
    assert found["parts"]["cold_items"]["decisions"] == 0  # all 60 were touched before


def test_what_was_learnt_beats_popularity_and_transitions(
    run: tuple[dict[str, Any], Path],
) -> None:
    found, _ = run
    for name in ("popularity", "transitions"):
        assert found["mrr@20"] > found["baselines"][name]["mrr@20"]
    assert found["mrr_low"] < found["mrr"] < found["mrr_high"]
    best = max(found["baselines"].values(), key=lambda one: one["mrr"])["mrr"]
    assert found["lead"]["difference"] == pytest.approx(found["mrr"] - best)
    assert not any(one.startswith("only ") for one in found["warnings"]), "it is no small sample"


def test_reports_are_shown(
    run: tuple[dict[str, Any], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    found, save = run
    show_report(found)
    show_comparison(compare_files(save, save))
    shown = capsys.readouterr().out
    assert found["version"] in shown
    assert "nearest_sessions" in shown
    assert "+0.0000" in shown


def test_a_saved_run_compared_with_itself_does_not_differ(
    run: tuple[dict[str, Any], Path],
) -> None:
    found, save = run
    compared = compare_files(save, save)
    assert compared["decisions"] == found["decisions"]
    assert all(set(one.values()) == {0.0} for one in compared["differences"].values())


def test_saved_runs_are_read_as_they_were(tmp_path: Path) -> None:
    for outcomes in ([], [Outcome("s", "e", "i", 3), Outcome("s", "f", "j", 0)]):
        saved = Saved("rerank", 5, outcomes)
        write_saved(saved, tmp_path / "run")
        assert read_saved(tmp_path / "run") == saved


def test_runs_that_do_not_pair_are_refused(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    write_saved(Saved("rerank", 5, [Outcome("s", "e", "i", 3)]), one)
    for saved in (
        Saved("next_item", 5, [Outcome("s", "e", "i", 3)]),
        Saved("rerank", 6, [Outcome("s", "e", "i", 3)]),
    ):
        write_saved(saved, other)
        with pytest.raises(ConfigError, match="only runs of one placement"):
            compare_files(one, other)
    write_saved(Saved("rerank", 5, [Outcome("s", "other", "i", 3)]), other)
    with pytest.raises(ConfigError, match="different decisions"):
        compare_files(one, other)
    other.write_text("no run")
    with pytest.raises(ConfigError, match="no file that"):
        compare_files(one, other)


def test_a_run_that_has_nothing_to_learn_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "events.jsonl"
    events = [make_event(session_id="old")]
    events += [
        make_event(
            event_id=f"e{n}", event_type="product_viewed", event_time_ms=NOON + (n + 1) * 1_000,
            item_ids=[f"i{n % 2}"],
        )
        for n in range(4)
    ]  # fmt: skip
    write_lines(events, path)
    config = config_from(GRANTED)._replace(home=tmp_path)
    setting = Setting("next_item", NOON + 1, 5, "seed")
    found = evaluate_files([path], None, setting, config, None)
    show_report(found)
    said = " ".join(capsys.readouterr().out.split())
    assert "nothing to learn" in said
    assert (
        "warning: only 3 decisions could be scored, and at least 200 are wanted: on others the mrr may as well be "
        f"{found['mrr_low']:.3f} or {found['mrr_high']:.3f}" in said
    )
    assert (
        f"mrr {found['mrr']:.4f} ({found['mrr_low']:.4f} to {found['mrr_high']:.4f}, 95 %)" in said
    )
    assert (
        f"warning: nothing says that it ranks better than `{found['lead']['over']}` alone" in said
    )
    assert (found["version"], found["decisions"]) == ("cold_start", 3)
    assert (found["train"]["is_cold_start"], found["train_seconds"]) == (True, 0.0)


def test_one_class_only_is_nothing_to_learn_either(tmp_path: Path) -> None:
    """Every list holds the clicked item alone: there is no other class."""
    path = tmp_path / "events.jsonl"
    events = []
    for n in range(4):
        same = {"session_id": f"s{n}", "event_time_ms": NOON + n * 1_000}
        candidates = [{"item_id": "a", "position": 0}]
        events += [
            make_event(event_id="r", event_type="ranking_requested", candidates=candidates, **same),
            make_event(
                event_id="c", event_type="ranking_clicked", request_id="r", item_ids=["a"], **same
            ),
        ]
    write_lines(events, path)
    config = config_from(GRANTED)._replace(home=tmp_path)
    found = evaluate_files([path], None, Setting("rerank", NOON + 2_000, 5, "seed"), config, None)
    assert (found["train"]["examples"], found["train"]["is_cold_start"]) == (2, True)
    assert (found["decisions"], found["mrr"]) == (2, 1.0)


OWN: Final = """\
placements:
  - {name: banner, event_types: [cart_viewed], size: 3, when: session.views_5min > 1000, actions: [call]}
  - {name: reading}
actions: [{id: call, kind: assistance, treatments: [{id: box}]}]
"""


def test_a_placement_of_an_own_policy_is_evaluated_wherever_it_is_asked_for(tmp_path: Path) -> None:
    """By the types of its events, or where an event names it; whatever else competes there."""
    policy, path = tmp_path / "policy.yaml", tmp_path / "events.jsonl"
    policy.write_text(OWN)
    touched = {"item_ids": ["i1"]}
    for placement, asking in (
        ("banner", {"event_type": "cart_viewed"}), ("reading", {"placements": ["reading"]}),
    ):  # fmt: skip
        steps: list[dict[str, Any]] = [
            {"event_type": "product_viewed", **touched}, {"event_type": "page_viewed", **asking},
            {"event_type": "product_added_to_cart", **touched},
        ]  # fmt: skip
        write_lines(
            [
                make_event(
                    event_id=f"{n}-{at}", session_id=f"s{n}", event_time_ms=NOON + n * 10_000 + at * 1_000,
                    **step,
                )
                for n in range(4)
                for at, step in enumerate(steps)
            ],
            path,
        )  # fmt: skip
        config = config_from(GRANTED)._replace(home=tmp_path)
        setting = setting_of(placement, NOON + 15_000, 5, config, policy)
        found = evaluate_files([path], None, setting, config, None)
        assert (found["placement"], found["decisions"], found["mrr"]) == (placement, 2, 1.0)
        assert set(found["baselines"]) >= {"transitions", "popularity"}


def test_events_mean_what_the_policy_of_the_placement_has_them_mean(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "events:\n- {name: tapped, role: view, fields: {item_ids: sku}}\n"
        "facts:\n- {name: taps, event: tapped, column: 1}\n"
        "placements:\n- {name: tile, event_types: [tapped]}\n"
    )
    log = [
        make_event(
            event_id=f"{visit}-{n}", event_type="tapped", event_time_ms=NOON + visit * 10_000 + n * 1_000, session_id=f"s{visit}",
            properties={"sku": f"i{n}"},
        )
        for visit in range(3)
        for n in range(2)
    ]  # fmt: skip
    path = tmp_path / "events.jsonl"
    write_lines(log, path)
    config = config_from(GRANTED)._replace(home=tmp_path)
    setting = setting_of("tile", NOON + 15_000, 5, config, policy)
    assert [one.name for one in setting.facts] == ["taps"]
    assert evaluate_files([path], None, setting, config, None)["decisions"] == 1


def test_the_placements_that_there_are_are_told_where_one_is_unknown(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(OWN)
    config = config_from({})
    with pytest.raises(ConfigError) as told:
        setting_of("baner", 1, 5, config, policy)
    assert str(told.value) == (
        f"there is no placement 'baner': there are rerank, next_item, and of {policy} banner, reading"
    )
    assert setting_of("rerank", 1, 5, config, None) == Setting("rerank", 1, 5, "kairos")


def test_without_a_file_the_placement_is_that_of_the_live_policy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = PolicyVersion(0, 0, "v1", "default", Policy(placements=(Placement("here"),)))
    monkeypatch.setattr(evaluation, "policies_here", lambda: [now])
    assert setting_of("here", 1, 5, config_from({}), None).own == Placement("here")


def test_where_the_ranks_cannot_be_kept_is_said_before_the_work(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none" / "ranks", "there is no folder"), (tmp_path, "folder")):
        with pytest.raises(ConfigError, match=why):
            evaluate_files(
                [tmp_path / "no-events"], None, Setting("rerank", 1, 20, ""), config_from({}), path
            )
