"""No id, query or text of a person is in what a process logs, whatever fails on whose data."""

import asyncio
import io
import logging
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from channels.api.handlers import decisions
from channels.store.writer import logger as writers
from jobs.fold.fold import Fold, FoldRules
from jobs.refused_knowledge import RefusedKnowledge
from log.private_lines import Fault, PrivateLines, log_privately, privately, told
from log.unusable import Unusable
from schemas.codec import EVENT
from schemas.errors import ConfigError, InvalidEvent
from tests.builders import make_event, make_knowledge, make_record
from tests.channels.api_process import lonely_services, served

CANARY = "anna.canary@example.com"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """All that this process logs, as its handler writes it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(PrivateLines())
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


def fail(person: str) -> None:
    try:
        raise KeyError(person)
    except KeyError as error:
        raise ValueError(f"{person} is not there") from error


def test_a_fault_says_where_and_of_which_kind_and_not_whose(lines: io.StringIO) -> None:
    try:
        fail(CANARY)
    except ValueError:
        writers.exception("a decision was read, and it failed")
    said = lines.getvalue()
    assert CANARY not in said
    for expected in ("a decision was read", "builtins.KeyError", "builtins.ValueError", "in fail"):
        assert expected in said, expected


def test_what_we_refuse_ourselves_is_told() -> None:
    assert told(ConfigError("KAIROS_SEED is empty")).endswith("KAIROS_SEED is empty")


def test_a_step_that_fails_in_a_job_says_nothing_of_its_event() -> None:
    """What leaves an operator is written into the logs of Flink, with all that it was caused by."""
    with pytest.raises(Fault) as raised:
        privately(fail, CANARY)
    assert CANARY not in str(raised.value)
    assert "in fail" in str(raised.value)
    assert raised.value.__context__ is None
    assert raised.value.__cause__ is None


def test_a_fault_of_the_api_names_the_address_as_it_is_declared(
    lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def decided(_: object, person: str, __: str) -> None:
        fail(person)

    monkeypatch.setattr(decisions, "_decided", decided)
    with served(lonely_services()) as address, pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://{address}/v1/decisions/{CANARY}/home")
    refused.value.close()
    assert refused.value.code == 500
    said = lines.getvalue()
    assert CANARY not in said
    assert "GET /v1/decisions/{person}/{placement} failed" in said


def test_what_ends_a_process_a_thread_or_a_task_is_told_so_too(
    lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    log_privately()
    try:
        fail(CANARY)
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    thread = threading.Thread(target=fail, args=(CANARY,))
    thread.start()
    thread.join()

    async def forgotten() -> None:
        asyncio.get_running_loop().call_exception_handler(
            {"message": "a task failed", "exception": ValueError(CANARY), "task": CANARY}
        )

    asyncio.run(forgotten())
    assert lines.getvalue().count("ended by an error of ours") == 2
    assert "a task failed" in lines.getvalue()
    assert CANARY not in lines.getvalue()


def test_poisoned_records_leave_no_trace_in_any_line(lines: io.StringIO) -> None:
    """Each field of an event, its key and its bytes hold the canary, whole, cut and altered; so do records that readers leave out."""
    event = make_event(
        event_id=CANARY, event_type="search_performed", session_id=CANARY, anonymous_id=CANARY, person_id=CANARY,
        query=CANARY, page=CANARY, value=CANARY, properties={CANARY: CANARY}, placements=("next_item",),
    )  # fmt: skip
    good = make_record(event)
    bad = [good._replace(value=good.value[:cut]) for cut in range(0, len(good.value), 40)]
    fold = Fold(make_knowledge(), FoldRules(EVENT.decode, "seed"))
    assert list(fold.run([good, good._replace(key="other"), *bad]))
    unusable = Unusable(logging.getLogger("reader"))
    for record in bad:
        unusable.add(record, InvalidEvent("invalid_value", f"{CANARY} is wrong"))
    RefusedKnowledge("items").report("it is malformed")
    assert unusable.count
    assert "cannot be used: invalid_value" in lines.getvalue()
    assert CANARY not in lines.getvalue()
