"""Answerer: asks engine and store within the budget, and lets the ladder choose."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from channels.api.bodies import Answer
from channels.api.breaker import Breaker
from channels.api.compose_answer import Found, Setting, Wanted, answer_of
from channels.api.decision_stream import Read
from channels.api.event_log import Delivery, LogUnavailable
from channels.api.event_of_request import Ask
from channels.api.kept_decisions import cause_of
from channels.api.knowledge import first_available
from channels.api.ladder import choose
from channels.api.lower_rungs import LowerRungs, look_lower
from channels.api.services import Services
from channels.api.vouch import to_be_logged
from schemas.decisions import Decision
from schemas.events import Event

WAITING_MAX: Final = 256
"""Decisions waited for at once. Beyond that the engine is behind, and answers do without waiting."""
LAG_SHARE_MAX: Final = 0.5
"""A loop that is later than this share of the budget has more to do than it can: nobody waits then."""
LAG_EVERY_S: Final = 0.02
HEDGE_SHARE: Final = 0.4
"""After this share of the budget the other rungs are looked at, too, so that they are at hand at its end."""
GRACE_S: Final = 0.02
"""For the store where there was no budget to wait, or it has run out."""
FAILURES_MAX: Final = 5
REST_S: Final = 1.0


class Answered(NamedTuple):
    """An answer for each of `wanted`, the events on their way to Kafka (None: it takes none), whether they are there."""

    answers: tuple[Answer, ...]
    delivery: Delivery | None
    is_logged: bool


class Answerer:
    """Answers always, and within the budget: see `channels/api/ladder.py` for what is preferred."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.engine = Breaker(FAILURES_MAX, REST_S)
        self.lag_s = 0.0
        services.decisions.on_decision.append(self._look_at)

    async def answer(self, ask: Ask) -> Answered:
        """Logs the events, waits for their decisions if that may help, and chooses."""
        begun_s = time.monotonic()
        services = self._services
        stream = services.decisions
        cause = ask.cause
        causes = [cause_of(cause, one.placement) for one in ask.wanted] if cause else []
        expected = {one: stream.expect(one) for one in causes}
        delivery = None
        try:
            why_not = self._why_not_wait(ask)
            try:
                delivery = self._log(ask.events)
            except LogUnavailable:
                why_not = why_not or "Kafka takes no events at the moment."
            rungs = await self._wait(
                ask, list(expected.values()), begun_s, is_held_back=bool(why_not)
            )
            fresh = {
                placement: future.result()
                for (_, _, placement), future in expected.items()
                if future.done() and not future.cancelled()
            }
        finally:
            for one, future in expected.items():
                stream.forget(one, future)
        why_not = why_not or f"The engine did not decide within {ask.budget_ms} ms."
        answers = tuple(self._choose(ask, one, fresh, rungs, why_not) for one in ask.wanted)
        took_s = time.monotonic() - begun_s
        for answer in answers:
            services.measures.count("kairos_api_answers_total", source=answer.source)
            services.measures.observe("kairos_api_answer_seconds", took_s, source=answer.source)
        is_logged = not ask.events or (delivery is not None and delivery.is_there)
        return Answered(answers, delivery, is_logged)

    def told(self, decision: Decision) -> Answer:
        """A decision as it was just made, for those who listen."""
        setting = self._setting(time.time_ns() // 1_000_000)
        because = "The engine has just decided it."
        wanted = Wanted(decision.placement)
        return answer_of(decision, decision.items, "fresh", because, wanted, setting)

    async def watch_lag(self) -> None:
        """Measures for ever how late the loop is."""
        while True:
            due_s = time.monotonic() + LAG_EVERY_S
            await asyncio.sleep(LAG_EVERY_S)
            self.lag_s = max(time.monotonic() - due_s, self.lag_s * 0.7)

    def _look_at(self, read: Read) -> None:
        """An engine that decides in time is there, whoever asked it. Called in the stream's thread."""
        sent_ms = read.decision.sent_at_ms
        if self.engine.is_open and sent_ms is not None:
            age_ms = time.time_ns() // 1_000_000 - sent_ms
            if 0 <= age_ms <= self._services.budget_ms:
                self.engine.succeeded()

    def _log(self, events: Sequence[Event]) -> Delivery | None:
        if not events:
            return None
        services = self._services
        logged = to_be_logged(events, services.decisions.find_id)
        delivery = services.log.send(logged.events, is_page=logged.is_page)
        delivery.done.add_done_callback(lambda _: self._logged(delivery, events))
        return delivery

    def _logged(self, delivery: Delivery, events: Sequence[Event]) -> None:
        services = self._services
        if not delivery.is_there:
            services.log.breaker.failed(time.monotonic())
            services.measures.count("kairos_api_events_total", len(events), outcome="failed")
            return
        services.log.breaker.succeeded()
        services.measures.count("kairos_api_events_total", len(events), outcome="accepted")
        for event in events:
            services.visitors.remember_logged(event)

    def _why_not_wait(self, ask: Ask) -> str:
        """Why not to wait for the engine; empty = do. The reasons are the caller's to read."""
        count = self._services.measures.count
        if ask.cause is None:
            return "There was no session to decide on."
        if ask.budget_ms == 0:
            return "There was no time to wait for the engine."
        is_too_much = (
            self._services.decisions.waiting > WAITING_MAX
            or self.lag_s * 1_000 > ask.budget_ms * LAG_SHARE_MAX
        )
        log = self._services.log
        # the one attempt that is let through is not for somebody who does not wait
        if log.is_down and (is_too_much or not log.breaker.allows(time.monotonic())):
            count("kairos_api_waits_total", outcome="held_back")
            return "Kafka has not been taking events."
        if not self._services.decisions.is_connected:
            count("kairos_api_waits_total", outcome="held_back")
            return "Kafka has not been answering."
        if is_too_much:
            count("kairos_api_waits_total", outcome="shed")
            return "Too much is asked at once to wait for the engine."
        if not self.engine.allows(time.monotonic()):
            count("kairos_api_waits_total", outcome="held_back")
            return "The engine has not been deciding in time."
        return ""

    async def _wait(
        self,
        ask: Ask,
        expected: "list[asyncio.Future[Decision]]",
        begun_s: float,
        *,
        is_held_back: bool,
    ) -> LowerRungs | None:
        """Waits for the engine; what the other rungs have, where it did not decide everything."""
        if expected and all(one.done() for one in expected):
            return None
        budget_s = ask.budget_ms / 1_000
        end_s = begun_s + budget_s
        if not is_held_back:
            await asyncio.wait(
                expected, timeout=begun_s + budget_s * HEDGE_SHARE - time.monotonic()
            )
            if all(one.done() for one in expected):
                self._ended(is_fresh=True)
                return None
        left_s = max(end_s - time.monotonic(), GRACE_S)
        looking = asyncio.create_task(look_lower(self._services, ask, left_s))
        if is_held_back:
            return await looking
        await asyncio.wait(expected, timeout=max(0.0, end_s - time.monotonic()))
        if all(one.done() for one in expected):
            looking.cancel()
            self._ended(is_fresh=True)
            return None
        rungs = await looking
        if not self._is_repeat(ask, rungs):
            self._ended(is_fresh=any(one.done() for one in expected), is_sure=self._is_sure(ask))
        return rungs

    def _ended(self, *, is_fresh: bool, is_sure: bool = True) -> None:
        outcome = "fresh" if is_fresh else "timed_out"
        self._services.measures.count("kairos_api_waits_total", outcome=outcome)
        if is_fresh:
            self.engine.succeeded()
        elif is_sure:
            self.engine.failed(time.monotonic())

    def _is_sure(self, ask: Ask) -> bool:
        """Whether the engine decides these placements in any case: its silence tells that it is behind."""
        version = self._services.knowledge.policy_at(time.time_ns() // 1_000_000)
        names = {one.placement for one in ask.wanted}
        asked = [one for one in version.policy.placements if one.name in names] if version else []
        return bool(asked) and all(one.when is None for one in asked)

    def _is_repeat(self, ask: Ask, rungs: LowerRungs) -> bool:
        """Whether the event had been decided long ago: the engine is then silent for a good reason."""
        cause = ask.cause
        return cause is not None and any(_is_on(one, cause) for one in rungs.recent.values())

    def _choose(
        self,
        ask: Ask,
        wanted: Wanted,
        fresh: Mapping[str, Decision],
        rungs: LowerRungs | None,
        why_not: str,
    ) -> Answer:
        services, now_ms = self._services, time.time_ns() // 1_000_000
        decided = fresh.get(wanted.placement)
        recent = rungs.recent.get(wanted.placement) if rungs else None
        session_id = ask.session_id or (recent.session_id if recent else "")
        visitor = services.visitors.find(session_id)
        if decided is None and recent and ask.cause and _is_on(recent, ask.cause):
            decided = recent  # the event had been sent before, and this is what was decided on it
        found = Found(
            fresh=decided,
            recent=recent,
            why_not_fresh=why_not,
            why_not_recent=rungs.why_not_recent if rungs else "",
            category=rungs.category if rungs else "",
            trending_in_category=rungs.in_category if rungs else (),
            trending=rungs.everywhere if rungs else (),
            avoid=frozenset(visitor.avoided) if visitor else frozenset(),
            seen=visitor.item_id if visitor else "",
            session_id=ask.session_id or ask.person or "",
            language=visitor.language if visitor else "",
            refused=frozenset(visitor.refused) if visitor else frozenset(),
        )
        return choose(wanted, found, self._setting(now_ms, found.refused))

    def _setting(self, now_ms: int, refused: frozenset[str] = frozenset()) -> Setting:
        knowledge = self._services.knowledge
        version = knowledge.policy_at(now_ms)
        snapshot = knowledge.snapshot
        withheld = version.policy.suppression.sensitive if version else ()
        return Setting(
            now_ms,
            version.policy if version else None,
            version.version if version else "none",
            snapshot.catalogue_ms,
            lambda item_id: knowledge.item_at(item_id, now_ms),
            lambda count, passed: first_available(snapshot, count, passed, withheld, refused),
            self._services.say,
            version.in_arms if version else None,
        )


def _is_on(decision: Decision, event: Event) -> bool:
    """Whether the decision was made on this event."""
    return cause_of(decision, decision.placement) == cause_of(event, decision.placement)
