"""Writes `jars.lock` anew: `python -m jobs.stack.relock`. Run it after changing a version here."""

import hashlib
import tempfile
from pathlib import Path
from typing import Final

from jgo.maven import Dependency, MavenContext

from jobs.stack.jars import LOCK

# Every root is resolved by itself: `jgo` lets a root's dependency management rule the others,
# which gave Kafka 4.2 the clients of 3.9. Where two roots bring the same jar, the first wins.
ROOTS: Final = {
    "kafka": (
        "org.apache.kafka:kafka_2.13:4.2.0",
        # Kafka logs through slf4j 1.7 and brings log4j; this joins the two.
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.3",
    ),
    "flink": ("org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2",),
}


def locked(jar_set: str, repository: Path) -> list[str]:
    """The lock's lines for one set of jars, resolved and fetched from Maven Central."""
    maven = MavenContext(repo_cache=repository)
    jars: dict[str, Dependency] = {}
    for root in ROOTS[jar_set]:
        inputs, transitive = maven.resolver.resolve([maven.create_dependency(root)])
        needed = [*inputs, *(jar for jar in transitive if jar.scope in ("compile", "runtime"))]
        for jar in needed:
            jars.setdefault(f"{jar.groupId}:{jar.artifactId}", jar)
    return sorted(_line(jar_set, jar) for jar in jars.values())


def _line(jar_set: str, jar: Dependency) -> str:
    content = jar.artifact.resolve().read_bytes()
    coordinate = f"{jar.groupId}:{jar.artifactId}:{jar.version}"
    return f"{jar_set} {coordinate} {len(content)} {hashlib.sha256(content).hexdigest()}"


def main() -> None:
    """Resolves every set and replaces the lock."""
    lines = []
    for jar_set in ROOTS:
        with tempfile.TemporaryDirectory() as repository:
            lines += locked(jar_set, Path(repository))
    LOCK.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
