"""A policy's file: what is wrong is named with its line, what is right is read as it was meant."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.actions import Action, Boost, Budget, ItemRules, Limits, Requirement, Rule, Treatment
from schemas.errors import ConfigError
from schemas.experiments import Arm, Experiment
from schemas.limits import CONTROL_BYTES_MAX, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from schemas.marked_yaml import Mapping, Scalar, Unreadable, read_tree
from schemas.policy import DEFAULT_POLICY, Placement, Policy, Segment, policy_from_payload
from scripts.policy.policy_file import (
    SHOWN_MAX,
    FileMistake,
    PolicyMistakes,
    check_policy,
    parse_policy,
    payload_of,
    read_policy,
)
from scripts.policy.policy_text import differences, policy_yaml

BROKEN = sorted((Path(__file__).parent / "policies").glob("*.yaml"))
EXPECT = re.compile(r"^# expect: (\d+): (.+)$", re.MULTILINE)


def mistakes_of(source: Path | str) -> list[str]:
    with pytest.raises(PolicyMistakes) as caught:
        check_policy(source)
    return [str(one) for one in caught.value.mistakes]


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_each_mistake_is_named_with_its_line_and_nothing_else(file: Path) -> None:
    expected = EXPECT.findall(file.read_text())
    found = mistakes_of(file)
    assert expected
    assert [one.split(": ", 1)[0] for one in found] == [line for line, _ in expected], found
    for message, (line, words) in zip(found, expected, strict=True):
        assert message.startswith(f"{line}: {words}")


def test_there_are_broken_policies_enough() -> None:
    assert len(BROKEN) >= 30


WHOLE = """\
# all of it
placements:
  - name: home
    event_types: [page_viewed, product_viewed]
    valid: 20 min
    when: session.views_5min > 3
    page:
  - {name: cart, valid_ms: 1500, actions: [express]}
actions:
  - id: express
    kind: offer
    value: 3
    treatments:
      - &banner {id: banner, channel: web, content: {title: {en: Free shipping, no: Gratis frakt}}}
    eligibility:
      - {name: always, when: true}
    limits: {times: 1, within: 1.5 h, cool_down: 0 s}
    budget: {total: 1e3, per_day: null}
    starts: 2026-01-31T18:00+01:00
    valid: 45 s
  - {id: "2", kind: content, treatments: [*banner], reason: {en: 'yes'}}
suppression: {bought: 30 d, dismissed: 250 ms}
experiments:
  - name: words
    arms:
      - {name: a, share: 0.5}
      - {name: b, share: 0.5, changes: {actions: {express: {valid: 1 min, budget: null, value: 4}}}}
