"""What remains of a session when it ends."""

from schemas.limits import SESSION_MEMORY_ITEMS
from schemas.state.session import SessionContext, SessionSummary
from udfs.facts.cart import value_of


def summarise_session(
    context: SessionContext, session_id: str, anonymous_id: str, closed_ms: int
) -> SessionSummary:
    """The summary of a session that was closed at `closed_ms`.

    A cart is abandoned if more carts were filled than bought, whatever became of them.
    """
    bought = context.tallies.get("purchase_completed")
    return SessionSummary(
        session_id=session_id,
        number=context.number,
        anonymous_id=anonymous_id,
        started_ms=context.started_ms,
        ended_ms=context.last_ms,
        closed_ms=closed_ms,
        event_count=context.event_count,
        item_count=context.item_count,
        tallies=context.tallies,
        cart_created=context.cart_created,
        cart_emptied=context.cart_emptied,
        is_cart_abandoned=context.cart_created > (bought.count if bought else 0),
        cart_value=value_of(context.cart),
        funnel=context.funnel,
        back_navigations=context.back_navigations,
        repeated_searches=max(context.queries.values(), default=1) - 1,
        rage_clicks=context.rage_clicks,
        help_ms=context.help_ms,
        cart_created_first_ms=context.cart_created_first_ms,
        cart_created_last_ms=context.cart_created_last_ms,
        item_ids=tuple(context.items)[-SESSION_MEMORY_ITEMS:],
    )
