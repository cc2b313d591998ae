"""The command line as it is put together: what its options name is there, and asking for help loads next to nothing."""

import subprocess
import sys
from typing import Final, get_args

from channels.security.keys import Scope
from jobs.config import PROJECT
from scripts.commands.files_cli import Foreign, Format
from scripts.commands.key_cli import SCOPES
from scripts.files.convert_file import ITEMS_OF
from scripts.files.event_files import FOREIGN, JSON

HEAVY: Final = (
    "numpy", "scipy", "xgboost", "pyarrow", "fastavro", "confluent_kafka", "pyflink", "litestar", "uvicorn", "psutil", "lark", "redis",
)  # fmt: skip


def test_formats_of_files_are_those_that_are_read() -> None:
    assert set(get_args(Format)) == {JSON, *FOREIGN}
    assert set(get_args(Foreign)) == {*FOREIGN, *ITEMS_OF}
    assert set(ITEMS_OF.values()) <= FOREIGN.keys()


def test_scopes_of_keys_are_those_that_the_api_knows() -> None:
    assert get_args(Scope) == SCOPES


def test_help_loads_nothing_that_only_a_command_needs() -> None:
    look = f"import sys, scripts.cli; print([one for one in {HEAVY} if one in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-P", "-c", look], cwd=PROJECT, env={"PYTHONPATH": str(PROJECT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
