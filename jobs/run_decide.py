"""The process of the decide job: `python -m jobs.run_decide`; prints READY once it decides."""

import os
from typing import Final

from jobs.run_arguments import Job
from jobs.run_job import main
from schemas.topics import CONTROL, DEAD_LETTERS, DECISIONS, ITEMS, KNOWLEDGE, TRACES

DECIDE: Final = Job(
    kind="decide",
    graph="jobs.decide",
    knowledge=(CONTROL, ITEMS, KNOWLEDGE),
    outputs=(DECISIONS, TRACES, DEAD_LETTERS),
    heap_mb=1_024,
    service="flink",
)

if __name__ == "__main__":
    # not sys.exit: threads of PyFlink's, whose JVM has just gone, can hold locks that it waits for
    os._exit(main(DECIDE))
