"""Settings: read in one place, and all that is wrong with them is said at once."""

from pathlib import Path

import pytest

from jobs.config import PROJECT, SETTINGS, Config, Secret, as_environment, config_from, own_ports
from jobs.stack.ports import ANY_FREE, Ports
from schemas.errors import ConfigError
from schemas.limits import LATENESS_MS
from schemas.rates import Rate, Shares
from scripts.demo.demo import DEFAULTS as DEMO


def test_without_any_setting_there_are_the_defaults() -> None:
    for environment in ({}, {"PATH": "/bin"}, dict.fromkeys((one.name for one in SETTINGS), "")):
        assert config_from(environment) == Config(
            home=PROJECT / ".kairos", kafka=None, redis=None, flink=None, topic_prefix="",
            store_prefix="kairos", source_format="kairos", parallelism=1, checkpoint_ms=1000,
            lateness_ms=LATENESS_MS, seed="kairos", pseudonym_key_file=None, api_keys=None, api_secret=Secret(),
            checkpoints="", state_backend=None, slots="split", core=None, flink_keys=None,
            api_host="127.0.0.1", api_port=8000, api_budget_ms=50, api_origins="",
            kafka_settings_file=None, redis_password_file=None,
            models="", control_public_keys=None, control_signing_key_file=None,
            api_proxies="", api_session_events=Rate(10, 60), api_session_bytes=Rate(50_000, 1_000_000),
            api_address_requests=Rate(100, 600), api_address_events=Rate(50, 150),
            api_address_bytes=Rate(200_000, 2_000_000), api_address_sessions=Rate(1, 100),
            api_address_sessions_per_day=5_000, api_key_events=Rate(1_000, 5_000),
            api_key_bytes=Rate(5_000_000, 20_000_000), api_server_events=Rate(20_000, 100_000),
            api_server_bytes=Rate(50_000_000, 200_000_000), api_explanations=Rate(1, 20),
            api_streams=Shares(1_000, 800, 100), api_connections=4_000, api_address_connections=400,
            shop_key_file=None,
            session_events_per_s=20, session_burst=200, uncatalogued="when_empty", retention="",
            ports=Ports(9092, 6379, 8081, 8082), trace_share=0.01, consent="none",
            erasure_key_file=None,
            places=None,
            internal_networks="",
            schema_registry=None, schema_registry_settings_file=None,
            mapping=None, dead_letter_raw=False, alert_webhook=Secret(),
        )  # fmt: skip


