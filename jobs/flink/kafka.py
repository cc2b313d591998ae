"""Flink's sources and sink: Kafka tables with key, bytes, place and time; rows that name a topic."""

from collections.abc import Sequence
from typing import Any, Final

from pyflink.common import Duration, Types, WatermarkStrategy
from pyflink.common.serialization import RowFieldExtractorSchema
from pyflink.common.typeinfo import RowTypeInfo
from pyflink.datastream import BroadcastStream, DataStream, KeyedStream, OutputTag
from pyflink.datastream.connectors.base import DeliveryGuarantee
from pyflink.datastream.connectors.kafka import KafkaRecordSerializationSchema, KafkaSink
from pyflink.datastream.state import MapStateDescriptor
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment
from pyflink.util.java_utils import get_java_class

from jobs.job_settings import JobSettings
from log.offsets import Offsets, ReplayRange
from log.settings import java_settings

BYTES: Final = Types.PRIMITIVE_ARRAY(Types.BYTE())
EVENT_ROW: Final = Types.ROW_NAMED(
    ["k", "v", "et"],
    [
        Types.STRING(),
        Types.ROW_NAMED(["v", "p", "o", "k"], [BYTES, Types.INT(), Types.LONG(), Types.STRING()]),
        Types.INSTANT(),
    ],
)
KNOWLEDGE_ROW: Final = Types.ROW_NAMED(["v", "o", "et"], [BYTES, Types.LONG(), Types.INSTANT()])
IDLE_MS: Final = 1_000
"""Live, a partition without records for so long no longer holds the watermark back."""
GATHERED: Final = {"properties.fetch.min.bytes": "65536", "properties.fetch.max.wait.ms": "100"}
"""Where nobody waits for a record: ten fetches a second, not one for each event."""
KNOWLEDGE_IDLE_MS: Final = 500
ALIGNED_EVERY_MS: Final = 100
TIMELESS: Final = "knowledge_timeless"

# An absent key or value becomes an empty one: a null key cannot be partitioned by.
EVENTS_QUERY: Final = """
    SELECT COALESCE(k, '') AS k,
        ROW(COALESCE(v, CAST(X'' AS BYTES)), p, o, COALESCE(k, '')) AS v, et FROM {table}
"""
KNOWLEDGE_QUERY: Final = "SELECT v, o, et FROM {table} WHERE v IS NOT NULL"
# no row passes, but the planner cannot know that and leave the source out
CLOCK_QUERY: Final = "SELECT CAST(X'' AS BYTES) AS v, n AS o, et FROM held_clock WHERE n < 0"


def events_source(tables: StreamTableEnvironment, settings: JobSettings) -> DataStream:
    """`events` as Row(key, Row(value, partition, offset, key), time)."""
    options = _common(settings, settings.events_topic) | {
        "key.format": "raw",
        "key.fields": "k",
        "value.fields-include": "EXCEPT_KEY",
    }
    name = "events"
    if settings.replay is not None:
        options |= _replayed(settings.replay, options["topic"])
        options |= _alignment(settings.replay.drift_ms)
        # a name of its own: neither a live run nor the next part goes on from this one's offsets
        name = f"events_replay_{settings.replay.part}"
    else:
        starts = settings.starts
        options |= {"scan.startup.mode": "earliest-offset"} if starts is None else _bounds(starts)
        options |= {"scan.watermark.idle-timeout": f"{IDLE_MS} ms"}
        options |= {} if settings.is_prompt else GATHERED
    table = _create(tables, "k STRING, ", options, settings.watermark_delay_ms)
    return _stream(tables, EVENTS_QUERY.format(table=table), EVENT_ROW, name)


def clock_source(tables: StreamTableEnvironment, time_ms: int) -> DataStream:
    """No records, but for ever the watermark `time_ms`: whatever it is joined with comes no further.

    Not a bounded source, whose end would let every timer fire. It keeps no state that matters.
    """
    tables.execute_sql(
        f"CREATE TEMPORARY TABLE held_clock (n BIGINT, et AS TO_TIMESTAMP_LTZ({time_ms}, 3), "
        "WATERMARK FOR et AS et) WITH ('connector' = 'datagen', 'rows-per-second' = '1', "
        "'fields.n.min' = '0', 'scan.parallelism' = '1')"
    )
    return _stream(tables, CLOCK_QUERY, KNOWLEDGE_ROW, "clock")


def knowledge_source(
    tables: StreamTableEnvironment, settings: JobSettings, topics: Sequence[str]
) -> DataStream:
    """What comes to these topics after the offsets up to which open() surely reads."""
    first, *others = (_one_topic(tables, settings, topic) for topic in topics)
    return first.union(*others) if others else first


def learnt_source(tables: StreamTableEnvironment, settings: JobSettings) -> DataStream:
    """What comes to `knowledge`, live. It moves no time: its records bear that of their arrival.

    Idle for ever once there was a moment without records: then the watermark is that of the other inputs.
    """
    told = knowledge_source(tables, settings, [settings.learnt_topic])
    timeless = WatermarkStrategy.no_watermarks().with_idleness(Duration.of_millis(1))
    return told.assign_timestamps_and_watermarks(timeless).name(TIMELESS).uid(TIMELESS)


def _one_topic(tables: StreamTableEnvironment, settings: JobSettings, topic: str) -> DataStream:
    offsets = settings.knowledge_from[topic]
    options = _common(settings, topic) | {
        "scan.watermark.idle-timeout": f"{KNOWLEDGE_IDLE_MS} ms",
        "scan.parallelism": "1",
    }
    options |= _bounds(offsets, offsets if settings.replay else None)
    table = _create(tables, "", options, 0)
    name = topic.removeprefix(settings.source_prefix)
    return _stream(tables, KNOWLEDGE_QUERY.format(table=table), KNOWLEDGE_ROW, name)


