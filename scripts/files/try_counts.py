"""What became of the lines that `kairos try` was given."""

from schemas.counted import counted
from schemas.errors import UnusableInput
from scripts.files.input_files import is_usable


def summary(counts: dict[str, int]) -> str:
    """What became of the lines, in a sentence."""
    is_any = counts.get("ignored", 0)
    ignored = f"{is_any:,} ignored by the policy, " if is_any else ""
    return (
        f"{counts['read']:,} read: {counted(counts['events'], 'event')}, {counts['duplicates']:,} there twice, {ignored}"
        f"{counted(counts['dead_letters'], 'dead letter')}; {counted(counts['decisions'], 'decision')} for {counted(counts['people'], 'person', 'people')}, "
        f"{counts['actions']:,} of them offer something"
    )


def check(counts: dict[str, int]) -> None:
    """Raises UnusableInput where nothing, or less than half, of what was read is an event."""
    if not counts["read"]:
        raise UnusableInput("there is no event in the files")
    if not is_usable(counts["read"] - counts["dead_letters"], counts["dead_letters"]):
        raise UnusableInput(
            f"{counts['dead_letters']:,} of {counts['read']:,} lines are no events: is the --format right?"
        )
