"""Facts that a policy declares: what they are worth at each moment, when two people become one, and what a model sees of them."""

import random
from math import isnan
from typing import Any, Final

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.fold.fold import Fold, FoldRules
from schemas.codec import EVENT
from schemas.decisions import Decision, DecisionTrace
from schemas.events import Event
from schemas.limits import DAY_MS, DECLARED_MAX, DECLARED_PARTS, HOUR_MS, MINUTE_MS
from schemas.own_events import DeclaredFact
from schemas.policy import Policy
from schemas.state.person import PersonState
from schemas.state.session import SessionContext, SessionNews
from tests.builders import NOON, make_catalogue, make_event, make_record
from udfs.facts.attributes import read_attributes
from udfs.facts.declared import FACTS, fold_person, fold_visit, merge_declared, split_declared
from udfs.facts.fact import Apart
from udfs.facts.features import FEATURE_SPACE
from udfs.facts.rooms import merge_persons, purge_person
from udfs.facts.view import View, bucket
from udfs.knowledge.knowledge import Knowledge
from udfs.moment import Moment
from udfs.policy.compile_policy import compile_policy

LEVEL: Final = "level_completed"
GAME: Final[dict[str, Any]] = {
    "facts": [
        {"name": "levels", "event": LEVEL, "column": 1},
        {"name": "stars_week", "event": LEVEL, "how": "sum", "property": "stars", "within_ms": 7 * DAY_MS, "column": 2},
        {"name": "score", "event": LEVEL, "how": "last", "property": "score", "column": 3},
        {"name": "mode", "event": LEVEL, "how": "last", "property": "mode", "kind": "text", "column": 4},
        {"name": "hard", "event": LEVEL, "of": "session", "when": 'event.properties.mode == "hard"', "column": 5},
        {"name": "scored", "event": LEVEL, "property": "score"},
        {"name": "recent_mode", "event": LEVEL, "how": "last", "property": "mode", "kind": "text", "within_ms": HOUR_MS},
        {"name": "spent", "event": "purchase_completed", "how": "sum", "property": "value_amount"},
    ]
}  # fmt: skip
NAMES: Final = tuple(f"fact.{one['name']}" for one in GAME["facts"])


def knowing(policy: dict[str, Any] = GAME, from_ms: int = 0) -> Knowledge:
    knowledge = Knowledge()
    compiled = compile_policy(msgspec.convert(policy, Policy))
    knowledge.add_policy("game", from_ms, 0, compiled)
    return knowledge


def level(minute: float = 0, **said: str) -> Event:
    return make_event(event_id=f"l{minute}{said}", event_type=LEVEL, event_time_ms=NOON + round(minute * MINUTE_MS), properties=said)  # fmt: skip


def after(*events: Event, knowledge: Knowledge | None = None, now: Event | None = None) -> Moment:
    """The moment after these events, at the last one or at `now`."""
    knowledge = knowledge or knowing()
    state, visit = PersonState(NOON, NOON), SessionContext(1, NOON, NOON)
    for position, event in enumerate(events):
        fold_visit(visit, event, "", knowledge)
        fold_person(state, SessionNews("event", "p", NOON, "s", position, event, b""), knowledge)
    last = now or events[-1]
    return Moment(state, visit, last, knowledge, knowledge.at(last.event_time_ms))


def worth(moment: Moment) -> dict[str, object]:
    values = read_attributes(NAMES, moment)
    return {name.removeprefix("fact."): value for name, value in values.items()}


NOTHING: Final = {
    "levels": 0, "stars_week": 0.0, "score": None, "mode": None, "hard": 0, "scored": 0, "recent_mode": None, "spent": 0.0,
}  # fmt: skip


def test_before_anything_counts_and_sums_are_nothing_and_the_last_is_missing() -> None:
    assert worth(after(make_event())) == NOTHING


