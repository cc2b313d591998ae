"""Access: what each key, token and role may, on its own ids and on foreign ones."""

import hmac
import logging
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from channels.api.access import (
    CONSOLE_S,
    PERSON_S,
    RELOAD_S,
    SESSION_S,
    VISITOR_S,
    Access,
    Caller,
    Forbidden,
    Unauthorized,
)
from channels.security.keys import (
    FormerSecret,
    Key,
    KeysFile,
    RevokedPerson,
    RevokedToken,
    SecretFile,
    hash_of,
    hash_of_person,
    read_keys,
    write_keys,
)
from channels.security.tokens import BadToken, opened, sign
from schemas.errors import ConfigError

SECRET = "s" * 32
PAGE = "https://shop.example"
KEYS = {
    "browser": Key("browser", hash_of("k-browser"), ("events:write", "decisions:read"),
                   is_browser=True, origins=(PAGE,)),
    "writer": Key("writer", hash_of("k-writer"), ("events:write",)),
    "reader": Key("reader", hash_of("k-reader"), ("decisions:read",)),
    "admin": Key("admin", hash_of("k-admin"), ("admin",)),
    "viewer": Key("viewer", hash_of("k-viewer"), role="viewer"),
    "marketer": Key("marketer", hash_of("k-marketer"), role="marketer"),
    "operator": Key("operator", hash_of("k-operator"), role="operator"),
}  # fmt: skip


class Clock:
    """Seconds that pass when a test says so."""

    now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys.yaml"
    (tmp_path / "the.secret").write_text(f"{SECRET}\n")
    write_keys(path, KeysFile(tuple(KEYS.values()), SecretFile("the.secret")))
    return path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(path: Path, clock: Clock) -> Access:
    return Access(path, clock=clock)


def caller_of(access: Access, name: str, **tokens: str) -> Caller:
    return access.caller(f"Bearer k-{name}", **tokens)


RIGHTS = {
    # write own, write foreign, read own, read foreign, read person, scope admin
    "browser": (True, False, True, False, False, False),
    "writer": (True, True, False, False, False, False),
    "reader": (False, False, True, True, True, False),
    "admin": (True, True, True, True, True, True),
    "viewer": (False, False, False, False, False, False),
    "marketer": (False, False, False, False, False, False),
    "operator": (False, False, False, False, False, False),
}


@pytest.mark.parametrize("name", RIGHTS)
def test_what_a_key_may_on_own_and_foreign_sessions_and_persons(access: Access, name: str) -> None:
    own = access.new_session()
    caller = caller_of(access, name, session_token=own.token)
    assert caller.session_id == own.session_id
    assert caller.anonymous_id == own.anonymous_id
    assert RIGHTS[name] == (
        access.may_write(caller, own.session_id), access.may_write(caller, "s-foreign"),
        access.may_read_session(caller, own.session_id), access.may_read_session(caller, "s-foreign"),
        access.may_read_person(caller, "anna"), access.may(caller, "admin"),
    )  # fmt: skip


@pytest.mark.parametrize("name", RIGHTS)
def test_a_persons_token_opens_that_person_only(access: Access, name: str) -> None:
    caller = caller_of(access, name, person_token=access.person_token("anna"))
    reads_all = name in ("reader", "admin")
    assert access.may_read_person(caller, "anna")
    assert access.may_read_person(caller, "bert") is reads_all
    assert access.may_read_person(caller_of(access, name), "anna") is reads_all


def test_a_persons_token_needs_no_key_and_gives_no_other_right(access: Access) -> None:
    caller = access.caller(None, person_token=access.person_token("anna"))
    assert access.may_read_person(caller, "anna")
    assert not access.may_read_person(caller, "bert")
    assert not access.may(caller, "events:write")
    assert not access.may_read_session(caller, "s")


def test_a_browser_without_a_session_may_nothing_with_any(access: Access) -> None:
    caller = caller_of(access, "browser")
    assert not access.may_write(caller, "")
    assert not access.may_write(caller, "s")
    assert not access.may_read_session(caller, "None")


