"""What the endpoints work with, in the state of the application that they belong to."""

from typing import Any, Final, NamedTuple

from litestar import Request

from channels.api.answers import Answerer
from channels.api.explaining import Explaining
from channels.api.services import Services

OURS: Final = "kairos"
"""Under this name it lies there."""

Asked = Request[Any, Any, Any]


class AppState(NamedTuple):
    """Made once, by `build_app`."""

    services: Services
    answerer: Answerer
    explaining: Explaining


def state_of(request: Asked) -> AppState:
    """What was made for the application that is asked."""
    found: AppState = request.app.state[OURS]
    return found


def services_of(request: Asked) -> Services:
    """Its services alone."""
    return state_of(request).services
