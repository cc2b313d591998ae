"""`kairos archive` and `kairos verify archive`."""

from typing import Annotated

import typer

from jobs.config import config_from
from schemas.errors import ConfigError
from scripts.console import say, show_json

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value, for programs.")]
Archive = Annotated[
    str | None,
    typer.Option("--archive", metavar="DIR", help="What `kairos archive` wrote, before what Kafka still holds."),
]  # fmt: skip
To = Annotated[
    str | None,
    typer.Option("--to", metavar="DIR", help="A folder, or an address that fsspec knows; without it, in KAIROS_HOME."),
]  # fmt: skip


def archive(
    to: To = None,
    until: Annotated[
        str | None, typer.Option(metavar="T", help="Only what is before here.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on every ten minutes, until Ctrl-C.")
    ] = False,
    json: Json = False,
) -> None:
    """Write `events` and `decisions` to Parquet files by day: only what is not there yet.

    Whatever interrupts it, the same command goes on, and every record is archived once.
    """
    from log.archive.reading import Storage
    from scripts.ops import archive as module
    from scripts.ops.status import running_kafka
    from scripts.times import parse_time

    if follow and until is not None:
        raise ConfigError("--follow has no end: leave --until out")
    config = config_from()
    kafka = running_kafka(config)
    storage = Storage(to or module.default_uri(config))
    with module.held(storage):
        if follow:
            for done in module.follow(kafka, config, storage):
                module.show_archived(storage.uri, done)
            return
        done = module.archive(kafka, config, storage, parse_time(until) if until else None)
    if json:
        show_json([module.fields(one) for one in done])
    else:
        module.show_archived(storage.uri, done)


def verify_archive(
    archive: Annotated[
        str | None, typer.Argument(help="The archive; without it, the one in KAIROS_HOME.")
    ] = None,
    json: Json = False,
) -> int:
    """Check every file of an archive, and every record that Kafka still holds against it.

    Exit code 1 where Kafka holds another record than was archived; an archive that was altered is refused.
    """
    from log.archive.reading import Storage
    from scripts.ops import archive as module
    from scripts.ops.status import running_kafka

    config = config_from()
    try:
        kafka = running_kafka(config)
    except ConfigError as error:
        say(f"the files alone are checked: {error}")
        kafka = None
    storage = Storage(archive or module.default_uri(config))
    found = module.check(kafka, config, storage)
    if json:
        show_json([module.fields(one) for one in found])
    else:
        module.show_checked(storage.uri, found)
    return 1 if module.is_altered(found) else 0
