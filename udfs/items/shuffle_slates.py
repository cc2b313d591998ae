"""A share of the decisions in random order, so that training can tell what a place does from what stands there.

Chance is a hash of the decision: whoever reads the log and the policy of its time knows which decisions were shuffled.
"""

from typing import Final

from udfs.draw import draw, draw_each
from udfs.items.fill_slate import Ranked, Slate
from udfs.items.suppress_candidates import Verdict

OF: Final = "shuffle"


def is_shuffled(seed: str, decision_id: str, share: float) -> bool:
    """Whether a decision's items are shown in random order, where that is done to this share of the decisions."""
    return share > 0.0 and draw(seed, OF, decision_id) < share


def shuffle_slates(
    slates: dict[str, Slate], ranked: Ranked, seed: str, decision_id: str, share: float
) -> dict[str, Slate]:
    """The slates; of a decision that is shuffled the same items, each with its reason, any order as likely as any other.

    After the actions were weighed, so that which of them is chosen does not depend on it. The trace says from which place (from 1) each came.
    """
    if not is_shuffled(seed, decision_id, share):
        return slates
    return {name: _shuffled(one, ranked, seed, decision_id) for name, one in slates.items()}


def _shuffled(slate: Slate, ranked: Ranked, seed: str, decision_id: str) -> Slate:
    drawn = draw_each((ranked.candidates[at].item_id for at in slate.places), seed, OF, decision_id)
    order = sorted(range(len(drawn)), key=drawn.__getitem__)
    verdicts = list(slate.verdicts)
    for place, at in enumerate(slate.places, start=1):
        rule, values = verdicts[at]
        verdicts[at] = Verdict(rule, values | {"shuffled": f"from place {place}"})
    return slate._replace(
        places=[slate.places[one] for one in order],
        reasons=[slate.reasons[one] for one in order],
        verdicts=verdicts,
    )
