"""The kappa guarantee: the jobs in replay mode compute what the fold computes, byte by byte.

The fold learns from the log as it goes; for the decide job the learn job has done so before.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import pytest

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from jobs.knowledge_feed import KnowledgeFeed
from jobs.learning.examples import collect
from jobs.learning.model_roots import Roots
from jobs.learning.trust import Trust
from log.kafka import read_to_end
from models.artefact import Artefact, save_artefact
from models.learning.example_file import ExampleWriter
from models.learning.training import train
from schemas import CODE_VERSION
from schemas.actions import Action, Budget, Limits, Requirement, Treatment
from schemas.codec import CONTROL, DEAD_LETTER, DECISION, EVENT, ITEM, TRACE, Codec
from schemas.contact import Contact, ContactLimit, Fatigue, QuietHours
from schemas.control import Control
from schemas.currencies import Rates, control_of
from schemas.decisions import Decision, DecisionTrace
from schemas.errors import InvalidEvent
from schemas.experiments import Arm, Experiment
from schemas.items import Item
from schemas.limits import HOUR_MS, MINUTE_MS
from schemas.own_events import DeclaredFact, NamedEvent
from schemas.policy import (
    DEFAULT_CONTROL,
    DEFAULT_POLICY,
    ContextWeight,
    Exploration,
    Holdout,
    Policy,
    Segment,
)
from schemas.records import LogRecord
from schemas.topics import CONTROL as CONTROL_TOPIC
from schemas.topics import DEAD_LETTERS, DECISIONS, EVENTS, ITEMS, TRACES
from scripts.files.import_snowplow import DEMO_APP_IDS, DEMO_FOLDER, read_snowplow
from scripts.files.item_files import read_items
from tests.builders import NOON, make_catalogue, make_knowledge
from tests.flink.replays import Replays
from tests.flink.runs import TRACE_SHARE, fill_log, produce, run_learn_replay, run_replay
from tests.logs import Line, consenting, shopping_log, unmerging
from udfs.explain.tracing import Tracing
from udfs.facts.features import FEATURE_SPACE
from udfs.knowledge.knowledge import Knowledge

pytestmark = pytest.mark.flink

EVENT_COUNT = 21_000
HOURS = 8.0
PARTITIONS = 4
ONE = pytest.param(1, marks=pytest.mark.long)
"""Two instances show all that one does, and what one cannot."""
DISORDER_MS = MINUTE_MS
"""So much later than due records arrive."""
AHEAD_OF_ALL_MS = 2**53
Pairs = dict[str, list[tuple[str, bytes]]]


class Log(NamedTuple):
    """A filled log and what the fold makes of it."""

    prefix: str
    expected: Pairs
    counts: list[str]


class ArrivalFold(Fold):
    """A planted fault: a person's news is taken in the order of its arrival, not of its time."""

    def _emit(self, result):  # type: ignore[no-untyped-def]
        self._arrived = getattr(self, "_arrived", 0)
        for one in result.news:
            self._arrived += 1
            self._pending.append((0, "", self._arrived, one))
        yield from super()._emit(result._replace(outputs=result.dead_letters))


def rules() -> FoldRules:
    return FoldRules(EVENT.decode, "kairos", tracing=Tracing(TRACE_SHARE))


def folded(kafka: str, prefix: str, kind: type[Fold] = Fold, to_ms: int = AHEAD_OF_ALL_MS) -> Log:
    """The fold over what lies in Kafka up to a time, with keys as the job writes them."""
    feed = KnowledgeFeed(Knowledge(), lambda _: None, Trust(Roots(("/",))))
    for record in read_to_end(kafka, [prefix + CONTROL_TOPIC, prefix + ITEMS]):
        feed.apply(record.value, record.offset, record.timestamp_ms)
    found: Pairs = {DECISIONS: [], TRACES: [], DEAD_LETTERS: []}
    counts: list[str] = []
    fold = kind(feed.knowledge, rules(), Learner())
    log = (one for one in read_to_end(kafka, [prefix + EVENTS]) if one.timestamp_ms < to_ms)
    for one in fold.run(log, PARTITIONS):
        counts += one.counts
        for letter in one.dead_letters:
            place = f"{letter.topic}/{letter.partition}/{letter.offset}"
            found[DEAD_LETTERS].append((place, DEAD_LETTER.encode(letter)))
        for output in one.outputs:
            if isinstance(output, Decision):
                found[DECISIONS].append((output.person, DECISION.encode(output)))
            elif isinstance(output, DecisionTrace):
                found[TRACES].append((output.decision_id, TRACE.encode(output)))
    return Log(prefix, {name: sorted(pairs) for name, pairs in found.items()}, counts)


