"""What a draft would have decided otherwise: one log, folded by the live policy and by the draft."""

from msgspec.structs import replace

from jobs.fold.fold import FoldRules
from schemas.codec import EVENT
from schemas.limits import MINUTE_MS
from schemas.records import LogRecord
from scripts.audit.what_if import Move, what_if
from scripts.policy.policy_file import read_policy
from tests.builders import NOON, make_event, make_record
from udfs.knowledge.knowledge import Knowledge

LIVE = read_policy("""
placements:
  - {name: bar, event_types: [search_performed], actions: [], fallback: nothing}
  - {name: top, event_types: [search_performed], actions: [], fallback: nothing}
holdout: {share: 0}
actions:
  - id: sale
    kind: offer
    placements: [bar]
    applicability: [{name: searches, when: session.searches_30min >= 2}]
    treatments: [{id: t, content: {title: {en: Sale}}}]
""")
RULES = FoldRules(EVENT.decode, "seed")


def log() -> list[LogRecord]:
    """Three people search twice, one of them from elsewhere."""
    return [
        make_record(
            make_event(
                event_id=f"{visitor}{n}", event_type="search_performed", event_time_ms=NOON + n * MINUTE_MS,
                session_id=f"s-{visitor}", anonymous_id=visitor, query="shoes",
            ),
            n * 3 + at,
        )
        for n in range(2)
        for at, visitor in enumerate(("anna", "bert", "carl"))
    ]  # fmt: skip


def test_the_same_policy_decides_the_same() -> None:
    found = what_if(log(), Knowledge, RULES, (LIVE, LIVE), lambda: False)
    assert (found.events, found.compared, found.differing, found.is_whole) == (6, 12, 0, True)
    assert (found.from_ms, found.to_ms) == (NOON, NOON + MINUTE_MS)
    assert found.moves == []


def test_other_actions_texts_and_places_are_told() -> None:
    sale = LIVE.actions[0]
    sooner = replace(LIVE, actions=(replace(sale, applicability=()),))
    found = what_if(log(), Knowledge, RULES, (LIVE, sooner), lambda: False)
    assert (found.differing, found.differs_in) == (3, {"action": 3})
    assert found.moves == [Move("bar", "nothing", "sale", 3)]
    texts = replace(sale.treatments[0], content={"title": {"en": "Big sale"}})
    louder = replace(LIVE, actions=(replace(sale, treatments=(texts,)),))
    found = what_if(log(), Knowledge, RULES, (LIVE, louder), lambda: False)
    assert (found.differs_in, found.moves) == ({"content": 3}, [])
    fewer = replace(LIVE, placements=LIVE.placements[:1])
    found = what_if(log(), Knowledge, RULES, (LIVE, fewer), lambda: False)
    assert (found.compared, found.only_live, found.only_draft) == (6, 6, 0)


def test_what_time_was_left_for_is_told() -> None:
    left = iter((False, False, True))
    found = what_if(log(), Knowledge, RULES, (LIVE, LIVE), lambda: next(left))
    assert (found.events, found.is_whole) == (2, False)
    nothing = what_if([], Knowledge, RULES, (LIVE, LIVE), lambda: False)
    assert (nothing.events, nothing.compared) == (0, 0)
