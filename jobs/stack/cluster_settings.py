"""The settings of Flink in a cluster on this machine, and how its memory is divided."""

from pathlib import Path
from typing import Final

from jobs.flink.keys import Keys
from jobs.flink.settings import CLOSED, SHORT_QUEUES, folder_uri
from jobs.stack.local_cluster import JOB_MANAGER
from jobs.stack.ports import LOOPBACK, free_port
from jobs.stack.wanted import Wanted

TASK_HEAP_MB: Final = 384
"""Of one task manager; what Python holds (state in use, knowledge) is beside the JVM's heap."""
FRAMEWORK_MB: Final = 128
NETWORK_MB: Final = 64
OVERHEAD_MB: Final = 192
ROCKSDB_MB: Final = 256


def cluster_settings(address: str, folder: Path, wanted: Wanted, keys: Keys) -> dict[str, str]:
    """Flink's own names and values. Each job brings its own settings beside these."""
    rocksdb_mb = ROCKSDB_MB if wanted.is_rocksdb else 0
    return {
        "jobmanager.rpc.address": LOOPBACK,
        "jobmanager.rpc.port": str(free_port()),
        "jobmanager.bind-host": LOOPBACK,
        "rest.address": LOOPBACK,
        "rest.bind-address": LOOPBACK,
        "rest.port": address.rpartition(":")[2],
        "rest.bind-port": address.rpartition(":")[2],
        "taskmanager.host": LOOPBACK,
        "taskmanager.bind-host": LOOPBACK,
        # one interpreter lock in each process, hence one slot
        "taskmanager.numberOfTaskSlots": "1",
        # what Flink's own start script computes and hands over
        "taskmanager.cpu.cores": "1.0",
        "taskmanager.memory.framework.heap.size": f"{FRAMEWORK_MB}m",
        "taskmanager.memory.framework.off-heap.size": f"{FRAMEWORK_MB}m",
        "taskmanager.memory.task.heap.size": f"{TASK_HEAP_MB}m",
        "taskmanager.memory.task.off-heap.size": "0m",
        "taskmanager.memory.managed.size": f"{rocksdb_mb}m",
        "taskmanager.memory.network.min": f"{NETWORK_MB}m",
        "taskmanager.memory.network.max": f"{NETWORK_MB}m",
        "taskmanager.memory.jvm-metaspace.size": "256m",
        "taskmanager.memory.jvm-overhead.min": f"{OVERHEAD_MB}m",
        "taskmanager.memory.jvm-overhead.max": f"{OVERHEAD_MB}m",
        "state.backend.type": "rocksdb" if wanted.is_rocksdb else "hashmap",
        # a machine that is gone is noticed after two seconds, not twenty
        "heartbeat.interval": "1 s",
        "heartbeat.timeout": "10 s",
        "heartbeat.rpc-failure-threshold": "2",
        **SHORT_QUEUES,
        "io.tmp.dirs": str(folder / "tmp" / JOB_MANAGER),
        "metrics.fetcher.update-interval": "500 ms",
        **CLOSED,
        **keys.settings(),
        "execution.checkpointing.savepoint-dir": folder_uri(folder / "savepoints"),
    }
