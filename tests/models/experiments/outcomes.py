"""Outcomes of made-up visitors, as the stream would tell them."""

from functools import cache
from typing import Any

import numpy as np

from schemas.experiments import Arm, Experiment
from schemas.limits import DAY_MS, MINUTE_MS
from schemas.outcomes import CONVERSION, NO_DECISION, Outcome
from tests.builders import NOON

EXPERIMENT = Experiment(
    "ranker", (Arm("popular"), Arm("session")), unit="person",
    starts_ms=NOON, ends_ms=NOON + 60 * DAY_MS, metrics=("revenue_per_visit",), guardrails=("bounce",),
)  # fmt: skip


def make_outcome(kind: str, person: str = "p", at_ms: int = NOON, **fields: Any) -> Outcome:
    """One outcome, but for `fields`; its id follows from what it is."""
    cause = fields.pop("cause", "")
    told: dict[str, Any] = {
        "outcome_id": f"{kind}-{person}-{at_ms}-{cause}", "kind": kind, "sign": 1, "revision": 0,
        "decision_id": NO_DECISION if kind in ("visited", "converted", "refunded") else "d", "person": person,
        "session_id": f"s-{person}", "event_id": "", "name": CONVERSION if kind == "converted" else "", "outcome_ms": at_ms,
        "decided_ms": at_ms, "exposed_ms": at_ms, "placement": "home", "channel": "web", "action_id": "recommend_items",
        "item_ids": (), "arm": {}, "is_holdout": False, "policy": "v1", "attribution": "", "share": 1.0, "value": 0.0,
        "currency": "EUR", "treatment_id": "", "model": "", "action_probability": 1.0,
    }  # fmt: skip
    names = set(Outcome.__struct_fields__)
    return Outcome(**{name: one for name, one in (told | fields).items() if name in names})


def went(pages: float, spent: float = 0.0, length_ms: float = 9.0 * MINUTE_MS) -> dict[str, float]:
    """How a visit went."""
    return {"pages": pages, "length_ms": length_ms, "bounced": float(pages <= 1), "bought": float(spent > 0)}  # fmt: skip


def visit(person: str, arm: str, at_ms: int, pages: float = 3, spent: float = 0.0) -> list[Outcome]:
    """A visit: seen in an arm, perhaps bought, ended."""
    session = f"s-{person}-{at_ms}"
    found = [
        make_outcome("exposed", person, at_ms, arm={"ranker": arm}, session_id=session),
        make_outcome("visited", person, at_ms + 9 * MINUTE_MS, session_id=session, measures=went(pages, spent)),
    ]  # fmt: skip
    if spent:
        bought = {"value": spent, "session_id": session}
        found.append(make_outcome("converted", person, at_ms + MINUTE_MS, **bought))
    return found


def visits(
    people: int, lifts: dict[str, float], seed: int = 1, days: int = 20, bounce: dict[str, float] | None = None
) -> list[Outcome]:  # fmt: skip
    """One visit each over some days, spread over the arms of `lifts`; a visit earns 4 (1 + lift) on average."""
    return _visits(people, tuple(lifts.items()), seed, days, tuple((bounce or {}).items()))


@cache
def _visits(
    people: int, of_arms: tuple[tuple[str, float], ...], seed: int, days: int, bounces: tuple[tuple[str, float], ...]
) -> list[Outcome]:  # fmt: skip
    lifts, bounce = dict(of_arms), dict(bounces)
    chance = np.random.default_rng(seed)
    names, found = list(lifts), []
    for number in range(people):
        arm = names[int(chance.integers(len(names)))]
        buys = chance.random() < (1 + lifts[arm]) / 10
        pages = 1 if chance.random() < bounce.get(arm, 0.3) else 4
        spent = round(float(chance.lognormal(3.6, 0.4)), 2) if buys else 0.0
        at_ms = NOON + int(chance.random() * days * DAY_MS)
        found += visit(f"p{number}", arm, at_ms, pages, spent)
    return found
