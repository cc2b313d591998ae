"""Records of `control` as somebody would write them who may write to Kafka: refused with a reason, the old one stays."""

import json
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from channels.api.knowledge import KnowledgeReader
from jobs.knowledge_feed import KnowledgeFeed
from jobs.learning.model_roots import Roots
from jobs.learning.trust import Trust
from jobs.refused_knowledge import LINES_MAX, TEXT_CHARS_MAX, RefusedKnowledge
from log.following import Taken
from schemas.codec import CONTROL
from schemas.control import Control
from schemas.errors import ConfigError, InvalidEvent
from schemas.limits import CONTROL_BYTES_MAX
from schemas.policy import DEFAULT_CONTROL
from schemas.records import LogRecord
from schemas.signed_control import OPEN, ControlKeys, Signer, new_key
from schemas.topics import CONTROL as CONTROL_TOPIC
from scripts.ops.live_versions import live_versions
from scripts.ops.serve_api import read_policy
from scripts.policy import policy_versions
from scripts.policy.policy_versions import versions_in
from scripts.training import model_versions
from tests.builders import NOON
from udfs.knowledge.knowledge import Knowledge

SIGNER = Signer(new_key())
KEYS = ControlKeys((SIGNER.public,))


class Fed:
    def __init__(self, keys: ControlKeys = OPEN) -> None:
        self.counts: Counter[str] = Counter()
        self.feed = KnowledgeFeed(
            Knowledge(),
            lambda name: self.counts.update([name]),
            Trust(Roots(()), None, keys),
            "decide",
        )
        self.position = 0

    def take(self, *controls: Control | bytes) -> "Fed":
        for one in controls:
            value = one if isinstance(one, bytes) else CONTROL.encode(one)
            self.feed.apply(value, self.position, 0)
            self.position += 1
        return self


def shown_to(reader: KnowledgeReader, offset: int, value: bytes) -> None:
    """As its follower does, which leaves out what is refused (tests/log)."""
    with suppress(InvalidEvent, ConfigError):
        reader._take(Taken(LogRecord(CONTROL_TOPIC, 0, offset, 0, "", value), is_new=True))


def nested(depth: int, begin: str = '{"a":', end: str = "}") -> str:
    return begin * depth + "1" + end * depth


def arm(changes: str) -> bytes:
    arms = f'[{{"name": "a", "share": 0.5}}, {{"name": "b", "share": 0.5, "changes": {changes}}}]'
    return f'{{"experiments": [{{"name": "e", "arms": {arms}}}]}}'.encode()


