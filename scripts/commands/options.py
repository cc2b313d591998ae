"""Options that several commands have: said alike everywhere."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
JsonValue = Annotated[bool, typer.Option("--json", help="Print one JSON value, for programs.")]
Archive = Annotated[
    str | None,
    typer.Option("--archive", metavar="DIR", help="What `kairos archive` wrote, before what Kafka still holds."),
]  # fmt: skip
MoreFiles = Annotated[list[Path] | None, typer.Argument(help="Further files of events.")]
EventFiles = Annotated[list[Path] | None, typer.Option(help="JSON Lines of events.")]
ItemsFile = Annotated[
    Path | None,
    typer.Option(help="A catalogue: JSON Lines, or a table as `items import` reads it."),
]
Amounts = Annotated[
    Literal["1,299.00", "1.299,00"] | None,
    typer.Option("--number", help="How a table writes amounts, where 1,299 could be two."),
]
Partial = Annotated[
    bool,
    typer.Option(
        "--partial", help="Leave out lines of a catalogue, or of profiles, that are none."
    ),
]
Topic = Annotated[
    str | None,
    typer.Option(
        "--topic", help="Read a topic of others instead, from where it stopped the last time."
    ),
]
As = Annotated[
    str | None,
    typer.Option(
        "--as", help="What `rank_by` of a placement or an arm calls it, as `challenger`. Without it, it ranks wherever nothing else is named."
    ),
]  # fmt: skip
Reason = Annotated[
    str,
    typer.Option(
        "--reason", help="Why the holdout or an experiment ends, or changes, before its time; the audit log keeps it."
    ),
]  # fmt: skip
Examination = Annotated[
    str,
    typer.Option(
        "--examination", metavar="WAY", help="How likely each place of a list is looked at: learnt from lists in random order (`random`), from items at several places as well (`swaps`), `none`, or a JSON file."
    ),
]  # fmt: skip
Follow = Annotated[bool, typer.Option("--follow", help="With --topic: go on for ever.")]
Rename = Annotated[
    list[str] | None,
    typer.Option("--rename", metavar="OLD=NEW", help="Read a column under another name."),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Refuse what has a field that nobody reads (else it is said)."),
]
Consent = Annotated[
    str | None,
    typer.Option(
        "--consent", metavar="PURPOSES", help="Granted where records say nothing of it: a,b, all or none. Else KAIROS_CONSENT."
    ),
]  # fmt: skip
MappingFile = Annotated[
    Path | None,
    typer.Option(
        "--mapping",
        help="A mapping by which JSON, CSV or Parquet of others is read: `kairos mapping`.",
    ),
]
AppId = Annotated[list[str] | None, typer.Option(help="Snowplow: only these apps.")]
DecisionsFrom = Annotated[str | None, typer.Option("--from", help="Decisions from here on.")]
To = Annotated[str | None, typer.Option(help="… to before here.")]
At = Annotated[str | None, typer.Option("--at", help="From when on; without it, in 2 seconds.")]
Force = Annotated[bool, typer.Option("--force", help="Whatever speaks against the model.")]
WhichCluster = Annotated[
    str | None, typer.Option("--cluster", help="Flink's REST address; without it this home's.")
]
EffectiveFrom = Annotated[
    str | None,
    typer.Option(
        "--effective-from",
        help="From when on, also ahead; without it, in 2 seconds. A time without a zone is UTC; '2026-11-30T09:00 Europe/Berlin' names one.",
    ),
]
Until = Annotated[
    str | None,
    typer.Option("--until", help="Until when: what is in force before takes over again."),
]
