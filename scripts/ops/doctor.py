"""`kairos doctor`: what jobs/stack/doctor.py has looked at, as a table."""

from jobs.config import Config
from jobs.stack.doctor import checks
from scripts.console import show_json, show_table
from scripts.exit_codes import passed


def doctor(config: Config, *, is_json: bool) -> int:
    """A line for each thing that was looked at, with the remedy where it is missing; the exit code."""
    found = checks(config)
    if is_json:
        show_json([one._asdict() for one in found])
    else:
        rows = [
            ("ok" if one.is_ok else "MISSING", one.name, one.found, "" if one.is_ok else one.remedy)
            for one in found
        ]
        show_table("", ("", "check", "found", "remedy"), rows)
    return passed(all(one.is_ok for one in found))
