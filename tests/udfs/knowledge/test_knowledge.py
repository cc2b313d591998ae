"""Knowledge by time: an event sees what was in force at its moment, and nothing later."""

from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from models.scorer import ColumnScorer
from schemas.items import Item
from schemas.knowledge import effective_from_ms
from schemas.policy import DEFAULT_POLICY, Policy
from tests.builders import EPOCH, NOON, make_learnt, teach
from udfs.knowledge.knowledge import Knowledge, Known
from udfs.policy.compile_policy import compile_policy

TIMES = range(8)


class Fact(NamedTuple):
    """One record of knowledge, to be applied."""

    kind: str
    time_ms: int
    position: int
    value: Any


def apply(knowledge: Knowledge, fact: Fact) -> None:
    match fact.kind:
        case "item":
            knowledge.add_item(fact.value, fact.position)
        case "policy":
            knowledge.add_policy(str(fact.position), fact.time_ms, fact.position, fact.value)
        case _:
            knowledge.add_model(str(fact.position), fact.time_ms, fact.position, fact.value)


def knowing(facts: list[Fact]) -> Knowledge:
    knowledge = Knowledge()
    for fact in facts:
        apply(knowledge, fact)
    return knowledge


def view(knowledge: Knowledge, time_ms: int) -> object:
    """Everything that can be seen at `time_ms`."""
    return knowledge.at(time_ms), [knowledge.item_at(name, time_ms) for name in "ab"]


times = st.integers(0, len(TIMES) - 1)
items = st.builds(Item, st.sampled_from("ab"), times, is_gone=st.booleans())
POLICIES = [
    compile_policy(one)
    for one in (DEFAULT_POLICY, Policy(), Policy(placements=DEFAULT_POLICY.placements[:1]))
]
SCORERS = [ColumnScorer("one", "item_age"), ColumnScorer("two", "item_age")]
values = st.one_of(
    items.map(lambda item: ("item", item.effective_from_ms, item)),
    st.tuples(st.just("policy"), times, st.sampled_from(POLICIES)),
    st.tuples(st.just("model"), times, st.sampled_from(SCORERS)),
)
facts = st.lists(values, max_size=14).map(
    lambda found: [Fact(kind, time, n, value) for n, (kind, time, value) in enumerate(found)]
)


@given(facts, st.randoms(use_true_random=False))
def test_any_order_of_application_gives_the_same_view(found: list[Fact], chance: Any) -> None:
    expected = [view(knowing(found), time) for time in TIMES]
    knowledge = Knowledge()
    for fact in chance.sample(found, len(found)):
        apply(knowledge, fact)
        view(knowledge, chance.choice(TIMES))
    assert [view(knowledge, time) for time in TIMES] == expected


@given(facts)
def test_applying_a_record_twice_changes_nothing(found: list[Fact]) -> None:
    once, twice = knowing(found), knowing(found + found)
    assert [view(twice, time) for time in TIMES] == [view(once, time) for time in TIMES]


@given(facts, times)
def test_records_in_force_later_change_nothing_now(found: list[Fact], now: int) -> None:
    before = knowing([fact for fact in found if fact.time_ms <= now])
    assert view(knowing(found), now) == view(before, now)


@given(facts, times)
def test_pruning_changes_nothing_at_or_after_its_bound(found: list[Fact], bound: int) -> None:
    kept, pruned = knowing(found), knowing(found)
    pruned.prune(bound)
    later = [time for time in TIMES if time >= bound]
    assert [view(pruned, time) for time in later] == [view(kept, time) for time in later]
    for fact in found:  # read again after a restart
        apply(pruned, fact)
    assert [view(pruned, time) for time in later] == [view(kept, time) for time in later]


def test_effective_from_is_honoured_to_the_millisecond() -> None:
    knowledge = knowing([Fact("policy", 5, 0, POLICIES[0]), Fact("item", 5, 0, Item("a", 5))])
    assert knowledge.at(4) == Known(None, "none", None, 0, 0)
    assert knowledge.item_at("a", 4) is None
    assert knowledge.at(5) == Known(POLICIES[0], "0", None, 5, 0)
    assert knowledge.item_at("a", 5) == Item("a", 5)
    assert knowledge.at(6).catalogue_ms == 5


def test_the_epoch_is_that_of_the_order_and_all_else_that_of_the_event() -> None:
    """An event that comes a little late was decided on after what came before it in the log."""
    knowledge = knowing([Fact("item", NOON, 0, Item("a", NOON))])
    teach(knowledge, make_learnt("a"))
    before_ms = effective_from_ms(EPOCH) - 1
    assert knowledge.at(before_ms).epoch == 0
    late = knowledge.at(before_ms, NOON)
    assert (late.epoch, late.catalogue_ms) == (EPOCH, 0)
    assert knowledge.at(NOON).epoch == EPOCH
