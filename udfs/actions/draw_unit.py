"""The unit of a person's arms and holdout: an id that stays what it was, whatever the person is called later.

An identified person takes over the unit of the anonymous visitor that they were when they first came, and keeps it:
signing in changes no arm, for as long as the profile is kept. Of two anonymous devices of one person one may change its arm; that is counted.
"""

from schemas.policy import Policy
from schemas.state.person import PersonState, Unit
from schemas.state.session import SessionNews
from udfs.actions.assign_arms import assign_arms, is_held_out


def unit_of(state: PersonState | None, news: SessionNews) -> Unit:
    """The unit of the person whose state this is, as of the news."""
    if state is None:
        return told_unit(news)
    if state.unit is not None:
        return state.unit
    # a state of before units: its arms were drawn from the id that it has
    return Unit(news.person, state.is_identified, state.first_ms)


def told_unit(news: SessionNews) -> Unit:
    """What the news say by themselves: the visitor's anonymous id, and whether that is a person by now."""
    said = news.event or news.summary
    anonymous_id = said.anonymous_id if said is not None else news.person
    is_identified = news.is_member or anonymous_id != news.person
    return Unit(anonymous_id, is_identified, news.order_ms)


def merge_units(one: Unit, other: Unit) -> Unit:
    """The one that stays where two people turn out to be one: identified beats anonymous, then the earlier, then the id.

    Commutative, associative, idempotent.
    """
    return min(one, other, key=lambda unit: (not unit.is_identified, unit.first_ms, unit.id))


def changes_arm(policy: Policy, one: Unit, other: Unit, at_ms: int) -> bool:
    """Whether who was `other` sees something else as `one` at this time. An arm of their session is the same for both."""
    mine, others = (
        (
            is_held_out(policy.holdout, unit.id, at_ms),
            assign_arms(policy.experiments, unit.id, "", at_ms),
        )
        for unit in (one, other)
    )
    return mine != others
