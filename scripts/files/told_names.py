"""What a person is told of names of fields that nobody reads."""

from schemas.counted import counted
from schemas.formats.field_names import Notice


def in_words(notice: Notice) -> str:
    """One line: what is not read, in how many lines of the files, and in which first."""
    lines = counted(notice.times, "line")
    return f"{notice.reason} ({lines}, the first: {notice.at + 1:,})"
