"""A policy is checked whole before it is live: each mistake with its place, none of them at run time."""

from typing import Any

import msgspec
import pytest

from schemas.policy import DEFAULT_POLICY, NOTHING, RECOMMEND_ITEMS, Policy
from udfs.policy.check_experiments import VARIANTS_MAX
from udfs.policy.compile_policy import PolicyError, compile_policy
from udfs.policy.compiled_policy import dotted
from udfs.policy.vary_policy import merge

TREATMENT = {"id": "plain"}


def banner(**fields: Any) -> dict[str, Any]:
    return {"id": "banner", "kind": "content", "placements": ["hero"], "treatments": [TREATMENT]} | fields  # fmt: skip


def policy(**fields: Any) -> Policy:
    some: dict[str, Any] = {
        "placements": [{"name": "hero", "event_types": ["page_viewed"], "actions": []}],
        "actions": [banner()],
    }
    return msgspec.convert(some | fields, Policy)


def arm(name: str, share: float = 0.5, **changes: Any) -> dict[str, Any]:
    return {"name": name, "share": share, "changes": changes}


def mistakes(found: Policy) -> dict[str, str]:
    with pytest.raises(PolicyError) as error:
        compile_policy(found)
    return {dotted(one.path): one.message for one in error.value.mistakes}


def test_the_default_policy_has_no_mistake_and_its_two_actions_everywhere() -> None:
    compiled = compile_policy(DEFAULT_POLICY)
    for placement in compiled.placements:
        assert [one.action.id for one in placement.actions] == [NOTHING, RECOMMEND_ITEMS]
        assert not placement.needed
        assert not placement.reads