def test_every_setting_is_read() -> None:
    given = {
        "KAIROS_HOME": "/data/kairos", "KAIROS_KAFKA": "k1:9092,k2:9093", "KAIROS_REDIS": "r:6379",
        "KAIROS_FLINK": "[::1]:8081", "KAIROS_TOPIC_PREFIX": "replay-1.", "KAIROS_STORE_PREFIX": "x",
        "KAIROS_FORMAT": "json", "KAIROS_PARALLELISM": "4", "KAIROS_CHECKPOINT_MS": "100",
        "KAIROS_LATENESS_MS": "0", "KAIROS_SEED": "another",
        "KAIROS_PSEUDONYM_KEY_FILE": "/k/p.key", "KAIROS_API_KEYS": "/k/keys.yaml", "KAIROS_API_SECRET": "hush",
        "KAIROS_CHECKPOINTS": "s3://b/c", "KAIROS_STATE_BACKEND": "rocksdb", "KAIROS_SLOTS": "shared", "KAIROS_CORE": "1",
        "KAIROS_FLINK_KEYS": "/k/flink",
        "KAIROS_API_HOST": "0.0.0.0", "KAIROS_API_PORT": "8080", "KAIROS_API_BUDGET_MS": "20",
        "KAIROS_API_ORIGINS": "https://shop.example,http://localhost:3000",
        "KAIROS_KAFKA_SETTINGS_FILE": "/k/kafka.properties", "KAIROS_REDIS_PASSWORD_FILE": "/k/redis",
        "KAIROS_MODELS": "/data/models,s3://b/models/", "KAIROS_CONTROL_PUBLIC_KEYS": "/k/control.pub",
        "KAIROS_CONTROL_SIGNING_KEY_FILE": "/k/control.key",
        "KAIROS_API_PROXIES": "10.0.0.0/8,::1/128",
        "KAIROS_API_SESSION_EVENTS": "1/2", "KAIROS_API_SESSION_BYTES": "3/4", "KAIROS_API_ADDRESS_REQUESTS": "0.5/6",
        "KAIROS_API_ADDRESS_EVENTS": "7/8", "KAIROS_API_ADDRESS_BYTES": "9/10", "KAIROS_API_ADDRESS_SESSIONS": "11/12",
        "KAIROS_API_ADDRESS_SESSIONS_PER_DAY": "13", "KAIROS_API_KEY_EVENTS": "14/15", "KAIROS_API_KEY_BYTES": "16/17",
        "KAIROS_API_SERVER_EVENTS": "18/19", "KAIROS_API_SERVER_BYTES": "20/21", "KAIROS_API_EXPLANATIONS": "22/23",
        "KAIROS_API_STREAMS": "30/20/10", "KAIROS_API_CONNECTIONS": "31", "KAIROS_API_ADDRESS_CONNECTIONS": "11",
        "KAIROS_SHOP_KEY_FILE": "/k/shop.key",
        "KAIROS_SESSION_EVENTS_PER_S": "0", "KAIROS_SESSION_BURST": "1", "KAIROS_UNCATALOGUED": "never",
        "KAIROS_RETENTION_DAYS": "decisions=30,events=ever", "KAIROS_TRACE_SHARE": "0.5", "KAIROS_CONSENT": "email,analytics",
        "KAIROS_ERASURE_KEY_FILE": "/k/erasure.key", "KAIROS_PLACES": "/data/city.mmdb", "KAIROS_INTERNAL_NETWORKS": "10.0.0.0/8",
        "KAIROS_SCHEMA_REGISTRY": "https://registry.example/v7", "KAIROS_MAPPING": "/k/game.yaml",
        "KAIROS_SCHEMA_REGISTRY_SETTINGS_FILE": "/k/registry.properties",
        "KAIROS_DEAD_LETTER_RAW": "True", "KAIROS_ALERT_WEBHOOK": "https://hooks.example/t", "KAIROS_PORTS": "kafka=1,redis=0,flink=3,learn=65535",
    }  # fmt: skip
    assert set(given) == {one.name for one in SETTINGS}
    assert config_from(given) == Config(
        Path("/data/kairos"), "k1:9092,k2:9093", "r:6379", "[::1]:8081", "replay-1.", "x", "json",
        4, 100, 0, "another", Path("/k/p.key"), Path("/k/keys.yaml"), Secret("hush"),
        "s3://b/c", "rocksdb", "shared", 1, Path("/k/flink"),
        "0.0.0.0", 8080, 20, "https://shop.example,http://localhost:3000",
        Path("/k/kafka.properties"), Path("/k/redis"),
        "/data/models,s3://b/models/", Path("/k/control.pub"), Path("/k/control.key"),
        "10.0.0.0/8,::1/128", Rate(1, 2), Rate(3, 4), Rate(0.5, 6), Rate(7, 8), Rate(9, 10), Rate(11, 12), 13,
        Rate(14, 15), Rate(16, 17), Rate(18, 19), Rate(20, 21), Rate(22, 23), Shares(30, 20, 10), 31, 11,
        Path("/k/shop.key"),
        0, 1, "never", "decisions=30,events=ever", Ports(1, 0, 3, 65_535), 0.5, "email,analytics",
        Path("/k/erasure.key"), Path("/data/city.mmdb"), "10.0.0.0/8", "https://registry.example/v7", Path("/k/registry.properties"),
        Path("/k/game.yaml"), True, Secret("https://hooks.example/t"),
    )  # fmt: skip
    assert as_environment(config_from(given)) == given


def test_ports_that_are_not_named_stay_as_they_are_and_a_zero_alone_is_any() -> None:
    assert config_from({"KAIROS_PORTS": "kafka=1"}).ports == Ports()._replace(kafka=1)
    assert config_from({"KAIROS_PORTS": "0"}).ports == ANY_FREE
    given = {"KAIROS_KAFKA": "k:1", "KAIROS_FLINK": "f:1", "KAIROS_API_PORT": "5"}
    assert own_ports(config_from(given)) == {"redis": 6379, "api": 5}, "the others are not ours"


def test_a_command_may_have_defaults_of_its_own() -> None:
    config = config_from({"KAIROS_SEED": "set"}, {"KAIROS_SEED": "own", "KAIROS_API_PORT": "1"})
    assert (config.seed, config.api_port, config.ports) == ("set", 1, Ports())
    assert config_from({}, DEMO).api_port != config_from({}).api_port
    assert config_from({}, DEMO).ports == ANY_FREE, "`demo` runs beside `up`"


def test_a_secret_is_not_shown_with_the_configuration() -> None:
    config = config_from({"KAIROS_API_SECRET": "hush-hush"})
    assert "hush-hush" not in f"{config} {config!r}"
    assert as_environment(config)["KAIROS_API_SECRET"] == "hush-hush"


def test_a_configuration_survives_the_way_to_a_child() -> None:
    config = config_from({"KAIROS_KAFKA": "k:1", "KAIROS_SEED": "s"})
    assert config_from(as_environment(config)) == config


