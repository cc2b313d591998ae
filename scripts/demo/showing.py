"""The demo as a person watches it: a few decisions as they are made, a model that learns, one visit without and with it."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from jobs.fold.fold import Fold, FoldRules
from jobs.publish import now_ms
from schemas.codec import EVENT
from schemas.counted import counted
from schemas.decisions import Decision
from schemas.events import Event
from schemas.items import Item
from schemas.records import LogRecord
from scripts.console import percentile, show
from scripts.demo.feeding import DecisionReader, Take, await_decided, feed, leave_out
from scripts.demo.telling import (
    BESIDE,
    DECIDED,
    REHEARSED,
    Column,
    Names,
    compared,
    deed,
    first_two,
    header,
    line,
    names_of,
    shown,
    took_ms,
)
from scripts.ops.engine import Engine
from scripts.training.training import default_knowledge

SHOWN_PER_S: Final = 20.0
"""A pace at which a person can read, and no event waits for another."""
FAST_PER_S: Final = 200.0
FIRST_LINES: Final = 6
REHEARSED_EVENTS: Final = 40
REHEARSED_LINES: Final = 4


class Story(NamedTuple):
    """The events in three parts: the past, from which a model learns, what follows, and the visit that is looked at."""

    past: Sequence[Event]
    later: Sequence[Event]
    visit: Sequence[Event]


class Stage:
    """What all parts of a showing need: where events go in and decisions come out, and how to name things."""

    def __init__(
        self, engine: Engine, reader: DecisionReader, events: Sequence[Event], items: Sequence[Item]
    ) -> None:
        self._engine, self._reader = engine, reader
        self._events = {one.event_id: one for one in events}
        self.names: Names = names_of(items)
        self.first_ms: int | None = None
        """How long the first decision took of all."""
        self._last: list[str] = []
        self.repeated = 0

    def send(
        self, events: Sequence[Event], per_s: float, take: Take,
        is_enough: Callable[[], bool] = lambda: False,
    ) -> int:  # fmt: skip
        """Sends them at a pace until it `is_enough`; how many were sent."""
        return feed(self._engine, self._reader, events, per_s, take, is_enough)

    def wait(self, decisions: Mapping[str, Decision], take: Take) -> None:
        """Returns once all these have been made."""
        await_decided(self._engine, self._reader, decisions, take)

    def tell(self, columns: Sequence[Column], decision: Decision, middle: Sequence[str]) -> bool:
        """Shows a decision in a line, unless it reads as the one before; whether it was shown."""
        took = took_ms(decision, now_ms())
        if self.first_ms is None:
            self.first_ms = int(took or 0)
        cells = [deed(self._events[decision.event_id], self.names), *middle]
        if cells == self._last:
            self.repeated += 1
            return False
        self._last = cells
        show(line(columns, [took, *cells, decision.decision_id]))
        return True


def story_of(events: Sequence[Event], learnt_share: float) -> Story:
    """The visit is the longest of those that begin after the past."""
    split = int(len(events) * learnt_share)
    past, rest = events[:split], events[split:]
    known = {one.session_id for one in past}
    by_session = sorted(rest, key=lambda one: one.session_id)
    visits = [list(visit) for _, visit in groupby(by_session, key=lambda one: one.session_id)]
    visit = max((one for one in visits if one[0].session_id not in known), key=len)
    later = [one for one in rest if one.session_id != visit[0].session_id]
    return Story(past, later, visit)


def decided_without(
    events: Sequence[Event], items: Sequence[Item], rules: FoldRules
) -> dict[str, Decision]:
    """What is decided on these events without any model, by id: the same log, through the same steps.

    Nothing is learnt on the way: what the running job learns of events that are older than their arrival is in force
    after them, so it decides on these without it, too.
    """
    log = [
        LogRecord("demo", 0, at, one.event_time_ms, one.session_id, EVENT.encode(one))
        for at, one in enumerate(events)
    ]
    fold = Fold(default_knowledge(items), rules)
    made = [decision for one in fold.run(log) for decision, _ in one.decisions]
    return {one.decision_id: one for one in made}


def rehearse(events: Sequence[Event], items: Sequence[Item], rules: FoldRules) -> None:
    """What the first events lead to, in this process: nobody has to wait for servers to see a decision.

    The job makes the very same ones of them a moment later, under the same ids.
    """
    names, said = names_of(items), list[list[str]]()
    by_id = {one.event_id: one for one in events}
    for decision in decided_without(events[:REHEARSED_EVENTS], items, rules).values():
        cells = [
            deed(by_id[decision.event_id], names),
            shown(decision, names),
            decision.explanation,
        ]
        if len(said) < REHEARSED_LINES and (not said or said[-1][:-1] != cells):
            said.append([*cells, decision.decision_id])
    show(
        "\nThe first events through the engine's own steps, in this process, while the servers start:\n"
    )
    for text in (*header(REHEARSED), *(line(REHEARSED, cells) for cells in said)):
        show(text)
    show("")


def play(
    stage: Stage, story: Story, without: Mapping[str, Decision], teach: Callable[[], None]
) -> list[Decision]:
    """Shows the story, with a model from the end of its past on; returns the decisions of the visit."""
    sent = _show_first(stage, story)
    show(f"\nThe rest of what happened before, {FAST_PER_S:.0f} events a second, without lines ...")
    stage.send(story.past[sent:], FAST_PER_S, leave_out)
    show("... a model learns from it (seconds) ...")
    teach()
    show("... and ranks all that comes from here on: first the other visits, without lines ...")
    stage.send(story.later, FAST_PER_S, leave_out)
    ids = {one.event_id for one in story.visit}
    stage.wait({key: one for key, one in without.items() if one.event_id not in ids}, leave_out)
    return _show_visit(stage, story, without)


def _show_first(stage: Stage, story: Story) -> int:
    """Some of the past, at a readable pace; how many of its events."""
    lines = 0

    def take(decision: Decision) -> None:
        nonlocal lines
        if lines < FIRST_LINES:
            said = [shown(decision, stage.names), decision.explanation]
            lines += stage.tell(DECIDED, decision, said)

    show(
        f"\nPeople in a shop, {SHOWN_PER_S:.0f} events a second; the events are real, the items' names made up:\n"
    )
    for text in header(DECIDED):
        show(text)
    return stage.send(story.past, SHOWN_PER_S, take, lambda: lines >= FIRST_LINES)


def _show_visit(stage: Stage, story: Story, without: Mapping[str, Decision]) -> list[Decision]:
    """The visit at a readable pace, each decision beside the one that would have been made without a model."""
    made: list[Decision] = []

    def take(decision: Decision) -> None:
        made.append(decision)
        both = (without[decision.decision_id], decision)
        stage.tell(BESIDE, decision, [first_two(one, stage.names) for one in both])

    show(
        f"\nOne visit, {SHOWN_PER_S:.0f} events a second: what would be shown without a model, and what is shown with it:\n"
    )
    for text in header(BESIDE):
        show(text)
    stage.repeated = 0
    ids = {one.event_id for one in story.visit}
    stage.send(story.visit, SHOWN_PER_S, take)
    stage.wait({key: one for key, one in without.items() if one.event_id in ids}, take)
    if stage.repeated:
        show(f"       ({counted(stage.repeated, 'more decision')}, each as the one before it)")
    show("\n" + compared([(without[one.decision_id], one) for one in made]))
    return made


def latency(samples: Sequence[float], visit: int, first_ms: int | None) -> str:
    """How long it took: the median of the visit's decisions, the newest `visit` of the samples, and the cold start apart."""
    median = percentile(samples[-visit:], 0.5)
    cold = "" if first_ms is None else f" The very first, just after the start, took {first_ms} ms."
    return f"From the event to the decision in the store: {median:.0f} ms, the median of that visit.{cold}"
