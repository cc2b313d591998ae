"""The decide job: its graph, and the names that its state is bound to."""

from typing import Final

from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from jobs.flink.kafka import (
    EVENT_ROW,
    broadcast,
    clock_source,
    events_source,
    kafka_sink,
    key_by_first,
    knowledge_source,
    learnt_source,
    side_output,
)
from jobs.job_settings import JobSettings
from jobs.operators import (
    DEAD_LETTERS_TAG,
    MEMBERS_TAG,
    NEWS_ROW,
    OUTPUT_ROW,
    SessionOperator,
)
from jobs.person_operators import TRANSFERS_TAG, PersonOperator, ReplayPersonOperator

SESSION: Final = "session"
PERSON: Final = "person"
"""Visitors; and as they lie, until they are claimed, states of people who were signed in before these had an operator of their own."""
MEMBER: Final = "member"
"""People who have signed in."""
DECISIONS_SINK: Final = "decisions_sink"
MEMBER_DECISIONS_SINK: Final = "member_decisions_sink"
DEAD_LETTERS_SINK: Final = "dead_letters_sink"


def build_job(env: StreamExecutionEnvironment, settings: JobSettings) -> None:
    """Puts the whole job into `env`."""
    tables = StreamTableEnvironment.create(env)
    events = events_source(tables, settings)
    if settings.replay is not None and settings.replay.is_held:
        told = clock_source(tables, settings.replay.end_ms)
    else:
        told = knowledge_source(tables, settings, settings.session_topics)
    # a replay's person operator reads what was learnt by itself: see LearntReader
    learnt = None if settings.replay else learnt_source(tables, settings)
    sink = kafka_sink(settings.kafka)
    for name, outputs in build_pipeline(events, told, learnt, settings).items():
        # one sink each, so that each is chained to its operator
        outputs.sink_to(sink).name(name).uid(name)


def build_pipeline(
    events: DataStream, told: DataStream, learnt: DataStream | None, settings: JobSettings
) -> dict[str, DataStream]:
    """Decisions with their traces, of visitors and of members, and dead letters, by their sinks, as rows that name their topic.

    `told`: records of `control` and `items`, for both operators; `learnt`: of `knowledge`.
    """
    known = told if learnt is None else told.union(learnt)
    news = (
        key_by_first(events, EVENT_ROW)
        .connect(broadcast(told))
        .process(SessionOperator(settings), NEWS_ROW)
        .name(SESSION)
        .uid(SESSION)
    )
    visitors = _persons(PERSON, news, known, settings)
    claimed = side_output(visitors, TRANSFERS_TAG)
    members = _persons(MEMBER, side_output(news, MEMBERS_TAG).union(claimed), known, settings)
    return {
        DECISIONS_SINK: visitors,
        MEMBER_DECISIONS_SINK: members,
        DEAD_LETTERS_SINK: side_output(news, DEAD_LETTERS_TAG),
    }


def _persons(name: str, inputs: DataStream, known: DataStream, settings: JobSettings) -> DataStream:
    operator = ReplayPersonOperator if settings.replay else PersonOperator
    outputs = (
        key_by_first(inputs, NEWS_ROW)
        .connect(broadcast(known))
        .process(operator(settings, is_member=name == MEMBER), OUTPUT_ROW)
        .name(name)
        .uid(name)
    )
    return outputs.slot_sharing_group(PERSON) if settings.has_own_slots else outputs