def replayed(replays: Replays, kafka: str, prefix: str, home: Path, parallelism: int) -> Pairs:
    outputs = f"{prefix}out{parallelism}."
    found = run_replay(replays, kafka, prefix, outputs, home, parallelism=parallelism)
    return {
        name: sorted((record.key, record.value) for record in records)
        for name, records in found.items()
    }


def naming(lines: list[Line]) -> list[Line]:
    """Every fifth view of an item is told by a name of the sender's own, which the policy knows from some time on."""
    found = []
    for number, line in enumerate(lines):
        try:
            event = EVENT.decode(line.value)
        except InvalidEvent:
            event = None
        if event is not None and event.event_type == "product_viewed" and number % 5 == 0:
            said = {"sku": event.item_ids[0], "stars": str(number % 4), "from": f"tile {number % 3}"}  # fmt: skip
            event = msgspec.structs.replace(event, event_type="tile_tapped", item_ids=(), properties=said)  # fmt: skip
            line = line._replace(value=EVENT.encode(event))
        found.append(line)
    return found


OWN_EVENTS: Final = (
    NamedEvent("tile_tapped", "view", 'event.properties.stars != "0"', {"item_ids": "sku"}),
)
OWN_FACTS: Final = (
    DeclaredFact("taps", "tile_tapped", within_ms=HOUR_MS, column=1),
    DeclaredFact("stars", "product_viewed", "sum", "stars", column=2),
    DeclaredFact("tile", "tile_tapped", "last", "from", "text", column=3),
    DeclaredFact("starless", "tile_tapped", of="session", when='event.properties.stars == "0"', column=4),
)  # fmt: skip


LEANING: Final[dict[str, Any]] = {
    "next_item": {"steadiness": 0.5, "novelty": 0.2, "coverage": 0.2}, "home": {"steadiness": 1.0, "diversity": 0.3},
}  # fmt: skip
"""By placement: what counts there beside the scores."""


def rich_policy() -> Policy:
    """Actions with rules, limits and a budget compete with slates; people explore, are held out, in arms, and tire."""
    need = Requirement("busy", "session.events > 2 && session.intent != 'leaving'")
    greet = Action(
        "greet", "content", ("home", "cart"), (Treatment("t", content={"title": {"en": "Hi"}}),),
        applicability=(need, Requirement("taps", "fact.taps < 9 && fact.stars < 40.0")), prior=0.3, limits=Limits(times=2, cool_down_ms=HOUR_MS), valid_ms=HOUR_MS // 12,
    )  # fmt: skip
    gift = Action(
        "gift", "offer", ("home",), (Treatment("t"),), prior=0.4, value=2.0,
        eligibility=(Requirement("new", "person.purchase_count == 0"),),
        budget=Budget(total=60.0, is_paced=False, people_per_s=0.01), group="gifts",
    )  # fmt: skip
    placements = tuple(
        msgspec.structs.replace(
            one, size=min(one.size, 3), candidates=24, **LEANING.get(one.name, {})
        )
        for one in DEFAULT_POLICY.placements
    )
    arms = (Arm("as_is", 0.5), Arm("bold", 0.5, {"actions": {"greet": {"value": 5.0}}}))
    return Policy(
        placements=placements,
        actions=(greet, gift),
        segments=(Segment("fan", "person.views_24h > 20"),),
        context_weights=(ContextWeight("fans", "segment.fan", 1.5, ("greet",)),),
        exploration=Exploration("epsilon_greedy", 0.2),
        holdout=Holdout(0.1),
        experiments=(Experiment("greeting", arms),),
        contact=Contact(
            QuietHours(3, 4, ("web",)), per_day=2, fatigue=Fatigue(0.8),
            limits=(ContactLimit("gifts", 1, HOUR_MS, groups=("gifts",)),),
        ),
        time_zone="Europe/Berlin", events=OWN_EVENTS, facts=OWN_FACTS,
    )  # fmt: skip


