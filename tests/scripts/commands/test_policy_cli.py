"""`kairos policy`: what a file is worth, which version decides, what differs, and how to go back."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from jobs.config import config_from
from jobs.publish import now_ms
from schemas.codec import CONTROL, ITEM
from schemas.control import Control
from schemas.errors import ConfigError
from schemas.limits import DAY_MS, HOUR_MS
from schemas.policy import DEFAULT_CONTROL, Placement, Policy
from schemas.records import LogRecord
from schemas.signed_control import OPEN
from scripts import cli
from scripts.change import Change
from scripts.ops.local_audit import audit_log_of, local_actor
from scripts.policy.policy_file import parse_policy, payload_of
from scripts.policy.policy_text import difference_text, differences
from scripts.policy.policy_versions import (
    Draft,
    PolicyVersion,
    check_new,
    draft_again,
    find_version,
    history_json,
    in_force,
    previous,
    timing_warnings,
    version_of,
    versions_in,
)
from tests.builders import make_catalogue

GOOD = """\
placements:
  - name: home
    event_types: [page_viewed]
actions:
  - {id: chat, kind: assistance, treatments: [{id: box}]}
"""
ASKING = {
    "event_id": "e1", "event_type": "page_viewed", "event_time_ms": 1763700000000, "session_id": "s1",
    "anonymous_id": "a1", "placements": ["home"],
}  # fmt: skip
HELD_OUT = (
    "5% of people are held out and get what is not personal, because `holdout` is not written: "
    "`holdout: {share: 0}` holds out nobody"
)
BAD = "placements:\n  - name: home\n    size: 0\n  - nam: cart\n"


class Done(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


Kairos = Callable[..., Done]


@pytest.fixture
def kairos(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Kairos:
    """The command line, in this process."""

    def run(*words: object) -> Done:
        monkeypatch.setattr("sys.argv", ["kairos", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def good(tmp_path: Path) -> Path:
    file = tmp_path / "good.yaml"
    file.write_text(GOOD)
    return file


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    file = tmp_path / "bad.yaml"
    file.write_text(BAD)
    return file


def test_a_good_file_is_counted_and_its_warnings_are_told(kairos: Kairos, good: Path) -> None:
    done = kairos("policy", "check", good)
    assert (done.code, done.err) == (0, "")
    warning, note, ok = done.out.splitlines()
    assert warning.startswith(f"{good}:5: actions[0]: 'chat' competes in no placement")
    assert note == f"{good}: {HELD_OUT}"
    assert ok.startswith(f"{good}: ok: 1 placement, 1 action (1 assistance), 0 rules, 0 segments")


@pytest.mark.parametrize(
    ("written", "is_said"),
    [("", True), ("holdout: {salt: x}\n", True), ("holdout: {share: 0}\n", False), ("holdout: {share: 0.05}\n", False)],
)  # fmt: skip
def test_the_holdout_that_holds_by_itself_is_said(
    kairos: Kairos, tmp_path: Path, written: str, is_said: bool
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(f"placements: [{{name: home, event_types: [page_viewed]}}]\n{written}")
    (checked,) = json.loads(kairos("policy", "check", file, "--json").out)
    assert checked["notes"] == ([HELD_OUT] if is_said else [])


def test_a_bad_file_is_every_mistake_and_exit_code_1(kairos: Kairos, good: Path, bad: Path) -> None:
    done = kairos("policy", "check", good, bad)
    assert done.code == 1
    told = [
        line.removeprefix(f"{bad}:") for line in done.out.splitlines() if line.startswith(str(bad))
    ]
    assert [line.split(": ")[:2] for line in told] == [
        ["3", "placements[0].size"], ["4", "placements[1]"], ["4", "placements[1].nam"],
    ]  # fmt: skip
    assert f"{good}: ok" in done.out


ALL_DAY = "contact.quiet_hours: it ends when it begins: all hours are quiet"


def test_what_looks_wrong_is_told_by_check(kairos: Kairos, tmp_path: Path) -> None:
    file = tmp_path / "quiet.yaml"
    file.write_text("contact:\n  quiet_hours: {begin: 8, end: 8}\n  per_week: 3\n")
    said = [one for one in kairos("policy", "check", file).out.splitlines() if "warning" in one]
    assert said == [f"{file}:2: {ALL_DAY} (a warning)"]


def test_what_looks_wrong_is_told_where_a_policy_is_tried(kairos: Kairos, tmp_path: Path) -> None:
    file, events = tmp_path / "quiet.yaml", tmp_path / "events.jsonl"
    file.write_text("placements:\n  - {name: home}\ncontact: {quiet_hours: {begin: 8, end: 8}}\n")
    events.write_text(json.dumps(ASKING))
    done = kairos("try", events, "--policy", file)
    assert done.code == 0
    assert f"warning: {file}:3: {ALL_DAY}" in done.err


def test_a_check_is_readable_for_programs(kairos: Kairos, good: Path, bad: Path) -> None:
    done = kairos("policy", "check", good, bad, "--json")
    first, second = json.loads(done.out)
    assert done.code == 1
    assert (first["is_ok"], first["counts"]["placements"], len(first["warnings"])) == (True, 1, 1)
    assert (second["file"], second["is_ok"], len(second["mistakes"])) == (str(bad), False, 3)
    assert second["mistakes"][0] == {
        "line": 3, "field": "placements[0].size",
        "message": "expected a whole number of at least 1, found 0",
    }  # fmt: skip


def test_a_file_that_is_not_there_is_one_sentence_and_exit_code_2(
    kairos: Kairos, tmp_path: Path
) -> None:
    done = kairos("policy", "check", tmp_path / "none.yaml")
    assert (done.code, done.out) == (2, "")
    assert (
        done.err.strip()
        == f"kairos: {tmp_path}/none.yaml cannot be read: No such file or directory"
    )


def test_a_bad_file_is_not_published_and_needs_no_kafka_to_be_refused(
    kairos: Kairos, bad: Path
) -> None:
    done = kairos("policy", "publish", bad)
    assert (done.code, done.out) == (1, "")
    assert done.err.count("\n") == 3


def test_a_draft_is_kept_shown_and_deleted_without_any_server(
    kairos: Kairos, good: Path, bad: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path / "home"))
    assert kairos("policy", "draft", "list").out.startswith("there are no drafts: `kairos policy")
    assert kairos("policy", "draft", "save", good).out == "draft good is saved\n"
    done = kairos("policy", "draft", "save", bad, "--name", "good", "--note", "not yet")
    *mistakes, saved = done.out.splitlines()
    assert (done.code, len(mistakes)) == (0, 3)
    assert mistakes[0].startswith(f"{bad}:3: placements[0].size: expected")
    me = local_actor().who
    assert saved.startswith(f"draft good is saved instead of that of {me} of 20")
    assert saved.endswith(", with 3 mistakes to mend before it can be published")
    shown = kairos("policy", "draft", "show", "good").out
    assert shown.splitlines()[1] == "# not yet"
    assert shown.endswith(BAD)
    (row,) = json.loads(kairos("policy", "draft", "list", "--json").out)
    assert (row["name"], row["note"], row["author"], len(row["mistakes"])) == (
        "good",
        "not yet",
        me,
        3,
    )
    assert "3 mistakes" in kairos("policy", "draft", "list").out
    for command in ("publish", "diff"):
        done = kairos("policy", "draft", command, "good")
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("draft good:3: placements[0].size: expected")
    assert kairos("policy", "draft", "delete", "good").out == "draft good is deleted\n"
    assert kairos("policy", "draft", "show", "good").code == 2


def test_a_bad_file_is_not_compared(kairos: Kairos, good: Path, bad: Path) -> None:
    done = kairos("policy", "diff", good, bad)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 3)


def test_two_files_are_compared_without_kafka(kairos: Kairos, good: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(GOOD.replace("assistance", "assistance, value: 3") + "currency: USD\n")
    done = kairos("policy", "diff", good, other)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "~ actions[chat].value: 1.0 -> 3.0",
        '~ currency: "EUR" -> "USD"',
    ]
    assert kairos("policy", "diff", good, good).out == "nothing differs\n"
    assert json.loads(kairos("policy", "diff", good, other, "--json").out)[1] == {
        "place": "currency", "before": "EUR", "after": "USD",
    }  # fmt: skip


# --- what differs -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("placements: [{name: a}, {name: b}]", "placements: [{name: b}, {name: a}]", []),
        ("placements: [{name: a}, {name: b, size: 3}]", "placements: [{name: b, size: 4}, {name: a}]",
         ["~ placements[b].size: 3 -> 4"]),
        ("placements: [{name: a, valid: 20 min}]", "placements: [{name: a}]",
         ['~ placements[a].valid: "20 min" -> "1 h"']),
        ("placements: [{name: a}]", "placements: [{name: a, fallback: x}]",
         ['~ placements[a].fallback: nothing -> "x"']),
        ("{}", "placements: [{name: a, size: 3, valid: 1 d}]",
         ["+ placements[a]", "+     name: a", "+     size: 3", "+     valid: 1 d"]),
        ("actions: [{id: a, kind: offer}]", "{}",
         ["- actions[a]", "-     id: a", "-     kind: offer"]),
        ("actions: [{id: a, kind: offer, reason: {en: x, de: y}}]",
         "actions: [{id: a, kind: offer, reason: {en: z, fr: y}}]",
         ['~ actions[a].reason.en: "x" -> "z"', '- actions[a].reason.de: "y"',
          '+ actions[a].reason.fr: "y"']),
        ("actions: [{id: a, kind: offer, treatments: [{id: x}, {id: y}, {id: z}]}]",
         "actions: [{id: a, kind: offer, treatments: [{id: z}, {id: x}]}]",
         ["- actions[a].treatments[y]", "-     id: y", '~ actions[a].treatments: ["x","z"] -> ["z","x"]']),
        ("actions: [{id: a, kind: offer, budget: {total: 5}}]",
         "actions: [{id: a, kind: offer, budget: {total: 6}, starts: 2026-01-31T00:00Z}]",
         ["~ actions[a].budget.total: 5.0 -> 6.0",
          '~ actions[a].starts: "1970-01-01T00:00:00+00:00" -> "2026-01-31T00:00:00+00:00"']),
        ("actions: [{id: a, kind: offer}]", "actions: [{id: a, kind: offer, budget: {total: 6}}]",
         ['~ actions[a].budget: nothing -> {"total":6.0}']),
        ("experiments: [{name: e, arms: [{name: a, share: 0}, {name: b, share: 0}]}]",
         "experiments: [{name: e, arms: [{name: a, share: 0}, {name: b, share: 0, changes: {language: de}}]}]",
         ['+ experiments[e].arms[b].changes.language: "de"']),
    ],
)  # fmt: skip
def test_what_differs_is_told_by_id(before: str, after: str, lines: list[str]) -> None:
    found = differences(parse_policy(before), parse_policy(after))
    assert "\n".join(map(difference_text, found)).splitlines() == lines


# --- which version decides ----------------------------------------------------------------------


def policy(size: int) -> Policy:
    return Policy(placements=(Placement("home", ("page_viewed",), size=size),))


def at(time_ms: int, size: int, offset: int = 0) -> PolicyVersion:
    return PolicyVersion(time_ms, offset, f"v{size}", "default", policy(size))


def refused(time_ms: int) -> PolicyVersion:
    return PolicyVersion(time_ms, 0, "broken", "default", None, "it is broken")


def test_the_newest_in_force_decides_and_one_that_is_refused_never_does() -> None:
    versions = [at(5, 1, 1), at(5, 2, 2), refused(7), at(9, 3)]
    assert in_force(versions, 4) is None
    assert in_force(versions, 5) == in_force(versions, 8) == at(5, 2, 2)
    assert in_force(versions, 9) == at(9, 3)
    states = [(row["version"], row["state"]) for row in history_json(versions, 8)]
    assert states == [("v3", "coming"), ("broken", "refused"), ("v2", "live"), ("v1", "past")]


def test_the_policy_before_is_the_one_that_is_gone_back_to() -> None:
    versions = [at(1, 1), at(2, 2), at(3, 2), refused(4), at(9, 3)]
    assert previous(versions, 5).version == "v1", "published twice is once"
    assert previous(versions, 9).version == "v2", "one that is refused has never decided"
    assert previous([*versions, at(10, 2)], 10).version == "v3", "done twice it is undone"
    renamed = at(10, 3)._replace(version="v4")
    assert previous([*versions, renamed], 10).version == "v2", "under another name it is the same"
    with pytest.raises(ConfigError, match="nothing to roll back to: only v1 has been in force"):
        previous([at(1, 1)], 5)
    with pytest.raises(ConfigError, match="nothing to roll back to: no policy is in force"):
        previous([at(9, 1)], 5)
    with pytest.raises(ConfigError, match="broken cannot be in force again: it is broken"):
        draft_again(refused(1))


def test_a_version_is_named_whole_or_by_its_beginning() -> None:
    versions = [
        at(1, 1)._replace(version="abc-1"), at(2, 1)._replace(version="abc-1"),
        at(3, 2)._replace(version="abd-1"), at(4, 3)._replace(version="abd"),
    ]  # fmt: skip
    assert find_version("abc", versions) == versions[1], "its newest"
    assert find_version("abd", versions) == versions[3], "a whole name is no beginning"
    with pytest.raises(ConfigError, match="2 policies begin with 'ab'"):
        find_version("ab", versions[1:3])
    for named in ("", "x"):
        with pytest.raises(ConfigError, match="0 policies begin with"):
            find_version(named, versions)


def test_what_is_live_is_not_published_again_but_at_another_time() -> None:
    from_ms = now_ms() - HOUR_MS
    versions = [at(from_ms, 1)]
    for time_ms in (None, from_ms):
        with pytest.raises(ConfigError, match="is live already, as v1 since"):
            check_new(versions, Draft("other", "default", policy(1)), time_ms)
    check_new(versions, Draft("v1", "default", policy(1)), from_ms + DAY_MS)
    check_new(versions, Draft("v2", "default", policy(2)), None)


def test_one_version_stands_for_one_policy() -> None:
    with pytest.raises(ConfigError, match="the version v1 is another policy, of 1970"):
        check_new([at(5, 1), at(6, 2)], Draft("v1", "default", policy(3)), None)


def test_a_column_keeps_the_fact_that_models_have_learnt_it_as() -> None:
    def with_fact(**fact: Any) -> Policy:
        return msgspec.convert({"facts": [{"name": "a", "event": "x", "column": 2} | fact]}, Policy)

    live = [at(5, 1)._replace(policy=with_fact())]
    check_new(live, Draft("n1", "default", with_fact(name="b")), None)
    check_new(live, Draft("n2", "default", with_fact(within_ms=DAY_MS, column=3)), None)
    check_new(live, Draft("n3", "default", policy(7)), None)
    with pytest.raises(
        ConfigError, match=r"column 2 is the fact 'a' .*give 'a' another one \(1, 3, 4"
    ):
        check_new(live, Draft("n4", "default", with_fact(within_ms=DAY_MS)), None)


def test_the_version_follows_from_what_the_policy_says() -> None:
    assert version_of(policy(1)) == version_of(
        parse_policy("placements: [{size: 1, name: home, event_types: [page_viewed]}]")
    )
    assert version_of(policy(1)) != version_of(policy(2))
    assert len(version_of(policy(1))) == 12


def test_a_time_in_the_past_is_told() -> None:
    assert timing_warnings(Change("v", 10, None, None), 10) == []
    (told,) = timing_warnings(Change("v", 10, None, None), 11)
    assert told.startswith("1970-01-01T00:00:00.010+00:00 is past")


def control(version: str, payload: bytes | None, from_ms: int = 5) -> bytes:
    return CONTROL.encode(Control("policy", "default", version, from_ms, payload=payload))


def test_what_is_no_policy_or_a_broken_one_is_kept_apart() -> None:
    values = [
        control("bad-json", b"{"),
        control(
            "unknown-action", payload_of(Policy(placements=(Placement("home", actions=("x",)),)))
        ),
        control("none", None),
        CONTROL.encode(Control("model", "ranker", "m", 1, uri="x", sha256="y")),
        b"junk",
        ITEM.encode(make_catalogue(1)[0]),
        control("good", payload_of(policy(2)), 3),
        CONTROL.encode(DEFAULT_CONTROL),
    ]
    records = [LogRecord("control", 0, offset, 0, "", value) for offset, value in enumerate(values)]
    found = versions_in(records, OPEN)
    assert [one.version for one in found] == [
        "default-1",
        "good",
        "bad-json",
        "unknown-action",
        "none",
    ]
    assert [one.policy is None for one in found] == [False, False, True, True, True]
    assert "there is no action 'x'" in found[3].fault
    assert found[1] == PolicyVersion(3, 6, "good", "default", policy(2))


# --- on a real Kafka ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from tests.broker import running_broker

    with running_broker(tmp_path_factory.mktemp("kafka")) as address:
        yield address


@pytest.fixture
def told(
    kairos: Kairos, broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Says what a command of `kairos policy` answers a program, on topics of the test's own."""
    from log.kafka import create_topics
    from schemas.topics import topics

    prefix = f"{tmp_path.name}-"
    monkeypatch.setenv("KAIROS_KAFKA", broker)
    monkeypatch.setenv("KAIROS_TOPIC_PREFIX", prefix)
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path / "home"))
    create_topics(broker, topics(prefix))

    def ask(*words: object) -> Any:
        done = kairos("policy", *words, "--json")
        assert done.code == 0, done.err
        return json.loads(done.out)

    return ask