def test_each_is_what_the_events_say() -> None:
    events = [level(0, stars="2", score="10", mode="hard"), level(1, stars="0.5", mode="easy"), level(2, score="no", stars="x")]  # fmt: skip
    bought = make_event(event_type="purchase_completed", event_time_ms=NOON + 3 * MINUTE_MS, value_amount=9.5)  # fmt: skip
    assert worth(after(*events, bought)) == {
        "levels": 3, "stars_week": 2.5, "score": 10.0, "mode": "easy", "hard": 1, "scored": 2,
        "recent_mode": "easy", "spent": 9.5,
    }  # fmt: skip


@pytest.mark.parametrize("said", ["19,99", "1.299,00", "NaN", "inf", "1e999", "1_000", "", "0x1", "\uff11", "1e13"])  # fmt: skip
def test_what_is_no_number_adds_nothing(said: str) -> None:
    assert worth(after(level(stars=said, score=said)))["stars_week"] == 0.0
    assert worth(after(level(stars=said, score=said)))["score"] is None


def test_the_last_is_the_newest_by_the_events_time() -> None:
    assert worth(after(level(5, score="5"), level(1, score="1")))["score"] == 5.0
    # at one time the larger, in whatever order they come
    one, two = level(1, score="7"), level(1, score="9")
    assert worth(after(one, two))["score"] == worth(after(two, one))["score"] == 9.0


def test_a_window_forgets() -> None:
    past = level(0, stars="3", mode="hard")
    assert worth(after(past, now=level(61)))["recent_mode"] is None
    assert worth(after(past, now=level(60)))["recent_mode"] == "hard"
    assert worth(after(past, now=level(7 * 24 * 60)))["stars_week"] == 0.0
    assert worth(after(past, now=level(6 * 24 * 60)))["stars_week"] == 3.0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20 * 24 * 60), st.integers(-9, 9)), max_size=40))
def test_a_window_is_at_most_a_part_too_short_and_never_too_long(
    said: list[tuple[int, int]],
) -> None:
    said = sorted(said)
    events = [level(minute, stars=str(stars), n=str(n)) for n, (minute, stars) in enumerate(said)]
    now = make_event(event_time_ms=NOON + 20 * DAY_MS)
    found = worth(after(*events, now=now))["stars_week"]
    length = -(-7 * DAY_MS // DECLARED_PARTS)
    head = now.event_time_ms // length
    wanted = [stars for minute, stars in said if (NOON + minute * MINUTE_MS) // length > head - DECLARED_PARTS]  # fmt: skip
    assert found == pytest.approx(sum(wanted))


def test_nothing_is_known_of_later() -> None:
    """What a decision sees of a fact is made of what came before it."""
    first = level(0, stars="1")
    seen = worth(after(first))
    moment = after(first, level(9, stars="5"), now=first)
    assert seen["levels"] == 1
    assert worth(moment)["stars_week"] == 6.0, (
        "the fold is what keeps to the order, not the reading"
    )


def test_a_fact_that_is_changed_begins_anew_and_one_that_is_renamed_does_not() -> None:
    state = after(level(0, stars="2")).state
    renamed = {"facts": [{"name": "done", "event": LEVEL, "column": 7}, {"name": "levels", "event": LEVEL, "property": "stars"}]}  # fmt: skip
    knowledge = knowing(renamed)
    moment = Moment(state, SessionContext(1, NOON, NOON), level(1), knowledge, knowledge.at(NOON))
    assert read_attributes(["fact.done", "fact.levels"], moment) == {"fact.done": 1, "fact.levels": 0}  # fmt: skip


def test_two_names_of_one_fact_count_once() -> None:
    twice = {"facts": [{"name": "a", "event": LEVEL}, {"name": "b", "event": LEVEL}]}
    moment = after(level(), knowledge=knowing(twice))
    assert read_attributes(["fact.a", "fact.b"], moment) == {"fact.a": 1, "fact.b": 1}


def test_a_fact_counts_by_its_own_name_and_by_the_type_that_it_counts_as() -> None:
    """With a role, an event is found under both."""
    game = {
        "events": [{"name": LEVEL, "role": "activate"}],
        "facts": [{"name": "own", "event": LEVEL}, {"name": "ours", "event": "feature_activated"}],
    }
    knowledge = knowing(game)
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    list(fold.run([make_record(level())]))
    moment = Moment(fold.persons["a1"], SessionContext(1, NOON, NOON), level(), knowledge, knowledge.at(NOON))  # fmt: skip
    assert read_attributes(["fact.own", "fact.ours"], moment) == {"fact.own": 1, "fact.ours": 1}


def test_what_is_kept_has_an_end_and_what_is_declared_stays() -> None:
    kept: dict[str, Any] = {}
    for version in range(40):
        policy = {"facts": [{"name": "a", "event": LEVEL, "within_ms": DAY_MS + version}]}
        knowledge = knowing(policy)
        state = PersonState(NOON, NOON, declared=kept)
        fold_person(state, SessionNews("event", "p", NOON, "s", version, level(), b""), knowledge)
        assert len(kept) <= DECLARED_MAX
        moment = Moment(state, SessionContext(1, NOON, NOON), level(), knowledge, knowledge.at(NOON))  # fmt: skip
        assert read_attributes(["fact.a"], moment) == {"fact.a": 1}


# --- two become one, and two again ----------------------------------------------------------------


def someone(seed: int, count: int = 8) -> PersonState:
    chance = random.Random(seed)
    events = [
        level(chance.randrange(9 * 24 * 60), stars=str(chance.randrange(5)), score=str(chance.randrange(99)), mode=chance.choice("abc"))
        for _ in range(count)
    ]  # fmt: skip
    return after(*events).state


@pytest.mark.parametrize("seed", range(6))
def test_merging_is_commutative_and_associative(seed: int) -> None:
    one, two, three = (someone(seed * 3 + n) for n in range(3))

    def merged(a: PersonState, b: PersonState) -> PersonState:
        return PersonState(NOON, NOON, declared=merge_declared(a, b, "declared"))  # type: ignore[arg-type]

    assert merged(one, two) == merged(two, one)
    assert merged(merged(one, two), three) == merged(one, merged(two, three))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999), st.integers(0, 8))