def policy(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


CONDITION = "true && " * 400 + "true"
PAYLOADS = {
    "nothing": b"",
    "no JSON": b"\x00\xff",
    "no UTF-8 in a name": b'{"time_zone": "\xff\xfe"}',
    "half a surrogate": b'{"time_zone": "\\ud800"}',
    "NUL in a name": b'{"time_zone": "UTC\\u0000/../../etc/passwd"}',
    "a time zone that is a path": policy(time_zone="../../../../etc/passwd"),
    "deep lists": b"[" * 500_000,
    "deep objects": nested(100_000).encode(),
    "deep changes of an arm": arm(nested(900)),
    "deeper changes of an arm": arm(nested(50_000)),
    "deep lists in an arm": arm(nested(900, "[", "]")),
    "an arm that changes everything into a list": arm('{"placements": [[[]]], "actions": 7}'),
    "an arm of nulls": arm('{"placements": null, "holdout": null, "exploration": null}'),
    "an infinite number": b'{"nothing_priority": 1e999}',
    "NaN": b'{"nothing_priority": NaN}',
    "a number of 100,000 digits": b'{"nothing_priority": ' + b"9" * 100_000 + b"}",
    "such a number in an arm": arm('{"nothing_priority": ' + "9" * 100_000 + "}"),
    "a negative share": policy(holdout={"share": -1}),
    "a wrong type": policy(placements={"name": 1}),
    "an unknown field": policy(__class__="os.system"),
    "a deep condition": policy(segments=[{"name": "a", "when": "(" * 1_900 + "true" + ")" * 1_900}]),
    "nots": policy(segments=[{"name": "a", "when": "!" * 3_900 + "true"}]),
    "minuses": policy(segments=[{"name": "a", "when": "-" * 3_900 + "1 > 0"}]),
    "a condition that is code": policy(segments=[{"name": "a", "when": "__import__('os').system('id')"}]),
    "a condition of a huge number": policy(segments=[{"name": "a", "when": "9" * 3_000 + " > 1"}]),
    "segments in a circle": policy(segments=[{"name": "a", "when": "segment.b"}, {"name": "b", "when": "segment.a"}]),
    "more rules than there may be": policy(
        segments=[{"name": f"a{n}", "when": "true"} for n in range(1_001)]
    ),
    "a pattern that explodes": policy(
        segments=[{"name": "a", "when": "session.page.matches('(a+)+$')"}]
    ),
    "a megabyte of one name": policy(time_zone="x" * (CONTROL_BYTES_MAX - 1_000)),
}  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_hostile_policy_is_refused_and_the_old_one_decides(payload: bytes) -> None:
    fed = Fed().take(DEFAULT_CONTROL)
    before, begun_s = fed.feed.knowledge.at(NOON), time.monotonic()
    fed.take(Control("policy", "evil", "evil", 1, payload=payload))
    assert fed.feed.knowledge.at(NOON) == before
    assert fed.counts == {"knowledge_applied": 1, "knowledge_refused": 1}
    assert time.monotonic() < begun_s + 30, "nothing is waited for"
    # and so does the API
    reader = KnowledgeReader("127.0.0.1:1", "", read_policy, OPEN)
    for offset, one in enumerate((DEFAULT_CONTROL, Control("policy", "e", "evil", 1, payload))):
        shown_to(reader, offset, CONTROL.encode(one))
    now = reader.policy_at(NOON)
    assert now is not None
    assert now.version == DEFAULT_CONTROL.version


def test_a_record_of_more_than_a_megabyte_is_refused() -> None:
    value = CONTROL.encode(Control("policy", "evil", "evil", 1, payload=b" " * CONTROL_BYTES_MAX))
    assert Fed().take(value).counts == {"knowledge_refused": 1}


MODELS = [
    {}, {"uri": "/etc/passwd"}, {"sha256": "0" * 64}, {"uri": "", "sha256": ""},
    {"uri": "zip://x::ftp://127.0.0.1:1/y", "sha256": "0" * 64}, {"payload": b"model"},
    {"uri": "x" * 2_048, "sha256": "../../../etc/passwd"}, {"uri": "\u202e\x00", "sha256": "\n"},
]  # fmt: skip


@pytest.mark.parametrize("name", ["ranker", "responses", "\x1b]0;evil\x07"])
@pytest.mark.parametrize("fields", MODELS)
def test_a_hostile_model_is_refused_and_the_old_one_stays(fields: Any, name: str) -> None:
    fed = Fed().take(DEFAULT_CONTROL)
    before = fed.feed.knowledge.at(NOON)
    fed.take(Control("model", name, "evil", 1, **fields))
    assert fed.feed.knowledge.at(NOON) == before
    assert fed.counts == {"knowledge_applied": 1, "knowledge_refused": 1}


# --- why -----------------------------------------------------------------------------------------


def test_a_refusal_is_one_line_with_kind_name_version_and_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fed = Fed()
    fed.take(Control("policy", "na\nme", "v\x1b[2J", 1, payload=b"{"))
    (line,) = caplog.messages
    assert line == (
        "decide: a record of knowledge is refused: policy na\\nme version v\\x1b[2J at 0: "
        "policy: Input data was truncated"
    )


def test_lines_are_bounded_in_length_and_number(caplog: pytest.LogCaptureFixture) -> None:
    now_s = [0.0]
    refused = RefusedKnowledge(clock=lambda: now_s[0])
    for at in range(10_000):
        refused.report("x" * 100_000, None, at)
    assert len(caplog.messages) == LINES_MAX
    assert max(map(len, caplog.messages)) < TEXT_CHARS_MAX + 100
    now_s[0] = 61.0
    refused.report("again", None, 1)
    assert caplog.messages[LINES_MAX:] == [
        f"{10_000 - LINES_MAX} more records of knowledge were refused",
        "a record of knowledge is refused: at 1: again",
    ]


# --- who -----------------------------------------------------------------------------------------

OTHER = Control("policy", "evil", "evil", 1, payload=b"{}")
FORGED = {
    "unsigned": OTHER,
    "signed with another key": Signer(new_key()).sign(OTHER),
    "signed for another policy": Control(
        "policy", "evil", "evil", 1, b"{}", None, None, SIGNER.sign(DEFAULT_CONTROL).signature,
        SIGNER.public.key_id,
    ),
}  # fmt: skip


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_with_keys_no_reader_takes_what_is_not_signed_by_one(
    forged: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = SIGNER.sign(DEFAULT_CONTROL)
    fed = Fed(KEYS).take(signed, forged)
    assert fed.feed.knowledge.at(NOON).policy_version == DEFAULT_CONTROL.version
    assert fed.counts == {"knowledge_applied": 1, "knowledge_refused": 1}

    reader = KnowledgeReader("127.0.0.1:1", "", read_policy, KEYS)
    values = [CONTROL.encode(one) for one in (signed, forged)]
    for offset, value in enumerate(values):
        shown_to(reader, offset, value)
    now = reader.policy_at(NOON)
    assert now is not None
    assert now.version == DEFAULT_CONTROL.version

    records = [LogRecord(CONTROL_TOPIC, 0, at, 0, "", value) for at, value in enumerate(values)]
    assert [one.version for one in versions_in(records, KEYS)] == [DEFAULT_CONTROL.version]
    shown = live_versions(records, [], NOON, KEYS)
    assert shown["policy"]["version"] == DEFAULT_CONTROL.version
    assert len(shown["history"]) == 1
    for module in (model_versions, policy_versions):
        monkeypatch.setattr(module, "read_to_end", lambda *_: records)
    assert [one.version for one in policy_versions.announced("", "", KEYS)] == ["default-1"]


def test_with_keys_no_model_is_taken_that_is_not_signed(tmp_path: Path) -> None:
    model = Control("model", "ranker", "m", 1, uri=str(tmp_path / "none"), sha256="0" * 64)
    fed = Fed(KEYS).take(model, SIGNER.sign(model))
    assert fed.counts == {"knowledge_refused": 2}
    assert len(fed.feed._refused._said) == 2
    assert any("not signed" in line for line in fed.feed._refused._said)
    assert any("cannot be read" in line for line in fed.feed._refused._said)
