"""Whether files are in order of time as they stand: then they need not be held and sorted before the first event is written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from scripts.files.input_files import read_values
from scripts.progress import Watched


class Timed(Struct):
    """Of an event nothing but its time, so that a line costs next to nothing."""

    event_time_ms: int


TIMED: Final = msgspec.json.Decoder(Timed)


def are_in_order(files: Sequence[Path]) -> bool:
    """Whether every value of the files, one file after the other, is no older than the one before.

    False as well where that cannot be told: times under other names or in words, files that can be read only once.
    What is no JSON at all moves nothing. Raises as `read_values` does, so a file that breaks off is known before its
    first event is written.
    """
    if not all(file.is_file() for file in files):
        return False
    newest_ms = 0
    for file in files:
        for line in Watched(f"looking through {file.name}", read_values(file)):
            try:
                time_ms = TIMED.decode(line.raw).event_time_ms
            except msgspec.ValidationError:
                return False
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
            if time_ms < newest_ms:
                return False
            newest_ms = time_ms
    return True
