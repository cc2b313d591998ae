"""The console's endpoints for what decisions earn: experiments and business; sums over people, so nobody is looked at."""

from typing import Annotated, Any, Final

from litestar import Response, get
from litestar.params import QueryParameter

from channels.console.answering import show
from channels.console.desk import Asked

Asking = Annotated[str, QueryParameter(max_length=500)]


@get("/api/experiments")
async def experiments(request: Asked) -> Response[Any]:
    """What to do about each experiment, and why."""
    return await show(request, "viewer", lambda facts: facts.experiments())


@get("/api/business")
async def business(request: Asked, by: Asking = "all", value: Asking = "") -> Response[Any]:
    """The KPIs by day, against the holdout."""
    return await show(request, "viewer", lambda facts: facts.business(by, value))


OUTCOME_HANDLERS: Final = [experiments, business]
