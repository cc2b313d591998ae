"""A file of visits of which each sees a decision, and what they buy by the arm that they are in: the truth that an experiment is to find."""

import json
from pathlib import Path
from random import Random
from typing import Any

from schemas.limits import DAY_MS, SECOND_MS
from schemas.policy import Policy
from udfs.actions.assign_arms import assign_arms
from udfs.draw import identify_decision

CONSENT = ("personalisation", "analytics")


def write_visits(path: Path, policy: Policy, visits: int, chances: dict[str, float], days: int = 15) -> None:  # fmt: skip
    """One visit a person from the experiment's start on; `chances`: to buy, by arm."""
    chance = Random(5)
    experiment = policy.experiments[0]
    lines: list[dict[str, Any]] = []
    for number in range(visits):
        person, session = f"p{number}", f"s{number}"
        at_ms = experiment.starts_ms + 1 + number * days * DAY_MS // visits
        arm = assign_arms(policy.experiments, person, session, at_ms)[experiment.name]
        shared = {"session_id": session, "anonymous_id": person, "consent": list(CONSENT)}
        asked = f"{session}-asks"
        decision = identify_decision(person, session, asked, "home")
        lines += [
            {"event_id": asked, "event_type": "page_viewed", "event_time_ms": at_ms} | shared,
            {"event_id": f"{session}-sees", "event_type": "decision_exposed", "event_time_ms": at_ms + SECOND_MS, "decision_id": decision,
             "properties": {"placement": "home", "action_id": "recommend_items"}} | shared,
        ]  # fmt: skip
        if chance.random() < chances[arm]:
            lines.append(
                {"event_id": f"{session}-buys", "event_type": "purchase_completed", "event_time_ms": at_ms + 2 * SECOND_MS, "item_ids": ["i1"],
                 "value_amount": round(20 + 30 * chance.random(), 2), "currency": "EUR"} | shared
            )  # fmt: skip
    path.write_text("\n".join(map(json.dumps, lines)))
