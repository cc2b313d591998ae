"""Drafts of policies: kept with mistakes and all, compared, deleted, never in force by themselves; each change written down first."""

from pathlib import Path

import msgspec
import pytest

from channels.api.audit_log import Actor, AuditLog
from jobs.config import Config, config_from
from schemas.errors import ConfigError
from schemas.limits import CONTROL_BYTES_MAX, DRAFTS_MAX
from scripts.ops.audited_change import delete_draft, save_draft
from scripts.ops.local_audit import audit_log_of
from scripts.policy.drafts import Drafts, KeptDraft, check_draft, draft_json
from scripts.policy.policy_file import check_policy
from scripts.policy.policy_versions import version_of

ANNA = Actor("anna", "marketer", "127.0.0.1")
GOOD = "placements: [{name: home}]  # as it is typed\n"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_from({"KAIROS_HOME": str(tmp_path / "home")})


@pytest.fixture
def drafts(config: Config) -> Drafts:
    return Drafts(config)


def draft(
    name: str = "sale", text: str = GOOD, saved_ms: int = 5, note: str = "for May"
) -> KeptDraft:
    return KeptDraft(name, text, note, "anna", saved_ms)


def test_a_draft_is_kept_as_it_was_typed_and_for_its_owner_alone(
    drafts: Drafts, config: Config
) -> None:
    assert drafts.all() == []
    assert drafts.save(draft()) is None
    assert drafts.find("sale") == draft()
    drafts.save(draft("later", saved_ms=6))
    assert [one.name for one in drafts.all()] == ["later", "sale"]
    path = config.home / "drafts" / "sale.json"
    assert (path.stat().st_mode & 0o077, path.parent.stat().st_mode & 0o077) == (0, 0)
    assert drafts.delete("sale") == draft()
    assert [one.name for one in drafts.all()] == ["later"]


def test_one_with_mistakes_is_kept_and_says_them(drafts: Drafts) -> None:
    drafts.save(draft(text="placements: [{nam: home}]\nactions: 1\n"))
    shown = draft_json(drafts.find("sale"))
    assert {one["field"] for one in shown["mistakes"]} >= {"actions", "placements[0].nam"}
    assert (shown["version"], shown["state"]) == ("", "")
    assert check_draft(draft()).mistakes == ()
    version = version_of(check_policy(GOOD).policy)
    assert draft_json(draft(), {version: "live"})["state"] == "live"


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".x", "a b", "ä", "x" * 65, "a\n"])
def test_what_is_no_name_is_told(drafts: Drafts, config: Config, name: str) -> None:
    for work in (drafts.find, drafts.delete, lambda one: drafts.save(draft(one))):
        with pytest.raises(ConfigError, match=r"is no name for a draft: up to 64 letters"):
            work(name)
    assert not list(config.home.rglob("*.json"))


def test_one_that_is_not_there_is_told_with_the_one_that_may_be_meant(drafts: Drafts) -> None:
    with pytest.raises(ConfigError, match="there is no draft 'sale': `kairos policy draft list`"):
        drafts.find("sale")
    drafts.save(draft("sales"))
    with pytest.raises(ConfigError, match="there is no draft 'sale': did you mean sales"):
        drafts.delete("sale")


def test_what_somebody_else_has_saved_meanwhile_is_not_lost(drafts: Drafts) -> None:
    drafts.save(draft(), seen_ms=0)
    for seen_ms in (0, 4):
        with pytest.raises(ConfigError, match="the draft sale is there as anna saved it on 1970"):
            drafts.save(draft(saved_ms=7), seen_ms=seen_ms)
    assert drafts.save(draft(saved_ms=7), seen_ms=5) == draft()
    drafts.delete("sale")
    with pytest.raises(ConfigError, match="the draft sale was deleted meanwhile"):
        drafts.save(draft(), seen_ms=7)
    drafts.save(draft())
    assert drafts.save(draft(saved_ms=8)) == draft(), "who does not say what was seen replaces it"


def test_drafts_have_bounds(drafts: Drafts) -> None:
    with pytest.raises(ConfigError, match="a note has at most 300 characters, this one 301"):
        drafts.save(draft(note="x" * 301))
    with pytest.raises(ConfigError, match="a draft has at most 1,000,000 bytes"):
        drafts.save(draft(text="é" * (CONTROL_BYTES_MAX // 2 + 1)))
    for number in range(DRAFTS_MAX):
        drafts.save(draft(f"d{number}"))
    with pytest.raises(ConfigError, match=f"there are {DRAFTS_MAX} drafts"):
        drafts.save(draft("more"))
    drafts.save(draft("d0", saved_ms=9))


def test_a_file_that_is_no_draft_is_named(drafts: Drafts, config: Config) -> None:
    drafts.save(draft())
    (config.home / "drafts" / "sale.json").write_bytes(msgspec.json.encode({"name": "sale"}))
    with pytest.raises(ConfigError, match=r"the draft .*sale.json cannot be read"):
        drafts.all()


def test_changes_are_written_down_before_they_are_made(
    drafts: Drafts, config: Config, tmp_path: Path
) -> None:
    log = audit_log_of(config)
    save_draft(log, ANNA, drafts, draft())
    save_draft(log, ANNA, drafts, draft(saved_ms=6))
    delete_draft(log, ANNA, drafts, "sale")
    told = [(one.what, one.outcome, one.who) for one in reversed(log.newest(9))]
    assert told == [
        (f"policy draft {what}", outcome, "anna")
        for what in ("save", "save", "delete")
        for outcome in ("begun", "done")
    ]
    assert log.newest(3)[2].details["replaces"].startswith("that of anna of 1970")
    blocked = AuditLog(tmp_path)
    with pytest.raises(ConfigError, match="nothing is changed until it can"):
        save_draft(blocked, ANNA, drafts, draft())
    drafts.save(draft())
    with pytest.raises(ConfigError, match="nothing is changed until it can"):
        delete_draft(blocked, ANNA, drafts, "sale")
    assert drafts.all() == [draft()]
