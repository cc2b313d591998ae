"""Orders in which live may have taken a person's news, tried around a decision or a claim that does not come out as logged.

A few of another session's events that lie next to it, or the ends of sessions before it, are put on its other side.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Final, NamedTuple

from jobs.audit.live_person import Person, Step
from jobs.audit.made_again import Act, Play, is_claim
from schemas.state.inputs import Transfer
from udfs.inputs import PersonInput

NEAR: Final = 12
"""News before and after a decision that may have come on its other side."""
MOVED_MAX: Final = 4
"""News of one session that is moved at once."""


class GivenOtherwise(NamedTuple):
    """What a visitor gives in another order: instead of their last `steps` these acts, and then these ends are held back."""

    transfer: Transfer
    steps: int
    acts: list[Act]
    held: list[PersonInput] | None


def after_held(play: Play, person: Person, kept: bytes, news: PersonInput) -> list[Act] | None:
    """The held ends taken before it, all or the first of them, if its decisions come out as logged so."""
    held = person.held or []
    for count in range(len(held), 0, -1):
        if not person.may_try():
            break
        acts = play.line(kept, [*held[:count], news])
        if not acts[-1].step.differing:
            del held[:count]
            return acts
    return None


def after_later(play: Play, person: Person, kept: bytes, news: PersonInput) -> list[Act] | None:
    """What comes after it taken before it, if its decisions come out as logged so."""
    for later in runs(play, islice(person.coming, NEAR), news):
        if not person.may_try():
            break
        acts = play.line(kept, [*later, news])
        if not any(act.step.differing for act in acts):
            for one in later:
                person.coming.remove(one)
            return acts
    return None


def before_earlier(play: Play, person: Person, news: PersonInput) -> list[Act] | None:
    """What came before it left for after it, if its decisions come out as logged so."""
    done = list(person.done)
    for early, first, again in _without_early(play, done, news):
        if not person.may_try():
            break
        acts = play.line(done[first].before, [*again, news])
        if acts[-1].step.differing or is_worse(acts, done[first:]):
            continue
        person.step_back(len(done) - first)
        if all(one.kind == "ended" for one in early):
            person.held = [*reversed(early), *(person.held or ())]
        else:
            person.coming.extendleft(early)
        return acts
    return None


def given_otherwise(play: Play, giver: Person, transfer_id: bytes) -> Iterator[GivenOtherwise]:
    """What the visitor may have given as well, where nothing else of theirs comes out worse."""
    done = list(giver.done)
    at = next((n for n, one in enumerate(done) if is_claim(one.news, transfer_id)), None)
    if at is None or not giver.is_simultaneous:
        return
    for first, line, held in _other_lines(play, giver, done, at):
        acts = play.line(done[first].before, line)
        if is_worse(acts, done[first:]):
            continue
        given = next(one for act in acts for one in act.gave if one.transfer_id == transfer_id)
        yield GivenOtherwise(given, len(done) - first, acts, held)


def _other_lines(
    play: Play, giver: Person, done: list[Step], at: int
) -> Iterator[tuple[int, list[PersonInput], list[PersonInput] | None]]:
    """From which step on what is taken instead, around the claim at `at`, and which ends are held back behind it."""
    claim, later = done[at].news, [one.news for one in done[at + 1 :]]
    held = giver.held or []
    found = [one for one in held if one.order_ms <= claim.order_ms]
    for count in range(len(found), 0, -1):
        before = found[:count]
        yield at, [*before, claim, *later], [one for one in held if one not in before]
    for early, first, again in _without_early(play, done[:at], claim):
        if all(one.kind == "ended" for one in early):
            yield first, [*again, claim, *later], [*reversed(early), *held]
        else:
            yield first, [*again, claim, *reversed(early), *later], giver.held
    for run in runs(play, later[:NEAR], claim):
        yield at, [*run, claim, *(one for one in later if one not in run)], giver.held


def _without_early(
    play: Play, done: list[Step], news: PersonInput
) -> Iterator[tuple[list[PersonInput], int, list[PersonInput]]]:
    """What may have come later than `news`, the newest first; from which step on; and what was taken since then without it."""
    line = [one.news for one in reversed(done)]
    for early in chain(runs(play, line[:NEAR], news), _ends(line, news)):
        first = next(n for n, one in enumerate(done) if one.news is early[-1])
        yield early, first, [one.news for one in done[first:] if one.news not in early]


def is_worse(acts: Iterable[Act], before: Iterable[Step]) -> bool:
    """Whether something differs that did not."""
    known = frozenset[str]().union(*(one.differing for one in before))
    return any(one.step.differing - known for one in acts)


def runs(play: Play, line: Iterable[PersonInput], news: PersonInput) -> Iterator[list[PersonInput]]:
    """The nearest news of each other session, one, two … of them, none with a logged decision."""
    found: dict[str, list[PersonInput]] = {}
    closed = {news.session_id}
    for one in line:
        if one.session_id in closed:
            continue
        run = found.setdefault(one.session_id, [])
        if play.is_decided(one) or len(run) == MOVED_MAX:
            closed.add(one.session_id)
            continue
        run.append(one)
        yield list(run)


def _ends(line: Iterable[PersonInput], news: PersonInput) -> Iterator[list[PersonInput]]:
    """The nearest ends of other sessions that were not heard of again, one, two … of them."""
    heard = {news.session_id}
    found: list[PersonInput] = []
    for one in line:
        if one.kind == "ended" and one.session_id not in heard:
            found.append(one)
            yield list(found)
        heard.add(one.session_id)
