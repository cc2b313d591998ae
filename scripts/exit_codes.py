"""How a command ends: the one table of exit codes, and which of them an error leads to."""

from typing import Final

from schemas.errors import CheckFailed, ConfigError, NotUp

DONE: Final = 0
FAILED: Final = 1
REFUSED: Final = 2
NOT_UP: Final = 3
INTERRUPTED: Final = 130
MEANINGS: Final = {
    DONE: "done, or answered",
    FAILED: "a check failed: what was looked at is not as it should be",
    REFUSED: "usage: an option, a setting or a file that cannot be used; nothing was changed",
    NOT_UP: "something that is needed is not up",
    INTERRUPTED: "Ctrl-C",
}
"""What scripts may rely on; `kairos --help` prints it."""


def code_of(error: ConfigError) -> int:
    """The exit code of a command that ends with this error."""
    if isinstance(error, CheckFailed):
        return FAILED
    return NOT_UP if isinstance(error, NotUp) else REFUSED


def error_of(code: int) -> type[ConfigError]:
    """The error that ends this command as another one ended, which it has started."""
    return NotUp if code == NOT_UP else ConfigError


def passed(is_passed: bool) -> int:
    """The exit code of a check."""
    return DONE if is_passed else FAILED
