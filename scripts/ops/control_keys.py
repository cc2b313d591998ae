"""`kairos control`: keys that sign, and the records of `control` shown and signed."""

from pathlib import Path
from typing import Final

from channels.security.keys import write_private
from jobs.config import Config
from jobs.learning.trust import signer_of, trust_of
from jobs.publish import Log, now_ms
from schemas.errors import ConfigError
from schemas.signed_control import Signer, content_hash, new_key
from scripts.console import say, show, show_json, show_table
from scripts.exit_codes import passed
from scripts.ops.local_audit import audit_log_of, local_actor
from scripts.ops.signed_records import listed, read_records, unsigned_records
from scripts.ops.status import running_kafka
from scripts.times import utc

COLUMNS: Final = (
    "", "kind", "name", "version", "in force from", "signed by", "record", "refused because",
)  # fmt: skip
HASH_SHOWN: Final = 12


def keygen(config: Config, file: Path, *, is_json: bool) -> None:
    """Makes a signing key, and beside it FILE.pub for readers; raises ConfigError where there is one."""
    public = file.with_name(f"{file.name}.pub")
    for path in (file, public):
        if path.exists():
            raise ConfigError(f"{path} exists: what was signed with it would be lost")
    pem = new_key()
    key = Signer(pem).public
    details = {"key_id": key.key_id, "file": str(file.absolute())}
    with audit_log_of(config).recording(local_actor(), "control keygen", details):
        write_private(file, pem)
        public.write_text(f"{key} {key.key_id}\n")
    if is_json:
        show_json({"key_id": key.key_id, "private": str(file), "public": str(public)})
        return
    show(f"{key} {key.key_id}")
    say(f"{file} signs (only its owner may read it); {public} is for every reader of `control`")


def show_records(config: Config, *, is_json: bool) -> int:
    """Every record, by whom it is signed and whether it is taken; the exit code, 1 where one is missed."""
    records = read_records(running_kafka(config), config.topic_prefix)
    rows = listed(records, trust_of(config), now_ms())
    if is_json:
        show_json([row._asdict() for row in rows])
    else:
        cells = [
            (row.state, row.kind, row.name, row.version, utc(row.effective_from_ms), row.signed_by,
             row.record[:HASH_SHOWN], row.fault)
            for row in rows
        ]  # fmt: skip
        show_table("", COLUMNS, cells)
    return passed(not any(row.is_missed for row in rows))


def sign(config: Config, *, is_all: bool, is_json: bool) -> None:
    """Publishes again, signed, what is in force or coming and lacks a signature; if `is_all`, history too."""
    if config.control_signing_key_file is None:
        raise ConfigError(
            "set KAIROS_CONTROL_SIGNING_KEY_FILE: `kairos control keygen FILE` makes one"
        )
    kafka, sign_record = running_kafka(config), signer_of(config)
    records = read_records(kafka, config.topic_prefix)
    found = unsigned_records(records, trust_of(config), now_ms(), is_all=is_all)
    log = Log(kafka, config.topic_prefix, sign=sign_record)
    for control in found:
        details = {"kind": control.kind, "name": control.name, "version": control.version,
                   "record": content_hash(control)}  # fmt: skip
        with audit_log_of(config).recording(local_actor(), "control sign", details):
            log.control(control)
            log.flush()
    if is_json:
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