@pytest.mark.e2e
def test_policies_are_published_compared_and_taken_back(
    kairos: Kairos, told: Callable[..., Any], good: Path, tmp_path: Path
) -> None:
    assert told("history") == []
    assert kairos("policy", "show").err.startswith("kairos: no policy is in force")
    words = (
        "--effective-from",
        now_ms() - HOUR_MS,
        "--version",
        "one",
        "--note",
        "as it was\nplacements:",
    )
    first = told("publish", good, *words)
    said = [one for one in first["notes"] if "imported history" in one]
    assert (first["notes"], said) == ([HELD_OUT], []), "its time was chosen"
    warnings = [one.partition(":5: ")[2] for one in first["warnings"][:1]]
    assert (first["version"], first["replaces"], len(first["warnings"])) == ("one", None, 2)
    assert warnings == ["actions[0]: 'chat' competes in no placement"]
    assert kairos("policy", "publish", good).code == 2, "it is live already"
    me = local_actor().who
    (row,) = told("history")
    assert (row["note"], row["author"]) == ("as it was\nplacements:", me)
    head = kairos("policy", "show").out.splitlines()[:3]
    assert head[0].endswith(f", by {me}")
    assert head[1:] == ["# as it was placements:", "placements:"]
    too_long = kairos("policy", "publish", good, "--effective-from", now_ms(), "--note", "x" * 301)
    assert (too_long.code, "a note has at most 300 characters" in too_long.err) == (2, True)

    other = tmp_path / "other.yaml"
    other.write_text(GOOD + "currency: USD\n")
    second = told("publish", other, "--effective-from", now_ms() - 1000)
    assert second["replaces"] == "one"
    assert kairos("policy", "diff", good).out == '~ currency: "USD" -> "EUR"\n'
    assert told("diff", "one", second["version"][:6])[0]["place"] == "currency"

    shown = tmp_path / "shown.yaml"
    shown.write_text(kairos("policy", "show").out)
    assert kairos("policy", "diff", shown).out == "nothing differs\n"

    third = told("rollback")
    assert (third["version"], third["replaces"]) == ("one", second["version"])
    assert third["warnings"] == warnings
    assert told("history")[0]["note"] == "as it was\nplacements:", "a version keeps its note"
    assert third["effective_from_ms"] >= now_ms()
    states = [(row["version"], row["state"]) for row in told("history")]
    assert states == [("one", "coming"), (second["version"], "live"), ("one", "past")]


