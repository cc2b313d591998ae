"""What ranks without a model: each visitor sees what their visit is about, and a policy names another order where it wants one."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
import pytest

from jobs.fold.fold import Fold, FoldRules
from jobs.fold.learner import Learner
from models.ranker import XgboostRanker
from models.scorer import ColumnScorer, Scorer, WeightedScorer
from models.vectors import ItemVectors, VectorTable
from schemas.codec import EVENT
from schemas.decisions import Decision, DecisionTrace, Versions
from schemas.errors import ConfigError
from schemas.events import Event
from schemas.items import Item
from schemas.limits import MINUTE_MS, RANKERS_MAX
from schemas.policy import IMPERSONAL, MODEL, RANKER, Policy
from schemas.state.person import PersonState
from tests.builders import NOON, make_event, make_record
from tests.models.made import booster_of
from udfs.facts.features import FEATURE_SPACE
from udfs.items.orders import ORDERS
from udfs.items.retrieve_candidates import found_by_query
from udfs.knowledge.knowledge import NO_OTHERS, Knowledge
from udfs.moment import NOBODY, Moment
from udfs.policy.compile_policy import compile_policy

SHOES: Final = tuple(f"shoe{n}" for n in range(12))
PANS: Final = tuple(f"pan{n}" for n in range(12))
ITEMS: Final = (
    *(Item(one, 0, f"Running shoe {one[4:]}", "Shop/Shoes", tags=("run",)) for one in SHOES),
    *(Item(one, 0, f"Frying pan {one[3:]}", "Shop/Kitchen") for one in PANS),
)
HOME: Final[dict[str, Any]] = {"name": "home", "size": 8}


def does(person: str, minute: float, kind: str, *items: str, **fields: Any) -> Event:
    return make_event(
        event_id=f"{person}-{minute}-{kind}", event_type=kind, event_time_ms=NOON + round(minute * MINUTE_MS), session_id=person,
        anonymous_id=person, item_ids=items, consent=["personalisation", "analytics"], **fields,
    )  # fmt: skip


def others(count: int = 40) -> list[Event]:
    """An hour in which everybody looks at pans."""
    return [does(f"other{n}", -60 + n, "product_viewed", PANS[n % 12]) for n in range(count)]


def decided(
    *events: Event, models: Mapping[str, Scorer] = NO_OTHERS, **policy: Any
) -> list[tuple[Decision, DecisionTrace]]:
    knowledge = Knowledge()
    for name, scorer in models.items():
        knowledge.add_model(scorer.version, 0, 0, scorer, name)
    said = {"placements": [HOME], "holdout": {"share": 0.0}} | policy
    knowledge.add_policy("p", 0, 0, compile_policy(msgspec.convert(said, Policy)))
    for position, item in enumerate(ITEMS):
        knowledge.add_item(item, position)
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"), Learner())
    log = [make_record(one, n) for n, one in enumerate(sorted(events, key=lambda e: e.event_time_ms))]  # fmt: skip
    return [made for step in fold.run(log) for made in step.decisions if made[0].person == "me"]


def looks(*items: str) -> list[Event]:
    return [does("me", n, "product_viewed", one) for n, one in enumerate(items)]


def asks(minute: float = 10, **fields: Any) -> Event:
    return does("me", minute, "page_viewed", placements=["home"], **fields)


def ids(made: tuple[Decision, DecisionTrace]) -> list[str]:
    return [one.item_id for one in made[0].items]


@pytest.mark.parametrize("has_others", [False, True])
def test_who_looks_at_three_shoes_sees_shoes(has_others: bool) -> None:
    """On the first day, and where everybody else looks at pans."""
    crowd = others() if has_others else []
    (made,) = decided(*crowd, *looks("shoe1", "shoe4", "shoe7"), asks())
    assert made[0].versions.model == "cold_start"
    assert set(ids(made)) <= {*SHOES}
    assert len(ids(made)) == 8


def test_who_is_new_sees_what_everybody_looks_at() -> None:
    (made,) = decided(*others(), asks())
    assert ids(made)[0] in PANS


def test_a_page_of_a_category_is_about_it_from_the_first_event_on() -> None:
    (made,) = decided(*others(), asks(category="Shop/Shoes"), placements=[HOME | {"rank_by": "popular_in_category"}])  # fmt: skip
    assert set(ids(made)[:3]) <= {*SHOES}


def test_what_past_visits_went_on_with_comes_first() -> None:
    past = [
        does(f"past{n}", -50 + n + k / 10, "product_viewed", one)
        for n in range(6)
        for k, one in enumerate(("shoe1", "pan5"))
    ]
    (made,) = decided(*past, *looks("shoe1"), asks(1))
    assert ids(made)[0] == "pan5"


def test_a_callers_list_is_what_was_touched_last_then_as_it_was_given() -> None:
    listed = [{"item_id": one} for one in ("pan1", "shoe4", "pan2", "shoe1", "pan0")]
    asking = does("me", 9, "ranking_requested", candidates=listed, placements=["list"])
    (made,) = decided(*others(), *looks("shoe1", "shoe4"), asking, placements=[{"name": "list", "suppress": False}])  # fmt: skip
    assert made[0].versions.model == "last_touched"
    assert ids(made) == ["shoe4", "shoe1", "pan1", "pan2", "pan0"]


# --- by name --------------------------------------------------------------------------------------


def test_a_policy_names_an_order_or_a_model_and_is_told_what_looks_like_another() -> None:
    for name in (MODEL, RANKER, *ORDERS, "challenger"):
        policy = msgspec.convert({"placements": [HOME | {"rank_by": name, "event_types": ["page_viewed"]}]}, Policy)  # fmt: skip
        assert compile_policy(policy).warnings == ()
    assert {*ORDERS} > IMPERSONAL
    typed = msgspec.convert({"placements": [HOME | {"rank_by": "cold_strat"}]}, Policy)
    said = [one.message for one in compile_policy(typed).warnings if one.path[-1] == "rank_by"]
    assert said == ["'cold_strat' is the name of a model that somebody publishes: 'cold_start' is meant?"]  # fmt: skip
    for wrong in ("", "Best one", "x" * 33):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"placements": [HOME | {"rank_by": wrong}]}, Policy)


def test_every_order_reads_features_that_there_are() -> None:
    assert all(name in FEATURE_SPACE.places for order in ORDERS.values() for name in order.names)


@pytest.mark.parametrize("name", sorted(ORDERS))
def test_a_placement_ranks_by_what_it_names(name: str) -> None:
    (made,) = decided(*others(), *looks("shoe1"), asks(), placements=[HOME | {"rank_by": name}])
    assert made[0].versions.model == name


def test_an_arm_ranks_by_another_order_and_says_so() -> None:
    arms = [
        {"name": "as_is", "share": 0.0},
        {"name": "popular", "share": 1.0, "changes": {"placements": {"home": {"rank_by": "popularity"}}}},
    ]  # fmt: skip
    (made,) = decided(*others(), *looks("shoe1"), asks(), experiments=[{"name": "e", "arms": arms}])
    assert made[0].arm == {"e": "popular"}
    assert made[0].versions.model == "popularity"
    assert set(ids(made)) <= {*PANS}


CHAMPION: Final = ColumnScorer("m1", "item_interest")
CHALLENGER: Final = ColumnScorer("m2", "item_interest", sign=-1.0)


@pytest.mark.parametrize(
    ("models", "ranked_by"),
    [
        ({"ranker": CHAMPION, "challenger": CHALLENGER}, "m2"),
        ({"ranker": CHAMPION, "another": CHALLENGER}, "m1"),
        ({"challenger": CHALLENGER}, "m2"),
        ({}, "cold_start"),
    ],
)
def test_an_arm_ranks_by_a_model_of_its_own_or_as_the_others_until_there_is_one(
    models: dict[str, Scorer], ranked_by: str
) -> None:
    changes = {"placements": {"home": {"rank_by": "challenger"}}}
    arms = [{"name": "as_is", "share": 0.0}, {"name": "new", "share": 1.0, "changes": changes}]
    tried = [{"name": "e", "arms": arms}]
    (made,) = decided(*others(), *looks("shoe1"), asks(), models=models, experiments=tried)
    assert (made[0].arm, made[0].versions.model) == ({"e": "new"}, ranked_by)


def test_who_is_not_in_the_arm_is_ranked_by_the_model_in_force() -> None:
    models = {"ranker": CHAMPION, "challenger": CHALLENGER}
    (made,) = decided(*others(), *looks("shoe1"), asks(), models=models)
    assert made[0].versions.model == "m1"


def test_a_decision_is_made_again_by_the_model_that_it_names() -> None:
    """Whatever is in force by its time; the models that it does not name are those of its time."""
    knowledge = Knowledge()
    for number, (name, scorer) in enumerate([("ranker", CHAMPION), ("challenger", CHALLENGER), ("challenger", CHAMPION)]):  # fmt: skip
        knowledge.add_model(scorer.version, NOON * (number == 2), number, scorer, name)
    known = knowledge.at(NOON)
    assert (known.scorer, known.others) == (CHAMPION, {"challenger": CHAMPION})
    for version, champion, others in (
        ("m2", CHAMPION, {"challenger": CHALLENGER}),
        ("m1", CHAMPION, {"challenger": CHAMPION}),
        ("cold_start", None, {"challenger": CHAMPION}),
    ):
        _, found = knowledge.named(known, Versions("p", version, 0, 0, "c"))
        assert (found.scorer, found.others) == (champion, others)
    knowledge.prune(NOON)
    assert knowledge.at(NOON - 1).others == {}


def test_a_model_that_was_trained_with_vectors_finds_what_is_alike() -> None:
    """By its own: what lies near the item that was looked at, and behind it nothing."""
    rows = np.array([[1.0, 0.0], [0.9, 0.1], [-1.0, 0.0]], np.float16).tobytes()
    table = VectorTable(dimensions=2, item_ids=("shoe1", "pan5", "pan6"), rows=rows)
    booster = booster_of(FEATURE_SPACE.count)
    for vectors, found in ((ItemVectors(table, "m"), {"pan5"}), (None, set())):
        model = XgboostRanker("m", booster, FEATURE_SPACE.names, None, vectors)
        (made,) = decided(*looks("shoe1"), asks(), models={RANKER: model})
        assert {one.item_id for one in made[1].candidates if one.source == "alike"} == found


def test_only_so_many_models_have_names() -> None:
    knowledge = Knowledge()
    for number in range(RANKERS_MAX):
        knowledge.add_model("m1", 0, number, CHAMPION, f"m{number}")
    with pytest.raises(ConfigError, match="names already"):
        knowledge.add_model("m1", 0, 99, CHAMPION, "one-more")
    knowledge.add_model("m2", 0, 99, CHALLENGER, "m3")
    assert knowledge.at(0).others["m3"] is CHALLENGER


@pytest.mark.parametrize(
    ("rank_by", "first"), [("popularity", PANS), ("popular_in_category", SHOES)]
)
def test_who_is_held_out_gets_what_all_people_do_by_the_order_that_is_named(
    rank_by: str, first: tuple[str, ...]
) -> None:
    """`popular_in_category` is what a shop does without personalisation: of the category that is being looked at."""
    (made,) = decided(
        *others(), *looks("shoe1"), does("me", 10, "product_viewed", "shoe2", placements=["home"]),
        holdout={"share": 1.0, "rank_by": rank_by},
    )  # fmt: skip
    assert made[0].is_holdout
    assert made[0].versions.model == rank_by
    assert set(ids(made)[:3]) <= {*first}


def test_a_held_out_persons_past_does_not_matter() -> None:
    """Whether they or somebody else looked at it: what all people do is the same."""
    held: dict[str, Any] = {"holdout": {"share": 1.0, "rank_by": "popular_in_category"}}
    asking = does("me", 10, "product_viewed", "shoe2", placements=["home"])
    past = [does("you", n, "product_viewed", one) for n, one in enumerate(("pan1", "shoe1", "pan3"))]  # fmt: skip
    (one,) = decided(*others(), *looks("pan1", "shoe1", "pan3"), asking, **held)
    (other,) = decided(*others(), *past, asking, **held)
    assert ids(one) == ids(other)


def test_a_score_is_the_sum_of_what_its_features_add() -> None:
    order = ORDERS["cold_start"]
    assert isinstance(order, WeightedScorer)
    (made,) = decided(*others(), *looks("shoe1", "shoe4"), asks(3))
    best = made[0].items[0]
    assert 0.0 < best.score < sum(abs(float(one)) for one in order._weights)


SEARCH: Final[dict[str, Any]] = {"name": "results", "size": 12, "event_types": ["search_performed"]}


def searches(query: str, minute: float = 10, **fields: Any) -> Event:
    return does("me", minute, "search_performed", query=query, **fields)


@pytest.mark.parametrize("query", ["running shoes", "Runing shoos", "shoes"])
def test_who_searches_sees_what_was_searched_for_with_slips_as_well(query: str) -> None:
    (made,) = decided(*others(), searches(query), placements=[SEARCH])
    assert set(ids(made)) == {*SHOES}
    assert made[0].items[0].reason == "Matches your search"
    sources = {one.source for one in made[1].candidates if one.item_id in SHOES}
    assert sources == {"search"}


def test_two_people_who_search_the_same_see_different_orders_and_why() -> None:
    (plain,) = decided(*others(), searches("shoes"), placements=[SEARCH])
    (mine,) = decided(*others(), *looks("shoe7", "shoe5"), searches("shoes"), placements=[SEARCH])[
        -1:
    ]
    assert set(ids(plain)) == set(ids(mine)) == {*SHOES}
    assert ids(plain) != ids(mine)
    assert ids(mine)[0] in ("shoe7", "shoe5")
    assert mine[0].items[0].reason == "You looked at this recently"


def test_a_word_that_nothing_has_gets_what_the_visit_is_about() -> None:
    (made,) = decided(*others(), *looks("pan1"), searches("xyzzyxx"), placements=[SEARCH])[-1:]
    assert made[0].items


@pytest.mark.parametrize(
    ("policy", "event", "is_found"),
    [({"language": "de"}, {}, True), ({}, {"properties": {"language": "de-AT"}}, True), ({}, {}, False)],
)  # fmt: skip
def test_forms_of_a_word_are_those_of_the_policys_language_or_the_events(
    policy: dict[str, Any], event: dict[str, Any], is_found: bool
) -> None:
    knowledge = Knowledge()
    knowledge.add_policy("p", 0, 0, compile_policy(msgspec.convert({"placements": [SEARCH]} | policy, Policy)))  # fmt: skip
    knowledge.add_item(Item("houses", 0, "Häuser", "Books"), 0)
    asking = searches("Haus", **event)
    moment = Moment(
        PersonState(0, 0), NOBODY, asking, knowledge, knowledge.at(asking.event_time_ms)
    )
    assert ("houses" in found_by_query(moment)) is is_found
