"""Java's stack traces: what was wrong in the end, in one line."""

import re
from typing import Final

LINE_CHARS_MAX: Final = 500
PYTHON_ERROR: Final = re.compile(r"^(?:pemja\.core\.)?PythonException: <class '(?:\w+\.)*(\w+)'>:")


def last_cause(trace: str) -> str:
    """The innermost cause of a stack trace; an error of Python's under Python's name."""
    lines = [line for line in trace.splitlines() if line.strip() and line[0] not in "\t "]
    causes = [line for line in lines if line.startswith("Caused by: ")] or lines or ["unknown"]
    cause = causes[-1].removeprefix("Caused by: ").removeprefix(": ")
    return PYTHON_ERROR.sub(r"\1:", cause)[:LINE_CHARS_MAX]
