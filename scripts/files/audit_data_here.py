"""`kairos audit-data`: what files of events are enough for, before anything is built on them."""

from jobs.publish import now_ms
from schemas.counted import counted
from schemas.errors import UnusableInput
from scripts.console import show, show_json, show_table
from scripts.exit_codes import passed
from scripts.files.audit_data import DataAudit
from scripts.files.event_files import EventFiles
from scripts.files.import_events import Bad
from scripts.files.input_files import is_usable
from scripts.progress import Watched
from scripts.times import utc


def audit_data(files: EventFiles, *, is_json: bool) -> int:
    """Reads them once and shows what was found; exit code 1 where nothing, or less than half, of the lines are events."""
    audit, first_fault = DataAudit(), ""
    for one in Watched("looking", files.read(now_ms())):
        if isinstance(one, Bad):
            audit.invalid += 1
            first_fault = first_fault or one.fault
        else:
            audit.take(one)
    if not audit.events and not audit.invalid:
        raise UnusableInput("there is no event in the files")
    if is_json:
        show_json(
            {
                "events": audit.events, "invalid": audit.invalid, "duplicates": audit.duplicates, "late": audit.late,
                "clock_skewed": audit.skewed, "with_sent_at": audit.timed, "from_ms": audit.first_ms, "to_ms": audit.last_ms,
                "gap_hours": audit.gap_hours, "types": dict(audit.types.most_common()), "purposes": dict(audit.purposes),
                "fields": [one._asdict() for one in audit.fields()], "identity": audit.figures(),
                "use_cases": [one._asdict() for one in audit.use_cases()], "first_fault": first_fault or None,
            }
        )  # fmt: skip
    else:
        _show(audit, first_fault)
    return passed(is_usable(audit.events + audit.duplicates, audit.invalid))


def _show(audit: DataAudit, first_fault: str) -> None:
    show(
        f"{counted(audit.events, 'event')}, {audit.duplicates:,} there twice, {audit.invalid:,} none"
        + (f"; the first: {first_fault}" if first_fault else "")
    )
    if audit.events:
        show(f"{utc(audit.first_ms)} to {utc(audit.last_ms)}, at most {counted(audit.gap_hours, 'hour')} without any; {audit.late:,} came too late for their session")  # fmt: skip
    if audit.skewed:
        show(f"{audit.skewed:,} of {audit.timed:,} say that they were sent an hour or more before or after they happened")  # fmt: skip
    show_table("", ("event", "how many"), audit.types.most_common())
    rows = [(one.field, f"{one.share:.0%}", f"{one.of} ({one.events:,})") for one in audit.fields()]
    show_table("", ("field", "said by", ""), rows)
    figures = {name.replace("_", " "): f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" for name, value in audit.figures().items()}  # fmt: skip
    show_table("", ("visits and people", ""), list(figures.items()))
    verdicts = [(one.use_case, "yes" if one.is_enough else "not yet", one.why) for one in audit.use_cases()]  # fmt: skip
    show_table("", ("enough for", "", "because"), verdicts)
