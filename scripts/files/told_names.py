"""What a person is told of names of fields that nobody reads."""

from schemas.formats.field_names import Notice


def in_words(notice: Notice) -> str:
    """One line: what is not read, in how many lines of the files, and in which first."""
    lines = "1 line" if notice.times == 1 else f"{notice.times:,} lines"
    return f"{notice.reason} ({lines}, the first: {notice.at + 1:,})"
