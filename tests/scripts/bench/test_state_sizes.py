"""The bytes of a person: made-up people of all kinds, and what is counted of them."""

from jobs.fold.fold import Fold, FoldRules
from schemas.codec import EVENT
from schemas.events import Event
from schemas.limits import DAY_MS
from schemas.state.person import PERSON_STATE
from scripts.bench.setting import bench_knowledge
from scripts.bench.state_sizes import END_MS, Sizes, logged, sizes_in, spread, visits_of

ITEMS = 50


def folded(events: list[Event]) -> Fold:
    fold = Fold(bench_knowledge(ITEMS), FoldRules(EVENT.decode, "seed", end_ms=END_MS))
    for _ in fold.run(logged(events)):
        pass
    return fold


def viewed(time_ms: int, session: str) -> Event:
    return Event(
        f"{session}-{time_ms}", "product_viewed", time_ms, session, "a", item_ids=("item-1",)
    )


def test_a_profile_is_as_large_as_its_bytes_and_old_visits_are_forgotten() -> None:
    fold = folded([viewed(END_MS - 20 * DAY_MS, "s")])
    sizes = sizes_in(fold)
    (state,) = fold.persons.values()
    assert sizes == Sizes(len(PERSON_STATE.encode(state)), 0, 0)


def test_what_a_visit_remembers_to_tell_repeats_is_counted_apart() -> None:
    one = sizes_in(folded([viewed(END_MS - DAY_MS, "s")]))
    more = sizes_in(folded([viewed(END_MS - DAY_MS + at, "s") for at in range(10)]))
    assert 0 < one.deduplication < more.deduplication
    assert one.visits > 0


def test_people_are_of_all_kinds_and_always_the_same() -> None:
    people = [list(visits_of(number, ITEMS)) for number in range(200)]
    assert people[:3] == [list(visits_of(number, ITEMS)) for number in range(3)]
    visits = [len({event.session_id for event in events}) for events in people]
    assert min(visits) == 1
    assert max(visits) > 20
    signed_in = [any(event.person_id for event in events) for events in people]
    assert 0.1 < sum(signed_in) / len(people) < 0.5
    assert max(event.event_time_ms for events in people for event in events) < END_MS


def test_half_a_hundredth_and_the_largest() -> None:
    spreads = {one.part: one for one in spread([Sizes(at, 2 * at, 7) for at in range(101)])}
    assert spreads["profile"][1:5] == (50, 99, 100, 50.0)
    assert spreads["both"][1:5] == (150, 297, 300, 150.0)
    assert spreads["deduplication of sessions"][1:5] == (7, 7, 7, 7.0)
    assert spreads["profile"].gib_per_million == "0.05"
