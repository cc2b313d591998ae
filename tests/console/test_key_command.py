"""`kairos key`: a key is shown once, what is wrong is said, and every change is written down."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from channels.api.access import Access, Unauthorized
from channels.api.audit_log import AuditLog
from channels.security.keys import read_keys
from channels.security.pseudonyms import read_pseudonyms
from jobs.config import config_from
from schemas.errors import ConfigError
from scripts.commands.key_cli import app
from scripts.ops.local_audit import local_actor, note_look

BROWSER = ("create", "--name", "page", "--scope", "events:write", "--browser")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KAIROS_API_KEYS", str(tmp_path / "keys.yaml"))
    monkeypatch.delenv("KAIROS_API_SECRET", raising=False)
    return tmp_path


def key(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def refusal(*words: str) -> str:
    """The message of a command that is refused."""
    result = key(*words)
    assert isinstance(result.exception, ConfigError), result.output
    return str(result.exception)


def test_a_key_that_is_made_opens_what_it_may(home: Path) -> None:
    made = json.loads(key("create", "--name", "shop", "--scope", "decisions:read", "--json").output)
    path = home / "keys.yaml"
    assert made["key"] not in path.read_text()
    access = Access(path)
    caller = access.caller(f"Bearer {made['key']}")
    assert caller.name == "shop"
    assert list(caller.scopes) == ["decisions:read"]
    token = key("person-token", "anna").stdout.strip()
    assert access.caller(None, person_token=token).person == "anna"
    for place in (path, home / "keys.secret"):
        assert place.stat().st_mode & 0o777 == 0o600


def test_the_list_shows_names_and_rights_and_no_key(home: Path) -> None:
    key("create", "--name", "anna", "--role", "operator")
    key(*BROWSER, "--origin", "https://shop.example")
    shown = json.loads(key("list", "--json").output)
    assert [(one["name"], one["role"], one["browser"]) for one in shown] == [
        ("anna", "operator", False), ("page", None, True),
    ]  # fmt: skip
    assert "https://shop.example" in key("list").output


def test_a_revoked_key_is_gone_and_the_others_stay(home: Path) -> None:
    for name in ("a", "b"):
        key("create", "--name", name, "--role", "viewer")
    assert key("revoke", "a").exit_code == 0
    assert [one.name for one in read_keys(home / "keys.yaml").keys] == ["b"]
    assert "there is no key 'a'" in refusal("revoke", "a")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("create", "--name", "x"), "neither scopes nor a role"),
        (("create", "--name", "x", "--scope", "all"), "there are events:write, decisions:read, admin"),
        (BROWSER, "names no origins"),
        ((*BROWSER, "--origin", "shop.example"), "origins"),
        (("create", "--name", "x", "--scope", "admin", "--role", "viewer"), "make two keys"),
        (("create", "--name", "a\nb", "--role", "viewer"), "name"),
        (("list",), "cannot be read"),
        (("person-token", "anna"), "cannot be read"),
        (("audit", "--verify"), "no audit log"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(home: Path, words: tuple[str, ...], why: str) -> None:
    assert why in refusal(*words)
    assert not (home / "keys.yaml").exists()


def test_a_name_is_given_once(home: Path) -> None:
    assert key("create", "--name", "anna", "--role", "viewer").exit_code == 0
    assert "revoke it first" in refusal("create", "--name", "anna", "--role", "operator")


def test_without_a_file_its_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAIROS_API_KEYS")
    assert "KAIROS_API_KEYS" in refusal("list")


def test_a_secret_is_written_once(home: Path) -> None:
    place = home / "pseudonym.key"
    assert key("secret", str(place)).exit_code == 0
    assert read_pseudonyms(place).of("person", "anna") != "anna"
    assert "would be lost" in refusal("secret", str(place))


def test_every_change_is_in_the_audit_log(home: Path) -> None:
    made = json.loads(key("create", "--name", "anna", "--role", "viewer", "--json").output)
    key("revoke", "anna")
    log = AuditLog(home / "home" / "audit.jsonl")
    assert [(one.what, one.outcome) for one in reversed(log.newest(9))] == [
        ("key create", "begun"), ("key create", "done"), ("key revoke", "begun"), ("key revoke", "done"),
    ]  # fmt: skip
    assert made["key"] not in log.path.read_text()
    shown = json.loads(key("audit", "--last", "1", "--json").output)
    assert shown[0]["details"]["name"] == "anna"
    head = json.loads(key("audit", "--verify", "--json").output)["head"]
    log.path.write_text("".join(log.path.read_text().splitlines(keepends=True)[:2]))
    assert key("audit", "--verify").exit_code == 0
    cut = key("audit", "--noted", head)
    assert "cut off" in cut.output


def test_a_key_can_end_by_itself(home: Path) -> None:
    key("create", "--name", "guest", "--role", "viewer", "--expires", "2020-01-01T00:00:00Z")
    [shown] = json.loads(key("list", "--json").output)
    assert shown["expires"] == "2020-01-01T00:00:00+00:00"
    made = json.loads(
        key("create", "--name", "shop", "--scope", "admin", "--expires", "2020-01-01T00:00:00Z", "--json").output
    )  # fmt: skip
    with pytest.raises(Unauthorized, match="expired"):
        Access(home / "keys.yaml").caller(f"Bearer {made['key']}")
    assert "soon" in refusal("create", "--name", "x", "--role", "viewer", "--expires", "soon")


def opens(home: Path, token: str) -> bool:
    """Whether a person's token opens anything."""
    try:
        return Access(home / "keys.yaml").caller(None, person_token=token).person == "anna"
    except Unauthorized:
        return False