def test_merged_is_as_if_it_had_been_one_person(seed: int, cut: int) -> None:
    chance = random.Random(seed)
    events = sorted(
        (
            level(chance.randrange(9 * 24 * 60), stars=str(chance.randrange(5)), score=str(chance.randrange(99)))
            for _ in range(8)
        ),
        key=lambda one: one.event_time_ms,
    )  # fmt: skip
    mine, others = events[:cut], events[cut:]
    now = make_event(event_time_ms=NOON + 9 * DAY_MS)
    one, other = (after(*part, now=now).state for part in (mine, others))
    both = PersonState(NOON, NOON, declared=merge_declared(one, other, "declared"))  # type: ignore[arg-type]
    assert worth(after(now=now)._replace(state=both)) == pytest.approx(worth(after(*events, now=now)))  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_what_was_merged_is_split_again_with_what_came_since(seed: int) -> None:
    own, given_ = someone(seed), someone(seed + 50)
    joined = merge_persons(own, given_)
    apart = Apart(joined, joined, own, given_)
    assert split_declared(apart, "declared") == own.declared
    now = msgspec.msgpack.decode(msgspec.msgpack.encode(joined), type=PersonState)
    since = level(10 * 24 * 60, stars="4", score="77", mode="z")
    fold_person(now, SessionNews("event", "p", NOON, "s", 9, since, b""), knowing())
    left = PersonState(NOON, NOON)
    left.declared = split_declared(Apart(now, joined, own, given_), "declared")  # type: ignore[assignment]
    wanted = msgspec.msgpack.decode(msgspec.msgpack.encode(own), type=PersonState)
    fold_person(wanted, SessionNews("event", "p", NOON, "s", 9, since, b""), knowing())
    moment = after(now=since)
    assert worth(moment._replace(state=left)) == pytest.approx(worth(moment._replace(state=wanted)))


def test_nothing_is_left_of_who_does_not_agree_to_personalisation() -> None:
    assert someone(1).declared
    assert purge_person(someone(1), frozenset({"analytics"})).declared == {}


