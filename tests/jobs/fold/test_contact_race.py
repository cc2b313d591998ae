"""A thousand triggers for one person at once, over partitions and with repeats: a limit of three is three."""

import random
from typing import Final

import pytest

from jobs.fold.fold import Fold, FoldRules
from schemas.actions import Action, Treatment
from schemas.codec import EVENT
from schemas.contact import Contact, ContactLimit
from schemas.limits import DAY_MS, HOUR_MS
from schemas.policy import NOTHING, Holdout, Placement, Policy
from schemas.records import LogRecord
from tests.builders import NOON, make_event
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy

TRIGGERS: Final = 1_000
SESSIONS: Final = 20
"""Below what a session may ask for in a burst (schemas/limits.py)."""
POLICY: Final = Policy(
    placements=(Placement("bar", ("cart_viewed",), valid_ms=HOUR_MS, actions=("deal", "chat")),),
    actions=(
        Action("deal", "offer", treatments=(Treatment("t"),)),
        Action("chat", "assistance", treatments=(Treatment("t"),), value=0.5),
    ),
    contact=Contact(limits=(ContactLimit("three", 3, DAY_MS),)),
    holdout=Holdout(share=0.0),
)


def triggers(seed: int, partitions: int) -> list[LogRecord]:
    """All in one second, from twenty visits of one person; each is sent twice, in any order."""
    chance = random.Random(seed)
    events = [
        make_event(
            event_id=f"e{number}", event_type="cart_viewed", anonymous_id="ada", event_time_ms=NOON + number,
            session_id=f"s{number % SESSIONS}",
        )
        for number in range(TRIGGERS)
    ]  # fmt: skip
    told = [*events, *events]
    chance.shuffle(told)
    return [
        LogRecord(
            "events", int(one.session_id[1:]) % partitions, offset, NOON + TRIGGERS, one.session_id, EVENT.encode(one),
        )
        for offset, one in enumerate(told)
    ]  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("partitions", [1, 2])
def test_a_thousand_triggers_at_once_make_exactly_three_contacts(
    seed: int, partitions: int
) -> None:
    knowledge = Knowledge()
    knowledge.add_policy("held", 0, 0, compile_policy(POLICY))
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    made = [
        decision
        for one in fold.run(triggers(seed, partitions), partitions)
        for decision, _ in one.decisions
        if decision.person == "ada"
    ]
    assert len(made) == TRIGGERS
    assert [one.action_id for one in made].count(NOTHING) == TRIGGERS - 3
