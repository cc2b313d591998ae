"""docker/prometheus-rules.yaml and docker/grafana-board.json: whole, and of metrics, labels and values that there are."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, get_args

import pytest
import yaml

from channels.api import engine_measures, measures
from channels.api.bodies import Source
from jobs.config import PROJECT
from jobs.metrics import MEANINGS

RULES: Final[dict[str, Any]] = yaml.safe_load(
    (PROJECT / "docker" / "prometheus-rules.yaml").read_text()
)
BOARD: Final[dict[str, Any]] = json.loads((PROJECT / "docker" / "grafana-board.json").read_text())
ALERTS: Final[list[dict[str, Any]]] = [one for group in RULES["groups"] for one in group["rules"]]
LABELS: Final = {
    name: set(one.labels)
    for several in (
        measures.COUNTERS, measures.HISTOGRAMS, engine_measures.COUNTS, engine_measures.GAUGES,
    )
    for name, one in several.items()
} | {name: set() for name in measures.GAUGES} | {"up": {"job"}}  # fmt: skip
"""The labels of each metric; `up` is Prometheus' own."""
VALUES: Final = {"source": set(get_args(Source)), "counter": set(MEANINGS), "job": {"kairos"}}
OUTCOMES: Final = " ".join(one.meaning for one in measures.COUNTERS.values())
FUNCTIONS: Final = {"rate", "increase", "sum", "max", "by", "absent", "histogram_quantile"}
TOKEN: Final = re.compile(
    r"(?P<text>\"[^\"]*\")|(?P<span>\[\d+[smh]\])|(?P<name>[A-Za-z_]\w*)|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<sign>==|=~|!=|[(){},=/<>*+-])|(?P<space>\s+)"
)
PAIRS: Final = {")": "(", "}": "{"}


def expressions() -> Iterator[tuple[str, str]]:
    """Where each expression stands, and itself."""
    for one in ALERTS:
        yield one["alert"], one["expr"]
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def mistakes(expression: str) -> list[str]:
    """What is no PromQL of ours in an expression: tokens, brackets, metrics, labels, and values of labels."""
    found: list[str] = []
    opened: list[str] = []
    place = 0
    for token in TOKEN.finditer(expression):
        if token.start() != place:
            return [f"no token: {expression[place:]}"]
        place = token.end()
        sign = token["sign"]
        if sign in PAIRS.values():
            opened.append(sign)
        elif sign in PAIRS and (not opened or opened.pop() != PAIRS[sign]):
            found.append(f"{sign} closes nothing")
    if place != len(expression) or opened:
        found.append(f"it does not end: {expression}")
    return found + unknown(expression)


def unknown(expression: str) -> list[str]:
    """Names of metrics, labels and values that there are not."""
    found: list[str] = []
    names = re.findall(r"\b(?:kairos_\w+|up)\b", expression)
    metrics = [re.sub(r"_(bucket|sum|count)$", "", one) for one in names]
    found += [f"no metric: {one}" for one in metrics if one not in LABELS]
    allowed = set().union(*(LABELS.get(one, set()) for one in metrics)) | {"le"}
    for several in re.findall(r"\bby \(([^)]*)\)", expression):
        found += [f"no label: {one}" for one in re.split(r", *", several) if one not in allowed]
    for name, several in re.findall(r"(\w+)=~?\"([^\"]*)\"", expression):
        known = VALUES.get(name) or set(re.findall(r"\w+", OUTCOMES))
        if name not in allowed:
            found.append(f"no label: {name}")
        found += [f"no {name}: {one}" for one in several.split("|") if one not in known]
    plain = re.sub(r"\"[^\"]*\"|\{[^}]*\}|\[[^]]*\]|\bby \([^)]*\)", " ", expression)
    words = set(re.findall(r"[a-z_]\w*", plain)) - set(names) - {"or", "and", "unless"}
    return found + [f"no function: {one}" for one in sorted(words - FUNCTIONS)]


@pytest.mark.parametrize(("place", "expression"), list(expressions()))
def test_an_expression_is_of_what_is_measured(place: str, expression: str) -> None:
    assert mistakes(expression) == [], place
    assert "kairos_" in expression or place == "KairosApiDown"


@pytest.mark.parametrize(
    ("expression", "mistake"),
    [
        ("rate(kairos_api_answer_total[5m])", "no metric: kairos_api_answer_total"),
        ("sum by (rung) (kairos_api_answers_total)", "no label: rung"),
        ('kairos_engine_total{counter="event"}', "no counter: event"),
        ('kairos_api_answers_total{source=~"fresh|newest"}', "no source: newest"),
        ('kairos_api_events_total{outcome="lost"}', "no outcome: lost"),
        ("quantile(kairos_lag_records)", "no function: quantile"),
        ("sum(kairos_lag_records", "it does not end: sum(kairos_lag_records"),
        ("sum(kairos_lag_records))", ") closes nothing"),
    ],
)
def test_a_mistake_is_found(expression: str, mistake: str) -> None:
    assert mistake in mistakes(expression)


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    assert len({one["alert"] for one in ALERTS}) == len(ALERTS) >= 10
    for one in ALERTS:
        assert set(one) <= {"alert", "expr", "for", "labels", "annotations"}
        assert one["labels"]["severity"] in ("page", "warn")
        assert one["annotations"]["summary"]
        assert one["annotations"]["remedy"]
        assert re.fullmatch(r"\d+m", one.get("for", "1m"))


def test_the_board_has_room_for_every_panel_and_names_no_server_of_ours() -> None:
    panels = BOARD["panels"]
    assert len({one["id"] for one in panels}) == len(panels) >= 10
    places = [(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels]
    assert len(set(places)) == len(places)
    assert {one["datasource"]["uid"] for one in panels} == {"${source}"}
    assert "//" not in json.dumps(BOARD)