def test_a_browser_speaks_only_for_whom_its_tokens_prove(access: Access) -> None:
    own = access.new_session()
    caller = caller_of(access, "browser", session_token=own.token)
    assert access.may_speak_for(caller, own.anonymous_id, None)
    assert not access.may_speak_for(caller, "a-foreign", None)
    assert not access.may_speak_for(caller, own.anonymous_id, "anna")
    proven = caller._replace(person="anna")
    assert access.may_speak_for(proven, own.anonymous_id, "anna")
    assert not access.may_speak_for(proven, own.anonymous_id, "bert")
    assert access.may_speak_for(caller_of(access, "writer"), "anyone", "anna")


@pytest.mark.parametrize(
    ("name", "is_viewer", "is_marketer", "is_operator"),
    [
        ("viewer", True, False, False), ("marketer", True, True, False),
        ("operator", True, True, True), ("admin", False, False, False),
        ("browser", False, False, False),
    ],
)  # fmt: skip
def test_roles_contain_those_below(
    access: Access, name: str, is_viewer: bool, is_marketer: bool, is_operator: bool
) -> None:
    caller = caller_of(access, name)
    found = [access.may_role(caller, role) for role in ("viewer", "marketer", "operator")]
    assert found == [is_viewer, is_marketer, is_operator]


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer k-nobody", "Basic k-admin", "k-admin", "Bearer k-admin x",
     "Bearer " + "x" * 10_000, "Bearer \x00", "Bearer ü", f"Bearer {hash_of('k-admin')}"],
)  # fmt: skip
def test_who_has_no_key_is_not_known(access: Access, authorization: str | None) -> None:
    with pytest.raises(Unauthorized):
        access.caller(authorization)


def test_the_scheme_may_be_written_as_one_likes(access: Access) -> None:
    assert access.caller("bearer k-admin").name == "admin"


@pytest.mark.parametrize(
    ("origin", "may"),
    [(None, True), (PAGE, True), ("https://evil.example", False), ("null", False), (f"{PAGE}.evil", False)],
)  # fmt: skip
def test_a_browsers_key_is_for_its_pages_only(
    access: Access, origin: str | None, may: bool
) -> None:
    if may:
        assert access.caller("Bearer k-browser", origin=origin).is_browser
    else:
        with pytest.raises(Forbidden):
            access.caller("Bearer k-browser", origin=origin)
    assert access.caller("Bearer k-admin", origin=origin).name == "admin"


def test_the_origins_of_all_browser_keys_are_the_list_for_cors(access: Access) -> None:
    assert access.origins == {PAGE}


def broken(token: str) -> list[str]:
    body, _, mac = token.partition(".")
    other = "A" if mac[0] != "A" else "B"
    return [
        "x", ".", f"{body}.", f".{mac}", f"{body}.{other}{mac[1:]}", f"{body}A.{mac}", f"{token}.",
        "ü" + token, token + "A" * 5_000, token.upper(),
    ]  # fmt: skip


def test_a_token_that_was_altered_opens_nothing(access: Access) -> None:
    for token in broken(access.new_session().token):
        with pytest.raises(Unauthorized):
            caller_of(access, "browser", session_token=token)
    for token in broken(access.person_token("anna")):
        with pytest.raises(Unauthorized):
            caller_of(access, "browser", person_token=token)


def test_a_token_of_one_kind_is_none_of_another(access: Access) -> None:
    session, person = access.new_session().token, access.person_token("anna")
    _, cookie = access.sign_in("k-operator")
    for token in (session, person):
        with pytest.raises(Unauthorized):
            access.console_caller(token)
    for token in (session, cookie):
        with pytest.raises(Unauthorized):
            caller_of(access, "admin", person_token=token)
    for token in (person, cookie):
        with pytest.raises(Unauthorized):
            caller_of(access, "admin", session_token=token)


def test_another_secret_opens_nothing(access: Access, path: Path) -> None:
    other = Access(path, "t" * 32)
    with pytest.raises(Unauthorized):
        caller_of(other, "browser", session_token=access.new_session().token)


def test_tokens_end(access: Access, clock: Clock) -> None:
    own, person = access.new_session(), access.person_token("anna")
    clock.now_s += SESSION_S - 1
    caller_of(access, "browser", session_token=own.token, person_token=person)
    clock.now_s += 1
    with pytest.raises(Unauthorized, match="expired"):
        caller_of(access, "browser", session_token=own.token)
    clock.now_s += PERSON_S
    with pytest.raises(Unauthorized, match="expired"):
        caller_of(access, "browser", person_token=person)


