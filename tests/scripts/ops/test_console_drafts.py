"""Drafts and the schedule on the console: the same files and records as the command line's, each change in the audit log."""

from pathlib import Path

import pytest

from channels.api.audit_log import Actor
from channels.console.offer_bodies import OfferChange, OfferForm
from channels.console.policy_bodies import Announced, DraftText, PolicyText
from jobs.config import config_from
from jobs.publish import now_ms
from schemas.errors import ConfigError
from schemas.limits import DAY_MS
from scripts.ops import console_versions
from scripts.ops.console_offers import ConsoleOffers
from scripts.ops.local_audit import audit_log_of
from scripts.policy import policy_versions
from scripts.policy.drafts import Drafts
from scripts.policy.policy_versions import Draft, version_of
from scripts.policy.schedule import publish
from tests.scripts.policy.test_schedule import Topic, policy

ANNA = Actor("anna", "marketer", "127.0.0.1")
TEXT = "placements: [{name: home}]\ntime_zone: Europe/Berlin\n"
BROKEN = "placements: [{nam: home}]\n"
OFFER = OfferForm(id="autumn", placements=("home",), content={"title": {"en": "Autumn sale"}})


class Desk(ConsoleOffers):
    """Of a Kafka that holds what is published."""

    def __init__(self, home: Path) -> None:
        super().__init__(config_from({"KAIROS_HOME": str(home)}), "nowhere:1")
        self.topic = Topic()
        self.written = Drafts(self._config)
        live = Draft("A", "default", policy(65))
        publish(self.topic, [], live, now_ms() - DAY_MS)  # type: ignore[arg-type]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(tmp_path)
    monkeypatch.setattr(console_versions, "read_to_end", lambda *_: desk.topic.records)
    monkeypatch.setattr(policy_versions, "announced", lambda *_: desk.topic.versions)
    monkeypatch.setattr(Desk, "_log", lambda _: desk.topic)
    return desk


def noted(desk: Desk) -> list[tuple[str, str, str]]:
    """What the audit log says was done, the newest first."""
    found = audit_log_of(desk._config).newest(9)
    return [(one.what, one.who, one.outcome) for one in found if one.outcome != "begun"]


def test_a_draft_is_kept_with_its_mistakes_and_the_command_line_has_it_too(desk: Desk) -> None:
    saved = desk.save_draft(ANNA, DraftText("sale", BROKEN, "for May"))
    assert (len(saved["mistakes"]), saved["version"], saved["author"]) == (2, "", "anna")
    assert desk.written.find("sale").text == BROKEN
    again = desk.save_draft(ANNA, DraftText("sale", TEXT, "for May", saved["saved_ms"]))
    assert again["mistakes"] == []
    with pytest.raises(ConfigError, match="the draft sale is there as anna saved it"):
        desk.save_draft(ANNA, DraftText("sale", BROKEN))
    (row,) = desk.drafts()["drafts"]
    assert (row["name"], row["version"], row["state"]) == ("sale", again["version"], "")
    assert desk.draft("sale")["text"] == TEXT
    assert len(desk.topic.records) == 1, "nothing comes into force by itself"
    desk.delete_draft(ANNA, "sale")
    assert desk.drafts() == {"drafts": []}
    assert [one[:2] for one in noted(desk)][::3] == [
        ("policy draft delete", "anna"),
        ("policy draft save", "anna"),
    ]


def test_a_draft_says_whether_it_is_live_or_coming(desk: Desk) -> None:
    desk.save_draft(ANNA, DraftText("sale", TEXT))
    desk.publish_policy(ANNA, PolicyText(TEXT, "sale", "2098-03-01T09:00"))
    desk._control.forget()
    assert [one["state"] for one in desk.drafts()["drafts"]] == ["coming"]
    (coming,) = desk.scheduled()["scheduled"]
    desk.take_back_policy(ANNA, Announced(coming["version"], coming["effective_from_ms"]))
    assert [one["state"] for one in desk.drafts()["drafts"]] == ["taken back"]
    desk.publish_policy(ANNA, PolicyText(TEXT))
    assert [one["state"] for one in desk.drafts()["drafts"]] == ["coming"], "in two seconds"


def test_a_policy_is_scheduled_by_the_clocks_of_its_own_zone_and_taken_back(desk: Desk) -> None:
    given = PolicyText(TEXT, "for May", "2098-07-01T09:00", "2098-07-02T09:00")
    done = desk.publish_policy(ANNA, given)
    assert (done["replaces"], done["ended_by"]) == ("A", "A")
    begins, ends = desk.scheduled()["scheduled"]
    assert begins["local"] == "2098-07-01 09:00 in Europe/Berlin"
    assert (begins["note"], begins["author"], begins["is_return"]) == ("for May", "anna", False)
    assert (ends["version"], ends["is_return"]) == ("A", True)
    assert ends["effective_from_ms"] - begins["effective_from_ms"] == DAY_MS
    back = desk.take_back_policy(ANNA, Announced(begins["version"], begins["effective_from_ms"]))
    assert (back["version"], back["replaces"]) == ("A", begins["version"])
    assert desk.scheduled() == {"scheduled": []}
    assert noted(desk) == [("policy take back", "anna", "done"), ("policy publish", "anna", "done")]
    with pytest.raises(ConfigError, match="is announced for"):
        desk.take_back_policy(ANNA, Announced(begins["version"], begins["effective_from_ms"]))


@pytest.mark.parametrize(
    ("starts", "ends", "said"),
    [
        ("2020-01-01T09:00", "", "From: 2020-01-01 09:00 in Europe/Berlin is past: choose a time to come, or leave it empty"),
        ("", "2020-01-01T09:00", "Until: 2020-01-01 09:00 in Europe/Berlin is past"),
        ("soon", "", "From: a day and time such as 2026-11-30T09:00 is wanted"),
        ("2035-03-25T02:30", "", "From: there is no 02:30 on 2035-03-25 in Europe/Berlin"),
        ("2035-10-28T02:30", "", "From: the clocks show 02:30 on 2035-10-28 in Europe/Berlin twice"),
        ("2098-03-02T09:00", "2098-03-01T09:00", "it would end"),
    ],
)  # fmt: skip
def test_a_wrong_time_is_told_and_nothing_is_published(
    desk: Desk, starts: str, ends: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        desk.publish_policy(ANNA, PolicyText(TEXT, "", starts, ends))
    assert len(desk.topic.records) == 1


def test_an_offer_is_kept_as_a_draft_of_the_whole_policy(desk: Desk) -> None:
    saved = desk.draft_offer(ANNA, OfferChange("A", OFFER, True, "for November"))
    assert (saved["name"], saved["note"], saved["mistakes"]) == ("autumn", "for November", [])
    assert "Autumn sale" in desk.draft("autumn")["text"]
    checked = desk.check(desk.draft("autumn")["text"])
    assert checked["is_ok"]
    assert checked["time_zone"] == "Europe/Berlin"
    assert checked["version"] != version_of(policy(65))
    assert [one["version"] for one in desk.scheduled()["scheduled"]] == []
