"""A session above a rate: folded, not decided on, counted; by event time alone."""

from schemas.codec import EVENT
from schemas.limits import SESSION_BURST
from schemas.state.session import SESSION_CONTEXT, SessionNews, SessionState
from tests.builders import LATENESS_MS, NOON, make_event, make_knowledge, make_record
from udfs.decide import decide
from udfs.knowledge.knowledge import Knowledge
from udfs.session.limit_rate import USUAL_RATE, Rate
from udfs.track_session import track_session


def flood(
    count: int, rate: Rate = USUAL_RATE, gap_ms: int = 0
) -> tuple[list[SessionNews], list[str]]:
    """The news of so many views, `gap_ms` apart."""
    state: SessionState | None = None
    news: list[SessionNews] = []
    counts: list[str] = []
    for n in range(count):
        event = make_event(
            event_id=f"e{n}", event_type="product_viewed", item_ids=["i1"],
            event_time_ms=NOON + n * gap_ms, placements=["home"],
        )  # fmt: skip
        record = make_record(event, n)
        told = track_session(state, record, EVENT.decode, Knowledge(), LATENESS_MS, rate)
        state = told.state
        news += told.news
        counts += told.counts
    return news, counts


def test_what_is_beyond_the_burst_is_folded_and_counted() -> None:
    news, counts = flood(SESSION_BURST + 30)
    assert [one.is_over_rate for one in news] == [False] * SESSION_BURST + [True] * 30
    assert counts.count("over_rate") == 30
    assert counts.count("events") == SESSION_BURST + 30
    assert SESSION_CONTEXT.decode(news[-1].context).event_count == SESSION_BURST + 30


def test_nothing_is_decided_on_it_and_its_person_learns_of_it() -> None:
    knowledge, state, made = make_knowledge(), None, 0
    for one in flood(6, Rate(1, 4))[0]:
        result = decide(state, one, knowledge, "seed")
        state, made = result.state, made + bool(result.decisions)
    assert made == 4
    assert state is not None
    assert state.event_count == 6


def test_at_the_rate_everything_is_decided_on_for_ever() -> None:
    assert "over_rate" not in flood(500, Rate(20, 1), gap_ms=50)[1]
    assert flood(500, Rate(20, 1), gap_ms=25)[1].count("over_rate") == 249


def test_after_a_rest_the_burst_is_there_again() -> None:
    assert flood(10, Rate(1, 5), gap_ms=10_000)[1].count("over_rate") == 0
    assert flood(10, Rate(1, 5))[1].count("over_rate") == 5


def test_a_rate_of_nothing_is_none() -> None:
    assert "over_rate" not in flood(1_000, Rate(0, 1))[1]
