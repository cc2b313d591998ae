"""Operators of one task manager open at the same time, in one interpreter: what they decode must be ready by then."""

import re
import subprocess
import sys

import pytest

from jobs.config import PROJECT

AT_ONCE = """
import sys, threading
import msgspec
{imports}
sys.setswitchinterval(1e-6)  # threads take turns as often as they can
barrier = threading.Barrier(8)
def decode():
    barrier.wait()
    {decode}
threads = [threading.Thread(target=decode) for _ in range(8)]
for one in threads: one.start()
for one in threads: one.join()
"""
CASES = {
    "policy": (
        "from schemas.policy import DEFAULT_CONTROL, policy_from_payload",
        "policy_from_payload(DEFAULT_CONTROL.payload)",
    ),
    "event": (
        "from schemas.codec import EVENT\nfrom tests.builders import make_event",
        "EVENT.decode(EVENT.encode(make_event()))",
    ),
    "item": ("from schemas.items import item_from_fields", "item_from_fields({'item_id': 'i'})"),
    "control": (
        "from schemas.codec import CONTROL\nfrom schemas.policy import DEFAULT_CONTROL",
        "CONTROL.decode(CONTROL.encode(DEFAULT_CONTROL))",
    ),
    "person": (
        (
            "from tests.examples.write import FOLDER\nfrom schemas.state.person import PERSON_STATE\n"
            "data = next((FOLDER / 'state').glob('person*.msgpack')).read_bytes()"
        ),
        "PERSON_STATE.decode(data)",
    ),
    "model": (
        "from models.artefact import _decode\nfrom tests.models.test_artefact import BYTES",
        "_decode('model', BYTES)",
    ),
    "responses": (
        "from models.response import Responses\nfrom tests.models.test_response import TRAINED\ndata = msgspec.msgpack.encode(TRAINED)",
        "msgspec.msgpack.decode(data, type=Responses)",
    ),
    "text intent": ("from models.text_intent import read_weights", "read_weights()"),
}


def exit_code(imports: str, decode: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE.format(imports=imports, decode=decode)], cwd=PROJECT,
        env={"PYTHONPATH": str(PROJECT)}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize("name", CASES)
def test_many_threads_decode_it_for_the_first_time_at_once(name: str) -> None:
    assert exit_code(*CASES[name]) == (0, "")


DECODES = re.compile(r"msgspec\.(?:\w+\.)?(?:decode|convert)\([^()]*[ =]([A-Z]\w*)\)")


def test_what_the_core_decodes_was_prepared_at_import() -> None:
    folders = ("schemas", "udfs", "models")
    paths = (path for folder in folders for path in (PROJECT / folder).rglob("*.py"))
    text = "".join(path.read_text() for path in paths)
    types = set(DECODES.findall(text))
    assert types >= {"Artefact", "Policy"}
    assert [name for name in sorted(types) if f"\nprepared({name})\n" not in text] == []
