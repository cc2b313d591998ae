"""Test data about actions: facts, records, and statistics that were taught them."""

from typing import Any

from schemas.knowledge import (
    ActionKnowledge,
    EpochEnd,
    action_key,
    effective_from_ms,
    epoch_end_ms,
)
from schemas.state.lessons import ActionFact
from tests.builders import EPOCH, NOON
from udfs.knowledge.action_statistics import ActionStatistics


def fact(count: str = "exposures", key: str = "a", time_ms: int = NOON) -> ActionFact:
    """One response to an action."""
    return ActionFact(key, time_ms, time_ms, count)


def make_action(key: str = "a", epoch: int = EPOCH, **overrides: Any) -> ActionKnowledge:
    """An epoch's record of an action, but for `overrides`."""
    fields: dict[str, Any] = {
        "kind": "action", "key": key, "epoch": epoch,
        "effective_from_ms": effective_from_ms(epoch), "at_ms": epoch_end_ms(epoch),
        "first_ms": epoch_end_ms(epoch) - 1, "last_ms": epoch_end_ms(epoch) - 1,
    }  # fmt: skip
    return ActionKnowledge(**fields | overrides)


def teach_actions(
    statistics: ActionStatistics, *records: ActionKnowledge, epoch: int = EPOCH
) -> ActionStatistics:
    """Adds an epoch of these records and brings it into force."""
    for record in records:
        statistics.learn(record)
    statistics.learn(EpochEnd("0", epoch, effective_from_ms(epoch), len(records)))
    statistics.advance(effective_from_ms(epoch))
    return statistics


def knowing(
    exposures: float, clicks: float, here: tuple[float, float] = (0.0, 0.0)
) -> ActionStatistics:
    """Statistics of the action `a`: everywhere, and in the placement `home` and context `viewed`."""
    return teach_actions(
        ActionStatistics(),
        make_action("a", exposures=exposures, clicks=clicks),
        make_action(action_key("a", "home", "viewed"), exposures=here[0], clicks=here[1]),
    )
