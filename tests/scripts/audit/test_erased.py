"""`verify replay` of a log of which somebody was erased since."""

import msgspec
import pytest

from jobs.audit.logged import Scope
from schemas.codec import CONTROL, DECISION, EVENT
from schemas.erasures import ErasureKey
from schemas.limits import DAY_MS
from schemas.records import LogRecord
from schemas.topics import CONTROL as CONTROL_TOPIC
from schemas.topics import DECISIONS, EVENTS
from scripts.audit.replay_view import audit_json, show_audit
from scripts.audit.verify import verify
from scripts.privacy.erasure import list_of
from scripts.privacy.trails import find_trail
from tests.builders import NOON
from tests.jobs.live_job import LiveJob, Topics, decided
from tests.logs import shopping_log
from tests.scripts.audit.copies import Copy

KEY = ErasureKey(b"k" * 32)
UNTIL_MS = NOON + 30 * DAY_MS


@pytest.fixture(scope="module")
def topics() -> Topics:
    return LiveJob(shopping_log(320, hours=0.2), 300).topics


def with_erased(topics: Topics, *persons: str) -> Topics:
    trails = [find_trail(one, (), topics[EVENTS], EVENT.decode) for one in persons]
    erased = [record for one in trails for record in list_of(one, KEY, UNTIL_MS)]
    control = [
        *topics[CONTROL_TOPIC],
        *(
            LogRecord(CONTROL_TOPIC, 0, 1_000 + at, UNTIL_MS, "", CONTROL.encode(one))
            for at, one in enumerate(erased)
        ),
    ]
    return {**topics, CONTROL_TOPIC: control}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.learning.trust.erasure_key_of", lambda _: KEY)


def test_decisions_of_who_was_erased_are_explained_by_that(
    topics: Topics, capsys: pytest.CaptureFixture[str]
) -> None:
    decisions = [DECISION.decode(one.value) for one in decided(topics)]
    persons = sorted({one.person for one in decisions})
    gone = frozenset(one for one in persons if one.startswith("p"))
    assert 3 < len(gone) < len(persons)
    found = verify(Copy(with_erased(topics, *gone)), Scope())
    count = sum(one.person in gone for one in decisions)
    assert set(found.differing) == {"erased"}
    assert found.differing["erased"] >= count > 0
    assert (found.faults, found.unexplained, found.is_whole) == ([], 0, True)
    assert found.reproduced == len(decisions) - found.differing["erased"] > 0
    assert found.skew.differing == 0
    show_audit(found)
    assert "erased since" in capsys.readouterr().out.replace("\n", " ")
    assert audit_json(found)["is_whole"]


def test_a_visit_that_was_somebody_elses_and_became_a_persons_explains_theirs(
    topics: Topics,
) -> None:
    persons = {DECISION.decode(one.value).person for one in decided(topics)}
    devices = [one for one in persons if one.startswith("a")]
    found = verify(Copy(with_erased(topics, *devices)), Scope())
    assert set(found.differing) == {"erased"}
    assert found.is_whole


def test_where_all_were_erased_that_explains_all(topics: Topics) -> None:
    persons = {DECISION.decode(one.value).person for one in decided(topics)}
    found = verify(Copy(with_erased(topics, *persons)), Scope())
    assert (found.reproduced, set(found.differing)) == (0, {"erased"})
    assert found.is_whole


def test_what_was_altered_of_others_is_still_found(topics: Topics) -> None:
    persons = sorted({DECISION.decode(one.value).person for one in decided(topics)})
    copy = with_erased(topics, persons[0])
    last = decided(copy)[-1]
    decision = DECISION.decode(last.value)
    assert decision.person != persons[0]
    forged = DECISION.encode(msgspec.structs.replace(decision, priority=99.0))
    changed = [one if one is not last else last._replace(value=forged) for one in copy[DECISIONS]]
    found = verify(Copy({**copy, DECISIONS: changed}), Scope())
    assert not found.is_whole
    assert found.differing["altered"] == 1