def _common(settings: JobSettings, topic: str) -> dict[str, str]:
    return {
        "connector": "kafka",
        "topic": topic,
        "properties.bootstrap.servers": str(settings.kafka),
        "value.format": "raw",
    } | {f"properties.{name}": value for name, value in java_settings(settings.kafka).items()}


def _replayed(replay: ReplayRange, events: str) -> dict[str, str]:
    """From where to where: of a source that goes on from a checkpoint, its splits know.

    That source only learns that there is nothing else to read, and ends, where it finds partitions
    that it did not know (FLINK-31006, connector 5.0.0): an empty topic has one for it.
    """
    if replay.bell is None:
        return _bounds(replay.starts, replay.ends)
    return {
        "topic": f"{events};{replay.bell}",
        "scan.startup.mode": "earliest-offset",
        "scan.bounded.mode": "latest-offset",
    }


def _alignment(drift_ms: int | None) -> dict[str, str]:
    """No partition is read further ahead of the slowest, so that little waits in state."""
    if drift_ms is None:
        return {}
    return {
        "scan.watermark.alignment.group": "replay",
        "scan.watermark.alignment.max-drift": f"{drift_ms} ms",
        "scan.watermark.alignment.update-interval": f"{ALIGNED_EVERY_MS} ms",
    }


def _bounds(starts: Offsets, ends: Offsets | None = None) -> dict[str, str]:
    options = {
        "scan.startup.mode": "specific-offsets",
        "scan.startup.specific-offsets": _places(starts),
    }
    if ends is not None:
        options["scan.bounded.mode"] = "specific-offsets"
        options["scan.bounded.specific-offsets"] = _places(ends)
    return options


def _places(offsets: Offsets) -> str:
    return ";".join(f"partition:{at},offset:{offset}" for at, offset in sorted(offsets.items()))


def _create(
    tables: StreamTableEnvironment, key: str, options: dict[str, str], delay_ms: int
) -> str:
    name = f"`{options['topic']}`"
    seconds, millis = divmod(delay_ms, 1_000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    delay = f"INTERVAL '{days} {hour:02}:{minute:02}:{second:02}.{millis:03}' DAY TO SECOND(3)"
    settings = ", ".join(f"{_quoted(key)} = {_quoted(value)}" for key, value in options.items())
    tables.execute_sql(
        f"CREATE TEMPORARY TABLE {name} ({key}v BYTES, p INT METADATA FROM 'partition' VIRTUAL, "
        "o BIGINT METADATA FROM 'offset' VIRTUAL, et TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', "
        f"WATERMARK FOR et AS et - {delay}) WITH ({settings})"
    )
    return name


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _stream(tables: StreamTableEnvironment, query: str, row: RowTypeInfo, name: str) -> DataStream:
    stream = tables.to_data_stream(tables.sql_query(query))
    last = stream._j_data_stream.getTransformation()
    last.setOutputType(row.get_java_type_info())
    _set_uids(last, f"{name}_source")
    return stream


def _set_uids(transformation: Any, uid: str) -> None:
    """Names the source and the steps that the planner put behind it."""
    transformation.setUid(uid)
    for place, one in enumerate(transformation.getInputs()):
        _set_uids(one, f"{uid}_{place}")


def key_by_first(stream: DataStream, row: RowTypeInfo) -> KeyedStream:
    """Keyed by field 0 inside the JVM; the operator then gets field 1."""
    selector = get_gateway().jvm.org.apache.flink.streaming.api.functions.python.KeyByKeySelector()
    key_type = Types.ROW([Types.STRING()]).get_java_type_info()
    return KeyedStream(stream._j_data_stream.keyBy(selector, key_type), row, stream)


def broadcast(stream: DataStream) -> BroadcastStream:
    """To every instance of the operator that it is connected to, which keeps no Flink state of it."""
    return stream.broadcast(MapStateDescriptor("unused", Types.STRING(), Types.STRING()))


def side_output(stream: DataStream, tag: OutputTag) -> DataStream:
    """What the stream's operator sends aside; DataStream.get_side_output would put a Python operator behind it."""
    return DataStream(stream._j_data_stream.getSideOutput(tag.get_java_output_tag()))


def kafka_sink(kafka: str) -> KafkaSink:
    """Writes Row(topic, key, value), each as soon as it comes; the topic is picked in the JVM."""
    builder = (
        KafkaSink.builder()
        .set_bootstrap_servers(str(kafka))
        .set_delivery_guarantee(DeliveryGuarantee.AT_LEAST_ONCE)
        .set_property("linger.ms", "0")
    )
    for name, value in java_settings(kafka).items():
        builder = builder.set_property(name, value)
    # not PyFlink's own setter, which would put a Python operator in front of the sink
    builder._j_builder.setRecordSerializer(_serializer()._j_serialization_schema)
    return builder.build()


def _serializer() -> KafkaRecordSerializationSchema:
    jvm = get_gateway().jvm
    selector_class = get_java_class(jvm.org.apache.flink.connector.kafka.sink.TopicSelector)
    selectors = jvm.org.apache.flink.python.util.PythonConnectorUtils
    builder = KafkaRecordSerializationSchema.builder()
    builder._j_builder.setTopicSelector(selectors.createFirstColumnTopicSelector(selector_class))
    builder.set_key_serialization_schema(RowFieldExtractorSchema(1))
    builder.set_value_serialization_schema(RowFieldExtractorSchema(2))
    return builder.build()
