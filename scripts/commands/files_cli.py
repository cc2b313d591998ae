"""`kairos import`, `convert` and `try`: files of events."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from jobs.config import config_from, purposes_or_none, with_consent
from schemas.errors import ConfigError
from scripts.commands.options import (
    Amounts,
    AppId,
    Consent,
    Follow,
    ItemsFile,
    Json,
    MappingFile,
    Partial,
    Rename,
    Strict,
    Topic,
)
from scripts.times import time_or_none

Format = Literal["kairos", "json", "segment", "ga4", "cloudevents", "snowplow", "trivago"]
Foreign = Literal["segment", "ga4", "cloudevents", "snowplow", "trivago", "trivago-items"]
FilesFormat = Annotated[Format, typer.Option("--format", help="Format of the files.")]
PolicyFile = Annotated[
    Path | None, typer.Option(help="A policy file; without it the default policy.")
]

app = typer.Typer()


@app.command("import")
def import_(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files of events; a folder for Snowplow tables.")
    ] = None,
    file_format: Annotated[Format, typer.Option("--format", help="Format of the file.")] = "kairos",
    mapping: MappingFile = None,
    app_id: AppId = None,
    items: Annotated[Path | None, typer.Option(help="A catalogue to publish first.")] = None,
    number: Amounts = None,
    partial: Partial = False,
    strict: Strict = False,
    consent: Consent = None,
    profiles: Annotated[
        bool, typer.Option("--profiles", help="The files are rows of people, from a CRM say.")
    ] = False,
    from_: Annotated[
        str | None,
        typer.Option("--from", help="Of --profiles: since when rows hold that do not say it."),
    ] = None,
    rename: Rename = None,
    topic: Topic = None,
    follow: Follow = False,
    json: Json = False,
) -> int:
    """Put events of files into the log, in order of time over all of them; bad lines go to the dead letters.

    Reads JSON Lines, arrays and pretty JSON, plain or compressed by gzip or zstd; with --mapping rows of CSV and Parquet as well. Exit code 1 where nothing, or
    less than half, could be used. An item without `effective_from_ms` holds from the earliest of these events if it
    is new, from now on if it is changed; one that is as it was writes nothing. --consent is written into events that
    say nothing of it, as assumed: what a person said themselves, before or after, overrules it. Events of before their
    person was erased are left out and counted.

    --topic: events of somebody's topic on the same Kafka, whatever their key, from where it stopped the last time to its end, or for ever with --follow;
    what is none becomes a dead letter of that topic.

    --profiles: rows of any table, or JSON, with a person's id, since when it holds, and what is known of them (loyalty_tier, lifecycle, scores), become
    facts of the person from then on: `person.profile`. Nobody was there: it is no visit. Names and addresses are left out. With --topic such rows are
    read from a topic, likewise.
    """
    from scripts.files.foreign_topics import file_or_topic, profiles_of_topic
    from scripts.files.import_profiles import (
        ProfileRows,
        check_options,
        import_profiles,
        refuse_given,
    )

    of_events = {"--mapping": mapping, "--app-id": app_id, "--items": items, "--number": number, "--strict": strict, "--format": file_format != "kairos"}  # fmt: skip
    check_options(profiles, of_events, {"--from": from_, "--rename": rename})
    paths = file_or_topic(files, topic, follows=follow)
    if profiles:
        from scripts.letters.mend_letter import edits_from

        renames = dict(edits_from(rename or (), (), ()).renames)
        how = ProfileRows(time_or_none(from_), renames, purposes_or_none(consent), partial)
        if topic is not None:
            return profiles_of_topic(config_from(), topic, how, is_followed=follow, is_json=json)
        return import_profiles(config_from(), paths, how, is_json=json)
    if topic is not None:
        from scripts.files.foreign_topics import events_of_topic
        from scripts.files.topic_events import TopicEvents

        of_files = {"--items": items, "--app-id": app_id, "--number": number, "--partial": partial, "--strict": strict}  # fmt: skip
        refuse_given(of_files, "is of files, not of --topic")
        read_by = TopicEvents(file_format, mapping, purposes_or_none(consent))
        return events_of_topic(config_from(), topic, read_by, is_followed=follow, is_json=json)
    from scripts.files.event_files import EventFiles
    from scripts.files.import_files import run
    from scripts.files.item_files import ItemForm
    from scripts.files.items_here import ItemsFile as Catalogue

    config = config_from()
    granted = purposes_or_none(consent)
    events = EventFiles(paths, file_format, app_id, strict, granted, mapping, config.places)
    form = ItemForm(style=number, is_strict=strict)
    catalogue = Catalogue(items, partial, form) if items is not None else None
    return run(config, events, catalogue, is_json=json)


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(help="A file of events; a folder for Snowplow tables.")],
    out: Annotated[Path, typer.Argument(help="JSON Lines to write.")],
    file_format: Annotated[
        Foreign | None, typer.Option("--format", help="Format of the file, if there is no mapping.")
    ] = None,
    mapping: MappingFile = None,
    app_id: AppId = None,
    consent: Consent = None,
) -> None:
    """Write a file's events as JSON Lines, which import, train and evaluate read.

    `trivago-items`: only the items that were touched, as product views. Exit code 1 where nothing, or less than half,
    is an event: OUT stays as it was.
    """
    from scripts.files.convert_file import convert as run

    if (file_format is None) is (mapping is None):
        raise ConfigError(
            "--format or --mapping says how the file is read, and one of them is wanted"
        )
    run(file, out, file_format or "kairos", app_id, purposes_or_none(consent), mapping)


@app.command("audit-data")
def audit_data(
    files: Annotated[list[Path], typer.Argument(help="Files of events.")],
    file_format: FilesFormat = "kairos",
    mapping: MappingFile = None,
    app_id: AppId = None,
    json: Json = False,
) -> int:
    """Say whether events can carry personalisation: how complete they are, who is known in them, and what they are enough for.

    Nothing is written anywhere. Exit code 1 where nothing, or less than half, of the lines are events.
    """
    from scripts.files.audit_data_here import audit_data as run
    from scripts.files.event_files import EventFiles

    return run(EventFiles(files, file_format, app_id, mapping=mapping), is_json=json)


@app.command()
def infer(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files of records: JSON, CSV or Parquet.")
    ] = None,
    topic: Annotated[
        str | None,
        typer.Option(help="The newest records of this topic, JSON, in the place of files."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the mapping to this new file.")] = None,
    items_out: Annotated[
        Path | None, typer.Option(help="Write what events say of items to this new file.")
    ] = None,
    policy_out: Annotated[
        Path | None, typer.Option(help="Write what kinds of their own may mean to this new file.")
    ] = None,
    records: Annotated[int, typer.Option(min=1, help="Look at so many at most.")] = 10_000,
    json: Json = False,
) -> int:
    """Propose a mapping from a sample: which field of theirs is which of ours, how many records have it, which kinds are not known.

    By names and by what stands there; look at each line before you use it. --items-out proposes a file of items, --policy-out what kinds of events
    that are none of ours mean (`events` of a policy). Exit code 1 where nothing looks like the kind of an event, its time, its session or its visitor.
    """
    from scripts.files.foreign_topics import file_or_topic
    from scripts.mappings import infer_here

    paths = file_or_topic(files, topic)
    given = (
        infer_here.of_files(paths)
        if topic is None
        else infer_here.of_topic(config_from(), topic, records)
    )
    outs = infer_here.Outs(out, items_out, policy_out)
    return infer_here.infer(given, outs, records, is_json=json)


@app.command("try")
def try_(
    more: Annotated[list[Path] | None, typer.Argument(help="Files of events.")] = None,
    events: Annotated[list[Path] | None, typer.Option(help="The same, by name.")] = None,
    items: ItemsFile = None,
    policy: PolicyFile = None,
    model: Annotated[
        list[str] | None, typer.Option(help="A model's file: a ranker, or one of responses.")
    ] = None,
    file_format: FilesFormat = "kairos",
    mapping: MappingFile = None,
    app_id: AppId = None,
    consent: Consent = None,
    why: Annotated[
        str | None, typer.Option(help="Explain the decision of this id, or that begins so.")
    ] = None,
    shows_all: Annotated[
        bool, typer.Option("--all", help="Print decisions that offer nothing, too.")
    ] = False,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help='One JSON object a line: decisions, then {"dead_letter": ...} and {"counts": ...}.',
        ),
    ] = False,
) -> None:
    """Try events on the engine without starting it: what would be decided, and why.

    Files are one log, in order of time; catalogue, policy and model hold from its beginning. The same steps
    decide as in the job, and the stream's statistics are learnt on the way. Nothing is written anywhere. Exit
    code 1 where nothing, or less than half, of the lines are events.
    """
    from scripts.files.event_files import EventFiles
    from scripts.files.try_files import Shown, World, try_files
    from scripts.policy.policies_here import policy_in

    files = EventFiles([*(events or ()), *(more or ())], file_format, app_id, mapping=mapping)
    world = World(items, policy_in(policy) if policy else None, model or ())
    try_files(with_consent(config_from(), consent), files, world, Shown(why, json, shows_all))
