"""What came of decisions, for who writes to people and wants to know whether to go on."""

from typing import Final

import msgspec
from litestar import get

from channels.api.app_state import Asked, services_of
from channels.api.bodies import OutcomeOut, OutcomesOut
from channels.api.declaring import LOOK, PLAIN, Person, problems
from channels.api.doorway import visit_of
from channels.api.explaining import note_look
from channels.api.log_events import now_ms
from channels.api.problems import ApiError
from channels.api.requests import caller_of, id_in_path
from channels.api.store_reader import StoreUnavailable
from schemas.errors import ConfigError

READ: Final = "read outcomes"
"""What a look at them is called in the audit log."""
TIMEOUT_S: Final = 1.0
AGAIN_S: Final = 5.0


@get(
    "/v1/outcomes/{person:str}",
    tags=[LOOK],
    summary="What came of a person's decisions",
    responses=problems(*PLAIN, 503),
)
async def outcomes(request: Asked, person: Person) -> OutcomesOut:
    """Of the last 30 days at most 256, the newest first; what was taken back is not among them. A server that reads them stands in the audit log."""
    services = services_of(request)
    caller = caller_of(services, request)
    person = id_in_path(person, "a person")
    if not services.access.may_read_person(caller, person):
        raise ApiError(403, "this key may not read what came of this person's decisions")
    address = str(visit_of(request).address)

    def looked() -> None:
        note_look(services, caller, address, READ, person, {})

    try:
        found = await services.store.outcomes(person, now_ms(), TIMEOUT_S, looked)
    except StoreUnavailable as error:
        raise ApiError(503, "the store does not answer", retry_after_s=AGAIN_S) from error
    except ConfigError as error:
        raise ApiError(503, str(error), retry_after_s=AGAIN_S) from error
    return OutcomesOut(msgspec.convert(found, tuple[OutcomeOut, ...], from_attributes=True))
