"""`kairos replay` over a week: what live decided, through kill -9 and a pause, and live from there on."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import psutil
import pytest

from jobs.config import PROJECT, Config, config_from
from jobs.flink.counted import read_counts
from jobs.flink.rest import FlinkRest
from jobs.publish import Log, now_ms
from jobs.stack.ports import free_port
from jobs.stack.process import Process
from jobs.stack.valkey import valkey_child
from log.kafka import create_topics, ends_of
from schemas.actions import Action, Limits, Treatment
from schemas.codec import CONTROL, DECISION, EVENT
from schemas.control import Control
from schemas.decisions import Decision
from schemas.errors import ConfigError
from schemas.events import Event
from schemas.limits import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from schemas.policy import DEFAULT_POLICY, Policy
from schemas.topics import CONTROL as CONTROL_TOPIC
from schemas.topics import DECISIONS, EVENTS, topics
from scripts.ops.engine import clock_tick
from scripts.replay.replay_begin import Instead, Wish, asked, begin, instead
from scripts.replay.replay_run import Manner, Run, RunFolder
from tests.builders import NOON, make_catalogue, make_event
from tests.e2e.homes import heed_ctrl_c
from tests.flink.runs import Running, environment, fill_log, produce, read_outputs, start_decide

# five JVMs, one after the other, on a machine that may be busy with other tests
pytestmark = [pytest.mark.flink, pytest.mark.long, pytest.mark.timeout(900)]
PREFIX: Final = "week."
OUT: Final = "again."
PARTITIONS: Final = 4
BURSTS: Final = 14
BURST_EVERY_MS: Final = DAY_MS // 2
ONE_DEVICE: Final = 14
TWO_DEVICES: Final = 5
EVENTS_PER_SESSION: Final = 7
RATE: Final = 300
TO_MS: Final = NOON + (BURSTS - 1) * BURST_EVERY_MS + 9 * MINUTE_MS + 5 * SECOND_MS
"""In the midst of the week's last burst, a minute before its end: live may take the rest."""
ACTIONS: Final = (
    "product_viewed", "product_viewed", "page_viewed", "product_added_to_cart", "cart_viewed",
    "not_interested", "purchase_completed", "search_performed",
)  # fmt: skip
SPECIAL: Final[dict[str, dict[str, Any]]] = {
    "page_viewed": {"placements": ("home",)},
    "cart_viewed": {},
    "search_performed": {"query": "tent"},
}


def burst(number: int) -> list[Event]:
    """Ten minutes in which everybody comes, some with two devices at once; in order of time."""
    chance, start_ms = random.Random(number), NOON + number * BURST_EVERY_MS
    events: list[Event] = []
    for person in range(ONE_DEVICE):
        events += session(chance, f"one{person}", f"{number}-one{person}", start_ms)
    for person in range(TWO_DEVICES):
        for device in ("a", "b"):
            name = f"{number}-two{person}{device}"
            events += session(chance, f"{device}{person}", name, start_ms, f"two{person}")
    return sorted(events, key=lambda event: event.event_time_ms)


def session(
    chance: random.Random, visitor: str, name: str, start_ms: int, person: str | None = None
) -> Iterator[Event]:
    """One session, which says first who it is, if anybody."""
    times = sorted(chance.sample(range(10 * MINUTE_MS), EVENTS_PER_SESSION))
    for n, since_ms in enumerate(times):
        event_type = "identified" if person and n == 0 else chance.choice(ACTIONS)
        fields: dict[str, Any] = {"item_ids": (f"i{chance.randrange(40)}",), "price": 9.0}
        fields = SPECIAL.get(event_type, fields)
        if event_type == "identified":
            fields = {"person_id": person}
        yield make_event(
            event_id=f"{name}-{n}", event_type=event_type, event_time_ms=start_ms + since_ms,
            session_id=name, anonymous_id=visitor, **fields,
        )  # fmt: skip


def second_policy() -> Control:
    """From the fourth day on: an offer that everybody gets a few times, which their profiles remember."""
    greet = Action(
        "greet", "content", ("home", "cart"), (Treatment("t", content={"title": {"en": "Hi"}}),),
        prior=0.9, value=9.0, limits=Limits(times=3, cool_down_ms=HOUR_MS), valid_ms=MINUTE_MS,
    )  # fmt: skip
    policy = Policy(placements=DEFAULT_POLICY.placements, actions=(greet,))
    payload = msgspec.json.encode(policy)
    return Control("policy", "default", "second", NOON + 3 * DAY_MS, payload=payload)


