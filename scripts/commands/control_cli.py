"""`kairos control`: who may publish: keys, signatures, what the records of `control` are worth."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.config import config_from
from schemas.errors import ConfigError
from scripts.console import say, show, show_json, show_table
from scripts.times import utc

app = typer.Typer(
    help="Who may publish: keys and signatures of policies and models.", no_args_is_help=True
)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value, for programs.")]


@app.command()
def keygen(
    file: Annotated[Path, typer.Argument(help="The private key to write; it must not exist.")],
    json: Json = False,
) -> None:
    """Make a signing key: FILE for KAIROS_CONTROL_SIGNING_KEY_FILE, FILE.pub for readers.

    A line of FILE.pub may be added to the file of KAIROS_CONTROL_PUBLIC_KEYS, which may hold several.
    """
    from channels.security.keys import write_private
    from schemas.signed_control import Signer, new_key
    from scripts.ops.local_audit import audit_log_of, local_actor

    public = file.with_name(f"{file.name}.pub")
    for path in (file, public):
        if path.exists():
            raise ConfigError(f"{path} exists: what was signed with it would be lost")
    pem = new_key()
    key = Signer(pem).public
    config = config_from()
    details = {"key_id": key.key_id, "file": str(file.absolute())}
    with audit_log_of(config).recording(local_actor(), "control keygen", details):
        write_private(file, pem)
        public.write_text(f"{key} {key.key_id}\n")
    if json:
        show_json({"key_id": key.key_id, "private": str(file), "public": str(public)})
        return
    show(f"{key} {key.key_id}")
    say(f"{file} signs (only its owner may read it); {public} is for every reader of `control`")


@app.command("list")
def list_(json: Json = False) -> int:
    """Show every record of `control`, whose signature it has, and whether it is taken.

    Exit code 1 where a record is refused that would be in force, or will be.
    """
    from jobs.learning.trust import trust_of
    from jobs.publish import now_ms
    from scripts.ops.signed_records import listed, read_records
    from scripts.ops.status import running_kafka

    config = config_from()
    records = read_records(running_kafka(config), config.topic_prefix)
    rows = listed(records, trust_of(config), now_ms())
    if json:
        show_json([row._asdict() for row in rows])
    else:
        columns = (
            "",
            "kind",
            "name",
            "version",
            "in force from",
            "signed by",
            "record",
            "refused because",
        )
        cells = [
            (row.state, row.kind, row.name, row.version, utc(row.effective_from_ms), row.signed_by,
             row.record[:12], row.fault)
            for row in rows
        ]  # fmt: skip
        show_table("", columns, cells)
    return 1 if any(row.is_missed for row in rows) else 0


@app.command()
def sign(
    all_: Annotated[
        bool, typer.Option("--all", help="History too: for replays and audits of older logs.")
    ] = False,
    json: Json = False,
) -> None:
    """Sign what is there: records in force or coming are published again, the same but signed.

    Look at `control list` first: whatever is in force then, whoever has put it there, is signed. Done twice
    it changes nothing.
    """
    from jobs.learning.trust import signer_of, trust_of
    from jobs.publish import Log, now_ms
    from schemas.signed_control import content_hash
    from scripts.ops.local_audit import audit_log_of, local_actor
    from scripts.ops.signed_records import read_records, unsigned_records
    from scripts.ops.status import running_kafka

    config = config_from()
    if config.control_signing_key_file is None:
        raise ConfigError(
            "set KAIROS_CONTROL_SIGNING_KEY_FILE: `kairos control keygen FILE` makes one"
        )
    kafka, sign_record = running_kafka(config), signer_of(config)
    records = read_records(kafka, config.topic_prefix)
    found = unsigned_records(records, trust_of(config), now_ms(), is_all=all_)
    log = Log(kafka, config.topic_prefix, sign=sign_record)
    for control in found:
        details = {"kind": control.kind, "name": control.name, "version": control.version,
                   "record": content_hash(control)}  # fmt: skip
        with audit_log_of(config).recording(local_actor(), "control sign", details):
            log.control(control)
            log.flush()
    if json:
        show_json([{"kind": one.kind, "name": one.name, "version": one.version,
                    "effective_from_ms": one.effective_from_ms, "record": content_hash(one)}
                   for one in found])  # fmt: skip
        return
    for one in found:
        show(
            f"signed {one.kind} {one.name} {one.version}, in force from {utc(one.effective_from_ms)}"
        )
    if not found:
        show("everything is signed already")