WRONG = {
    "KAIROS_HOME": [__file__, f"{__file__}/below"],
    "KAIROS_KAFKA": ["localhost", "localhost:", ":9092", "h:0", "h:65536", "h:x", "a:1,b", "h:-1"],
    "KAIROS_REDIS": [
        "redis://",
        "http://h:6379",
        "redis://:secret@h:6379",
        "redis://h/x",
        "redis://h/?x=1",
        "a:1,b:2",
        "h:0",
    ],
    "KAIROS_FLINK": ["http://h"],
    "KAIROS_MODELS": ["zip://a::b", "s3://", "../models"],
    "KAIROS_TOPIC_PREFIX": ["a b", "a/b", "ü", "x" * 101],
    "KAIROS_STORE_PREFIX": ["a:b"],
    "KAIROS_FORMAT": ["avro", "KAIROS"],
    "KAIROS_PARALLELISM": ["0", "1025", "-1", "two", "1.5", "²", " 1"],
    "KAIROS_CHECKPOINT_MS": ["99", "3600001"],
    "KAIROS_LATENESS_MS": ["86400001"],
    "KAIROS_SESSION_EVENTS_PER_S": ["-1", "0.5"],
    "KAIROS_SESSION_BURST": ["0"],
    "KAIROS_UNCATALOGUED": ["yes", "WHEN_EMPTY"],
    "KAIROS_API_PORT": ["-1", "65536", "http"],
    "KAIROS_PORTS": ["1", "kafka", "kafka=65536", "valkey=1", "kafka=1;redis=2"],
    "KAIROS_API_BUDGET_MS": ["-1", "10001"],
    "KAIROS_API_PROXIES": ["proxy.example", "10.0.0.0/33", "10.0.0.1 10.0.0.2"],
    "KAIROS_API_SESSION_EVENTS": [
        "20",
        "20/",
        "0/10",
        "-1/10",
        "5/0",
        "nan/10",
        "inf/10",
        "1/2/3",
        "1/1e13",
    ],
    "KAIROS_DEAD_LETTER_RAW": ["maybe", "2"],
    "KAIROS_TRACE_SHARE": ["1.1", "-0.1", "nan", "few"],
    "KAIROS_API_STREAMS": ["10", "10/10", "10/0/10", "1/1/1/1", "a/b/c"],
    "KAIROS_API_ORIGINS": ["shop.example", "https://shop.example/page", "ftp://shop.example"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_wrong_setting_is_named_with_its_value(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config_from({name: value})
    assert f"{name}={value!r}: " in str(refused.value)


def test_all_wrong_settings_are_named_at_once() -> None:
    given = {name: values[0] for name, values in WRONG.items()} | {"KAIROS_KAFFKA": "h:1"}
    with pytest.raises(ConfigError) as refused:
        config_from(given)
    for name in given:
        assert name in str(refused.value)


def test_a_misspelt_setting_is_refused_and_the_right_ones_are_listed() -> None:
    with pytest.raises(ConfigError, match="KAIROS_REDDIS: no such setting") as refused:
        config_from({"KAIROS_REDDIS": "h:1"})
    for setting in SETTINGS:
        assert setting.name in str(refused.value)


def test_what_is_none_of_ours_is_left_alone() -> None:
    assert config_from({"KAIROSITY": "x", "HOME": "/"}) == config_from({})


def test_a_format_whose_schemas_lie_in_a_registry_wants_one() -> None:
    with pytest.raises(
        ConfigError, match=r"KAIROS_FORMAT=confluent-avro: .* KAIROS_SCHEMA_REGISTRY"
    ):
        config_from({"KAIROS_FORMAT": "confluent-avro"})
    named = {"KAIROS_FORMAT": "confluent-avro", "KAIROS_SCHEMA_REGISTRY": "http://r:8081/"}
    assert config_from(named).schema_registry == "http://r:8081"
    assert config_from({"KAIROS_FORMAT": "json-schema"}).schema_registry is None


def test_kairos_avro_is_another_name_of_what_kairos_is_on_a_topic() -> None:
    assert config_from({"KAIROS_FORMAT": "kairos-avro"}) == config_from({"KAIROS_FORMAT": "kairos"})


@pytest.mark.parametrize("name", ["kairos", "segment", "ga4", "cloudevents"])
def test_a_mapping_is_of_formats_that_are_read_by_names(name: str) -> None:
    with pytest.raises(ConfigError, match="KAIROS_MAPPING says what the fields of json"):
        config_from({"KAIROS_FORMAT": name, "KAIROS_MAPPING": "/k/game.yaml"})
    config = config_from({"KAIROS_FORMAT": "json", "KAIROS_MAPPING": "/k/game.yaml"})
    assert config.written_format == "kairos"
    assert config_from({"KAIROS_FORMAT": "json"}).written_format == "json"
