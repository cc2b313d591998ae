"""Leads: where the visit leads, by the links of its items and the nearest past sessions (udfs/session/follow_session.py)."""

from math import nan
from typing import Final

import numpy as np

from udfs.facts.fact import Column, Room, feature
from udfs.facts.view import Array, View, once, rank_of
from udfs.knowledge.past_sessions import Near
from udfs.session.follow_session import Shares


def _of(v: View, found: Shares) -> Array:
    """Each candidate's share; 0 where it has none."""
    return np.array([found.get(item_id, 0.0) for item_id in v.ids])


@once
def _next_few(v: View) -> Array:
    return _of(v, v.leads.next_few)


@once
def _near(v: View) -> Near:
    return v.leads.near_scores(v.ids)


def _ranked(values: Array) -> Column:
    """Each candidate's place by its share among the candidates; NaN where it has none."""
    return np.where(values > 0.0, rank_of(-values), nan)


FACTS: Final = (
    feature("next_strength", "session_item", "share of the next-item links of the item touched last", lambda v: _of(v, v.leads.next_last)),
    feature("next_few", "session_item", "the same of the last few items, earlier ones less", _next_few),
    feature("next_rank", "session_item", "its place by that share among the candidates", lambda v: _ranked(_next_few(v))),
    feature("seen_with_last", "session_item", "share of the seen-with links of the item touched last", lambda v: _of(v, v.leads.seen_last)),
    feature("seen_with_few", "session_item", "the same of the last few items", lambda v: _of(v, v.leads.seen_few)),
    feature("bought_with", "session_item", "share of the bought-with links of cart and last item", lambda v: _of(v, v.leads.bought)),
    feature("nearest_sessions", "session_item", "weight in the nearest past sessions", lambda v: _near(v).touched),
    feature("nearest_focused", "session_item", "the same with the very nearest counting more", lambda v: _near(v).focused),
    feature("nearest_next", "session_item", "weight right after the shared item in them", lambda v: _near(v).followed),
    feature("nearest_rank", "session_item", "its place by that weight among the candidates", lambda v: _ranked(_near(v).touched)),
)  # fmt: skip

ROOM: Final = Room("leads", FACTS)
