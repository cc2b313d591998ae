"""A world played straight into the fold: each event is decided on before the next one happens; no server, no clock."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Final, NamedTuple, Protocol

import msgspec

from jobs.config import Config
from jobs.empty_knowledge import empty_knowledge
from jobs.fold.fold import Folded, FoldRules
from jobs.fold.learner import Learner
from jobs.fold.prompt_fold import PromptFold
from jobs.job_settings import rate_of
from schemas.decisions import Decision
from schemas.events import Event
from schemas.records import LogRecord
from schemas.topics import EVENTS
from scripts.policy.policy_versions import version_of
from scripts.simulate.mind import Mind
from scripts.simulate.people import make_person
from scripts.simulate.scene import Fields, Outcomes, Row, Scene, refund_event, row_of, shown_of
from scripts.simulate.visit import Shown, Told
from scripts.simulate.world_file import Setting
from udfs.explain.tracing import Tracing
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy
from udfs.session.give_meaning import IGNORED_COUNT

UNTRACED: Final = Tracing(share=0.0)
"""Nobody reads the traces: decisions are the same without."""
_event_of: Final = msgspec.json.Decoder(Event).decode


class Out(Protocol):
    """Where a world's log goes."""

    def event(self, line: bytes) -> None:
        """One event, as a line of JSON without its end."""

    def decision(self, decision: Decision) -> None:
        """One decision, or what takes one back."""

    def row(self, row: Row) -> None:
        """A decision with its outcome, when the visit is over."""


class Turn(NamedTuple):
    """What is due: a visit that begins (nothing is told yet), goes on, or is followed by a refund."""

    time_ms: int
    order: int
    scene: Scene
    told: Told | None
    is_refund: bool = False


class Counts(msgspec.Struct):
    """What happened in a world. `ignored`: events that count for nothing by the policy, of bots and the like."""

    people: int = 0
    visits: int = 0
    events: int = 0
    decisions: int = 0
    exposed: int = 0
    clicked: int = 0
    purchases: int = 0
    refunds: int = 0
    ignored: int = 0
    refused: int = 0


class Play:
    """The people of a world with what they have in mind, and the log that they write; played once."""

    def __init__(self, setting: Setting, config: Config, out: Out) -> None:
        self._setting, self._out = setting, out
        world, goods = setting.world, setting.goods
        self.people = [make_person(world, goods, number) for number in range(world.people)]
        self.minds = [Mind() for _ in self.people]
        self.counts = Counts(people=world.people)
        self._fold = PromptFold(knowledge_of(setting, config), _rules(config), Learner())
        self._order = count()
        self._coming = [
            (coming.time_ms, person.number, at)
            for person in self.people
            for at, coming in enumerate(person.visits)
        ]
        heapify(self._coming)
        self._turns: list[Turn] = []
        self._now_ms = 0
        self._made: list[Decision] = []
        self._outcomes: dict[str, Outcomes] = {}

    def run(self) -> Counts:
        """Plays it to its end and writes everything to `out`."""
        for step in self._fold.run(self._log()):
            self._take(step)
        for outcomes in self._outcomes.values():
            self._write(outcomes)
        return self.counts

    def _take(self, step: Folded) -> None:
        """What was decided, or taken back, on the newest event."""
        for one in step.outputs:
            if isinstance(one, Decision):
                self._out.decision(one)
                self.counts.decisions += one.kind == "decided"
        self._made += [decision for decision, _ in step.decisions]
        self.counts.ignored += IGNORED_COUNT in step.counts
        self.counts.refused += len(step.dead_letters)

    def _log(self) -> Iterator[LogRecord]:
        """The events in order of time, no two at the same; each is made when all before it have been answered."""
        while (turn := self._next()) is not None:
            if turn.told is None:
                self._go_to(turn.scene, turn.scene.begin(), turn.time_ms)
                continue
            self._now_ms = max(turn.time_ms, self._now_ms + 1)
            make = refund_event if turn.is_refund else Scene.event
            event = make(turn.scene, turn.told, self._now_ms)
            line = msgspec.json.encode(event)
            self._out.event(line)
            self._count(event)
            self._made = []
            yield LogRecord(EVENTS, 0, self.counts.events, self._now_ms, event["session_id"], line)
            if not turn.is_refund:  # what was decided on it is there by now
                self._answer(turn.scene, event)

    def _next(self) -> Turn | None:
        """The next turn in order of time: of a visit under way, or one that begins."""
        if self._coming and (not self._turns or self._coming[0][0] <= self._turns[0].time_ms):
            time_ms, number, at = heappop(self._coming)
            setting, person = self._setting, self.people[number]
            scene = Scene(setting.world, setting.goods, person, self.minds[number], at)
            self._outcomes[scene.session_id] = Outcomes()
            self.counts.visits += 1
            return Turn(time_ms, next(self._order), scene, None)
        return heappop(self._turns) if self._turns else None

    def _answer(self, scene: Scene, event: Fields) -> None:
        outcomes = self._outcomes[scene.session_id]
        outcomes.take(event)
        for decision in self._made:
            outcomes.add(decision)
        shown: list[Shown] = shown_of(self._made, event)
        self._go_to(scene, scene.go_on(shown), self._now_ms)

    def _go_to(self, scene: Scene, told: Told | None, now_ms: int) -> None:
        """What a scene tells next waits for its time; of one that is over the outcomes are written."""
        if told is not None:
            turn = Turn(now_ms + told.pause_ms, next(self._order), scene, told)
            heappush(self._turns, turn)
            return
        self._write(self._outcomes.pop(scene.session_id))
        later = scene.later
        if later is not None and now_ms + later.after_ms < self._setting.world.ends_ms:
            turn = Turn(now_ms + later.after_ms, next(self._order), scene, later.told, True)
            heappush(self._turns, turn)

    def _write(self, outcomes: Outcomes) -> None:
        for one in outcomes.made.values():
            self._out.row(row_of(one))

    def _count(self, event: Fields) -> None:
        counts, kind = self.counts, event["event_type"]
        counts.events += 1
        counts.exposed += kind == "decision_exposed"
        counts.clicked += kind == "decision_clicked"
        counts.purchases += kind == "purchase_completed"
        counts.refunds += kind == "purchase_refunded"


def knowledge_of(setting: Setting, config: Config) -> Knowledge:
    """The world's policy and catalogue, in force since ever."""
    knowledge = empty_knowledge(config)
    for position, item in enumerate(setting.goods.items):
        knowledge.add_item(item, position)
    knowledge.add_policy(version_of(setting.policy), 0, 0, compile_policy(setting.policy))
    return knowledge


def _rules(config: Config) -> FoldRules:
    return FoldRules(
        _event_of, config.seed, config.lateness_ms, rate_of(config), tracing=UNTRACED
    )  # fmt: skip