"""


def test_a_whole_file_is_read_as_it_was_meant() -> None:
    banner = Treatment(
        "banner", "web", content={"title": {"en": "Free shipping", "no": "Gratis frakt"}}
    )
    assert parse_policy(WHOLE) == Policy(
        placements=(
            Placement(
                "home", ("page_viewed", "product_viewed"), valid_ms=20 * MINUTE_MS,
                when="session.views_5min > 3",
            ),
            Placement("cart", valid_ms=1500, actions=("express",)),
        ),
        actions=(
            Action(
                "express", "offer", value=3.0, treatments=(banner,),
                eligibility=(Requirement("always", "true"),),
                limits=Limits(times=1, within_ms=3 * HOUR_MS // 2),
                budget=Budget(total=1000.0), starts_ms=1769878800000, valid_ms=45 * SECOND_MS,
            ),
            Action("2", "content", treatments=(banner,), reason={"en": "yes"}),
        ),
        suppression=parse_policy("suppression: {bought_ms: 2592000000, dismissed_ms: 250}").suppression,
        experiments=(
            Experiment("words", (
                Arm("a", 0.5),
                Arm("b", 0.5, {"actions": {"express": {
                    "valid_ms": MINUTE_MS, "budget": None, "value": 4.0,
                }}}),
            )),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "length_ms"),
    [("45 s", 45 * SECOND_MS), ("45s", 45 * SECOND_MS), ("20 min", 20 * MINUTE_MS),
     ("1.5 h", 90 * MINUTE_MS), ("30 d", 30 * DAY_MS), ("0.25 s", 250), ("0 s", 0), ("7 ms", 7)],
)  # fmt: skip
def test_a_length_of_time_is_a_number_and_a_unit(text: str, length_ms: int) -> None:
    assert parse_policy(f"suppression: {{bought: {text}}}").suppression.bought_ms == length_ms


@pytest.mark.parametrize(
    "text", ["-5 min", "0.0001 s", "5", "min", "1e3 s", "1 h 30 min", "[5 s]", ""]
)
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    (mistake,) = mistakes_of(f"suppression: {{bought: {text}}}")
    assert mistake.startswith("1: suppression.bought: expected a length of time such as 20 min")


@pytest.mark.parametrize(
    "text", ["2026-01-31T17:00Z", "2026-01-31T18:00+01:00", "20260131T170000Z"]
)
def test_a_moment_names_its_time_zone(text: str) -> None:
    policy = parse_policy(f"actions: [{{id: a, kind: offer, starts: '{text}'}}]")
    assert policy.actions[0].starts_ms == 1769878800000


def test_a_text_is_what_is_written_and_a_number_needs_no_quotes() -> None:
    policy = parse_policy("placements: [{name: no}, {name: 007}, {name: on}, {name: 'null'}]")
    assert [one.name for one in policy.placements] == ["no", "007", "on", "null"]


def test_the_line_in_a_condition_is_that_of_the_file_however_it_is_written() -> None:
    root, _ = read_tree(
        "plain: x &&\n   y\nquoted: 'x\n  && y'\nblock: &b |2\n\n   x\n  y\nfolded: >-\n  x\n  y\n\n  z\n"
    )
    assert isinstance(root, Mapping)

    def lines(name: str) -> list[tuple[str, int]]:
        node = root.fields[name][1]
        assert isinstance(node, Scalar)
        rows = enumerate(node.text.split("\n"), 1)
        places = [(row, at) for row, text in rows for at, one in enumerate(text, 1) if one in "xyz"]
        texts = node.text.split("\n")
        return [(texts[row - 1][at - 1], node.line_at(row, at)) for row, at in places]

    assert lines("plain") == [("x", 1), ("y", 2)]
    assert lines("quoted") == [("x", 3), ("y", 4)]
    assert lines("block") == [("x", 7), ("y", 8)]
    assert lines("folded") == [("x", 10), ("y", 11), ("z", 13)]


def test_a_file_that_is_too_large_or_not_utf8_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_bytes(b"language: en\n# " + b"x" * CONTROL_BYTES_MAX)
    assert mistakes_of(file) == [
        "1: expected at most 1,000,000 bytes of a policy's file, found more"
    ]
    file.write_bytes(b"language: en\ncurrency: \xff\n")
    assert mistakes_of(file) == ["2: expected UTF-8, found the byte 0xff"]
    for there in (tmp_path, tmp_path / "none.yaml"):
        with pytest.raises(ConfigError, match="cannot be read: "):
            check_policy(there)


def test_a_policy_that_is_too_large_as_it_is_published_is_refused() -> None:
    texts = ", ".join(f"t{number}: {{en: *long}}" for number in range(30))
    body = f"actions:\n  - {{id: a, kind: content, reason: {{en: &long {'x' * 2000}}}}}\n"
    body += "".join(
        f"  - {{id: a{n}, kind: content, treatments: [{{id: t, content: {{{texts}}}}}]}}\n"
        for n in range(20)
    )
    found = mistakes_of(body)
    assert any(
        "expected at most 1,000,000 bytes of a policy as it is published" in one for one in found
    )


def test_a_mark_at_the_beginning_of_the_file_moves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_bytes("\ufefflanguage: de\r\nholdout: {share: 2}\r\n".encode())
    assert mistakes_of(file) == ["2: holdout.share: expected a number of at most 1, found 2"]


def test_of_very_many_mistakes_the_first_are_told_and_the_others_counted() -> None:
    text = "placements:\n" + "- {name: ''}\n" * 130
    with pytest.raises(PolicyMistakes) as caught:
        read_policy(text)
    lines = str(caught.value).split("\n")
    assert len(caught.value.mistakes) == 131, "each of them and that they are too many"
    assert len(lines) == SHOWN_MAX + 1
    assert lines[1].startswith("policy:2: placements[0].name: ")
    assert lines[-1] == "… and 31 more"


def test_as_many_values_as_are_allowed_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &a [x, y]\nb: [*a, *a]\n"  # each name counts, too: 1 + 1 + 3 + 1 + 1 + 3 + 3
    monkeypatch.setattr("schemas.marked_yaml.NODES_MAX", 13)
    assert read_tree(text)[1] == []
    monkeypatch.setattr("schemas.marked_yaml.NODES_MAX", 12)
    with pytest.raises(Unreadable, match="line 2: expected at most 12 values, aliases written out"):
        read_tree(text)


def test_what_looks_wrong_is_a_warning_with_its_line() -> None:
    text = (
        "placements:\n  - name: home\n"
        "actions:\n  - {id: chat, kind: assistance, treatments: [{id: box}]}\n"
        "contact:\n  quiet_hours: {begin: 8, end: 8}\n  per_day: 3\n  per_week: 0\n"
    )
    warnings = [str(one) for one in check_policy(text).warnings]
    assert [one.split(": ", 1)[0] for one in warnings] == ["2", "4", "6"]
    assert "only events that name it" in warnings[0]
    assert "competes in no placement" in warnings[1]
    assert "all hours are quiet" in warnings[2]


def test_equal_policies_are_published_as_equal_bytes() -> None:
    one = read_policy("holdout: {share: 0.0}\nlanguage: en\nplacements: [{name: home}]\n")
    other = read_policy("placements:\n- name: home\nholdout:\n  share: 0\n")
    assert payload_of(one) == payload_of(other) == check_policy(policy_yaml(one)).payload
    assert policy_from_payload(payload_of(one)) == one


# --- properties ---------------------------------------------------------------------------------

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8) | st.sampled_from(
    [
        "no",
        "null",
        "~",
        "1",
        "1.5",
        "true",
        "a: b",
        "# x",
        "x\ny",
        " x ",
        "*x",
        "&x",
        "!x",
        "<<",
        "'",
    ]
)
CONDITIONS = st.sampled_from(["true", "a > 1", "a &&\nb", "a &&\n  b\n", "'x' in y", "x # y: z"])
SENTENCES = st.dictionaries(TEXTS, TEXTS, max_size=2)
LENGTHS = st.integers(1, 400 * DAY_MS) | st.sampled_from([SECOND_MS, HOUR_MS, 400 * DAY_MS])
MOMENTS = st.integers(0, 4_102_444_800_000)
SHARES = st.floats(0, 1)
VALUES = st.floats(0, 1e9)


def several(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(strategy, max_size=2).map(tuple)


REQUIREMENTS = several(st.builds(Requirement, IDS, CONDITIONS))
TREATMENTS = st.builds(
    Treatment, IDS, st.none() | TEXTS, st.none() | CONDITIONS,
    st.dictionaries(TEXTS, SENTENCES, max_size=2),
)  # fmt: skip
BUDGETS = st.builds(Budget, st.none() | VALUES, st.none() | VALUES, VALUES, st.booleans())
ITEMS = st.builds(
    ItemRules, st.none() | CONDITIONS,
    several(st.builds(Boost, IDS, CONDITIONS, st.floats(0, 1000), SENTENCES)),
)  # fmt: skip
ACTIONS = st.builds(
    Action, IDS, st.sampled_from(["slate", "offer", "nothing"]), several(IDS), several(TREATMENTS),
    REQUIREMENTS, value=VALUES, prior=st.floats(0.001, 0.999), starts_ms=MOMENTS,
    limits=st.builds(Limits, st.integers(0, 32), LENGTHS, never_after_dismissal=st.booleans()),
    budget=st.none() | BUDGETS, valid_ms=st.none() | LENGTHS, items=ITEMS, reason=SENTENCES,
    purposes=several(st.sampled_from(["email", "sms"])),
)  # fmt: skip
PLACEMENTS = st.builds(
    Placement, IDS, several(st.sampled_from(["page_viewed", "item_rated"])),
    st.integers(1, 1000), LENGTHS, diversity=SHARES, novelty=SHARES, coverage=SHARES, steadiness=st.floats(0, 100), shuffle=SHARES, when=st.none() | CONDITIONS,
    actions=several(IDS), fallback=st.none() | IDS,
)  # fmt: skip
ARMS = st.lists(st.builds(Arm, IDS, SHARES), min_size=2, max_size=3).map(tuple)
POLICIES = st.builds(
    Policy, several(PLACEMENTS), actions=several(ACTIONS),
    segments=several(st.builds(Segment, st.from_regex(r"\A[a-z][a-z0-9_]{0,9}\Z"), CONDITIONS)),
    rules=several(st.builds(Rule, IDS, CONDITIONS, actions=several(IDS), is_compliance=st.booleans())),
    experiments=several(st.builds(Experiment, IDS, ARMS, TEXTS)), time_zone=TEXTS,
)  # fmt: skip


@settings(max_examples=60)
@given(POLICIES)
def test_a_policy_that_is_shown_as_a_file_reads_as_the_same_policy(policy: Policy) -> None:
    assert parse_policy(policy_yaml(policy)) == policy


@settings(max_examples=40)
@given(POLICIES)
def test_a_policy_differs_from_another_in_what_was_changed(policy: Policy) -> None:
    assert differences(policy, policy) == []
    assert (differences(policy, DEFAULT_POLICY) == []) == (policy == DEFAULT_POLICY)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | IDS
NAMES = st.sampled_from(
    ["placements", "actions", "name", "id", "kind", "valid", "valid_ms", "limits", "changes", "arms",
     "experiments", "share", "content", "reason", "when", "size", "starts", "contact", "budget"]
)  # fmt: skip
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | IDS, inner, max_size=4),
    max_leaves=25,
)


def read_or_mistakes(text: str) -> Policy | tuple[FileMistake, ...]:
    try:
        return read_policy(text)
    except PolicyMistakes as error:
        return error.mistakes


@settings(max_examples=100)
@given(DOCUMENTS)
def test_whatever_the_file_holds_it_is_a_policy_or_its_mistakes_are_named(document: Any) -> None:
    text = yaml.safe_dump(document, allow_unicode=True)
    found = read_or_mistakes(text)
    if isinstance(found, Policy):
        assert parse_policy(policy_yaml(found)) == found
    else:
        assert found
        assert all(1 <= one.line <= text.count("\n") + 1 for one in found)


@settings(max_examples=150)
@given(st.text(alphabet="ab:-[]{}&*!|>'\"#?,% \n\t\r\u0085\u2028\x00é", max_size=30))
def test_whatever_the_text_is_it_is_a_policy_or_its_mistakes_are_named(text: str) -> None:
    assert read_or_mistakes(text)


# --- all mistakes at once -------------------------------------------------------------------------

STAGES = """\
placements:
  - {name: home, event_types: [page_viewed], size: 3}
  - {name: top, size: big, actions: [chat, chta]}
  - {nam: cart}
  - {name: last, when: "session.veiws > 3"}
