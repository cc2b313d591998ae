"""Operators of one task manager open at the same time, in one interpreter: what they decode must be ready by then."""

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
            "from tests.examples.write import FOLDER\nfrom schemas.person import PERSON_STATE\n"
            "data = next((FOLDER / 'state').glob('person*.msgpack')).read_bytes()"
        ),
        "PERSON_STATE.decode(data)",
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
