"""The words of docs/what-we-accept.md between its tables; the figures in them are filled in by `input_docs.py`."""

from typing import Final

from schemas.limits import EVENT_BYTES_MAX, ITEM_BYTES_MAX

HEAD: Final = """\
# What we accept

Written by `kairos accepts --write` from the tables that every door reads (`schemas/events.py`, `schemas/items.py`,
`schemas/formats/field_names.py`, `schemas/times.py`, `schemas/doors.py`, `schemas/limits.py`); do not edit.

Nothing is lost in silence. What cannot be read is refused where it comes in, by its place and in words; what could be read only after it
was in the log is a dead letter with the reason, its bytes and where it lies.

| door | what is refused comes back as |
| --- | --- |
| `import` | a dead letter `import:FILE` with the line's number; counted, the first is named; exit code 1 where nothing or most is refused |
| `train`, `evaluate`, `try`, `convert` | left out, counted, the first is named by file and line; exit code 1 where nothing or most is refused |
| `--items` of any of these | a mistake ends the command before its work; `import --partial` leaves such lines out and says which was the first |
| `/v1/events`, `/v1/decisions`, `/api/recommendations` | `rejected`, by the event's index, with the reason; the others of the request are taken |
| the topic `events` (other programs write it) | a dead letter with topic, partition, offset and reason |

What was read of a file is what became of it: lines read = events written + there twice + dead letters, in the summary of `import` and in its `--json`.

"""
FILES: Final = """\
## Files and bodies

- JSON Lines, one array, or JSON over several lines; `\\n`, `\\r\\n` and `\\r` end a line; a BOM is passed over; UTF-8.
- Packed by {codecs}, told by the first bytes and not by the name. Bodies of requests: gzip; other codings are 415.
- Values in a line count by their lines from 1, those of an array by their places from 1.
- Of a line beyond {line:,} bytes only the beginning is held: it is one bad line. An array, or JSON over several lines, may have {whole:,} bytes, unpacked.
- Snowplow's tables are CSV (RFC 4180), a folder with its side tables, or JSON Lines. A row that cannot be read costs itself: reading goes on at the next
  line that parses; a quoted field goes over at most {rows} lines and {chars:,} characters.
- Files given together are one log. `import` puts it in order of time; what is not in order already is held, up to {run} MiB in
  memory, the rest in sorted runs in a temporary folder.

What is something else is said at once, before anything is done: {kinds}; UTF-16; what holds NUL bytes.

"""
TIMES: Final = """\
## Times

`event_time_ms` and `--from`, `--to`, `--at`, `--effective-from` are read alike. Between {least} and {most}; a number that looks like another unit is told and
not guessed.

| written | read as |
| --- | --- |
"""
AFTER_TIMES: Final = """
An event further than {ahead} minutes ahead of the door's clock (in the log: of its own record's time) is `ahead_of_log`. One further than {late} minutes
behind the newest of its own session (`KAIROS_LATENESS_MS`) is `too_late`, but for {facts}. At `/api/recommendations` one
event whose time lies ahead is moved to now, alone; where no time of a request can be right, all are moved so that the newest is now.

"""
IDS: Final = """\
## Ids

Texts of 1 to {length} characters, of any letters; a whole number where an item's id is wanted becomes text. In paths they are percent-encoded.

- `identified` needs a `person_id`, and none of these, in any case and with blanks around: {nobody}. All such visitors would share one profile.
- In files (`import`, `try`, `train`, `evaluate`) a line may go without `event_id`: it gets one from a hash of what it says and its number among the equal lines
  of its file, `{made}HASH-NUMBER`, and that is told. So the same file imported again changes nothing; of two files that overlap, what both have counts once.
- The same `event_id` in the same session counts once for {days} days of event time, measured against the newest that the session has seen, and of the log, however
  old the event: history that is imported again counts once.
- A purchase or refund counts once for its person, whatever the session: the newest {facts} of them, for {fact_days} days of the person's own time.
- An item that no catalogue has is not recommended where there is a catalogue (`KAIROS_UNCATALOGUED`).

"""
VALUES: Final = """\
## Values

- `null` is as if the field were not there, everywhere. An empty list is not: `candidates: []` has nothing to rank, and gets an empty answer.
- In `properties` and `value` numbers and booleans become text: `10` of 10.0, `true`.
- Whole numbers to 2^53, so what JSON carries exactly; no infinity and no NaN (`1e999` is refused); texts that are cut inside a character (`"\\ud83d"`) are refused.
- Unknown fields are passed over and told, with the name that was probably meant: `warnings` of a request, the summary of a command. `--strict` and `?strict=true` refuse them.

"""
REASONS: Final[dict[str, str]] = {
    "too_large": f"more than {EVENT_BYTES_MAX:,} bytes of an event, {ITEM_BYTES_MAX:,} of an item",
    "not_single_object": "no Avro single object and no JSON, where the topic's format wants one",
    "unknown_schema": "Avro of a schema that is none of ours, or an id that the schema registry does not know",
    "schema_unavailable": "the schema registry gave no answer, or not in time: send it again (`kairos dead-letters replay`) when it does",
    "schema_invalid": "a schema of the registry that is no Avro, or beyond the bounds of one that is read",
    "malformed": "no JSON object, or Avro that ends too soon",
    "trailing_bytes": "something behind the record",
    "invalid_value": "a field that is missing, of another type, or beyond its bounds: the message names it",
    "not_finite": "infinity or NaN",
    "unknown_event_type": "a name that neither we nor the policy know, where the policy is strict (`strict_events`), or one that the record's format does not have",
    "wrong_key": "the record's key is not its session",
    "ahead_of_log": "too far ahead in time",
    "too_late": "too far behind its session",
    "session_full": "a session of more events than a person makes",
    "decision_too_large": "a decision that no record can hold",
}
"""What the reason of a refusal or a dead letter means."""

LOOKED_UP: Final = """In JSON `user_agent` and `ip` may stand there, too: device, system, browser and (where there is a database, KAIROS_PLACES) country, city and offset are made of them
at the door, and neither is kept.

"""
