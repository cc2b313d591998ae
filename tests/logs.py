"""Generated logs: shoppers with duplicates, disorder, late and invalid events, identifications."""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec.structs import replace

from schemas.codec import EVENT
from schemas.errors import InvalidEvent
from schemas.events import TRUE, UNMERGE, Context, Event, event_from_fields
from schemas.limits import HOUR_MS, MINUTE_MS, SECOND_MS
from tests.builders import NOON
from udfs.draw import identify_decision

ACTIONS = (
    ("product_viewed", 16), ("page_viewed", 18), ("search_performed", 12), ("filter_applied", 8),
    ("element_clicked", 16), ("product_added_to_cart", 8), ("product_removed_from_cart", 2),
    ("cart_viewed", 4), ("checkout_started", 2), ("purchase_completed", 2), ("help_viewed", 2),
    ("not_interested", 2), ("decision_exposed", 3), ("decision_clicked", 1), ("identified", 2),
    ("signed_out", 1), ("ranking_requested", 2), ("session_ended", 1), ("profile_updated", 1),
)  # fmt: skip


class Line(NamedTuple):
    """One record to produce: its partition follows from the key."""

    timestamp_ms: int
    key: str
    value: bytes


def shopping_log(
    count: int, seed: int = 1, items: int = 40, hours: float = 6.0, faults: bool = True
) -> list[Line]:
    """About `count` records of many simultaneous sessions over `hours`, in the order of arrival.

    With `faults`: 3 % duplicates, disorder of up to a minute, 1 % late by an hour, 1 % invalid.
    """
    chance = random.Random(seed)
    lines: list[tuple[float, Line]] = []
    span_ms = int(hours * HOUR_MS)
    session = 0
    while len(lines) < count:
        start_ms = NOON + chance.randrange(span_ms)
        lines += _session(chance, session, start_ms, items, faults)
        session += 1
    return [line for _, line in sorted(lines, key=lambda pair: pair[0])]


SAID: tuple[dict[str, Any], ...] = (
    {"consent": ("personalisation", "analytics", "advertising")}, {"consent": ()}, {"consent": ("personalisation",)},
    {"consent": ("analytics", "email")}, {"context": Context(gpc=True)}, {"event_type": "consent_changed", "consent": ()},
    {"event_type": "consent_changed", "properties": {"objection": "profiling"}},
    {"event_type": "consent_changed", "properties": {"objection": "none"}, "consent": ("personalisation", "analytics")},
)  # fmt: skip


def consenting(lines: list[Line]) -> list[Line]:
    """The same log, in which each tenth event says what its person agrees to; a repeat says the same."""

    def says(event: Event, chance: random.Random) -> Event:
        return replace(event, **chance.choice(SAID)) if chance.random() < 0.1 else event

    return _each(lines, says)


def unmerging(lines: list[Line]) -> list[Line]:
    """The same log, in which visits often end with the word of a page, or of the shop's server, that it was not the person who had signed in."""

    def says(event: Event, chance: random.Random) -> Event:
        if event.event_type not in ("signed_out", "session_ended") or chance.random() >= 0.7:
            return event
        who = f"p{int(event.anonymous_id[1:]) % 31}" if chance.random() < 0.6 else None
        return replace(event, event_type="signed_out", person_id=who, properties={UNMERGE: TRUE})

    return _each(lines, says)


def _each(lines: list[Line], says: Callable[[Event, random.Random], Event]) -> list[Line]:
    """The log with what each event that can be read says instead, by the chance of its id."""
    found = []
    for line in lines:
        try:
            event = EVENT.decode(line.value)
        except InvalidEvent:
            found.append(line)
            continue
        value = EVENT.encode(says(event, random.Random(event.event_id)))
        found.append(line._replace(value=value))
    return found


