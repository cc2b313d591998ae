"""The way of one event that asks for a decision through both jobs' operators: which codecs run, which modules it walks through.

`./kairos test tests/jobs/test_hops.py -s` prints both.
"""

import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final, NamedTuple

import pytest

from jobs import learn_operators, operators, person_operators
from jobs.config import PROJECT
from jobs.job_settings import JobSettings
from jobs.learn_operators import FactOperator, LessonOperator
from jobs.operators import SessionOperator
from jobs.person_operators import PersonOperator
from schemas.codec import EVENT, Codec, StateCodec
from schemas.events import Event
from tests.builders import NOON, make_catalogue, make_event, make_knowledge
from udfs.knowledge.knowledge import Knowledge

SETTINGS: Final = JobSettings("decide", "", "", "", "kairos", 1, 60_000, "seed", {}, None)
CODECS: Final = {
    one.__code__: kind
    for kind in ("encode", "decode")
    for one in (getattr(Codec, kind), getattr(StateCodec, kind))
}
STEPS: Final = (
    "udfs/track_session.py", "udfs/take_lessons.py", "udfs/inputs.py", "udfs/decide.py", "udfs/results.py",
    "schemas/outputs.py",
)  # fmt: skip
LAYERS: Final = ("schemas", "log", "models", "udfs", "jobs")
BEFORE: Final = [
    make_event(event_id=f"before{n}", event_type="product_viewed", item_ids=[f"i{n}"], event_time_ms=NOON + n)
    for n in range(5)
]  # fmt: skip
ASKING: Final = make_event(
    event_id="asking", event_type="page_viewed", placements=["home"], event_time_ms=NOON + 9
)
SEEN: Final = make_event(event_id="seen", event_time_ms=NOON + 9)


class Store:
    """Flink's state, timers, counters and clock of one key, as far as operators look."""

    def __init__(self) -> None:
        self._value: bytes | None = None
        self._map: dict[int, bytes] = {}

    def get_metrics_group(self) -> "Store":
        return self

    def counter(self, _: str) -> "Store":
        return self

    def inc(self) -> None: ...

    def get_state(self, _: Any) -> "Store":
        return Store()

    def get_map_state(self, _: Any) -> "Store":
        return Store()

    def value(self) -> bytes | None:
        return self._value

    def update(self, data: bytes) -> None:
        self._value = data

    def clear(self) -> None:
        self._value = None

    def is_empty(self) -> bool:
        return not self._map

    def get(self, number: int) -> bytes | None:
        return self._map.get(number)

    def put(self, number: int, data: bytes) -> None:
        self._map[number] = data

    def timer_service(self) -> "Store":
        return self

    def register_event_time_timer(self, _: int) -> None: ...

    def delete_event_time_timer(self, _: int) -> None: ...

    def current_watermark(self) -> int:
        return 2**60

    def timestamp(self) -> int:
        return NOON + 60


class Feed:
    """What is known, without Kafka."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge

    def settle(self) -> None: ...

    def see(self, _: int) -> None: ...


class Way(NamedTuple):
    """What ran for one event, in order: codecs; `hops`, the functions of operators and steps that it is handed through;
    and all modules of ours.
    """

    codecs: list[str]
    hops: list[str]
    modules: list[str]
    made: list[Any]


def watched(run: Callable[[], list[Any]]) -> Way:
    """Runs it, and notes every call of a codec and of a module of ours."""
    codecs: list[str] = []
    modules: dict[str, None] = {}
    hops: dict[str, None] = {}
    root = str(PROJECT) + "/"

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event != "call":
            return
        code = frame.f_code
        name = code.co_filename.removeprefix(root)
        if name.partition("/")[0] in LAYERS:
            modules[name] = None
            if (name in STEPS or name.startswith("jobs/")) and "<" not in code.co_name:
                hops[f"{name}: {code.co_qualname}"] = None
        if code in CODECS:
            codec = frame.f_locals["self"]
            codecs.append(f"{CODECS[code]} {_name(codec)}")

    sys.setprofile(note)
    try:
        made = run()
    finally:
        sys.setprofile(None)
    return Way(codecs, list(hops), list(modules), made)


def _name(codec: Any) -> str:
    return str(codec._kind.__name__ if isinstance(codec, StateCodec) else codec._newest.record)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Knowledge:
    knowledge = make_knowledge(*make_catalogue())
    for module in (operators, person_operators, learn_operators):
        monkeypatch.setattr(module, "open_feed", lambda *_: Feed(knowledge))
    for module in (operators, person_operators):
        monkeypatch.setattr(module, "settle_memory", lambda: None)
    for module in (operators, person_operators, learn_operators):
        monkeypatch.setattr(module, "enter_task", lambda _: None)
    return knowledge


def through(*operators_of_job: Any) -> Callable[[Event], list[Any]]:
    """Takes an event through operators that stand behind one another; what the last of them gives."""
    for one in operators_of_job:
        one.open(Store())
    store = Store()
    given = {
        one.event_id: (EVENT.encode(one), 0, 1, one.session_id) for one in (*BEFORE, ASKING, SEEN)
    }

    def take(event: Event) -> list[Any]:
        values: list[Any] = [given[event.event_id]]
        for one in operators_of_job:
            values = [made for value in values for made in _given(one, value, store)]
        return values

    return take


def _given(operator: Any, value: Any, store: Store) -> Iterator[Any]:
    for row in operator.process_element(value, store):
        yield row[1] if len(row) == 2 else row


def decide_job() -> Callable[[Event], list[Any]]:
    return through(SessionOperator(SETTINGS), PersonOperator(SETTINGS, is_member=False))


def learn_job() -> Callable[[Event], list[Any]]:
    return through(FactOperator(SETTINGS), LessonOperator(SETTINGS))


def way_of(job: Callable[[], Callable[[Event], list[Any]]], event: Event = ASKING) -> Way:
    """The way of an event in an open session of a person who is known."""
    take = job()
    for before in BEFORE:
        take(before)
    return watched(lambda: take(event))


def show(job: str, way: Way) -> None:
    """Prints it, for those who want to know."""
    counts = f"{len(way.codecs)} codec calls, {len(way.hops)} hops, {len(way.modules)} modules"
    print(f"\n{job} job: {counts}", *way.codecs, *way.hops, *way.modules, sep="\n  ")


@pytest.mark.usefixtures("shop")
def test_one_decision_costs_nine_calls_of_codecs() -> None:
    way = way_of(decide_job)
    show("decide", way)
    assert len(way.made) == 2, "a decision and its trace"
    assert way.codecs == [
        "decode event", "encode SessionContext", "encode SessionState", "encode SessionNews",
        "decode SessionNews", "decode SessionContext", "encode PersonState", "encode decision", "encode trace",
    ]  # fmt: skip


@pytest.mark.usefixtures("shop")
def test_what_it_teaches_costs_six() -> None:
    way = way_of(learn_job)
    show("learn", way)
    assert way.codecs == [
        "decode event", "encode SessionContext", "encode SessionState",
        "encode Lesson", "decode Lesson", "encode LearnerMemory",
    ]  # fmt: skip


@pytest.mark.usefixtures("shop")
def test_an_event_that_asks_for_nothing_leaves_its_visit_packed() -> None:
    way = way_of(decide_job, SEEN)
    assert "decode SessionContext" not in way.codecs
    assert way.made == []
