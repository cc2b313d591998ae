"""A task of ours within a task manager: which code it is, the core it shares, its memory."""

import gc
import os
import threading
from typing import Final

from jobs.code import check_code
from jobs.config import config_from
from jobs.job_settings import JobSettings

GC_ALLOCATIONS: Final = 100_000


def enter_task(settings: JobSettings) -> None:
    """What the open() of every operator does: checks which code this is, and takes the core."""
    check_code(settings.code)
    share_core(config_from().core)


def share_core(core: int | None) -> None:
    """Puts the calling task's thread on the one core that all Python tasks of this process share.

    Only one of them can hold the interpreter's lock. On two cores they wake each other at every
    call into Java, which costs more than the calls: measured here, a third less work is done.
    Processes differ in their core (`core`, modulo how many there are; None: their id), so that the
    task managers of one machine spread.
    """
    cores = sorted(os.sched_getaffinity(os.getpid()))
    place = os.getpid() if core is None else core
    os.sched_setaffinity(threading.get_native_id(), {cores[place % len(cores)]})


def settle_memory() -> None:
    """Takes what open() has read out of the garbage collector's rounds, and makes those rarer.

    Steps build and drop thousands of small objects a second, none of them in a cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS, 50, 100)
