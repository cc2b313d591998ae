"""Who reads and writes what, in Kafka and the store: the rights that each part of Kairos needs, and no others.

docs/security.md shows this table; the end-to-end test with access control lists gives each part just this.
"""

from typing import Final, NamedTuple

from schemas.topics import (
    ALERTS,
    CONTROL,
    DEAD_LETTERS,
    DECISIONS,
    EVENTS,
    ITEMS,
    KNOWLEDGE,
    OUTCOMES,
    TOPICS,
    TRACES,
)

ALL: Final = tuple(spec.name for spec in TOPICS)
STORE_GROUP: Final = "kairos-store-"
FALLBACK_GROUP: Final = "kairos-fallback-"
OUTCOMES_GROUP: Final = "kairos-outcomes-"
"""Of the store writer's consumers, behind the topic prefix and before the store's."""


class Role(NamedTuple):
    """One part of Kairos. Topics without their prefix; `groups` and `keys` (patterns) likewise."""

    name: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    creates_topics: bool = False


WRITES_STORE: Final = (
    "evalsha", "eval", "script|load", "script|exists", "hget", "hset", "hdel", "hmget", "get", "set", "del", "type", "time",
    "pexpireat", "pexpiretime", "rpush", "ltrim", "ping", "hlen", "hgetall",
)  # fmt: skip
READS_STORE: Final = ("hmget", "hvals", "get", "exists", "lrange", "ping")
KEYS: Final = ("decision:*", "session:*", "fallback:*", "outcomes:*", "writer", "latency")

ROLES: Final = (
    Role(
        "decide job",
        (EVENTS, ITEMS, CONTROL, KNOWLEDGE),
        (DECISIONS, TRACES, DEAD_LETTERS),
        creates_topics=True,
    ),
    Role(
        "learn job",
        (EVENTS, ITEMS, CONTROL, KNOWLEDGE),
        (KNOWLEDGE, OUTCOMES),
        creates_topics=True,
    ),
    Role(
        "store writer", (DECISIONS, KNOWLEDGE, OUTCOMES), (DEAD_LETTERS,),
        (STORE_GROUP, FALLBACK_GROUP, OUTCOMES_GROUP), KEYS, WRITES_STORE,
    ),
    Role(
        "Decision API and console",
        ALL,
        (EVENTS, DEAD_LETTERS, CONTROL, ALERTS),
        keys=KEYS,
        commands=READS_STORE,
    ),
    Role(
        "`kairos up`, its clock and its set-up", ALL, (EVENTS, CONTROL), creates_topics=True,
        keys=("writer", "latency"), commands=READS_STORE,
    ),
    Role("import and shop", ALL, (EVENTS, ITEMS, CONTROL, DEAD_LETTERS)),
    Role("explain, why-not, verify, train, evaluate, kpi, outcomes, archive, compare", ALL),
    Role("`kpi --alerts`", ALL, (ALERTS,)),
    Role("publishing of policies and models", (CONTROL,), (CONTROL,)),
    Role("replay, under its own prefix", ALL, ALL, creates_topics=True),
)  # fmt: skip


def table() -> str:
    """The roles as a table of Markdown."""
    head = "| part | reads | writes | consumer groups | keys of the store | commands there |"
    rows = [
        f"| {role.name}{' (creates topics)' if role.creates_topics else ''} | "
        + " | ".join(
            (
                _topics(role.reads), _topics(role.writes),
                ", ".join(f"`PREFIX{one}*`" for one in role.groups),
                ", ".join(f"`STORE:{one}`" for one in role.keys),
                " ".join(f"`{one}`" for one in role.commands).replace("|", "\\|"),
            )
        )
        + " |"
        for role in ROLES
    ]  # fmt: skip
    return "\n".join([head, "| --- | --- | --- | --- | --- | --- |", *rows])


def _topics(names: tuple[str, ...]) -> str:
    return "all" if names == ALL else ", ".join(f"`{one}`" for one in names)
