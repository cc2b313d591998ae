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
    side_output,
)
from jobs.job_settings import JobSettings
from jobs.learn_operators import (
    FACT_ROW,
    LESSON_ROW,
    OUTCOMES_TAG,
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
OUTCOMES_SINK: Final = "outcomes_sink"


def build_job(env: StreamExecutionEnvironment, settings: JobSettings) -> None:
    """Puts the whole job into `env`."""
    tables = StreamTableEnvironment.create(env)
    events = events_source(tables, settings)
    policies = knowledge_source(tables, settings, settings.policy_topics)
    items = knowledge_source(tables, settings, settings.item_topics)
    records, outcomes = build_pipeline(events, policies, items, settings)
    # one writer, so that the topic has the order of the epochs
    sink = records.sink_to(kafka_sink(settings.kafka)).set_parallelism(1)
    sink.name(KNOWLEDGE_SINK).uid(KNOWLEDGE_SINK)
    outcomes.sink_to(kafka_sink(settings.kafka)).name(OUTCOMES_SINK).uid(OUTCOMES_SINK)


def build_pipeline(
    events: DataStream, policies: DataStream, items: DataStream, settings: JobSettings
) -> tuple[DataStream, DataStream]:
    """Records of `knowledge` in whole epochs, and outcomes, as rows that name their topic. `policies`: records of `control`."""
    facts = (
        key_by_first(events, EVENT_ROW)
        .connect(broadcast(policies.union(items)))
        .process(FactOperator(settings), LESSON_ROW)
        .name(FACTS)
        .uid(FACTS)
    )
    taught = (
        key_by_first(facts, LESSON_ROW)
        .connect(broadcast(policies))
        .process(LessonOperator(settings), FACT_ROW)
        .name(LESSONS)
        .uid(LESSONS)
    )
    learnt = (
        key_by_first(taught, FACT_ROW)
        .process(ItemOperator(settings), RECORD_ROW)
        .name(ITEM)
        .uid(ITEM)
    )
    records = (
        key_by_first(learnt, RECORD_ROW)
        .process(EpochCloser(settings), OUTPUT_ROW)
        .set_parallelism(1)
        .name(EPOCHS)
        .uid(EPOCHS)
    )
    return records, side_output(taught, OUTCOMES_TAG)