@pytest.mark.parametrize("by", ["token", "id"])
def test_a_token_is_revoked_by_itself_or_its_id(home: Path, by: str) -> None:
    key("create", "--name", "shop", "--scope", "admin")
    made, other = (json.loads(key("person-token", "anna", "--json").output) for _ in range(2))
    assert opens(home, made["token"])
    assert key("revoke-token", made[by]).exit_code == 0
    assert (opens(home, made["token"]), opens(home, other["token"])) == (False, True)
    assert "neither a token" in refusal("revoke-token", "x")


def test_a_persons_tokens_are_revoked_until_now(home: Path) -> None:
    key("create", "--name", "shop", "--scope", "admin")
    token = json.loads(key("person-token", "anna", "--json").output)["token"]
    key("revoke-person", "bert")
    key("revoke-person", "anna", "--before", "2020-01-01T00:00:00Z")
    assert opens(home, token)
    key("revoke-person", "anna")
    key("revoke-person", "anna", "--before", "2020-01-01T00:00:00Z")
    assert not opens(home, token)
    assert "anna" not in (home / "keys.yaml").read_text()
    key("create", "--name", "other", "--scope", "admin")
    assert not opens(home, token)


@pytest.mark.parametrize("hours", ["0", "24"])
def test_a_rotated_secret_signs_and_the_old_one_opens_for_the_overlap(
    home: Path, hours: str
) -> None:
    key("create", "--name", "shop", "--scope", "admin")
    old = json.loads(key("person-token", "anna", "--json").output)["token"]
    assert key("rotate-secret", "--overlap-hours", hours).exit_code == 0
    new = json.loads(key("person-token", "anna", "--json").output)["token"]
    assert (opens(home, old), opens(home, new)) == (hours != "0", True)
    [place] = home.glob("keys.*Z-*.secret")
    assert place.stat().st_mode & 0o777 == 0o600
    log = AuditLog(home / "home" / "audit.jsonl")
    assert log.newest(1)[0].what == "secret rotate"
    assert place.read_text().strip() not in log.path.read_text()


def test_a_secret_of_the_environment_is_rotated_there(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key("create", "--name", "shop", "--scope", "admin")
    monkeypatch.setenv("KAIROS_API_SECRET", "e" * 32)
    assert "former_secrets" in refusal("rotate-secret")


def test_who_looked_is_shown_apart_and_by_person(home: Path) -> None:
    key("create", "--name", "shop", "--scope", "admin")
    note_look(config_from(), "read decision", ["anna"], {"decision": "d1"})
    note_look(config_from(), "read why not", ["bert"], {"action": "a1"})
    log = home / "home" / "audit.jsonl"
    assert "anna" not in log.read_text().replace(local_actor().who, "")
    shown = [
        json.loads(key("audit", *words, "--json").output)
        for words in ((), ("--reads",), ("--person", "anna"))
    ]
    assert [[one["what"] for one in entries] for entries in shown] == [
        ["key create", "key create"], ["read why not", "read decision"], ["read decision"],
    ]  # fmt: skip
    assert shown[2][0]["who"] == local_actor().who
    assert key("audit", "--verify").exit_code == 0
    place = home / "home" / "secrets" / "audit.key"
    assert place.stat().st_mode & 0o777 == 0o600


def test_a_command_that_cannot_note_its_look_says_so_and_goes_on(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "home" / "audit.jsonl").mkdir(parents=True)
    note_look(config_from(), "read decision", ["anna"], {"decision": "d1"})
    assert "this look stands in no audit log: " in capsys.readouterr().err