def test_what_is_declared_sensitive_is_kept_in_no_fact_of_before() -> None:
    """The fact has to go from the policy, and with it goes what it kept."""
    knowledge = knowing()
    knowledge.add_policy("later", NOON + MINUTE_MS, 1, compile_policy(msgspec.convert({"facts": GAME["facts"][:1], "sensitive_attributes": ["score"]}, Policy)))  # fmt: skip
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    list(fold.run([make_record(level(0, score="7", mode="hard")), make_record(level(2), 1)]))
    state = fold.persons["a1"]
    assert [one.number for one in state.declared.values()] == [1.0], "the levels alone"
    assert state.declared.keys() == {*knowledge.policy_at(NOON + DAY_MS).own.keys}  # type: ignore[union-attr]  # there is one


# --- what a model and a rule make of it -------------------------------------------------------------


def columns(moment: Moment) -> dict[str, float]:
    view = View(moment, [], None)  # type: ignore[arg-type]  # no column of these looks at leads
    return {one.feature: float(np.asarray(one.column(view))) for one in FACTS if one.column}


def test_the_columns_are_the_facts_that_the_policy_gives_them() -> None:
    assert all(name in FEATURE_SPACE.places for name in columns(after(level())))
    found = columns(after(level(stars="2", score="7", mode="hard")))
    assert found["person_declared_1"] == 1.0
    assert found["person_declared_2"] == 2.0
    assert found["person_declared_3"] == 7.0
    assert found["person_declared_4"] == bucket("hard")
    assert found["person_declared_5"] == 1.0
    assert all(isnan(found[f"person_declared_{n}"]) for n in (6, 7, 8))


def test_without_such_a_policy_all_of_them_are_missing() -> None:
    assert all(isnan(one) for one in columns(after(level(), knowledge=knowing({}))).values())


def test_a_game_decides_by_its_own_event() -> None:
    """By editing one policy: a placement that is asked for by it, a rule that reads it, a text that says it, a column of the trace."""
    policy = GAME | {
        "placements": [{"name": "reward", "event_types": [LEVEL], "actions": []}],
        "actions": [
            {
                "id": "chest", "kind": "content", "placements": ["reward"], "value": 2.0,
                "treatments": [{"id": "t", "content": {"title": {"en": "{fact.levels} levels, {fact.mode}"}}}],
                "eligibility": [{"name": "three", "when": "fact.levels >= 3 && fact.stars_week > 5.0"}],
            }
        ],
        "holdout": {"share": 0.0},
    }  # fmt: skip
    knowledge = knowing(policy)
    for position, item in enumerate(make_catalogue(3)):
        knowledge.add_item(item, position)
    fold = Fold(knowledge, FoldRules(EVENT.decode, "seed"))
    log = [make_record(level(n, stars="2", mode="hard"), n) for n in range(4)]
    made: list[tuple[Decision, DecisionTrace]] = [one for step in fold.run(log) for one in step.decisions]  # fmt: skip
    assert [decision.action_id for decision, _ in made] == ["nothing", "nothing", "chest", "chest"]
    assert made[2][0].content["title"] == "3 levels, hard"
    verdict = next(one for one in made[1][1].actions if one.action_id == "chest")
    assert verdict.values == {"fact.levels": "2", "fact.stars_week": "4.0"}


def test_a_rule_sees_what_its_sender_called_an_event() -> None:
    policy = {
        "events": [{"name": LEVEL, "role": "activate"}],
        "placements": [{"name": "p", "event_types": [LEVEL], "when": f"context.event_name == '{LEVEL}' && context.event_type == 'feature_activated'"}],
    }  # fmt: skip
    fold = Fold(knowing(policy), FoldRules(EVENT.decode, "seed"))
    assert len([one for step in fold.run([make_record(level())]) for one in step.decisions]) == 1


def test_a_fact_has_bounds_of_its_own() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "a", "event": LEVEL, "column": 9}, DeclaredFact)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"facts": [{"name": f"a{n}", "event": LEVEL} for n in range(DECLARED_MAX + 1)]}, Policy)  # fmt: skip