def changing_knowledge(lines: list[Line], folder: Path) -> Iterator[Control]:
    """A policy and a model that come into force on the way, a policy and a model that cannot, and one that is taken back."""
    quarter = int(HOURS * HOUR_MS / 4)
    yield DEFAULT_CONTROL
    payload = msgspec.json.encode(rich_policy())
    yield Control("policy", "default", "rich", NOON + quarter, payload=payload)
    of_before = msgspec.json.encode(DEFAULT_POLICY)
    yield Control("policy", "default", "taken-back", NOON + 2 * quarter, payload=of_before)
    yield Control("policy", "default", "rich", NOON + 2 * quarter, payload=payload, is_return=True)
    broken = msgspec.json.encode({"segments": [{"name": "a", "when": "no.such > 1"}]})
    yield Control("policy", "default", "broken", NOON + quarter + 1, payload=broken)
    log = [
        LogRecord("events", 0, at, line.timestamp_ms, line.key, line.value)
        for at, line in enumerate(lines[:4_000])
    ]
    folder.mkdir(parents=True, exist_ok=True)
    examples = folder / "examples.parquet"
    with ExampleWriter(examples, FEATURE_SPACE) as writer:
        collect(log, make_knowledge(*make_catalogue()), rules(), None, writer)
    trained = train(examples, FEATURE_SPACE)
    artefact = Artefact(
        feature_set=FEATURE_SPACE.only(trained.names).digest,
        feature_names=trained.names,
        code_version=CODE_VERSION,
        from_ms=trained.from_ms,
        to_ms=trained.to_ms,
        examples=trained.examples,
        metrics=trained.metrics,
        calibration=trained.calibration,
        report=trained.report,
        booster=trained.booster,
    )
    published = save_artefact(artefact, folder)
    yield Control(
        "model", "ranker", published.version, NOON + 2 * quarter,
        uri=published.uri, sha256=published.sha256,
    )  # fmt: skip
    yield control_of(Rates("USD", {"EUR": 0.9, "GBP": 0.8}), "all", NOON + quarter)
    yield control_of(Rates("USD", {"GBP": 0.7}), "no_euros", NOON + 3 * quarter)
    yield Control("model", "ranker", "broken", NOON + 3 * quarter, uri="/nowhere", sha256="0" * 64)


def changing_items() -> Iterator[Item]:
    """Half of the catalogue changes price, stock, category or is gone, at some time on the way; some is priced in currencies of its own."""
    for number, one in enumerate(make_catalogue()):
        item = msgspec.structs.replace(one, currency=(None, "USD", "GBP", "EUR", "JPY")[number % 5])
        yield item
        changed_ms = NOON + number * int(HOURS * HOUR_MS / 40)
        if number % 8 == 1:
            yield msgspec.structs.replace(item, effective_from_ms=changed_ms, stock=0)
        elif number % 8 == 3:
            yield msgspec.structs.replace(item, effective_from_ms=changed_ms, price=1.0)
        elif number % 8 == 5:
            yield msgspec.structs.replace(item, effective_from_ms=changed_ms, category="Shop/New")
        elif number % 8 == 7:
            yield msgspec.structs.replace(item, effective_from_ms=changed_ms, is_gone=True)


def first_difference(
    name: str, found: list[tuple[str, bytes]], expected: list[tuple[str, bytes]]
) -> str:
    """How the earliest record of which the fold says something else differs."""
    codecs: dict[str, Codec[Any]] = {
        DECISIONS: DECISION, TRACES: TRACE, DEAD_LETTERS: DEAD_LETTER,
    }  # fmt: skip
    codec = codecs[name]
    ours = [(key, codec.decode(value)) for key, value in sorted(set(expected) - set(found))]
    key, first = min(ours, key=lambda pair: pair[1].event_time_ms or 0)
    of_key = [value for one, value in sorted(set(found) - set(expected)) if one == key]
    theirs = [codec.decode(value) for value in of_key]
    return f"{len(ours)} {name} differ, the first: fold {first}, job {theirs[:3]}"


@pytest.fixture(scope="module")
def shopping(replays: Replays, kafka: str, home: Path) -> Log:
    lines = naming(unmerging(consenting(shopping_log(EVENT_COUNT, hours=HOURS))))
    fill_log(kafka, "shopping.", lines, [])
    produce(kafka, "shopping." + ITEMS, [(0, i.item_id, ITEM.encode(i)) for i in changing_items()])
    controls = list(changing_knowledge(lines, home / "models"))
    control = [(0, f"{one.kind}/{one.name}", CONTROL.encode(one)) for one in controls]
    produce(kafka, "shopping." + CONTROL_TOPIC, control)
    run_learn_replay(replays, kafka, "shopping.", "shopping.", home, parallelism=2)
    return folded(kafka, "shopping.")