class Week(NamedTuple):
    """A live job that decides on bursts of people as they come."""

    kafka: str
    home: Path
    live: Running
    log: Log
    expected: dict[str, int]

    def happen(self, number: int) -> None:
        """A burst is in the log, and the live job has taken all of it."""
        for event in burst(number):
            self.log.event(event)
        self.log.flush()
        self.expected["events"] += len(burst(number))
        self.await_taken()

    def pass_hour(self, number: int) -> None:
        """An hour after a burst its sessions have ended: time itself is in the log."""
        time_ms = NOON + number * BURST_EVERY_MS + HOUR_MS
        for partition in range(PARTITIONS):
            self.log.tick(clock_tick(partition, time_ms), partition)
        self.log.flush()
        self.expected["sessions_ended"] += ONE_DEVICE + 2 * TWO_DEVICES
        self.await_taken()

    def await_taken(self) -> None:
        """Returns when the live job has counted what happened."""
        while any(self.counts()[name] < count for name, count in self.expected.items()):
            time.sleep(0.05)

    def counts(self) -> dict[str, int]:
        return read_counts(FlinkRest(self.live.rest, self.live.keys))

    def config(self) -> Config:
        return config_from(command_settings(self.kafka, self.home))


def command_settings(kafka: str, home: Path, **more: str) -> dict[str, str]:
    own = {name: text for name, text in environment(PREFIX, home).items() if "KAIROS" in name}
    return own | {"KAIROS_KAFKA": kafka} | more


class Place(NamedTuple):
    """Where a command works."""

    kafka: str
    home: Path


def start_command(week: Week | Place, *words: str, **settings: str) -> "subprocess.Popen[str]":
    """A `kairos replay` as a user starts it."""
    outer = environment(PREFIX, week.home)
    return subprocess.Popen(
        [sys.executable, "-m", "scripts", "replay", *words],
        cwd=PROJECT, env=outer | command_settings(week.kafka, week.home, **settings),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
        preexec_fn=heed_ctrl_c,
    )  # fmt: skip


def run_command(week: Week | Place, *words: str, **settings: str) -> str:
    """What a command that succeeds prints."""
    said, errors = start_command(week, *words, **settings).communicate(timeout=200)
    assert said, errors
    return said


@pytest.fixture(scope="module")
def week(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Week]:
    """The week but for the hour after its last burst, decided live."""
    home = tmp_path_factory.mktemp("week")
    fill_log(kafka, PREFIX, [], make_catalogue())
    produce(kafka, PREFIX + CONTROL_TOPIC, [(0, "policy/default", CONTROL.encode(second_policy()))])
    live = start_decide(kafka, PREFIX, home / "live")
    week = Week(kafka, home, live, Log(kafka, PREFIX), {"events": 0, "sessions_ended": 0})
    try:
        live.wait_until_ready()
        for number in range(BURSTS):
            week.happen(number)
            if number < BURSTS - 1:
                week.pass_hour(number)
        yield week
    finally:
        live.process.kill()
        live.process.communicate()


def decisions_under(kafka: str, prefix: str) -> dict[str, list[bytes]]:
    """The bytes of every decision, as often as it was written, by its id."""
    found: dict[str, list[bytes]] = {}
    for record in read_outputs(kafka, prefix)[DECISIONS]:
        found.setdefault(DECISION.decode(record.value).decision_id, []).append(record.value)
    return found


def has_one_device(decision: Decision) -> bool:
    return decision.person.startswith("one")


def first_difference(ours: bytes, theirs: bytes) -> dict[str, tuple[object, object]]:
    """The fields in which two decisions differ."""
    pairs = (msgspec.to_builtins(DECISION.decode(one)) for one in (ours, theirs))
    before, after = pairs
    which = {"event_id": (before["event_id"], before["event_time_ms"])}
    return which | {
        name: (value, after[name]) for name, value in before.items() if value != after[name]
    }


def wait_until(is_so: Callable[[], bool]) -> None:
    """Asks until it is so: the test's time limit is the only bound."""
    while not is_so():
        time.sleep(0.05)


def the_run(week: Week) -> Run:
    run = RunFolder(week.config(), OUT).read()
    assert run is not None
    return run


def taken(week: Week) -> int:
    run = RunFolder(week.config(), OUT).read()
    return run.progress.taken if run is not None else 0


def children_of(command: "subprocess.Popen[str]") -> list[psutil.Process]:
    found: list[psutil.Process] = psutil.Process(command.pid).children(recursive=True)
    return found