@pytest.mark.e2e
def test_a_policy_is_scheduled_to_its_end_and_taken_back(
    kairos: Kairos, told: Callable[..., Any], good: Path, tmp_path: Path
) -> None:
    sale = tmp_path / "sale.yaml"
    sale.write_text(GOOD + "currency: USD\n")
    told("publish", good, "--version", "one", "--effective-from", now_ms() - HOUR_MS)
    ahead = ("--effective-from", "2099-03-01T09:00 Europe/Berlin", "--until")
    coming = told("publish", sale, *ahead, "2099-03-02T00:00Z")
    assert (coming["replaces"], coming["ended_by"]) == ("one", "one")
    assert kairos("policy", "publish", sale, *ahead, "2099-02-01").code == 2, "it ends too soon"
    me = local_actor().who
    rows = [(row["version"], row["is_return"], row["author"]) for row in told("scheduled")]
    assert rows == [(coming["version"], False, me), ("one", True, me)]
    assert "2099-03-01T08:00" in kairos("policy", "scheduled").out
    assert "coming" in kairos("policy", "history").out
    assert kairos("policy", "take-back").code == 2, "there are two"
    back = told("take-back", coming["version"][:6])
    assert (back["version"], back["replaces"]) == ("one", coming["version"])
    assert told("scheduled") == []
    assert kairos("policy", "scheduled").out.startswith("nothing is scheduled:")
    written = [one.what for one in audit_log_of(config_from()).newest(2)]
    assert written == ["policy take back"] * 2

    told("draft", "save", sale, "--note", "for a weekend")
    assert kairos("policy", "draft", "diff", "sale").out == '~ currency: "EUR" -> "USD"\n'
    told("draft", "publish", "sale", *ahead, "2099-03-02T00:00Z")
    noted = [(row["version"], row["note"]) for row in told("scheduled")]
    assert noted == [(coming["version"], "for a weekend"), ("one", "")]
    assert [row["version"] for row in told("draft", "list")] == [coming["version"]], "it stays"
    before = told("history")
    told("draft", "delete", "sale")
    assert told("history") == before