def test_the_log_holds_everything_that_could_go_wrong(shopping: Log) -> None:
    for name in (
        "duplicates",
        "too_late",
        "malformed",
        "sessions_ended",
        "events",
        "events_without_role",
        "amounts_without_rate",
    ):
        assert name in shopping.counts, name
    every = [DECISION.decode(value) for _, value in shopping.expected[DECISIONS]]
    assert {one.kind for one in every} == {"decided", "purged", "void"}
    assert shopping.counts.count("persons_merged") > 100, "people come on several devices"
    for name in ("persons_unmerged", "unmerged_bare", "unmerge_too_late"):
        assert shopping.counts.count(name) > 10, name
    decisions = [one for one in every if one.kind == "decided"]
    assert {one.versions.policy for one in decisions} == {"default-1", "rich"}
    assert {one.action_id for one in decisions} >= {"recommend_items", "greet", "gift", "nothing"}
    assert {one.arm.get("greeting") for one in decisions} == {None, "as_is", "bold"}
    assert any(one.is_holdout for one in decisions)
    assert any(one.explanation.startswith("The same for everybody") for one in decisions)
    assert any(0.0 < one.action_probability < 1.0 for one in decisions)
    verdicts = {
        candidate.rule
        for _, value in shopping.expected[TRACES]
        for candidate in TRACE.decode(value).actions
    }
    assert {"contact:per_day", "contact:gifts", "quiet_hours"} <= verdicts, verdicts
    assert {"limit", "cool_down", "busy", "new", "budget_total", "holdout"} <= verdicts, verdicts
    models = {one.versions.model for one in decisions}
    assert len(models) == 5, "four orders, and a model"
    assert models > {"cold_start", "last_touched", "popularity", "given"}
    assert any(one.person.startswith("p") for one in decisions), "nobody identified"
    assert len({one.versions.knowledge for one in decisions}) > 1_000, "every few seconds another"
    rules_seen = {
        candidate.rule
        for _, value in shopping.expected[TRACES]
        for candidate in TRACE.decode(value).candidates
    }
    assert {"out_of_stock", "bought", "dismissed", "ranked", "outranked"} <= rules_seen
    told = Counter(
        name
        for _, value in shopping.expected[TRACES]
        for candidate in TRACE.decode(value).candidates
        for name in candidate.values
    )
    assert min(told["place_before"], told["brought_forward"]) > 100, "lists keep their order"


@pytest.mark.parametrize("parallelism", [ONE, 2])
def test_the_job_replays_what_the_fold_computes(
    replays: Replays, kafka: str, home: Path, shopping: Log, parallelism: int
) -> None:
    found = replayed(replays, kafka, shopping.prefix, home, parallelism)
    for name, expected in shopping.expected.items():
        assert len(found[name]) == len(expected), name
        assert found[name] == expected, first_difference(name, found[name], expected)


def test_an_ordering_fault_is_found(kafka: str, shopping: Log) -> None:
    to_ms = NOON + int(HOURS * HOUR_MS / 5)
    right = folded(kafka, shopping.prefix, Fold, to_ms).expected
    faulty = folded(kafka, shopping.prefix, ArrivalFold, to_ms).expected
    for name, codec in ((DECISIONS, DECISION), (TRACES, TRACE)):
        # the log is cut by time: what lies near the cut has lost some that had arrived before it
        well_before = {
            (key, value)
            for key, value in right[name]
            if codec.decode(value).event_time_ms < to_ms - DISORDER_MS
        }
        assert well_before <= set(shopping.expected[name]), "what comes later changes nothing"
        # what is taken back, and when, is another matter: it depends on the order, too
        made, others = (
            sum(codec.decode(value).versions.policy != "none" for _, value in pairs)
            for pairs in (right[name], faulty[name])
        )
        assert 500 < made == others
        assert faulty[name] != right[name]


@pytest.fixture(scope="module")
def snowplow(replays: Replays, kafka: str, home: Path) -> Log:
    events = read_snowplow(DEMO_FOLDER, DEMO_APP_IDS).events
    lines = [Line(e.event_time_ms, e.session_id, EVENT.encode(e)) for e in events]
    fill_log(kafka, "snowplow.", lines, read_items(DEMO_FOLDER / "items.jsonl"))
    run_learn_replay(replays, kafka, "snowplow.", "snowplow.", home)
    return folded(kafka, "snowplow.")


@pytest.mark.parametrize("parallelism", [ONE, 2])
def test_the_job_replays_the_demo_shop_as_the_fold_does(
    replays: Replays, kafka: str, home: Path, snowplow: Log, parallelism: int
) -> None:
    assert len(snowplow.expected[DECISIONS]) > 200
    assert replayed(replays, kafka, snowplow.prefix, home, parallelism) == snowplow.expected