@pytest.fixture(scope="module")
def replayed(week: Week) -> Iterator[tuple[dict[str, object], dict[str, int]]]:
    """Replayed to TO_MS through a kill -9 and a pause, then live; with how many it had written by then."""
    words = (
        "--prefix", OUT, "--from", str(NOON), "--to", str(TO_MS), "--then-live", "--json",
        "--rate", str(RATE), "--nice", "0",
    )  # fmt: skip
    killed = start_command(week, *words)
    wait_until(lambda: taken(week) > 400)
    below = children_of(killed)
    killed.kill()
    killed.communicate()
    _, alive = psutil.wait_procs(below, timeout=20)
    assert not alive, "kill -9 leaves nothing running"
    before = taken(week)
    again = start_command(week, *words)
    try:
        wait_until(lambda: taken(week) > before + 300)
        run_command(week, "pause", OUT)
        assert the_run(week).state == "paused"
        assert children_of(again) == [], "a pause frees the memory"
        run_command(week, "resume", OUT)
        assert again.stdout is not None
        assert again.stderr is not None
        told = again.stdout.readline()
        assert told, again.stderr.read()
        summary = json.loads(told)
        week.pass_hour(BURSTS - 1)
        wait_until(lambda: has_caught_up(week))
        week.happen(BURSTS)
        wait_until(lambda: has_caught_up(week))
        again.send_signal(signal.SIGINT)
        assert again.wait(60) == 130
        yield summary, starts_of_live(week)
    finally:
        again.kill()
        again.communicate()


def has_caught_up(week: Week) -> bool:
    """Whether all that live has decided has been decided again."""
    live, again = (decisions_under(week.kafka, prefix) for prefix in (PREFIX, OUT))
    return again.keys() >= live.keys()


def starts_of_live(week: Week) -> dict[str, int]:
    """The offset of each partition where the replay ended."""
    run = the_run(week)
    assert run.plan is not None
    return {str(at): end for at, end in run.plan.range.ends.items()}


def test_a_week_replayed_is_what_live_decided(
    week: Week, replayed: tuple[dict[str, object], dict[str, int]]
) -> None:
    live, again = (decisions_under(week.kafka, prefix) for prefix in (PREFIX, OUT))
    assert live.keys() == again.keys(), "no decision is missing, none is made up"
    assert len(live) > 500
    decided = {one: DECISION.decode(values[0]) for one, values in live.items()}
    assert {one.versions.policy for one in decided.values()} == {"default-1", "second"}
    assert {one.action_id for one in decided.values()} >= {"greet", "recommend_items"}
    other = [decided[one] for one in live if live[one][0] != again[one][0]]
    single = [one.decision_id for one in other if has_one_device(one)]
    assert not single, [first_difference(live[one][0], again[one][0]) for one in single]
    two = [one for one in decided.values() if not has_one_device(one)]
    # live took the events of simultaneous sessions as they came, four partitions at once
    assert len(other) < len(two), f"{len(other)} of {len(two)} decisions of people with two devices"


def test_killed_and_resumed_the_bytes_are_the_same(
    week: Week, replayed: tuple[dict[str, object], dict[str, int]]
) -> None:
    written = decisions_under(week.kafka, OUT)
    assert all(len(set(values)) == 1 for values in written.values())


def test_it_goes_live_at_the_exact_offset(
    week: Week, replayed: tuple[dict[str, object], dict[str, int]]
) -> None:
    summary, ends = replayed
    assert summary["state"] == "live"
    assert summary["ends"] == ends
    assert summary["end_ms"] == TO_MS
    for values in decisions_under(week.kafka, OUT).values():
        decision = DECISION.decode(values[0])
        if decision.event_time_ms >= TO_MS:
            assert len(values) == 1, f"live decided twice on {decision.event_id}"
    times = [
        DECISION.decode(values[0]).event_time_ms
        for values in decisions_under(week.kafka, OUT).values()
    ]
    last_burst_ms = NOON + BURSTS * BURST_EVERY_MS
    assert sum(TO_MS <= one < last_burst_ms for one in times) > 2, "the rest of the burst"
    assert sum(one >= last_burst_ms for one in times) > 20, "what came after"


