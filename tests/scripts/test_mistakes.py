"""Beginners' mistakes: what is typed, how the command ends, and the words of it that say the cause and what to do."""

import ast
import gzip
import json
import os
import re
import shlex
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import typer
from typer.testing import CliRunner

from jobs.config import PROJECT
from schemas.errors import ConfigError
from scripts.cli import app
from scripts.exit_codes import DONE, FAILED, NOT_UP, REFUSED, code_of
from tests.builders import NOON

ASSIGNED: Final = re.compile(r"(KAIROS_\w+)=(\S+) ")
ALWAYS_THERE: Final = ("events.jsonl", "policy.yaml", "folder/export.xlsx")


class Mistake(NamedTuple):
    """`typed` is a command line, settings before it; commands with ` && ` between, of which the last one counts.

    `it` is what is in the file of that name. `said` are parts of what is printed.
    """

    name: str
    typed: str
    it: str | bytes
    code: int
    said: tuple[str, ...]


def event(**fields: Any) -> str:
    """A line of a good event, but for the fields that are given; None: without that field."""
    whole: dict[str, Any] = {
        "event_id": "e1", "event_type": "product_viewed", "event_time_ms": NOON, "anonymous_id": "a1",
        "session_id": "s1", "item_ids": ["i1"],
    }  # fmt: skip
    return json.dumps({k: v for k, v in (whole | fields).items() if v is not None})


def policy(head: str = "", *, more: str = "") -> str:
    """A good policy with lines before its actions, and fields behind those of its only one."""
    return f"""{head}
placements:
  - {{name: hero, event_types: [product_viewed]}}
actions:
  - id: hello
    kind: offer
    placements: [hero]
    treatments:
      - {{id: text, content: {{title: {{en: Hello}}}}}}
    {more}
"""


def arms(written: str) -> str:
    """The lines of an experiment whose arms are written so."""
    return f"experiments:\n  - name: size\n    arms: {written}"


def condition(written: str) -> str:
    """The field of an action that has this condition."""
    return f"eligibility: [{{name: who, when: '{written}'}}]"


TRY: Final = "try it"
CHECK: Final = "policy check it"
ITEMS: Final = "try events.jsonl --items it"
TEN: Final = "".join(f"{event(event_id=f'e{n}', event_time_ms=NOON + n)}\n" for n in range(10))

