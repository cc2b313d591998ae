"""Every place where data of people lies: what it holds of them, how long, and how each of their rights reaches it.

`kairos retention` shows them, and the inventory in docs/privacy.md is made of them. A topic, a kind of key in the store or a room
of state without a line here fails a test.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, NamedTuple

from channels.api.decision_stream import DECISIONS_KEPT_MAX
from channels.api.visitors import PERSONS_MAX, SESSIONS_MAX
from channels.store.outcomes import KEPT_MS
from channels.store.store import FALLBACK_KEPT_MS, SESSION_KEPT_MS
from jobs.config import Config
from jobs.flink.settings import CHECKPOINTS_KEPT
from schemas.limits import DAY_MS, DEDUP_MS, ERASED_KEPT_MS, PERSON_EXPIRY_MS, SESSION_GAP_MS
from schemas.topics import (
    ALERTS,
    CONTROL,
    DEAD_LETTERS,
    DECISIONS,
    EVENTS,
    ITEMS,
    KNOWLEDGE,
    OUTCOMES,
    TRACES,
)
from scripts.ops.archive import FOLDER
from scripts.ops.local_audit import FILE_NAME

Kind = Literal["topic", "folder", "class"]
NOTHING: Final = "-"


class Rights(NamedTuple):
    """What a place holds of people, and what becomes of that by right; NOTHING where there is nothing to be done.

    `withdrawal`: of consent to personalisation, and an objection to profiling, which is as if that were withdrawn.
    """

    holds: str
    access: str = NOTHING
    erasure: str = NOTHING
    withdrawal: str = NOTHING


class Place(NamedTuple):
    """A folder or class of data: days that it is kept (0 = only the newest, None = `until` says), and where it lies."""

    kind: Kind
    rights: Rights
    days: float | None
    until: str
    where: Callable[[Config], Path | str] | None = None


DECIDED: Final = "what stands is taken back; older records stay until their retention, and nothing of ours reads them any more"
TOPICS: Final[dict[str, Rights]] = {
    EVENTS: Rights(
        "what was sent: ids, what was done, pages, searches, attributes, consent; free text masked where we wrote it",
        "`export` gives each",
        "nothing of ours reads what is of before any more, in no replay; its owner deletes the records",
        "stays; whatever folds it keeps to what was granted at each event",
    ),
    ITEMS: Rights("nothing of people: the catalogue"),
    CONTROL: Rights(
        "of customers: who was erased, by keyed hash; of staff: who published a policy",
        "not in `export`: without the key a hash is nobody's",
        "stays: it is what keeps the erased erased",
    ),
    KNOWLEDGE: Rights(
        "counts by item, and the items of past visits by a hash of the visit; no id of anybody",
        erasure="stays: it names nobody",
        withdrawal="stays: it names nobody",
    ),
    DECISIONS: Rights(
        "ids of person and visit, what was offered and why, in words; reasons of withdrawals",
        "`export` gives each",
        DECIDED,
        "what rests on what is not granted any more is taken back by `purged` records; the others stay until their retention",
    ),
    TRACES: Rights(
        "how a decision came about: ids, what each rule saw, scores; of a share of them every feature",
        "`export` says how many, since when; `explain` shows each",
        DECIDED,
        "stays until its retention",
    ),
    OUTCOMES: Rights(
        "ids of person and visit, what came of decisions: seen, clicked, bought, for how much; nothing of who does not agree to `analytics`",
        "`export` says how many, since when",
        "stays until its retention; nothing of ours reads it of before any more",
        "stays until its retention; of who refuses `analytics` nothing more is written",
    ),
    ALERTS: Rights(
        "nothing of people: KPIs by the hour, as sums over all, a placement, arm, action or segment"
    ),
    DEAD_LETTERS: Rights(
        "bytes of records that could not be used, ids included; addresses, numbers and sensitive attributes masked",
        "`export` says how many name them, since when",
        "stays until its retention",
        "stays until its retention",
    ),
}
"""By topic, without its prefix; how long each is kept stands in schemas/topics.py."""
COPIES: Final = "gone with the newest of them, seconds later; `forget --wait` waits for that"
PLACES: Final[dict[str, Place]] = {
    "archive": Place(
        "folder",
        Rights(
            "copies of `events` and `decisions`", "`export --archive` reads it",
            "`forget` takes the records out", "as the topics",
        ),
        None, "until you delete it; `kairos forget` takes people out", lambda config: config.home / FOLDER,
    ),
    "checkpoints": Place(
        "folder", Rights("copies of the jobs' state", "as the state", COPIES, COPIES),
        0, f"the newest {CHECKPOINTS_KEPT} of each job, one every KAIROS_CHECKPOINT_MS",
        lambda config: config.checkpoints or config.home / "checkpoints",
    ),
    "savepoints": Place(
        "folder",
        Rights(
            "copies of the jobs' state", "as the state of then",
            "named by `forget`, deleted with `--delete-savepoints`", "stays until you delete it",
        ),
        None, "until you delete them; `kairos forget --delete-savepoints`", lambda config: config.home / "savepoints",
    ),
    "models": Place(
        "folder", Rights("nothing of anybody: weights, and figures over all", erasure="stays: it names nobody", withdrawal="stays: it names nobody"),
        None, "until you delete them; they name no person", lambda config: config.home / "models",
    ),
    "examples": Place(
        "folder",
        Rights("features and answers, while a training runs", erasure="gone when it ends", withdrawal="without `analytics`, or with an objection, none is made"),
        0, "training makes and removes them", lambda _: "examples",
    ),
    "logs": Place(
        "folder", Rights("no id and no text of anybody"),
        None, "the newest of each service; they name no person", lambda config: config.home / "logs",
    ),
    "audit log": Place(
        "folder",
        Rights(
            "who looked at whom and who changed what: staff by name and address, people by keyed hash",
            "`export` gives the looks, `key audit --person` and `consent proof` find them",
            "stays: it is the proof", "the proof of each is added",
        ),
        None, "for ever; people stand there under a keyed hash", lambda config: config.home / FILE_NAME,
    ),
    "visit": Place(
        "class",
        Rights("what happened in an open visit: below, by room", "as its events", "emptied in the step", "kept: decisions know the visit; with an objection they do not"),
        SESSION_GAP_MS / DAY_MS, "SESSION_GAP_MS after its last event",
    ),
    "ids of a session's events": Place(
        "class", Rights("hashes of the events' ids, by the session's id", "as its events", "gone where the list names the session or its visitor", "stays: else an event would count twice"),
        DEDUP_MS / DAY_MS, "DEDUP_MS after its last event",
    ),
    "profile of a person": Place(
        "class", Rights("what is known over all visits: below, by room", "`export` gives each field", "emptied in the step", "purged in the step to what is below"),
        PERSON_EXPIRY_MS / DAY_MS, "PERSON_EXPIRY_MS after their last event",
    ),
    "memory of the learn job": Place(
        "class",
        Rights(
            "by person: hashes of purchases, of decisions asked for and of items touched that day; consent", "as their events", "emptied in the step",
            "stays: it counts what has been learnt; without `analytics` nothing is learnt any more",
        ),
        PERSON_EXPIRY_MS / DAY_MS, "PERSON_EXPIRY_MS after their last event",
    ),
    "what is left of an erased person": Place(
        "class", Rights("number of the newest decision, and when; nothing where `forget` erased them"),
        ERASED_KEPT_MS / DAY_MS, "ERASED_KEPT_MS after the erasure",
    ),
    "list of the erased": Place(
        "class", Rights("ids by keyed hash, and until when nothing counts", NOTHING, "stays: it is what keeps the erased erased"),
        None, "as long as `control`, by keyed hash",
    ),
    "store: decision": Place(
        "class",
        Rights(
            "`PREFIX:decision:PERSON:PLACEMENT`: the decision in force, and its number", "as `decisions`", "emptied by the `purged` records; `forget` deletes the keys",
            "emptied by the `purged` records",
        ),
        None, "until they are valid no more: `valid_ms` of the policy",
    ),
    "store: session": Place(
        "class", Rights("`PREFIX:session:SESSION_ID`: for whom its newest decision was made", "as `decisions`", "`forget` deletes the keys", "stays for its time"),
        SESSION_KEPT_MS / DAY_MS, "SESSION_KEPT_MS after its newest decision",
    ),
    "store: outcomes": Place(
        "class",
        Rights(
            "`PREFIX:outcomes:PERSON`: what came of their decisions, as topic `outcomes` has it", "as `outcomes`",
            "emptied by the `purged` records, but for when; `forget` deletes the key",
            "of who refuses `analytics` emptied by the `purged` records, but for when",
        ),
        KEPT_MS / DAY_MS, "KEPT_MS after it happened",
    ),
    "store: fallback": Place(
        "class", Rights("`PREFIX:fallback:CATEGORY`: what trends; nothing of anybody"),
        FALLBACK_KEPT_MS / DAY_MS, "FALLBACK_KEPT_MS after its last change",
    ),
    "store: writer, latency": Place(
        "class", Rights("`PREFIX:writer`, `PREFIX:latency`: that it is at work, and milliseconds; nothing of anybody"), 0, "the newest",
    ),
    "memory of the API": Place(
        "class",
        Rights(
            f"the newest {SESSIONS_MAX:,} visits (page, category, what is not wanted), whose the newest {PERSONS_MAX:,} are, the newest {DECISIONS_KEPT_MAX:,} decisions; addresses, to count requests",
            "as `events` and `decisions`", "gone with the event and the `purged` records", "gone with the `purged` records; until then nothing personal is shown",
        ),
        0, "the newest, and none after a restart",
    ),
    "browser": Place(
        "class",
        Rights(
            "of who grants personalisation: anonymous id, session and its signed token; else the choice alone", "their own browser shows it", "stays there, and names a new person from then on",
            "deleted by kairos.js at once",
        ),
        None, "until the person clears it; a session 30 minutes",
    ),
    "topics of a replay": Place(
        "class",
        Rights("copies of decisions, traces and dead letters under its prefix", "not in `export`", "stays until it is dropped; begun later, it knows the list", "stays until it is dropped"),
        None, "until `kairos replay drop PREFIX`",
    ),
}  # fmt: skip
"""All that is no topic, by the name under which `kairos retention` shows it."""