@pytest.mark.parametrize(
    ("found", "path", "message"),
    [
        (policy(actions=[banner(), banner()]), "actions[1].id", "there 2 times"),
        (policy(placements=[{"name": "hero"}, {"name": "hero"}]), "placements[1].name", "2 times"),
        (policy(actions=[banner(placements=["heroo"])]), "actions[0].placements[0]", "did you mean 'hero'"),
        (policy(actions=[banner(treatments=[])]), "actions[0]", "at least one treatment"),
        (policy(actions=[banner(treatments=[TREATMENT, TREATMENT])]), "actions[0].treatments[1].id", "2 times"),
        (policy(actions=[banner(kind="nothing")]), "actions[0].kind", "only the action 'nothing'"),
        (policy(actions=[banner(id="nothing")]), "actions[0].kind", "is of kind nothing"),
        (policy(actions=[banner(starts_ms=5, ends_ms=5)]), "actions[0].ends_ms", "before it starts"),
        (policy(actions=[banner(items={"pin": "item.price > 1.0"})]), "actions[0].items", "only a slate"),
        (policy(actions=[banner(item="session.cart_valu")]), "actions[0].item", "there is no attribute"),
        (policy(actions=[banner(budget={"cost": 1})]), "actions[0].budget", "`total` or `per_day`"),
        (policy(actions=[banner(eligibility=[{"name": "n", "when": "session.evnts > 1"}])]),
         "actions[0].eligibility[0].when", "line 1, column 1"),
        (policy(actions=[banner(eligibility=[{"name": "n", "when": "session.events"}])]),
         "actions[0].eligibility[0].when", "bool"),
        (policy(actions=[banner(eligibility=[{"name": "n", "when": "item.price > 1.0"}])]),
         "actions[0].eligibility[0].when", "item.price"),
        (policy(actions=[banner(reason={"en": "{nothing.here}"})]), "actions[0].reason.en", "there is no {nothing.here}"),
        (policy(actions=[banner(reason={"de": "Hallo"})]), "actions[0].reason", "language 'en'"),
        (policy(actions=[banner(reason={"en": "{item.name}"})]), "actions[0].reason.en", "there is no {item.name}"),
        (policy(segments=[{"name": "a", "when": "segment.b"}, {"name": "b", "when": "segment.a"}]),
         "segments[0].when", "circle"),
        (policy(segments=[{"name": "a", "when": "segment.a"}]), "segments[0].when", "circle"),
        (policy(rules=[{"name": "r", "when": "true", "actions": ["nobody"]}]), "rules[0].actions[0]", "no action 'nobody'"),
        (policy(rules=[{"name": "r", "when": "true", "actions": ["nothing"]}]), "rules[0]", "doing nothing"),
        (policy(actions=[banner(eligibility=[{"name": "consent", "when": "true"}])]),
         "actions[0].eligibility[0].name", "of its own"),
        (policy(rules=[{"name": "holdout", "when": "true"}]), "rules[0].name", "of its own"),
        (policy(context_weights=[{"name": "w", "when": "true", "weight": 2, "actions": ["x"]}]),
         "context_weights[0].actions[0]", "no action 'x'"),
        (policy(placements=[{"name": "hero", "fallback": "x"}]), "placements[0].fallback", "no action 'x'"),
        (policy(placements=[{"name": "hero", "when": "1 +"}]), "placements[0].when", "line 1"),
        (policy(time_zone="Mars/Olympus"), "time_zone", "no time zone"),
        (policy(time_zone="../etc/passwd"), "time_zone", "no time zone"),
        (policy(experiments=[{"name": "e", "arms": [arm("a", 0.7), arm("b", 0.7)]}]), "experiments[0].arms", "more than 1"),
        (policy(experiments=[{"name": "e", "arms": [arm("a"), arm("b", holdout={"share": 0})]}]),
         "experiments[0].arms[1].changes.holdout", "cannot change"),
        (policy(experiments=[{"name": "e", "arms": [arm("a"), arm("b", actions={"banner": {"value": -1}})]}]),
         "experiments[0].arms[1].changes", "value"),
        (policy(experiments=[{"name": "e", "arms": [arm("a"), arm("b", actions={"banner": {"kind": "nothing"}})]}]),
         "experiments[0].arms[1].changes", "only the action"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(found: Policy, path: str, message: str) -> None:
    said = mistakes(found)
    assert path in said, said
    assert message in said[path]


def test_all_mistakes_are_found_at_once() -> None:
    found = policy(
        time_zone="Nowhere", actions=[banner(treatments=[], reason={"en": "{x}"})],
        rules=[{"name": "r", "when": "x > 1"}, {"name": "r", "when": "true"}],
    )  # fmt: skip
    assert mistakes(found).keys() == {
        "time_zone", "actions[0]", "actions[0].reason.en", "rules[0].when", "rules[1].name",
    }  # fmt: skip


def test_what_is_allowed_and_looks_wrong_is_a_warning() -> None:
    found = policy(placements=[{"name": "hero"}], actions=[banner(placements=[])])
    assert {dotted(one.path) for one in compile_policy(found).warnings} == {
        "placements[0]", "actions[0]",
    }  # fmt: skip


QUIET: dict[str, Any] = {"contact": {"quiet_hours": {"begin": 8, "end": 8}}}
ALL_DAY = "contact.quiet_hours: it ends when it begins: all hours are quiet"


def test_hours_that_are_all_quiet_are_a_warning_in_the_policy_and_in_an_arm() -> None:
    assert [str(one) for one in compile_policy(policy(**QUIET)).warnings] == [ALL_DAY]
    arms = [arm("control"), arm("held", **QUIET)]
    said = compile_policy(policy(experiments=[{"name": "e", "arms": arms}])).warnings
    assert [str(one) for one in said] == [f"experiments[0].arms[1].changes: {ALL_DAY}"]


def test_what_looks_wrong_in_all_arms_is_told_once() -> None:
    arms = [arm("control"), arm("dear", nothing_priority=0.5)]
    found = policy(**QUIET, experiments=[{"name": "e", "arms": arms}])
    assert [str(one) for one in compile_policy(found).warnings] == [ALL_DAY]


def test_what_is_enforced_is_no_warning() -> None:
    contact = {
        "quiet_hours": {"begin": 22, "end": 8}, "per_day": 0, "per_week": 3,
        "limits": [{"name": "mails", "times": 1, "channels": ["email"]}], "fatigue": {"factor": 0.8},
    }  # fmt: skip
    assert compile_policy(policy(contact=contact)).warnings == ()
    rests = banner(limits={"after_dismissal_ms": 1, "never_after_dismissal": False})
    assert compile_policy(policy(actions=[rests])).warnings == ()
    (said,) = compile_policy(policy(actions=[banner(limits={"after_dismissal_ms": 1})])).warnings
    assert dotted(said.path) == "actions[0].limits.after_dismissal_ms"


def test_limits_of_contacts_name_groups_that_are_there_and_have_names_of_their_own() -> None:
    limits = [{"name": "a", "times": 1, "groups": ["sale"]}, {"name": "a", "times": 1}, {"name": "per_day", "times": 1}]  # fmt: skip
    assert mistakes(policy(contact={"limits": limits})).keys() == {
        "contact.limits[0].groups[0]", "contact.limits[1].name", "contact.limits[2].name",
    }  # fmt: skip
    found = policy(contact={"limits": limits[:1]}, actions=[banner(group="sale")])
    assert compile_policy(found).contact.limits[0].groups == ("sale",)


def test_an_arm_changes_one_limit_of_contacts() -> None:
    held = arm("held", contact={"limits": {"mails": {"times": 5}}, "per_day": None})
    contact = {"per_day": 3, "limits": [{"name": "mails", "times": 1}, {"name": "sms", "times": 2}]}
    compiled = compile_policy(
        policy(contact=contact, experiments=[{"name": "e", "arms": [arm("control"), held]}])
    )
    one = compiled.variant({"e": "held"}).contact
    assert {limit.name: limit.times for limit in one.limits} == {"mails": 5, "sms": 2}
    assert [limit.name for limit in compiled.contact.limits] == ["per_day", "mails", "sms"]


def test_an_arm_changes_any_part_by_id_or_name() -> None:
    experiment = {
        "name": "e",
        "arms": [
            arm("control"),
            arm(
                "bold",
                actions={"banner": {"value": 5.0}, "new": banner(id="new")},
                placements={"hero": {"size": 2}},
                nothing_priority=0.5,
            ),
        ],
    }
    compiled = compile_policy(policy(experiments=[experiment]))
    same, bold = compiled.variant({"e": "control"}), compiled.variant({"e": "bold"})
    assert same is compiled
    assert compiled.variant({}) is compiled
    assert [one.action.id for one in bold.placements[0].actions] == ["banner", "new", "nothing"]
    assert bold.placements[0].actions[0].action.value == 5.0
    assert (bold.policy.placements[0].size, bold.policy.nothing_priority) == (2, 0.5)


def test_two_experiments_combine() -> None:
    one = {"name": "one", "arms": [arm("c"), arm("v", actions={"banner": {"value": 2.0}})]}
    two = {"name": "two", "arms": [arm("c"), arm("v", actions={"banner": {"lever": 3.0}})]}
    compiled = compile_policy(policy(experiments=[one, two]))
    both = compiled.variant({"one": "v", "two": "v"}).placements[0].actions[0].action
    only = compiled.variant({"one": "c", "two": "v"}).placements[0].actions[0].action
    assert (both.value, both.lever) == (2.0, 3.0)
    assert (only.value, only.lever) == (1.0, 3.0)


def test_no_arm_touches_a_compliance_rule() -> None:
    rule = {"name": "law", "when": "session.events > 0", "is_compliance": True}
    experiment = {"name": "e", "arms": [arm("a"), arm("b", rules={"law": None})]}
    said = mistakes(policy(rules=[rule], experiments=[experiment]))
    assert "compliance" in said["experiments[0].arms[1].changes"]


def test_too_many_combinations_are_refused() -> None:
    arms = [arm(f"a{n}", 0.1, nothing_priority=float(n)) for n in range(6)]
    found = policy(experiments=[{"name": f"e{n}", "arms": arms} for n in range(3)])
    assert str(VARIANTS_MAX) in mistakes(found)["experiments"]


@pytest.mark.parametrize(
    ("document", "changes", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": None, "c": 3}, {"b": 2, "c": 3}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"rules": [{"name": "x", "v": 1}]}, {"rules": {"x": {"v": 2}}}, {"rules": [{"name": "x", "v": 2}]}),
        ({"rules": [{"name": "x"}]}, {"rules": {"x": None}}, {"rules": []}),
        ({"actions": []}, {"actions": {"a": {"v": 1}}}, {"actions": [{"id": "a", "v": 1}]}),
        ({"rules": ()}, {"rules": {"a": {"v": 1}}}, {"rules": [{"name": "a", "v": 1}]}),
    ],
)  # fmt: skip
def test_changes_are_merged(document: Any, changes: Any, expected: Any) -> None:
    assert merge(document, changes) == expected


def test_a_large_policy_is_compiled_and_a_larger_one_refused_where_it_is_read() -> None:
    rules = [{"name": f"r{n}", "when": f"session.events > {n % 50}"} for n in range(1_000)]
    actions = [banner(id=f"b{n}") for n in range(1_000)]
    compiled = compile_policy(policy(rules=rules, actions=actions))
    assert len(compiled.conditions) == 50, "the same condition is there once"
    assert len(compiled.placements[0].actions) == 1_001
    with pytest.raises(msgspec.ValidationError, match="length"):
        policy(actions=[banner(id=f"b{n}") for n in range(10_000)])
