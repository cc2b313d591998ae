"""The learn job: its graph, and the names that its state is bound to."""

from typing import Final

from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from jobs.flink.kafka import (
    EVENT_ROW,
    broadcast,
    events_source,
    kafka_sink,
    key_by_first,
    knowledge_source,
)
from jobs.job_settings import JobSettings
from jobs.learn_operators import (
    FACT_ROW,
    LESSON_ROW,
    RECORD_ROW,
    EpochCloser,
    FactOperator,
    ItemOperator,
    LessonOperator,
)
from jobs.operators import OUTPUT_ROW

FACTS: Final = "facts"
LESSONS: Final = "lessons"
ITEM: Final = "item"
EPOCHS: Final = "epochs"
KNOWLEDGE_SINK: Final = "knowledge_sink"


def build_job(env: StreamExecutionEnvironment, settings: JobSettings) -> None:
    """Puts the whole job into `env`."""
    tables = StreamTableEnvironment.create(env)
    events = events_source(tables, settings)
    told = knowledge_source(tables, settings, settings.session_topics)
    records = build_pipeline(events, told, settings)
    # one writer, so that the topic has the order of the epochs
    sink = records.sink_to(kafka_sink(settings.kafka)).set_parallelism(1)
    sink.name(KNOWLEDGE_SINK).uid(KNOWLEDGE_SINK)


def build_pipeline(events: DataStream, told: DataStream, settings: JobSettings) -> DataStream:
    """Records of `knowledge` in whole epochs, as rows that name their topic."""
    facts = (
        key_by_first(events, EVENT_ROW)
        .connect(broadcast(told))
        .process(FactOperator(settings), LESSON_ROW)
        .name(FACTS)
        .uid(FACTS)
    )
    taught = (
        key_by_first(facts, LESSON_ROW)
        .process(LessonOperator(settings), FACT_ROW)
        .name(LESSONS)
        .uid(LESSONS)
    )
    items = (
        key_by_first(taught, FACT_ROW)
        .process(ItemOperator(settings), RECORD_ROW)
        .name(ITEM)
        .uid(ITEM)
    )
    return (
        key_by_first(items, RECORD_ROW)
        .process(EpochCloser(settings), OUTPUT_ROW)
        .set_parallelism(1)
        .name(EPOCHS)
        .uid(EPOCHS)
    )
