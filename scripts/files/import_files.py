"""`kairos import`, all of it: files are checked before anything is written, and the summary is what became of them."""

from typing import Any

from jobs.config import Config
from jobs.event_format import format_of
from jobs.learning.trust import keys_of
from jobs.publish import Log, now_ms
from schemas.counted import counted
from schemas.dead_letters import Masking
from schemas.events import granted_in_words
from schemas.formats.field_names import Notices
from schemas.items import Item
from schemas.mask_attributes import NO_NAMES, in_small_letters
from schemas.policy import Policy
from scripts.console import complain, say, show, show_json
from scripts.exit_codes import passed
from scripts.files.event_files import UNSAID, EventFiles, Heard
from scripts.files.file_order import are_in_order
from scripts.files.import_events import Imported, write_events
from scripts.files.items_here import LINGER_MS, ItemsFile, put_catalogue
from scripts.files.told_names import in_words
from scripts.ops.home_note import note_import
from scripts.ops.status import running_kafka
from scripts.policy.governing import ungoverned
from scripts.policy.policy_versions import PolicyVersion, announced, in_force
from scripts.privacy.list_of_erased import LeftOut, list_of_erased
from scripts.progress import Watched


def run(config: Config, files: EventFiles, items: ItemsFile | None, *, is_json: bool) -> int:
    """Imports the files as one log, behind the catalogue; the exit code. Raises ConfigError.

    Files of JSON that are in order of time are written while they are read. Events of before their person was erased are left out.
    """
    catalogue = [] if items is None else items.read()
    kafka = running_kafka(config)
    erased = LeftOut(list_of_erased(kafka, config), format_of(config).decode)
    log = Log(kafka, config.topic_prefix, config.written_format, linger_ms=LINGER_MS)
    policies = announced(kafka, config.topic_prefix, keys_of(config))
    written: list[Item] = []

    def publish(earliest_ms: int | None) -> None:
        if earliest_ms is not None:
            _tell_ungoverned(policies, earliest_ms)
        if catalogue:
            written.extend(put_catalogue(config, kafka, log, catalogue, earliest_ms))

    newest = in_force(policies, now_ms())
    policy = newest.policy if newest is not None else None
    notices = Notices(policy.own_names if policy is not None else ())
    is_in_order = files.is_json and are_in_order(files.paths)
    source = Heard(files.read(now_ms(), notices))
    masking = masking_by(policy, config)
    done = write_events(log, source, Watched, publish, erased, masking, is_in_order=is_in_order)
    note_import(config, [*files.paths, *([items.path] if items is not None else [])])
    for notice in notices:
        say(in_words(notice))
    if is_json:
        told: dict[str, Any] = {"warnings": [one._asdict() for one in notices]}
        if files.consent is not None:
            told["assumed_consent"] = sorted(files.consent)
        show_json(done._asdict() | told | ({"items": len(written)} if items is not None else {}))
    else:
        show(summary(done))
        if files.consent is not None:
            say(granted_in_words(files.consent))
    if source.is_silent:
        say(UNSAID)
    if not done.is_usable:
        complain(f"kairos: {unusable(done)}")
    return passed(done.is_usable)


def masking_by(policy: Policy | None, config: Config) -> Masking:
    """What is masked in dead letters: what a policy declares sensitive of people, and what the setting does not keep."""
    names = in_small_letters(policy.sensitive_attributes) if policy is not None else NO_NAMES
    return Masking(names, config.dead_letter_raw)


def _tell_ungoverned(policies: list[PolicyVersion], earliest_ms: int) -> None:
    """Says where the live policy does not decide on what is older than itself."""
    said = ungoverned(policies, earliest_ms, now_ms())
    if said is not None:
        say(said)


def summary(done: Imported) -> str:
    """What became of the lines, in a sentence."""
    words = [
        f"{done.read:,} read", f"{counted(done.events, 'event')} written", counted(done.invalid, "dead letter")
    ]  # fmt: skip
    if done.duplicates:
        words.insert(2, f"{done.duplicates:,} there twice")
    if done.erased:
        words.append(f"{done.erased:,} left out, of people who were erased")
    fault = f"; the first: {done.first_fault}" if done.first_fault else ""
    return ", ".join(words) + fault


def unusable(done: Imported) -> str:
    """Why so little of it could be used."""
    if not done.read:
        return "there is nothing in it"
    return f"{done.invalid:,} of {done.read:,} lines are no events: is the --format right?"
