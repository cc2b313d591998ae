"""What could have been chosen in a decision, and what would have been seen of it: for who compares policies."""

from collections.abc import Mapping, Sequence

from udfs.actions.arbitrate import Choice
from udfs.actions.judge_actions import Judged
from udfs.explain.tracing import Sight, Weighed
from udfs.items.fill_slate import Ranked, Slate


def weighed(
    decision_id: str,
    judged: Sequence[Judged],
    ranked: Ranked,
    slates: Mapping[str, Slate],
    choice: Choice,
) -> Weighed:
    """Of every action that had a chance."""
    chances = choice.probabilities
    return Weighed(
        decision_id, chances,
        {one.compiled.action.id: _sight(one, ranked, slates) for one in judged if one.compiled.action.id in chances},
    )  # fmt: skip


def _sight(one: Judged, ranked: Ranked, slates: Mapping[str, Slate]) -> Sight:
    slate = slates.get(one.compiled.action.id)
    items = () if slate is None else tuple(ranked.candidates[at].item_id for at in slate.places)
    return (one.treatment.treatment.id if one.treatment else "none"), items
