"""Where the state of a savepoint stands in a topic: the offsets with which a job goes on from it."""

import struct
from typing import Final

from jobs.flink.settings import local_path
from log.offsets import Offsets

PLACE: Final = struct.Struct(">iqq")
"""Partition, next offset, where to stop: as the connector writes a split, behind the topic's name."""
UNBOUNDED: Final = -(2**63)
PARTITIONS_MAX: Final = 100_000


def offsets_in(savepoint: str, topic: str) -> Offsets:
    """The next offset of each partition of `topic`; empty where the savepoint is not on this machine."""
    folder = local_path(savepoint)
    if folder is None or not folder.is_dir():
        return {}
    name = topic.encode()
    sign = struct.pack(">H", len(name)) + name
    found: Offsets = {}
    for path in folder.iterdir():
        data = path.read_bytes()
        at = data.find(sign)
        while at >= 0:
            begin = at + len(sign)
            if begin + PLACE.size <= len(data):
                partition, offset, stop = PLACE.unpack_from(data, begin)
                if stop == UNBOUNDED and 0 <= partition < PARTITIONS_MAX and offset >= 0:
                    found[partition] = max(offset, found.get(partition, 0))
            at = data.find(sign, begin)
    return dict(sorted(found.items()))
