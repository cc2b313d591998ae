"""The table of rights: as the docs show it, and as the code has it."""

import re
from pathlib import Path

from channels.store import lua
from channels.store import writer as store_writer
from jobs.run_decide import DECIDE
from jobs.run_learn import LEARN
from log.roles import FALLBACK_GROUP, OUTCOMES_GROUP, ROLES, STORE_GROUP, WRITES_STORE, Role, table
from schemas.topics import EVENTS, TOPICS
from scripts.audit import today_child
from scripts.ops import last_week

ROOT = Path(__file__).parents[2]


def role(name: str) -> Role:
    return next(one for one in ROLES if one.name == name)


def test_the_docs_show_the_table() -> None:
    assert table() in (ROOT / "docs" / "security.md").read_text()


def test_jobs_have_the_rights_to_what_they_read_and_write() -> None:
    for job in (DECIDE, LEARN):
        mine = role(f"{job.kind} job")
        assert {EVENTS, *job.knowledge} <= set(mine.reads)
        assert set(job.outputs) == set(mine.writes)


def test_the_console_has_the_rights_to_what_its_children_read() -> None:
    """Each module that opens a log for them names the topics that it reads."""
    mine = role("Decision API and console").reads
    for reader in (today_child, last_week):
        topics = {
            getattr(reader, name)
            for name in ("EVENTS", "ITEMS", "TRACES", "KNOWLEDGE")
            if hasattr(reader, name)
        }
        assert topics
        assert topics <= set(mine)


def test_every_topic_has_who_writes_and_who_reads_it() -> None:
    for spec in TOPICS:
        assert any(spec.name in one.writes for one in ROLES)
        assert any(spec.name in one.reads for one in ROLES)


def test_the_store_writer_has_the_rights_to_its_scripts_and_groups() -> None:
    scripts = lua.WRITE + lua.WRITE_SESSION + lua.WRITE_OUTCOME + lua.FORGET_OUTCOMES
    called = {one.lower() for one in re.findall(r"redis\.p?call\('(\w+)'", scripts)}
    assert called <= set(WRITES_STORE)
    source = Path(store_writer.__file__).read_text()
    for name in ("STORE_GROUP", "FALLBACK_GROUP", "OUTCOMES_GROUP"):
        assert name in source
    assert role("store writer").groups == (STORE_GROUP, FALLBACK_GROUP, OUTCOMES_GROUP)
