"""What an evaluation trains on and what it scores: a scan of the log for what came next."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from jobs.learning.answers import (
    CHOSEN,
    NEXT,
    REQUESTED,
    Answer,
    EventKey,
    Joiner,
    Question,
    Sample,
)
from jobs.learning.examples import answers_to, decoded
from jobs.learning.weighing import UNASKED, Looking
from schemas.errors import ConfigError
from schemas.formats.json_lines import event_from_json
from schemas.own_events import DeclaredFact, NamedEvent
from schemas.policy import Holdout, Placement, Policy
from schemas.records import LogRecord
from schemas.times import utc
from udfs.actions.asked_decisions import asks_for
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

VIEWED: Final = "product_viewed"
QUESTIONS: Final[dict[str, Question]] = {
    "rerank": Question(lambda event, _: event.event_type == REQUESTED, frozenset()),
    "next_item": Question(lambda event, _: event.event_type == VIEWED, frozenset({VIEWED})),
}
"""By placement: what asks, and what answers."""


class Setting(NamedTuple):
    """What is evaluated: sessions that begin before `train_before_ms` train.

    `own` is the placement of a policy that is meant; without it `placement` is one of QUESTIONS. `events` and `facts` are that policy's. `looking`: where it is
    known from how likely places are looked at, in training: a decision is scored by what was taken, wherever that stood.
    """

    placement: str
    train_before_ms: int
    k: int
    seed: str
    own: Placement | None = None
    events: tuple[NamedEvent, ...] = ()
    facts: tuple[DeclaredFact, ...] = ()
    looking: Looking = UNASKED

    def policy(self, *placements: Placement) -> Policy:
        """What is in force: these placements alone, nobody is held out, and events mean what the policy has them mean."""
        return Policy(placements=placements, holdout=Holdout(share=0.0), events=self.events, facts=self.facts)  # fmt: skip


class Split(NamedTuple):
    """What a scan of the log found: the decisions to learn from and those to score, by their event.

    `item_counts` are the items that ever appear, each with how often it was named by an event, `trainable` the answered decisions before the split. Of those to score `parts` names some that are told
    of alone: `cold_items`, whose truth nobody had touched before the split, and `first_events`, the first of their session that ask.
    """

    train: dict[EventKey, Answer]
    test: dict[EventKey, Answer]
    trainable: int
    events: int
    item_counts: Mapping[str, int]
    from_ms: int
    to_ms: int
    parts: Mapping[str, frozenset[EventKey]] = {}

    @property
    def item_count(self) -> int:
        """How many items ever appear."""
        return len(self.item_counts)


def question_of(setting: Setting) -> Question:
    """What asks for a decision, by its type or by naming the placement, and what answers it."""
    own = setting.own
    if own is None:
        return QUESTIONS[setting.placement]
    return Question(lambda event, own_name: asks_for(event, own, own_name))


def split_log(log: Iterable[LogRecord], setting: Setting) -> Split:
    """Finds what each decision's person did next. `log` is in order of time, values are JSON.

    Raises ConfigError where the split leaves nothing to test.
    """
    split_ms = setting.train_before_ms
    joiner = Joiner(question_of(setting))
    sample = Sample(setting.seed)
    starts: dict[str, int] = {}
    test: dict[EventKey, Answer] = {}
    touched: set[str] = set()
    first: dict[str, EventKey] = {}
    items: dict[str, int] = {}
    events = from_ms = to_ms = 0
    knowledge = Knowledge()
    knowledge.add_policy("split", 0, 0, compile_policy(setting.policy()))
    for _, event in decoded(log, event_from_json):
        events += 1
        to_ms = event.event_time_ms
        from_ms = from_ms or to_ms
        starts.setdefault(event.session_id, to_ms)
        if to_ms < split_ms:
            touched.update(event.item_ids)
        for item_id in event.item_ids:
            items[item_id] = items.get(item_id, 0) + 1
        for one in event.candidates:
            items.setdefault(one.item_id, 0)
        for answer in answers_to(event, joiner, knowledge):
            if starts[answer.session_id] >= split_ms:
                test[answer.key] = answer
                before = first.setdefault(answer.session_id, answer.key)
                if answer.time_ms < test[before].time_ms:
                    first[answer.session_id] = answer.key
            elif answer.answered_ms < split_ms:  # what came later is not known at the split
                sample.add(answer)
    _check(setting, events, from_ms, to_ms, len(test))
    # in the order in which they were asked: answers may come in another one
    ordered = sorted(test.values(), key=lambda one: one.time_ms)
    return Split(
        sample.chosen(), {one.key: one for one in ordered}, sample.offered, events, items,
        from_ms, to_ms, {
            "cold_items": frozenset(one.key for one in ordered if one.item_id not in touched),
            "first_events": frozenset(first.values()),
        },
    )  # fmt: skip


def _check(setting: Setting, events: int, from_ms: int, to_ms: int, tests: int) -> None:
    if not events:
        raise ConfigError("there is no event to evaluate on")
    split_ms = setting.train_before_ms
    if not from_ms < split_ms <= to_ms:
        raise ConfigError(
            f"--train-before {utc(split_ms)} lies outside the events, which are of {utc(from_ms)} to {utc(to_ms)}"
        )
    if not tests:
        asks, answer = _in_words(setting)
        raise ConfigError(
            f"no decision to score: in no session that begins at {utc(split_ms)} or later is {asks} "
            f"followed by {answer}"
        )


def _in_words(setting: Setting) -> tuple[str, str]:
    """What asks for a decision, and what answers it."""
    if setting.own is not None:
        return f"an event that asks for {setting.placement}", f"a {', '.join(sorted(NEXT))}"
    if setting.placement == "rerank":
        return f"a {REQUESTED}", CHOSEN
    return f"a {VIEWED}", f"another {VIEWED}"