FILES: Final = (
    Mistake("a wrong file: items where events are wanted", TRY, '{"item_id": "i1", "name": "Boot"}', FAILED,
            ("it, line 1: Object missing required field `event_type`",)),
    Mistake("events where items are wanted", ITEMS, event(), REFUSED, ("missing required field `item_id`", "line 1")),
    Mistake("a policy where events are wanted", "try policy.yaml", "", FAILED, ("policy.yaml, line 2", "lines are no events: is the --format right?")),
    Mistake("events where a policy is wanted", "policy check events.jsonl", "", FAILED,
            ("anonymous_id: unknown field, expected one of placements",)),
    Mistake("CSV where JSON lines are wanted", TRY, "event_id,event_type,time\ne1,product_viewed,1\n", FAILED,
            ("it is a table (CSV)", "--mapping says what its rows are", "--format snowplow")),
    Mistake("CSV with semicolons, as Excel writes it", TRY, b'\xef\xbb\xbf"Id";"Type"\r\n1;2\r\n', FAILED, ("it is a table (CSV)",)),
    Mistake("items as CSV, whose price is none", "try events.jsonl --items it", "item_id\tprice\ni1\tcheap\n", REFUSED, ("it, line 2: price: 'cheap' is no amount",)),
    Mistake("a spreadsheet", TRY, b"PK\x03\x04\x00\x00", FAILED, ("a zip archive (or a spreadsheet): unpack it first",)),
    Mistake("an array where lines are wanted is read", TRY, f"[{event()}]", DONE, ("1 read: 1 event,",)),
    Mistake("lines as Windows ends them are read", TRY, f"{event()}\r\n{event(event_id='e2')}\r\n", DONE, ("2 read: 2 events,",)),
    Mistake("a file with the mark that Windows begins with is read", TRY, b"\xef\xbb\xbf" + event().encode(), DONE, ("1 read: 1 event,",)),
    Mistake("the same line twice counts once", TRY, f"{event()}\n{event()}\n", DONE, ("2 read: 1 event, 1 there twice",)),
    Mistake("UTF-16", TRY, event().encode("utf-16"), FAILED, ("it is UTF-16: save it as UTF-8",)),
    Mistake("Latin-1", TRY, event(anonymous_id="x").replace('"x"', '"Müller"').encode("latin-1"), FAILED, ("no UTF-8", "line 1")),
    Mistake("an empty file", TRY, "", FAILED, ("there is no event in the files",)),
    Mistake("an empty file to train on", "train --events it", "", FAILED, ("there is no event in the files",)),
    Mistake("a packed file that was cut off", TRY, gzip.compress(os.urandom(999))[:500], FAILED, ("it cannot be read to its end",)),
    Mistake("a folder where a file is wanted", "try folder", "", REFUSED, ("folder cannot be read: Is a directory",)),
    Mistake("a file that is not there", "try gone.jsonl", "", REFUSED, ("gone.jsonl cannot be read: No such file",)),
    Mistake("Python's quotes", TRY, "{'event_id': 'e1'}", FAILED, ("JSON is malformed: object keys must be strings",)),
    Mistake("a comma too many", TRY, event()[:-1] + ",}", FAILED, ("trailing comma in object",)),
    Mistake("events with --format snowplow", "try events.jsonl --format snowplow", "", FAILED, ("is the --format right?",)),
    Mistake("a format that there is not", "try events.jsonl --format csv", "", REFUSED, ("'csv' is not one of 'kairos', 'json', 'segment', 'ga4', 'cloudevents', 'snowplow', 'trivago'",)),
    Mistake("a folder that is no export of Snowplow", "try folder --format snowplow", "", REFUSED, ("folder has no file named like *events*",)),
    Mistake("to write where a folder is", "convert events.jsonl folder --format snowplow", "", REFUSED, ("folder cannot be written: Is a directory",)),
)  # fmt: skip
FIELDS: Final = (
    Mistake("wrong times: seconds", TRY, event(event_time_ms=NOON // 1000), FAILED, ("in seconds it would be", f"which is {NOON}")),
    Mistake("microseconds", TRY, event(event_time_ms=NOON * 1000), FAILED, ("in microseconds it would be", f"which is {NOON}")),
    Mistake("a time in ISO 8601 is read", TRY, event(event_time_ms="2026-01-31T12:00:00Z"), DONE, ("1 read: 1 event,",)),
    Mistake("a German time", TRY, event(event_time_ms="24.11.2025 16:00"), FAILED,
            ("is no time", "epoch milliseconds or ISO 8601 are wanted, such as 2026-01-31T12:00:00Z")),
    Mistake("a time that is missing", TRY, event(event_time_ms=None), FAILED, ("missing required field `event_time_ms`",)),
    Mistake("wrong keys", TRY, '{"id": "e1", "type": "product_viewed"}', FAILED, ("`id` is no field, and not read: `event_id` is meant?",)),
    Mistake("keys in camelCase", TRY, '{"eventId": "e1", "eventType": "product_viewed"}', FAILED, ("`eventId` is no field, and not read: `event_id` is meant?",)),
    Mistake("one key misspelt", "try it --json", event(prise=3), DONE, ("`prise` is no field, and not read: `price` is meant?",)),
    Mistake("missing ids of events are made", TRY, event(event_id=None), DONE, ("`event_id` is missing, and made of what the line says",)),
    Mistake("an id of nobody", TRY, event(anonymous_id=None), FAILED, ("missing required field `anonymous_id`",)),
    Mistake("no session", TRY, event(session_id=None), FAILED, ("missing required field `session_id`",)),
    Mistake("a number for an id", TRY, event(anonymous_id=17), FAILED, ("Expected `str`, got `int` - at `$.anonymous_id`",)),
    Mistake("one item where a list is wanted", TRY, event(item_ids="i1"), FAILED, ("Expected `array`, got `str` - at `$.item_ids`",)),
    Mistake("a view of nothing", TRY, event(item_ids=None), DONE, ("an event about an item names none in `item_ids`",)),
    Mistake("a type misspelt", TRY, event(event_type="product_veiwed"), DONE, ("`product_viewed` is meant?",)),
    Mistake("a type of another tool", TRY, event(event_type="view_item"), DONE, ("`product_viewed` is meant?",)),
    Mistake("a decimal comma", TRY, event(price="12,50"), FAILED, ("Expected `float | null`, got `str` - at `$.price`",)),
    Mistake("a price in words", ITEMS, '{"item_id": "i1", "price": "cheap"}', REFUSED, ("it, line 1", "at `$.price`")),
    Mistake("a price below nothing", ITEMS, '{"item_id": "i1", "price": -1}', REFUSED, ("Expected `float` >= 0.0 - at `$.price`",)),
    Mistake("an item without an id", ITEMS, '{"name": "Boot"}', REFUSED, ("missing required field `item_id`",)),
    Mistake("tags in one text", ITEMS, '{"item_id": "i1", "tags": "red,blue"}', REFUSED, ("Expected `array`, got `str` - at `$.tags`",)),
    Mistake("a mistake in one item leaves out all of them, and says so", "items import it", '{"item_id": "i1", "stock": "many"}', REFUSED,
            ("nothing was written: mend it, or leave such lines out by --partial",)),
)  # fmt: skip
POLICIES: Final = (
    Mistake("an experiment as a mapping where a list is wanted", CHECK, policy("experiments: {size: {arms: []}}"), FAILED,
            ("experiments: expected a list, in which each begins with `- name:`, found a mapping",)),
    Mistake("an experiment as a list, changes by id", CHECK,
            policy(arms("[{name: a, share: 0.5}, {name: b, share: 0.5, changes: {actions: [{id: hello, value: 3}]}}]")), DONE, ("1 experiment",)),
    Mistake("changes as a list of changes", CHECK, policy(arms("[{name: a, share: 0.5}, {name: b, share: 0.5, changes: [{value: 3}]}]")), FAILED,
            ("changes: expected a mapping of fields of the policy, found a list",)),
    Mistake("an experiment of one arm", CHECK, policy(arms("[{name: a, share: 0.5}]")), FAILED, ("arms: expected a list of at least 2, found 1",)),
    Mistake("arms of more than everybody", CHECK, policy(arms("[{name: a, share: 0.7}, {name: b, share: 0.5}]")), FAILED, ("the shares sum to more than 1",)),
    Mistake("shares in percent", CHECK, policy(arms("[{name: a, share: 50}, {name: b, share: 50}]")), FAILED, ("share: expected a number of at most 1, found 50",)),
    Mistake("quiet hours at the top", CHECK, policy("quiet_hours: 22-8"), FAILED, ("(`quiet_hours` belongs to contact)",)),
    Mistake("quiet hours as 22-8", CHECK, policy("contact: {quiet_hours: 22-8}"), FAILED, ("contact.quiet_hours: expected",)),
    Mistake("a policy in JSON is read", CHECK, json.dumps({"placements": [{"name": "hero", "event_types": ["product_viewed"]}]}), DONE, ("1 placement",)),
    Mistake("a policy in JSON with a comment", CHECK, '{"actions": [] // none yet\n}', FAILED, ("it:1: this is no YAML", "a comment begins with `#`")),
    Mistake("tabs in YAML", CHECK, "actions:\n\t- id: hello\n", FAILED, ("it:2: this is no YAML", "indent with blanks, not with a tab")),
    Mistake("a colon in a text", CHECK, policy().replace("en: Hello", "en: Only today: 10 off"), FAILED, ("a text with a colon in it stands in quotes",)),
    Mistake("an indentation that is none", CHECK, policy().replace("    kind", "   kind"), FAILED, ("it:6: this is no YAML",)),
    Mistake("an empty policy", CHECK, "", FAILED, ("expected a mapping, found nothing",)),
    Mistake("a list where a policy is wanted", CHECK, "- id: hello\n", FAILED, ("expected a mapping, found a list",)),
    Mistake("a percent as 10%", CHECK, policy("holdout: {share: 10%}"), FAILED, ("found '10%': 10 % is 0.1",)),
    Mistake("a percent as 10", CHECK, policy("holdout: {share: 10}"), FAILED, ("expected a number of at most 1, found 10",)),
    Mistake("a duration as 1 day", CHECK, policy(more="valid: 1 day"), FAILED, ("a length of time such as 20 min, 1.5 h, 30 d or 45 s, found '1 day'",)),
    Mistake("a duration without a unit", CHECK, policy(more="valid: 30"), FAILED, ("such as 20 min, 1.5 h, 30 d or 45 s, found 30",)),
    Mistake("a day where a moment is wanted", CHECK, policy(more="starts: 2026-01-01"), FAILED, ("a moment with its time zone such as 2026-01-31T18:00+01:00",)),
    Mistake("yes where true is wanted", CHECK, policy(more="limits: {never_after_click: yes}"), FAILED, ("expected true or false, found 'yes'",)),
    Mistake("an unknown attribute", CHECK, policy(more=condition("person.purchase_30d > 2")), FAILED, ("unknown name person.purchase_30d; did you mean person.purchases_30d",)),
    Mistake("one = for ==", CHECK, policy(more=condition('session.funnel = "checkout"')), FAILED, ("equality is `==`",)),
    Mistake("and for &&", CHECK, policy(more=condition("session.struggle > 0.5 and session.struggle < 1.0")), FAILED, ("`and` is `&&`",)),
    Mistake("a text without quotes", CHECK, policy(more=condition("session.funnel == checkout")), FAILED, ("unknown name checkout; `kairos policy docs` lists them",)),
    Mistake("a number in quotes", CHECK, policy(more=condition('session.struggle > "0.5"')), FAILED, ("found double and string",)),
    Mistake("an action twice", CHECK, policy() + "  - id: hello\n    kind: offer\n    treatments: [{id: t}]\n", FAILED, ("'hello' is there 2 times",)),
    Mistake("a heading twice", CHECK, policy() + "actions: []\n", FAILED, ("actions: given twice, first on line 4",)),
    Mistake("an action without treatments", CHECK, "actions: [{id: hello, kind: offer}]", FAILED, ("an action needs at least one treatment",)),
    Mistake("a text in no language", CHECK, policy().replace("{en: Hello}", "Hello"), FAILED, ("expected texts by language, found 'Hello'",)),
    Mistake("a text in another language only", CHECK, policy().replace("en: Hello", "de: Hallo"), FAILED, ("there is no text in the policy's language 'en'",)),
    Mistake("a placeholder misspelt", CHECK, policy().replace("Hello", '"Hello {session.last_categry}"'), FAILED, ("did you mean {session.last_category}?",)),
    Mistake("a placement that there is not", CHECK, policy(more="").replace("[hero]", "[heroo]"), FAILED, ("there is no placement 'heroo'", "hero")),
    Mistake("a placement that nothing asks for", CHECK, policy().replace(", event_types: [product_viewed]", ""), DONE, ("only events that name it do",)),
    Mistake("a kind misspelt", CHECK, policy().replace("offer", "ofer"), FAILED, ("kind: expected offer, found 'ofer'",)),
    Mistake("a budget of less than nothing", CHECK, policy(more="budget: {cost: 1, per_day: -5}"), FAILED, ("per_day: expected a number of at least 0, found -5",)),
    Mistake("a policy that is not there", "policy check gone.yaml", "", REFUSED, ("gone.yaml cannot be read: No such file",)),
    Mistake("from a day that is no time", "policy publish policy.yaml --effective-from tomorrow", "", REFUSED, ("'tomorrow' is no time", "such as 2026-01-31T12:00:00Z")),
    Mistake("a draft with mistakes is kept", "policy draft save it && policy draft list", policy().replace("offer", "ofer"), DONE, ("it", "1 mistake")),
    Mistake("a draft with mistakes that is published", "policy draft save it && policy draft publish it", policy(more="budget: {cost: 1, per_day: -5}"), FAILED,
            ("draft it:", "per_day: expected a number of at least 0, found -5")),
    Mistake("a draft misspelt", "policy draft save policy.yaml && policy draft publish polcy", "", REFUSED, ("there is no draft 'polcy': did you mean policy?",)),
    Mistake("a draft's name with a space", "policy draft save policy.yaml --name 'summer sale'", "", REFUSED,
            ("'summer sale' is no name for a draft", "such as summer-sale")),
    Mistake("a draft of a file that is not there", "policy draft save gone.yaml", "", REFUSED, ("gone.yaml cannot be read: No such file",)),
    Mistake("until a day that is no time", "policy publish policy.yaml --until friday", "", REFUSED, ("'friday' is no time",)),
    Mistake("a city where a time zone is wanted", "policy publish policy.yaml --effective-from '2026-11-30T09:00 Berlin'", "", REFUSED,
            ("there is no time zone 'Berlin': Europe/Berlin is one",)),
    Mistake("a time that the clocks skip", "policy publish policy.yaml --effective-from '2026-03-29T02:30 Europe/Berlin'", "", REFUSED,
            ("there is no 02:30 on 2026-03-29 in Europe/Berlin: the clocks go forward; 03:30 is the same moment",)),
    Mistake("a time that the clocks show twice", "policy publish policy.yaml --effective-from '2026-10-25T02:30 Europe/Berlin'", "", REFUSED,
            ("twice, for they go back: choose another time, or write which one, 2026-10-25T02:30+02:00 or 2026-10-25T02:30+01:00",)),
)  # fmt: skip
COMMANDS: Final = (
    Mistake("no command", "", "", REFUSED, ("Begin:", "demo", "up ")),
    Mistake("a command misspelt", "imprt it", "", REFUSED, ("Did you mean 'import'?",)),
    Mistake("an option misspelt", "try it --polcy x", "", REFUSED, ("No such option: --polcy", "--policy")),
    Mistake("import of nothing", "import", "", REFUSED, ("a file or --topic says what is read",)),
    Mistake("try without a file", "try", "", REFUSED, ("try needs a file of events",)),
    Mistake("another folder, where nothing runs", "import it", event(), NOT_UP, ("Kafka does not answer: `kairos up` starts it",)),
    Mistake("to train where nothing runs", "train", "", NOT_UP, ("`kairos up` starts it",)),
    Mistake("ten events to train on, of people who agreed to nothing", "train --events it --consent none", TEN, REFUSED,
            ("nothing to learn from: none of these people agreed to `analytics`", "--consent personalisation,analytics grants it")),
    Mistake("a placement for what learns of actions", "train --events it --responses --placement next_item", TEN, REFUSED, ("are of what ranks items",)),
    Mistake("a name for what is not put in force", "train --events it --as challenger", TEN, REFUSED, ("--publish as well",)),
    Mistake("a placement that nobody asks for", "train --events it --consent all --placement nowhere", TEN, REFUSED, ("the placement 'nowhere'",)),
    Mistake("ten events to train on", "train --events it --consent all", TEN, REFUSED,
            ("9 candidates of decisions, 9 of them taken", "more history, of several items, is wanted")),
    Mistake("to evaluate without a time", "evaluate --events it", TEN, REFUSED, ("evaluate needs --events and --train-before",)),
    Mistake("to evaluate from before all events on", "evaluate --events it --train-before 2020-01-01", TEN, REFUSED, ("lies outside the events, which are of",)),
    Mistake("an id of no decision", "try it --why nonsense", event(), REFUSED, ("begin with 'nonsense': run it without --why to see their ids",)),
    Mistake("a model that is none", "try events.jsonl --model gone.json", "", REFUSED, ("model gone.json: cannot be read: No such file or directory",)),
    Mistake("a file of something else for a model", "try events.jsonl --model it", "{}", REFUSED, ("model it: broken, or none that `kairos train` wrote",)),
    Mistake("a model that nobody trained", "model publish it", "{}", REFUSED, ("`kairos model list` shows them",)),
    Mistake("--from after --to", "replay --prefix p. --from 2026-02-01 --to 2026-01-01", "", REFUSED, ("is not before --to", "exchange the two")),
    Mistake("yesterday", "replay --prefix p. --from yesterday", "", REFUSED, ("'yesterday' is no time", "ISO 8601 are wanted")),
    Mistake("a prefix with a slash", "replay --prefix a/b", "", REFUSED, ("letters, digits, dots, underscores and hyphens are wanted, such as `may.`",)),
    Mistake("a negative rate", "replay --prefix p. --rate -5", "", REFUSED, ("greater than or equal to 20",)),
    Mistake("logs of no service", "logs kafak", "", REFUSED, ("there is no service 'kafak': name one of kafka, redis, flink",)),
    Mistake("a role that there is not", "key create --name anna --role boss --file keys", "", REFUSED, ("'boss' is not one of 'viewer', 'marketer', 'operator'",)),
    Mistake("twice: the same key", "key create --name anna --role viewer --file keys && key create --name anna --role viewer --file keys", "", REFUSED,
            ("there is a key 'anna' in", "revoke it first, or take another name")),
    Mistake("a setting misspelt", "KAIROS_HOEM=x try events.jsonl", "", REFUSED, ("KAIROS_HOEM: no such setting: KAIROS_HOME is meant?; there are",)),
    Mistake("a port in words", "KAIROS_API_PORT=http status", "", REFUSED, ("KAIROS_API_PORT='http': a whole number from 0 to 65535 is wanted",)),
    Mistake("a home that is a file", "KAIROS_HOME=it status", "x", REFUSED, ("KAIROS_HOME='it': a folder is wanted, and it is a file",)),
    Mistake("a home below a file", "KAIROS_HOME=it/home up", "x", REFUSED, ("KAIROS_HOME='it/home': a folder is wanted, and it is a file",)),
    Mistake("a home that cannot be looked at", f"KAIROS_HOME={'x' * 300} status", "", REFUSED, ("cannot be looked at: File name too long",)),
    Mistake("to empty a home that is a file", "KAIROS_HOME=it reset --yes", "x", REFUSED, ("a folder is wanted, and it is a file",)),
)  # fmt: skip
MISTAKES: Final = (*FILES, *FIELDS, *POLICIES, *COMMANDS)
PLAYED_ELSEWHERE: Final = {
    "a taken port": ("tests/e2e/test_cli.py", "test_a_taken_port_is_named_with_the_way_out"),
    "Ctrl-C while it starts": (
        "tests/e2e/test_restarts.py",
        "test_ctrl_c_while_it_starts_stops_all",
    ),
    "Ctrl-C, and what is kept": (
        "tests/scripts/ops/test_up.py",
        "test_ctrl_c_stops_what_was_started_and_says_what_is_kept",
    ),
    "`up` twice": ("tests/e2e/test_engine_cli.py", "test_up_twice_is_refused_with_the_way_out"),
    "an id cut short": (
        "tests/scripts/files/test_try_files.py",
        "test_why_explains_one_decision_by_the_beginning_of_its_id",
    ),
    "an id of no decision in the log": (
        "tests/e2e/test_engine_cli.py",
        "test_explain_of_an_unknown_decision_is_one_line",
    ),
    "a model of too few events": (
        "tests/scripts/training/test_model_guard.py",
        "test_what_a_few_events_teach_is_kept_and_not_published",
    ),
    "the same import again": (
        "tests/e2e/test_import.py",
        "test_the_same_again_changes_nothing_and_one_price_is_one_item",
    ),
}
"""Mistakes that take servers, or more than a command: the file and the test that plays them."""


def test_there_are_mistakes_enough_each_once() -> None:
    named = [one.name for one in MISTAKES] + list(PLAYED_ELSEWHERE)
    assert len(set(named)) == len(named) > 100


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: one.name)
def test_a_mistake_has_its_sentence(
    mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KAIROS_HOME", "home")
    it = mistake.it
    for name, content in (*zip(ALWAYS_THERE, (event(), policy(), ""), strict=True), ("it", it)):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    code, said = 0, ""
    for typed in mistake.typed.split(" && "):
        code, said = played(typed)
    assert code == mistake.code, said
    for part in mistake.said:
        assert part in said


def played(typed: str) -> tuple[int, str]:
    """The exit code of a command line and all that it prints, as `scripts.cli.main` would end it."""
    words = shlex.split(ASSIGNED.sub("", typed))
    done = CliRunner().invoke(app, words, standalone_mode=False, env=dict(ASSIGNED.findall(typed)))
    error: Any = done.exception
    if error is None:
        return int(done.return_value or DONE), done.output
    if isinstance(error, ConfigError):
        return code_of(error), f"{done.output}kairos: {error}"
    if isinstance(error, typer.Exit):
        return error.exit_code, done.output
    if hasattr(error, "show"):
        return REFUSED, f"{done.output}{error.format_message()}"
    raise error  # a traceback is what nobody is to see


@pytest.mark.parametrize("name", PLAYED_ELSEWHERE)
def test_what_takes_servers_is_played_by_a_test_that_is_there(name: str) -> None:
    file, function = PLAYED_ELSEWHERE[name]
    tree = ast.parse((PROJECT / file).read_text())
    assert function in {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