actions:
  - {id: chat, kind: assistence, treatments: [{id: box}]}
  - {id: offer, kind: offer, treatmens: [{id: box}], placements: [bottom]}
experiments:
  - name: words
    arms:
      - {name: a, share: 0.5}
      - {name: b, share: 0.5, changes: {placements: {home: {actions: [nobody]}}}}
"""


def test_mistakes_of_all_stages_are_told_at_once_each_at_its_line() -> None:
    """Values, fields, names, conditions and experiments; what could not be read brings about no mistakes of its own."""
    told = mistakes_of(STAGES)
    begins = [
        "3: placements[1].actions[1]: there is no action 'chta'", "3: placements[1].size: expected",
        "4: placements[2]: expected name", "4: placements[2].nam: unknown field",
        "5: placements[3].when: column 1: unknown name session.veiws; did you mean", "7: actions[0].kind: expected assistance",
        "8: actions[1].placements[0]: there is no placement 'bottom': there are 'home', 'last', 'top'",
        "8: actions[1].treatmens: unknown field",
        "13: experiments[0].arms[1].changes: placements[0].actions[0]: there is no action 'nobody'",
    ]  # fmt: skip
    assert len(told) == len(begins), told
    assert [one for one, begin in zip(told, begins, strict=True) if not one.startswith(begin)] == []


def test_where_nothing_is_near_a_name_all_that_there_are_are_told() -> None:
    (told,) = mistakes_of("placements: [{name: home, actions: [zzzzz]}]")
    assert told.endswith("there is no action 'zzzzz': there are 'nothing', 'recommend_items'")
    many = ", ".join(f"{{name: place{n}}}" for n in range(20))
    (told,) = mistakes_of(
        f"placements: [{many}]\nactions: [{{id: a, kind: offer, placements: [QQQ], treatments: [{{id: t}}]}}]"
    )
    assert told.endswith("'place19' and 8 more")
    (told,) = mistakes_of("placements: [{name: home, when: 'zzz > 1'}]")
    assert "unknown name zzz; `kairos policy docs` lists them" in told
    (told,) = mistakes_of("placements: [{name: home, when: 'qqq(1) > 1'}]")
    assert "unknown function qqq; there are double, has, size" in told


# --- what an arm changes, as a list ---------------------------------------------------------------

BOTH_WAYS = """\
placements: [{name: home, event_types: [page_viewed], actions: [chat, call]}]
actions:
  - {id: chat, kind: assistance, treatments: [{id: box}]}
  - {id: call, kind: assistance, treatments: [{id: box}]}