def _session(
    chance: random.Random, number: int, start_ms: int, items: int, faults: bool
) -> list[tuple[float, Line]]:
    """One session's records with their times of arrival; some are silent for 40 minutes between."""
    name, visitor = f"s{number}", f"a{number % 97}"
    now_ms, lines, person, decision_id = start_ms, [], visitor, "told"
    for n in range(chance.randint(3, 30)):
        now_ms += chance.randint(1, 60) * SECOND_MS
        if chance.random() < 0.02:
            now_ms += 40 * MINUTE_MS
        fields = _fields(chance, f"{name}-{n}", name, visitor, now_ms, items)
        person = fields.get(
            "person_id", visitor if fields["event_type"] == "signed_out" else person
        )
        if fields.get("placements"):
            decision_id = identify_decision(person, name, fields["event_id"], "home")
        elif "decision_id" in fields:
            fields["decision_id"] = decision_id
        value = EVENT.encode(event_from_fields(fields))
        arrival = float(now_ms)
        if faults and chance.random() < 0.1:
            arrival += chance.random() * MINUTE_MS
        lines.append((arrival, Line(now_ms, name, value)))
        if faults:
            lines += _faults(chance, fields, value, now_ms, arrival)
    return lines


def _faults(
    chance: random.Random, fields: dict[str, Any], value: bytes, now_ms: int, arrival: float
) -> list[tuple[float, Line]]:
    draw, key = chance.random(), fields["session_id"]
    if draw < 0.03:
        return [(arrival + chance.random() * MINUTE_MS, Line(now_ms, key, value))]
    if draw < 0.04:
        late = fields | {
            "event_id": fields["event_id"] + "-late",
            "event_time_ms": now_ms - HOUR_MS,
        }
        # the record came now, whatever time the event claims: a source that stamps on arrival
        return [(arrival + 1, Line(now_ms, key, EVENT.encode(event_from_fields(late))))]
    if draw < 0.05:
        junk = chance.choice([b"", b"junk", value[:-3], value + b"x", b"\xc3\x01" + b"\0" * 9])
        return [(arrival + 1, Line(now_ms, key, junk))]
    return []


def _fields(
    chance: random.Random, event_id: str, session: str, visitor: str, now_ms: int, items: int
) -> dict[str, Any]:
    names, weights = zip(*ACTIONS, strict=True)
    event_type = chance.choices(names, weights)[0]
    item = f"i{int(chance.paretovariate(1.0)) % items}"
    fields: dict[str, Any] = {
        "event_id": event_id, "event_type": event_type, "event_time_ms": now_ms,
        "session_id": session, "anonymous_id": visitor, "channel": "web",
        "page": f"/page/{chance.randrange(6)}", "sent_at_ms": now_ms,
    }  # fmt: skip
    if event_type in ("identified",):
        fields["person_id"] = f"p{int(visitor[1:]) % 31}"
    elif event_type == "search_performed":
        fields["query"] = chance.choice(["red shoes", "tent", "pan"])
    elif event_type == "filter_applied":
        fields |= {"attribute": "size", "value": str(chance.randrange(4))}
    elif event_type == "element_clicked":
        fields["value"] = chance.choice(["buy", "menu"])
    elif event_type == "ranking_requested":
        fields["candidates"] = [
            {"item_id": f"i{chance.randrange(items)}", "position": n, "price": 5.0 + n}
            for n in range(chance.randint(1, 12))
        ]
    elif event_type == "purchase_completed":
        fields |= {"item_ids": [item], "value_amount": 20.0, "quantity": 1, "currency": "EUR"}
    elif event_type in ("page_viewed", "help_viewed", "session_ended", "signed_out"):
        fields["placements"] = (
            ["home"] if event_type == "page_viewed" and chance.random() < 0.3 else []
        )
    else:
        fields |= {"item_ids": [item], "price": 5.0 + int(item[1:])}
    if event_type in ("decision_exposed", "decision_clicked"):
        action = ("greet", "gift")[int(item[1:]) % 2]
        fields["properties"] = {"action_id": action, "placement": "home"}
        fields["decision_id"] = "told"  # a response that names none that was made spends no budget
    return fields