def test_a_new_session_keeps_the_visitor_that_the_old_token_proves(
    access: Access, clock: Clock
) -> None:
    first = access.new_session()
    clock.now_s += VISITOR_S - 1
    second = access.new_session(first.token)
    assert second.anonymous_id == first.anonymous_id
    assert second.session_id != first.session_id
    clock.now_s += 1
    assert access.new_session(first.token).anonymous_id != first.anonymous_id
    for token in (None, "x", access.person_token(first.anonymous_id), *broken(second.token)):
        assert access.new_session(token).anonymous_id != first.anonymous_id


def test_made_ids_do_not_repeat(access: Access) -> None:
    made = [access.new_session() for _ in range(1_000)]
    assert len({one.session_id for one in made} | {one.anonymous_id for one in made}) == 2_000


def test_only_keys_with_a_role_sign_in_on_the_console(access: Access, clock: Clock) -> None:
    for name in ("browser", "writer", "reader", "admin"):
        with pytest.raises(Forbidden):
            access.sign_in(f"k-{name}")
    with pytest.raises(Unauthorized):
        access.sign_in("k-nobody")
    caller, cookie = access.sign_in("k-marketer")
    assert (caller.name, caller.role) == ("marketer", "marketer")
    assert access.console_caller(cookie) == caller
    for wrong in (None, "", *broken(cookie)):
        with pytest.raises(Unauthorized):
            access.console_caller(wrong)
    clock.now_s += CONSOLE_S
    with pytest.raises(Unauthorized, match="expired"):
        access.console_caller(cookie)


def test_a_page_proves_whose_it_is_by_its_cookie(access: Access) -> None:
    _, cookie = access.sign_in("k-marketer")
    assert access.csrf_token(cookie) == access.csrf_token(cookie)
    assert access.is_csrf_token(cookie, access.csrf_token(cookie))
    for wrong in (access.csrf_token(None), "", "x", "\u00fc", cookie):
        assert not access.is_csrf_token(cookie, wrong)


def test_a_revoked_key_and_its_cookie_open_nothing_a_second_later(
    access: Access, path: Path, clock: Clock
) -> None:
    _, cookie = access.sign_in("k-marketer")
    own = access.new_session()
    left = tuple(key for name, key in KEYS.items() if name not in ("marketer", "writer"))
    write_keys(path, KeysFile(left, SecretFile("the.secret")))
    clock.now_s += RELOAD_S
    with pytest.raises(Unauthorized, match="revoked"):
        access.console_caller(cookie)
    with pytest.raises(Unauthorized):
        caller_of(access, "writer")
    assert caller_of(access, "browser", session_token=own.token).session_id == own.session_id


