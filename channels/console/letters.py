"""The console's endpoints for dead letters: the newest, all by reason, what mending makes of them, and sending them again."""

from typing import Any, Final

from litestar import Response, get, post

from channels.api.audit_log import Actor
from channels.console.answering import change, look, show
from channels.console.desk import Asked
from channels.console.facts import Facts, Shown
from channels.console.letter_bodies import LETTER_EDITS, LetterEdits


@get("/api/letters")
async def letters(request: Asked) -> Response[Any]:
    """The newest dead letters."""
    return await look(request, "read dead letters", lambda facts: facts.letters())


@get("/api/letters/kinds")
async def kinds(request: Asked) -> Response[Any]:
    """How many there are by reason and topic, over all of the log."""
    return await show(request, "viewer", lambda facts: facts.letter_kinds())


@post("/api/letters/repair", status_code=200)
async def repair(request: Asked) -> Response[Any]:
    """What the edits would make of them; nothing is written but who looked."""

    def made(facts: Facts, actor: Actor, given: LetterEdits) -> Shown:
        return facts.repair_letters(actor, given)

    return await change(request, "operator", LETTER_EDITS, made)


@post("/api/letters/replay", status_code=200)
async def replay(request: Asked) -> Response[Any]:
    """Sends them through the front door, mended, each once."""

    def made(facts: Facts, actor: Actor, given: LetterEdits) -> Shown:
        return facts.replay_letters(actor, given)

    return await change(request, "operator", LETTER_EDITS, made)


LETTER_HANDLERS: Final = [letters, kinds, repair, replay]
