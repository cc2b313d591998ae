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
)
from jobs.job_settings import JobSettings
from jobs.operators import (
    DEAD_LETTERS_TAG,
    NEWS_ROW,
    OUTPUT_ROW,
    PersonOperator,
    ReplayPersonOperator,
    SessionOperator,
)

SESSION: Final = "session"
PERSON: Final = "person"
DECISIONS_SINK: Final = "decisions_sink"
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
    outputs, dead_letters = build_pipeline(events, told, learnt, settings)
    sink = kafka_sink(settings.kafka)
    outputs.sink_to(sink).name(DECISIONS_SINK).uid(DECISIONS_SINK)
    dead_letters.sink_to(sink).name(DEAD_LETTERS_SINK).uid(DEAD_LETTERS_SINK)


def build_pipeline(
    events: DataStream, told: DataStream, learnt: DataStream | None, settings: JobSettings
) -> tuple[DataStream, DataStream]:
    """Decisions with their traces, and dead letters, as rows that name their topic.

    `told`: records of `control` and `items`, for both operators; `learnt`: of `knowledge`.
    """
    person_operator = ReplayPersonOperator if settings.replay else PersonOperator
    known = told if learnt is None else told.union(learnt)
    news = (
        key_by_first(events, EVENT_ROW)
        .connect(broadcast(told))
        .process(SessionOperator(settings), NEWS_ROW)
        .name(SESSION)
        .uid(SESSION)
    )
    outputs = (
        key_by_first(news, NEWS_ROW)
        .connect(broadcast(known))
        .process(person_operator(settings), OUTPUT_ROW)
        .name(PERSON)
        .uid(PERSON)
    )
    if settings.has_own_slots:
        outputs.slot_sharing_group(PERSON)
    return outputs, _side_output(news)


def _side_output(news: DataStream) -> DataStream:
    # DataStream.get_side_output would put a Python operator behind it
    return DataStream(news._j_data_stream.getSideOutput(DEAD_LETTERS_TAG.get_java_output_tag()))
