"""The fold without waiting decides as the fold that waits, on a log in order of time without two records at the same."""

from collections.abc import Iterator, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.fold.fold import Fold, Folded, FoldRules
from jobs.fold.learner import Learner
from jobs.fold.prompt_fold import PromptFold
from schemas.codec import EVENT
from schemas.items import Item
from schemas.limits import HOUR_MS, MINUTE_MS, SECOND_MS
from schemas.outputs import Written
from schemas.records import LogRecord
from tests.builders import NOON, make_event, make_knowledge, make_record

RULES = FoldRules(EVENT.decode, "seed")
ITEMS = [Item(f"i{n}", category=f"c{n % 3}", price=5.0) for n in range(12)]
PAUSES_MS = (1, 40, 2 * SECOND_MS, MINUTE_MS, 11 * MINUTE_MS, 31 * MINUTE_MS, 3 * HOUR_MS)
BOTH = ("personalisation", "analytics")


def log_of(seed: int, count: int) -> list[LogRecord]:
    """Visits of four people, two of whom sign in, on devices that they share."""
    chance, now_ms, found = Random(seed), NOON, []
    for number in range(count):
        now_ms += chance.choice(PAUSES_MS)
        device = chance.randrange(4)
        session = f"s{device}-{chance.randrange(2)}"
        event_type = chance.choice(
            ("product_viewed", "product_viewed", "identified", "purchase_completed", "session_ended", "consent_changed")
        )  # fmt: skip
        person = f"p{device % 2}" if event_type == "identified" else None
        consent = () if event_type == "consent_changed" and chance.random() < 0.3 else BOTH
        event = make_event(
            event_id=f"e{number}", event_type=event_type, event_time_ms=now_ms, session_id=session, anonymous_id=f"a{device}",
            person_id=person, item_ids=[f"i{chance.randrange(12)}"], consent=consent,
        )  # fmt: skip
        found.append(make_record(event, number))
    return found


def outputs(fold: Fold, log: Sequence[LogRecord]) -> list[Written]:
    return [one for step in fold.run(log) for one in step.outputs]


@given(st.integers(0, 10_000), st.integers(1, 40))
@settings(max_examples=10, deadline=None)
def test_it_decides_as_the_fold_does(seed: int, count: int) -> None:
    log = log_of(seed, count)
    waiting = Fold(make_knowledge(*ITEMS), RULES, Learner())
    prompt = PromptFold(make_knowledge(*ITEMS), RULES, Learner())
    assert outputs(prompt, log) == outputs(waiting, log)


def test_what_is_decided_on_an_event_is_there_before_the_next_one_is_taken() -> None:
    log = log_of(3, 60)
    given_so_far: list[LogRecord] = []

    def one_by_one() -> Iterator[LogRecord]:
        for record in log:
            given_so_far.append(record)
            yield record

    def causes(step: Folded) -> list[str]:
        return [decision.event_id for decision, _ in step.decisions]

    fold = PromptFold(make_knowledge(*ITEMS), RULES, Learner())
    newest = [
        (cause, EVENT.decode(given_so_far[-1].value).event_id)
        for step in fold.run(one_by_one())
        for cause in causes(step)
    ]
    assert len(newest) > 10
    assert all(cause == last for cause, last in newest)


@pytest.mark.parametrize("kind", [Fold, PromptFold])
def test_both_end_with_everybody_told(kind: type[Fold]) -> None:
    fold = kind(make_knowledge(*ITEMS), RULES, Learner())
    assert outputs(fold, log_of(5, 60))
    assert fold.persons.keys() >= {"p0", "p1"}