def test_a_what_if_names_its_policy_and_writes_under_its_prefix_alone(
    kafka: str, home: Path, tmp_path: Path
) -> None:
    fill_log(kafka, "just.", [], make_catalogue())
    log, begun_ms = Log(kafka, "just."), now_ms() - 5 * MINUTE_MS
    for number in range(40):  # just now: the store keeps what is still valid
        log.event(
            make_event(
                event_id=f"e{number}", event_type="page_viewed", placements=("hero",),
                event_time_ms=begun_ms + number, session_id=f"s{number}", anonymous_id=f"a{number}",
            )
        )  # fmt: skip
    log.flush()
    names = [spec.name for spec in topics("just.")]
    before, file = ends_of(kafka, names), PROJECT / "scripts" / "demo_data" / "shop" / "policy.yaml"
    words = ("--prefix", "if.", "--policy", str(file), "--store", "--nice", "0", "--json")
    with Process(valkey_child(tmp_path / "valkey", free_port()), tmp_path / "logs") as valkey:
        valkey.wait_until_healthy()
        redis = valkey.child.address
        assert redis
        settings = {"KAIROS_REDIS": redis, "KAIROS_TOPIC_PREFIX": "just."}
        place = Place(kafka, home)
        said = json.loads(run_command(place, *words, **settings))
        assert (said["state"], said["store_prefix"]) == ("done", "kairos-if")
        decisions = [DECISION.decode(one.value) for one in read_outputs(kafka, "if.")[DECISIONS]]
        assert len({one.event_id for one in decisions}) == 40
        assert len(decisions) == said["decisions"]
        assert {one.versions.policy for one in decisions} == {said["policy"]}
        assert stored_under(redis, "kairos-if") == len(decisions)
        again = json.loads(run_command(place, *words, **settings))
        assert again["decisions"] == said["decisions"], "it is done already"
        run_command(place, "drop", "if.", **settings)
        assert stored_under(redis, "kairos-if") == 0
    assert ends_of(kafka, names) == before
    with pytest.raises(ConfigError, match=r"if\.decisions"):
        ends_of(kafka, ["if.decisions"])


def stored_under(address: str, store_prefix: str) -> int:
    from redis import Redis

    host, _, port = address.rpartition(":")
    client = Redis(host=host, port=int(port))
    return sum(1 for _ in client.scan_iter(f"{store_prefix}:decision:*"))


def begun(config: Config, kafka: str, prefix: str, from_ms: int | None = None) -> Run:
    wanted = asked(config, Wish(from_ms), Instead())
    return begin(kafka, config, RunFolder(config, prefix), wanted, Instead(), Manner())


def test_a_topic_that_is_not_there_is_named(kafka: str, tmp_path: Path) -> None:
    config = config_from(command_settings(kafka, tmp_path) | {"KAIROS_TOPIC_PREFIX": "absent."})
    with pytest.raises(ConfigError, match=r"'absent\.events'.*create it first"):
        begun(config, kafka, "p1.")


def test_a_time_in_which_nothing_happened_is_refused(kafka: str, tmp_path: Path) -> None:
    create_topics(kafka, topics("quiet."))
    event = make_event(event_time_ms=NOON - SECOND_MS)
    produce(kafka, "quiet." + EVENTS, [(NOON - SECOND_MS, event.session_id, EVENT.encode(event))])
    config = config_from(command_settings(kafka, tmp_path) | {"KAIROS_TOPIC_PREFIX": "quiet."})
    with pytest.raises(ConfigError, match=r"quiet\.events holds no record of that time"):
        begun(config, kafka, "p2.", NOON)
    assert begun(config, kafka, "p2b.").plan is not None


def test_a_prefix_in_use_is_refused(kafka: str, tmp_path: Path) -> None:
    create_topics(kafka, [*topics("full."), *topics("full.p3.")])
    event = EVENT.encode(make_event())
    produce(kafka, "full." + EVENTS, [(NOON, "s1", event)])
    config = config_from(command_settings(kafka, tmp_path) | {"KAIROS_TOPIC_PREFIX": "full."})
    produce(kafka, "full.p3.decisions", [(NOON, "x", b"y")])
    with pytest.raises(ConfigError, match=r"in use: full\.p3\.decisions holds 1 record"):
        begun(config, kafka, "full.p3.")
    assert begun(config, kafka, "p4.").plan is not None
    assert begun(config, kafka, "p4.").plan is not None, "the same again goes on"
    with pytest.raises(
        ConfigError, match=r"p4\. is in use by a replay of the beginning of the log"
    ):
        begun(config, kafka, "p4.", NOON)


def test_a_policy_with_mistakes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("nonsense: 1\n")
    config = config_from({"KAIROS_HOME": str(tmp_path)})
    with pytest.raises(ConfigError, match="kairos policy check"):
        instead(config, tmp_path / "policy.yaml", None)