experiments:
  - name: words
    arms: [{name: a, share: 0.5}, {name: b, share: 0.5, changes: CHANGES}]
"""


def test_what_an_arm_changes_may_be_a_list_by_id_or_name() -> None:
    def policy(changes: str) -> Policy:
        return check_policy(BOTH_WAYS.replace("CHANGES", changes)).policy

    mapping = "{actions: {chat: {value: 3, treatments: {box: {channel: web}}}}, placements: {home: {size: 2}}}"
    listing = "{actions: [{id: chat, value: 3, treatments: [{id: box, channel: web}]}], placements: [{name: home, size: 2}]}"
    assert policy(listing) == policy(mapping)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ("{actions: [{value: 3}]}", "actions[0]: expected a mapping with the id of what it changes"),
        ("{placements: [home]}", "placements[0]: expected a mapping with the name of what it changes"),
        ("{actions: [{id: chat}, {id: chat}]}", "actions[1]: 'chat' is changed twice"),
        ("{actions: [{id: chat, valu: 3}]}", "actions[0].valu: unknown field, expected value"),
        ("{actions: [{id: caht, value: 3}]}", ": what is not there to be changed is new, and needs all of its fields: "),
    ],
)  # fmt: skip
def test_what_is_wrong_in_such_a_list_is_told_at_its_place(changes: str, said: str) -> None:
    found = mistakes_of(BOTH_WAYS.replace("CHANGES", changes))
    place = "experiments[0].arms[1].changes" + ("" if said.startswith(":") else ".")
    assert any(f"{place}{said}" in one for one in found), found


# --- what a beginner writes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("experiments: {words: {arms: {}}}",
         "1: experiments: expected a list, in which each begins with `- name:`, found a mapping"),
        ("holdout: 0.1", "1: holdout: expected a mapping of share, salt, rank_by, starts, ends, found 0.1"),
        ("holdout: {share: 10%}", "1: holdout.share: expected a number from 0 to 1, found '10%': 10 % is 0.1"),
        ("time_zone: Berlin", "1: time_zone: there is no time zone 'Berlin': did you mean 'Europe/Berlin'?"),
        ("time_zone: Europe/Berlim", "1: time_zone: there is no time zone 'Europe/Berlim': did you mean 'Europe/Berlin'"),
    ],
)  # fmt: skip
def test_a_value_of_another_shape_is_told_with_the_one_that_is_wanted(
    written: str, said: str
) -> None:
    (found,) = mistakes_of(written)
    assert found.startswith(said)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("quiet_hours: {begin: 22, end: 8}", "(`quiet_hours` belongs to contact)"),
        ("limits: {times: 1}", "(`limits` belongs to actions or contact)"),
        ("diversity: 0.5", "(`diversity` belongs to placements)"),
        ("placements: [{name: home, holdout: {share: 0}}]", "(`holdout` belongs to the policy)"),
        ("actions.chat.value: 3", "(a field within another is written within it, not with a dot)"),
    ],
)  # fmt: skip
def test_a_field_in_another_place_is_told_with_where_it_belongs(written: str, said: str) -> None:
    (found,) = mistakes_of(written)
    assert "unknown field, expected one of " in found
    assert found.endswith(said)


def test_changes_as_a_list_of_changes_are_told_as_what_is_wanted() -> None:
    changes = "[{actions: {chat: {value: 3}}}]"
    (found,) = mistakes_of(BOTH_WAYS.replace("CHANGES", changes))
    assert found.endswith("changes: expected a mapping of fields of the policy, found a list")