@pytest.mark.parametrize("content", ["keys: [", "keys: 1", None])
def test_a_file_that_breaks_leaves_the_keys_as_they_were(
    access: Access, path: Path, clock: Clock, content: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    path.unlink()
    if content is not None:
        path.write_text(content)
    clock.now_s += RELOAD_S
    with caplog.at_level(logging.WARNING):
        assert caller_of(access, "admin").name == "admin"
    assert "the keys stay as they were" in caplog.text
    assert "k-admin" not in caplog.text


def test_without_a_file_all_is_open_to_this_machine() -> None:
    access = Access(None)
    assert access.is_open
    caller = access.caller(None, None, None, "https://anywhere.example")
    assert access.may_write(caller, "s")
    assert access.may_read_person(caller, "anna")
    assert access.may_role(caller, "operator")
    assert access.may_role(access.console_caller(None), "operator")
    for host in ("127.0.0.1", "localhost", "::1"):
        access.check_host(host)
    for host in ("0.0.0.0", "::", "192.168.1.2", "kairos.example", ""):
        with pytest.raises(ConfigError, match="KAIROS_API_KEYS"):
            access.check_host(host)


def test_open_a_token_of_before_the_restart_still_tells_its_session() -> None:
    own = Access(None).new_session()
    access = Access(None)
    assert access.caller(None, own.token).session_id == own.session_id
    assert access.new_session(own.token).anonymous_id == own.anonymous_id
    with pytest.raises(Unauthorized):
        access.caller(None, "x")


def test_with_keys_it_may_listen_anywhere(access: Access) -> None:
    assert not access.is_open
    access.check_host("0.0.0.0")


GOOD = {"name": "n", "key_sha256": "0" * 64, "scopes": ["events:write"]}
WRONG_KEYS = {
    "no file": None,
    "neither scopes nor a role": [{"name": "n", "key_sha256": "0" * 64}],
    "scopes and a role": [GOOD | {"role": "viewer"}],
    "may not be admin": [GOOD | {"scopes": ["admin"], "browser": True, "origins": [PAGE]}],
    "names no origins": [GOOD | {"browser": True}],
    "is no browser's": [GOOD | {"origins": [PAGE]}],
    "may have no role": [
        {"name": "n", "key_sha256": "0" * 64, "role": "viewer", "browser": True, "origins": ["*"]}
    ],
    "two keys have the name 'n'": [GOOD, GOOD | {"key_sha256": "1" * 64}],
    "two keys have the hash": [GOOD, GOOD | {"name": "m"}],
    "key_sha256": [GOOD | {"key_sha256": "k-secret"}],
    "scopes": [GOOD | {"scopes": ["everything"]}],
    "origins": [GOOD | {"browser": True, "origins": ["shop.example"]}],
    "unknown field": [GOOD | {"key": "k"}],
    "name": [GOOD | {"name": "a\nb"}],
}


@pytest.mark.parametrize("why", WRONG_KEYS)
def test_a_wrong_file_of_keys_is_refused_with_the_reason(tmp_path: Path, why: str) -> None:
    path = tmp_path / "keys.yaml"
    content = WRONG_KEYS[why]
    if content is not None:
        path.write_text(yaml.safe_dump({"keys": content, "secret": {"file": "the.secret"}}))
    with pytest.raises(ConfigError) as refused:
        read_keys(path)
    assert str(path) in str(refused.value)
    if content is not None:
        assert why in str(refused.value)


@pytest.mark.parametrize("secret", [None, "", "x-7", "s" * 31])
def test_a_secret_that_is_no_good_is_refused_and_not_shown(path: Path, secret: str | None) -> None:
    place = path.parent / "the.secret"
    place.unlink()
    if secret is not None:
        place.write_text(secret)
    with pytest.raises(ConfigError, match=str(place)) as refused:
        Access(path)
    assert not secret or secret not in str(refused.value).replace(str(path.parent), "")
    assert Access(path, SECRET).person_token("anna")
    with pytest.raises(ConfigError, match="KAIROS_API_SECRET"):
        Access(path, "short")


def test_the_file_is_its_owners_and_holds_no_key(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    assert not [name for name in KEYS if f"k-{name}" in text]
    assert read_keys(path).keys == tuple(KEYS.values())


def test_values_come_out_of_a_token_as_they_went_in() -> None:
    values = ["ü \"'\n", 7, ""]
    token = sign([b"x" * 32], "p", 5, *values)  # type: ignore[arg-type]
    assert opened([b"x" * 32], "p", token)[:2] == (values, 5)
    for secrets, purpose in (([b"x" * 32], "q"), ([b"y" * 32], "p")):
        with pytest.raises(BadToken):
            opened(secrets, purpose, token)


def test_tokens_of_the_same_values_have_each_an_id_of_their_own() -> None:
    made = [sign([b"x" * 32], "p", 5, "anna") for _ in range(100)]
    assert len({opened([b"x" * 32], "p", one).token_id for one in made}) == 100


def former_token(purpose: str, *values: str | int) -> str:
    """As tokens were made before they had ids: by hand, with the secret of `path`."""
    body = urlsafe_b64encode(msgspec.json.encode(values)).rstrip(b"=").decode()
    mac = hmac.digest(SECRET.encode(), f"{purpose}\0{body}".encode(), "sha256")
    return f"{body}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def test_a_token_of_the_former_kind_is_honoured_for_its_lifetime(
    access: Access, clock: Clock
) -> None:
    issued_s = int(clock.now_s)
    session = former_token("session", "s-1", "a-1", issued_s)
    person = former_token("person", "anna", issued_s)
    cookie = former_token("console", hash_of("k-operator"), issued_s)
    caller = caller_of(access, "browser", session_token=session, person_token=person)
    assert (caller.session_id, caller.anonymous_id, caller.person) == ("s-1", "a-1", "anna")
    assert access.console_caller(cookie).name == "operator"
    assert access.is_csrf_token(cookie, former_token("csrf", cookie).partition(".")[2])
    clock.now_s += PERSON_S
    assert access.new_session(session).anonymous_id == "a-1"
    for token in ({"session_token": session}, {"person_token": person}):
        with pytest.raises(Unauthorized, match="expired"):
            caller_of(access, "browser", **token)
    for wrong in (*broken(person), former_token("person", "anna"), former_token("other", "a", 1)):
        with pytest.raises(Unauthorized):
            caller_of(access, "browser", person_token=wrong)


def change(path: Path, clock: Clock, **changes: Any) -> None:
    """Changes the file of keys, and waits until that counts."""
    write_keys(path, msgspec.structs.replace(read_keys(path), **changes))
    clock.now_s += RELOAD_S


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize("kind", ["present", "former"])
def test_one_token_is_taken_back_and_the_others_stay(
    access: Access, path: Path, clock: Clock, kind: str
) -> None:
    issued_s = int(clock.now_s)
    is_former = kind == "former"
    token = former_token("person", "anna", issued_s) if is_former else access.person_token("anna")
    other = access.person_token("anna")
    own = access.new_session()
    ids = [opened([SECRET.encode()], purpose, one).token_id for purpose, one in (("person", token), ("session", own.token))]  # fmt: skip
    change(path, clock, revoked_tokens=tuple(RevokedToken(one, at(9e9)) for one in ids))
    for revoked in ({"person_token": token}, {"session_token": own.token}):
        with pytest.raises(Unauthorized, match="revoked"):
            caller_of(access, "browser", **revoked)
    assert access.new_session(own.token).anonymous_id != own.anonymous_id
    assert caller_of(access, "browser", person_token=other).person == "anna"


def test_all_tokens_of_a_person_until_a_moment_are_taken_back(
    access: Access, path: Path, clock: Clock
) -> None:
    old, others = access.person_token("anna"), access.person_token("bert")
    before = at(int(clock.now_s))
    change(path, clock, revoked_persons=(RevokedPerson(hash_of_person("anna"), before),))
    assert "anna" not in path.read_text()
    with pytest.raises(Unauthorized, match="revoked"):
        caller_of(access, "browser", person_token=old)
    assert caller_of(access, "browser", person_token=others).person == "bert"
    assert caller_of(access, "browser", person_token=access.person_token("anna")).person == "anna"


def test_a_key_ends_when_it_expires(access: Access, path: Path, clock: Clock) -> None:
    ends = at(clock.now_s + 60)
    change(path, clock, keys=tuple(msgspec.structs.replace(one, expires=ends) for one in KEYS.values()))  # fmt: skip
    _, cookie = access.sign_in("k-viewer")
    assert caller_of(access, "browser").is_browser
    assert access.origins == {PAGE}
    clock.now_s += 60
    for refused in ("browser", "admin"):
        with pytest.raises(Unauthorized, match="expired"):
            caller_of(access, refused)
    with pytest.raises(Unauthorized, match="expired"):
        access.sign_in("k-viewer")
    with pytest.raises(Unauthorized, match="expired"):
        access.console_caller(cookie)
    assert access.origins == frozenset()


def test_a_secret_is_changed_with_an_overlap(access: Access, path: Path, clock: Clock) -> None:
    old = access.person_token("anna")
    _, cookie = access.sign_in("k-operator")
    csrf = access.csrf_token(cookie)
    path.with_name("new.secret").write_text("n" * 32)
    change(
        path, clock,
        secret=SecretFile("new.secret"),
        former_secrets=(FormerSecret("the.secret", at(clock.now_s + 3_600)),),
    )  # fmt: skip
    new = access.person_token("anna")
    assert access.csrf_token(cookie) != csrf
    for token in (old, new):
        assert caller_of(access, "browser", person_token=token).person == "anna"
    assert access.console_caller(cookie).name == "operator"
    assert access.is_csrf_token(cookie, csrf)
    with pytest.raises(BadToken):
        opened([SECRET.encode()], "person", new)
    clock.now_s += 3_600
    with pytest.raises(Unauthorized, match="signature"):
        caller_of(access, "browser", person_token=old)
    assert not access.is_csrf_token(cookie, csrf)
    assert caller_of(access, "browser", person_token=new).person == "anna"
    path.with_name("the.secret").unlink()
    assert Access(path, clock=clock).is_open is False
