"""Consent: what somebody agreed to, by what they said last, and what of that holds now.

What is said holds from its event on, over all visits, until something newer is said; of two things said at one moment the
stricter holds, whichever is read first. Where two people turn out to be one, the stricter of what both said holds.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from msgspec.structs import replace

from schemas.events import (
    ADVERTISING,
    ANALYTICS,
    ASSUMED,
    CONSENT_CHANGED,
    CONSENT_SOURCE,
    OBJECTION,
    PERSONALISATION,
    PROFILING,
    PURPOSES,
    SOURCE,
    TEXT_VERSION,
    Event,
)
from schemas.limits import CONSENT_TEXT_MAX, PLACEMENTS_PER_POLICY_MAX
from schemas.state.consent import Consent, Placed
from schemas.state.person import PersonState
from schemas.state.session import SessionContext
from udfs.facts.fact import Apart, Kept, Room
from udfs.facts.splitting import stays

Granted = frozenset[str]
"""Purposes, and PROFILING of who does not object to it."""
EVERYTHING: Final[Granted] = frozenset(PURPOSES)


class Agreed(NamedTuple):
    """What holds, and how it is told: `unknown` where nothing was said and nothing is assumed."""

    granted: Granted
    said: str

    @property
    def is_personal(self) -> bool:
        """Whether a profile may be kept and used."""
        return PERSONALISATION in self.granted

    @property
    def is_counted(self) -> bool:
        """Whether others may learn from it."""
        return ANALYTICS in self.granted

    @property
    def may_profile(self) -> bool:
        """Whether nobody has objected to being profiled, within the visit either."""
        return PROFILING in self.granted


def agreed(consent: Consent, assumed: Granted) -> Agreed:
    """What holds now; `assumed` is what is granted where nothing was said."""
    return _agreed(consent.purposes, consent.gpc, consent.objects, assumed)


@lru_cache(4096)
def _agreed(purposes: tuple[str, ...] | None, gpc: bool, objects: bool, assumed: Granted) -> Agreed:
    granted = assumed if purposes is None else frozenset(purposes)
    if gpc:
        granted -= {ADVERTISING}
    # who objects to being profiled has no profile, whatever else they agreed to
    granted = granted - {PERSONALISATION} if objects else granted | {PROFILING}
    told = ", ".join(one for one in PURPOSES if one in granted)
    return Agreed(granted, told or ("unknown" if purposes is None else "none"))


def told(kept: Consent, event: Event) -> Consent:
    """What holds after an event, which may be older than what is kept."""
    context = event.context
    gpc = context.gpc if context is not None else None
    if event.consent is None and gpc is None and event.event_type != CONSENT_CHANGED:
        return kept
    now_ms, properties = event.event_time_ms, event.properties
    version = source = ""
    objects_ms = 0
    if event.event_type == CONSENT_CHANGED:
        version = properties.get(TEXT_VERSION, "")[:CONSENT_TEXT_MAX]
        source = properties.get(SOURCE, "")[:CONSENT_TEXT_MAX]
        objects_ms = now_ms if OBJECTION in properties else 0
    said = Consent(
        None if event.consent is None else tuple(sorted(set(event.consent))),
        now_ms if event.consent is not None else 0,
        version,
        source,
        properties.get(CONSENT_SOURCE) == ASSUMED,
        bool(gpc),
        now_ms if gpc is not None else 0,
        bool(objects_ms) and properties[OBJECTION] == PROFILING,
        objects_ms,
    )
    return later(kept, said)


def later(kept: Consent, said: Consent) -> Consent:
    """What was said overrules what was assumed; then the newer, of one moment the stricter. In any order the same."""
    newest = kept
    if said.purposes is not None:
        before, after = (not kept.is_assumed, kept.said_ms), (not said.is_assumed, said.said_ms)
        if kept.purposes is None or after > before:
            newest = said
        elif after == before:
            newest = _stricter_said(kept, said)
    gpc, gpc_ms = _newest((kept.gpc, kept.gpc_ms), (said.gpc, said.gpc_ms))
    objects, objects_ms = _newest((kept.objects, kept.objects_ms), (said.objects, said.objects_ms))
    return replace(newest, gpc=gpc, gpc_ms=gpc_ms, objects=objects, objects_ms=objects_ms)


def says_anew(before: Consent, after: Consent) -> bool:
    """Whether something else is said now than before, and not the same once more: a browser sends what it said with each event."""
    return after is not before and _substance(after) != _substance(before)


def _substance(one: Consent) -> tuple[object, ...]:
    is_said = one.gpc_ms > 0, one.objects_ms > 0
    return one.purposes, one.is_assumed, one.gpc, one.objects, is_said


def _newest(one: tuple[bool, int], other: tuple[bool, int]) -> tuple[bool, int]:
    """Whether something is refused, by what was said last; of one moment it is where one says so."""
    return max(one, other, key=lambda said: (said[1], said[0]))


def stricter(one: Consent, other: Consent) -> Consent:
    """What holds for a person who turns out to be both: commutative, associative, idempotent."""
    return replace(
        _stricter_said(one, other),
        gpc=one.gpc or other.gpc, gpc_ms=max(one.gpc_ms, other.gpc_ms),
        objects=one.objects or other.objects, objects_ms=max(one.objects_ms, other.objects_ms),
    )  # fmt: skip


def _stricter_said(one: Consent, other: Consent) -> Consent:
    """Who said nothing has nothing to say; what was said overrules what was assumed; else what both grant."""
    if one.purposes is None or other.purposes is None:
        return other if one.purposes is None else one
    if one.is_assumed != other.is_assumed:
        return other if one.is_assumed else one
    newest = max(one, other, key=lambda said: (said.said_ms, said.text_version, said.source))
    both = {*one.purposes} & {*other.purposes}
    return replace(newest, purposes=tuple(sorted(both)))


def place(state: PersonState, placement: str, valid_until_ms: int, needs: Iterable[str]) -> None:
    """Keeps what was decided for a placement, for the day on which it is taken back."""
    state.placed.pop(placement, None)
    state.placed[placement] = Placed(valid_until_ms, tuple(sorted(set(needs))))
    if len(state.placed) > PLACEMENTS_PER_POLICY_MAX:
        del state.placed[next(iter(state.placed))]


def forget_placed(state: PersonState, granted: Granted, now_ms: int) -> list[str]:
    """The placements whose decision stands and is not granted any more; they are forgotten, as is what does not stand."""
    gone, left = [], {}
    for name, one in state.placed.items():
        if one.valid_until_ms <= now_ms:
            continue
        if granted.issuperset(one.needs):
            left[name] = one
        else:
            gone.append(name)
    state.placed = left
    return gone


def on_event(context: SessionContext, event: Event, knowledge: object) -> None:
    """Keeps what the visit says."""
    context.consent = told(context.consent, event)


def on_person_event(state: PersonState, event: Event, knowledge: object) -> None:
    """Keeps what is said, for all visits."""
    state.consent = told(state.consent, event)


def on_handover(state: PersonState, context: SessionContext) -> None:
    """What was said before signing in and what the person said: the stricter."""
    state.consent = stricter(state.consent, context.consent)


def merge_consent(one: PersonState, other: PersonState, name: str) -> object:
    """The stricter."""
    return stricter(one.consent, other.consent)


def split_consent(apart: Apart, name: str) -> object:
    """What was said since, else what the person had said before."""
    now, joined, own = apart.now.consent, apart.joined.consent, apart.own.consent
    said = own if _said(now) == _said(joined) else now
    gpc = own if (now.gpc, now.gpc_ms) == (joined.gpc, joined.gpc_ms) else now
    was_objected = joined.objects, joined.objects_ms
    objects = own if (now.objects, now.objects_ms) == was_objected else now
    return replace(
        said, gpc=gpc.gpc, gpc_ms=gpc.gpc_ms, objects=objects.objects, objects_ms=objects.objects_ms
    )


def _said(one: Consent) -> tuple[object, ...]:
    return one.purposes, one.said_ms, one.text_version, one.source, one.is_assumed


def merge_placed(one: PersonState, other: PersonState, name: str) -> object:
    """What stands longer, of each placement, with what both need."""
    found = dict(one.placed)
    for placement, mine in other.placed.items():
        theirs = found.get(placement, mine)
        needs = tuple(sorted({*mine.needs, *theirs.needs}))
        until_ms = max(mine.valid_until_ms, theirs.valid_until_ms)
        found[placement] = Placed(until_ms, needs)
    kept = sorted(found, key=lambda name: (found[name].valid_until_ms, name))
    return {name: found[name] for name in kept[-PLACEMENTS_PER_POLICY_MAX:]}


ROOM: Final = Room(
    "consent", on_event=on_event, on_person_event=on_person_event, on_handover=on_handover,
    visit=("consent",),
    person={
        "consent": Kept(merge_consent, "service", split=split_consent),
        "placed": Kept(merge_placed, "service", split=stays),
    },
)  # fmt: skip
