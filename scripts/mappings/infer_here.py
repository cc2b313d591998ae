"""`kairos infer`: a mapping proposed from files of records, or from the newest of a topic, with how much of them it reads."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from jobs.config import Config
from jobs.mapping_file import mapping_of
from log.kafka import has_topic
from log.range import LogRange
from schemas.counted import counted
from schemas.errors import ConfigError, InvalidEvent, UnusableInput
from schemas.formats.foreign_json import read_object
from scripts.console import complain, say, show, show_json
from scripts.exit_codes import passed
from scripts.files.file_records import read_records
from scripts.files.foreign_records import json_of
from scripts.mappings.infer_items import ProposedItems, items_in, written_items
from scripts.mappings.infer_mapping import Proposal, look_at, propose, written
from scripts.mappings.infer_roles import ProposedRole, roles_in, written_policy
from scripts.ops.status import running_kafka
from scripts.progress import Watched


class Outs(NamedTuple):
    """The files that proposals are written to; None = not written."""

    mapping: Path | None = None
    items: Path | None = None
    policy: Path | None = None


class Inferred(NamedTuple):
    """All that a sample says: the mapping, how many of its records are events by it, their items, and the roles of kinds that are none of ours."""

    proposal: Proposal
    read: int
    items: ProposedItems
    roles: dict[str, ProposedRole]


def infer(records: Iterable[bytes], outs: Outs, most: int, *, is_json: bool) -> int:
    """Prints the mapping that is proposed, or writes it and the other proposals to files, none of which may be there.

    Exit code 1 where something is missing without which there is no event.
    """
    for out in outs:
        if out is not None and out.exists():
            raise UnusableInput(f"{out} is there already: name another file, nothing was written")
    found = inferred(list(islice(_objects(records), most)))
    text = written(found.proposal)
    if outs.mapping is not None:
        outs.mapping.write_text(text, encoding="utf-8")
        say(f"written to {outs.mapping}: look at each line, then `kairos mapping try {outs.mapping} FILE`")  # fmt: skip
    if outs.items is not None:
        outs.items.write_bytes(written_items(found.items))
        say(f"{counted(len(found.items.items), 'item')} written to {outs.items}")
    if outs.policy is not None:
        outs.policy.write_text(written_policy(found.roles), encoding="utf-8")
        say(f"{counted(len(found.roles), 'kind')} of events written to {outs.policy}")
    if is_json:
        show_json(_told(found) | {"mapping": text})
    elif outs.mapping is None:
        show(text.rstrip("\n"))
    for line in remarks(found):
        complain(line)
    return passed(not found.proposal.missing)


def inferred(records: list[dict[str, Any]]) -> Inferred:
    """What records say; raises UnusableInput where there are none."""
    count, seen = look_at(records)
    if not count:
        raise UnusableInput("there is no record to look at: JSON objects are wanted, or rows")
    proposal = propose(count, seen)
    named = proposal.fields.get("item_ids")
    items = items_in(records, named.paths if named else ())
    if proposal.missing:
        return Inferred(proposal, 0, items, {})
    rules = mapping_of(written(proposal), "the proposal")
    read, roles = roles_in(records, rules)
    return Inferred(proposal, read, items, roles)


def remarks(found: Inferred) -> Iterator[str]:
    """What is missing, what is not known, and what else can be proposed."""
    proposal = found.proposal
    for name in proposal.missing:
        yield f"no field looks like `{name}`: without it there is no event"
    unknown = sum(number for meant, number in proposal.types.values() if meant is None)
    kinds = sum(meant is None for meant, _ in proposal.types.values())
    if unknown:
        yield f"{counted(unknown, 'record')} of {counted(kinds, 'kind')} that nothing here knows: the proposal lists them, --policy-out what they may mean"  # fmt: skip
    if not proposal.missing and found.read < proposal.records:
        yield f"{found.read:,} of {counted(proposal.records, 'record')} are events by it: `kairos mapping try` says why the others are none"
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
    read = json_of(config)
    for record in Watched("looking", newest, len(newest)):
        with suppress(InvalidEvent):
            yield read(record.value)


def _objects(records: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for record in records:
        try:
            yield read_object(record, dict)
        except InvalidEvent:
            continue


def _told(found: Inferred) -> dict[str, Any]:
    proposal, items = found.proposal, found.items
    return {
        "records": proposal.records,
        "read": found.read,
        "fields": {name: one._asdict() for name, one in proposal.fields.items()},
        "types": {
            value: {"event_type": meant, "records": number} for value, (meant, number) in proposal.types.items()
        },
        "missing": list(proposal.missing),
        "items": {"items": len(items.items), "fields": items.shares},
        "roles": {name: one._asdict() for name, one in found.roles.items()},
    }  # fmt: skip
