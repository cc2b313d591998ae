"""The process of the learn job: `python -m jobs.run_learn`; prints READY once it learns."""

import os
from typing import Final

from jobs.run_arguments import Job
from jobs.run_job import main
from schemas.topics import CONTROL, ITEMS, KNOWLEDGE, OUTCOMES

LEARN: Final = Job(
    kind="learn",
    graph="jobs.learn",
    knowledge=(CONTROL, ITEMS),
    outputs=(KNOWLEDGE, OUTCOMES),
    heap_mb=512,
    service="learn",
)

if __name__ == "__main__":
    # not sys.exit: see run_decide
    os._exit(main(LEARN))
