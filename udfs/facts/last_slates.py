"""The last slates: the newest list of each placement that is steady, for as long as the visit lasts."""

from collections.abc import Sequence
from typing import Final

from schemas.limits import EXPOSURES_PER_EVENT_MAX, SLATES_REMEMBERED_MAX
from schemas.state.person import LastSlate, PersonState
from schemas.state.session import SessionNews
from udfs.facts.fact import Apart, Kept, Room
from udfs.facts.keeping import keep
from udfs.facts.merging import newest_last
from udfs.facts.splitting import names_apart
from udfs.moment import Moment
from udfs.session.deduplicate import hash_of


def last_slate(moment: Moment, placement: str) -> tuple[str, ...]:
    """The items of the list that was decided there last in this visit, best first; nothing where there was none."""
    found = moment.state.slates.get(placement)
    if found is None or found.visit != hash_of(moment.event.session_id):
        return ()
    return found.item_ids if found.at_ms >= moment.context.started_ms else ()


def remember_last_slate(
    state: PersonState, placement: str, session_id: str, now_ms: int, item_ids: Sequence[str]
) -> None:
    """Takes note of a list that was decided, in place of the one before."""
    told = LastSlate(hash_of(session_id), now_ms, tuple(item_ids[:EXPOSURES_PER_EVENT_MAX]))
    state.slates.pop(placement, None)
    keep(state.slates, placement, told, SLATES_REMEMBERED_MAX)


def on_end(state: PersonState, news: SessionNews) -> None:
    """A visit that is over takes its lists with it."""
    if state.slates:
        visit = hash_of(news.session_id)
        state.slates = {name: one for name, one in state.slates.items() if one.visit != visit}


def merge_slates(one: PersonState, other: PersonState, name: str) -> object:
    """Of each placement the newer list."""
    found = {
        key: max(
            (state.slates[key] for state in (one, other) if key in state.slates),
            key=lambda slate: (slate.at_ms, slate.visit, slate.item_ids),
        )
        for key in {*one.slates, *other.slates}
    }
    return _newest(found)


def split_slates(apart: Apart, name: str) -> object:
    """Without the lists that were the visitor's."""
    now, joined, own = apart.now.slates, apart.joined.slates, apart.own.slates
    return _newest(names_apart(now, joined, own, lambda left, _, __: left))


def _newest(slates: dict[str, LastSlate]) -> dict[str, LastSlate]:
    times = {key: slate.at_ms for key, slate in slates.items()}
    return newest_last(slates, times, SLATES_REMEMBERED_MAX)


ROOM: Final = Room(
    "last_slates", on_end=on_end, person={"slates": Kept(merge_slates, split=split_slates)}
)
