"""`kairos infer`: a mapping proposed from files of records, or from the newest of a topic, with how much of them it reads."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from jobs.config import Config
from log.kafka import has_topic
from log.range import LogRange
from schemas.counted import counted
from schemas.errors import ConfigError, InvalidEvent, UnusableInput
from schemas.formats.foreign_json import read_object
from scripts.console import complain, say, show, show_json
from scripts.exit_codes import passed
from scripts.files.file_records import read_records
from scripts.mappings.infer_mapping import Proposal, look_at, propose, written
from scripts.ops.status import running_kafka
from scripts.progress import Watched


def infer(records: Iterable[bytes], out: Path | None, most: int, *, is_json: bool) -> int:
    """Prints the proposal, or writes it to `out`, which must not be there; exit code 1 where something is missing without which there is no event."""
    if out is not None and out.exists():
        raise UnusableInput(f"{out} is there already: name another file, nothing was written")
    count, seen = look_at(islice(_objects(records), most))
    if not count:
        raise UnusableInput("there is no record to look at: JSON objects are wanted, or rows")
    proposal = propose(count, seen)
    text = written(proposal)
    if out is not None:
        out.write_text(text, encoding="utf-8")
        say(f"written to {out}: look at each line, then `kairos mapping try {out} FILE`")
    if is_json:
        show_json(_told(proposal) | {"mapping": text})
    elif out is None:
        show(text.rstrip("\n"))
    for line in remarks(proposal):
        complain(line)
    return passed(not proposal.missing)


def remarks(proposal: Proposal) -> Iterator[str]:
    """What is missing, and what is not known."""
    for name in proposal.missing:
        yield f"no field looks like `{name}`: without it there is no event"
    unknown = sum(number for meant, number in proposal.types.values() if meant is None)
    kinds = sum(meant is None for meant, _ in proposal.types.values())
    if unknown:
        yield f"{counted(unknown, 'record')} of {counted(kinds, 'kind')} that nothing here knows: the proposal lists them"  # fmt: skip
    if "consent" not in proposal.fields and not proposal.missing:
        yield "nothing says what people agree to: `import --consent PURPOSES`, or KAIROS_CONSENT holds"  # fmt: skip


def of_files(paths: Sequence[Path]) -> Iterator[bytes]:
    """The records of all files, one after the other."""
    for path in paths:
        for record in Watched("looking", read_records(path)):
            yield record.raw


def of_topic(config: Config, topic: str, most: int) -> Iterator[bytes]:
    """The newest records of a topic of anybody's, some of each partition; raises ConfigError where it is not there, NotUp where Kafka is not."""
    kafka = running_kafka(config)
    if not has_topic(kafka, topic):
        raise ConfigError(f"there is no topic {topic}")
    newest = LogRange(kafka, topic, None, None)
    newest.keep_newest(most)
    for record in Watched("looking", newest, len(newest)):
        yield record.value


def _objects(records: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for record in records:
        try:
            yield read_object(record, dict)
        except InvalidEvent:
            continue


def _told(proposal: Proposal) -> dict[str, Any]:
    return {
        "records": proposal.records,
        "fields": {name: one._asdict() for name, one in proposal.fields.items()},
        "types": {
            value: {"event_type": meant, "records": number} for value, (meant, number) in proposal.types.items()
        },
        "missing": list(proposal.missing),
    }  # fmt: skip
