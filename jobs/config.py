"""Every setting: the only reader of the environment. All errors are reported together, by name."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeVar

from jobs import setting_values as values
from jobs.stack.ports import API, Ports
from log.registry_address import RegistryAddress
from log.settings import Brokers
from log.store_address import StoreAddress
from schemas.errors import ConfigError
from schemas.limits import LATENESS_MS, SESSION_BURST, SESSION_EVENTS_PER_S
from schemas.rates import Rate, Shares

if TYPE_CHECKING:  # every command reads settings: what they are made of is not loaded for `--help`
    from schemas.items import Uncatalogued

PROJECT: Final = Path(__file__).resolve().parent.parent
T = TypeVar("T")
SourceFormat = Literal[
    "kairos", "json", "segment", "ga4", "cloudevents", "snowplow", "json-schema", "confluent-avro"
]
NEEDS_REGISTRY: Final = "confluent-avro"
MAPPABLE: Final = ("json", "json-schema", NEEDS_REGISTRY)
StateBackend = Literal["hashmap", "rocksdb"]
Slots = Literal["split", "shared"]


class Config(NamedTuple):
    """The settings of one process. An address that is None means: start the embedded server."""

    home: Path
    kafka: str | None
    redis: str | None
    flink: str | None
    topic_prefix: str
    store_prefix: str
    source_format: SourceFormat
    parallelism: int
    checkpoint_ms: int
    lateness_ms: int
    seed: str
    pseudonym_key_file: Path | None
    api_keys: Path | None
    api_secret: "Secret"
    checkpoints: str
    state_backend: StateBackend | None
    slots: Slots
    core: int | None
    flink_keys: Path | None
    api_host: str
    api_port: int
    api_budget_ms: int
    api_origins: str
    kafka_settings_file: Path | None
    redis_password_file: Path | None
    models: str
    control_public_keys: Path | None
    control_signing_key_file: Path | None
    api_proxies: str
    api_session_events: Rate
    api_session_bytes: Rate
    api_address_requests: Rate
    api_address_events: Rate
    api_address_bytes: Rate
    api_address_sessions: Rate
    api_address_sessions_per_day: int
    api_key_events: Rate
    api_key_bytes: Rate
    api_server_events: Rate
    api_server_bytes: Rate
    api_explanations: Rate
    api_streams: Shares
    api_connections: int
    api_address_connections: int
    shop_key_file: Path | None
    session_events_per_s: int
    session_burst: int
    uncatalogued: "Uncatalogued"
    retention: str
    ports: Ports
    trace_share: float
    consent: str
    erasure_key_file: Path | None
    places: Path | None
    internal_networks: str
    schema_registry: str | None
    schema_registry_settings_file: Path | None
    mapping: Path | None
    dead_letter_raw: bool
    alert_webhook: str

    @property
    def written_format(self) -> SourceFormat:
        """How we write events ourselves: what a mapping reads is others'."""
        return self.source_format if self.mapping is None else "kairos"


class Secret(str):
    """Text that is shown to nobody: its `repr` is three stars."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Setting(NamedTuple):
    """One environment variable: its default as text, how it is read, what it is for."""

    name: str
    default: str
    read: Callable[[str], object]
    meaning: str


SETTINGS: Final = (
    Setting("KAIROS_HOME", str(PROJECT / ".kairos"), values.home, "data, logs and caches"),
    Setting("KAIROS_KAFKA", "", values.address, "Kafka brokers; empty = embedded"),
    Setting("KAIROS_REDIS", "", values.store, "Redis or Valkey, as HOST:PORT or a redis:// or rediss:// URL; empty = embedded"),
    Setting("KAIROS_FLINK", "", values.one_address, "Flink's REST address; empty = embedded"),
    Setting("KAIROS_TOPIC_PREFIX", "", values.prefix, "put before every topic name"),
    Setting("KAIROS_STORE_PREFIX", "kairos", values.prefix, "put before every key of the store"),
    Setting("KAIROS_FORMAT", "kairos", values.source_format, "format of the topic `events`: kairos-avro (or kairos), json, segment, ga4, cloudevents, json-schema or confluent-avro (docs/what-we-accept.md)"),
    Setting("KAIROS_PARALLELISM", "1", values.within(1, 1024), "parallel instances of each operator"),
    Setting("KAIROS_CHECKPOINT_MS", "1000", values.within(100, 3_600_000), "milliseconds between checkpoints"),
    Setting("KAIROS_LATENESS_MS", str(LATENESS_MS), values.within(0, 86_400_000),
            "so far behind the newest event of its session an event may come"),
    Setting("KAIROS_SEED", "kairos", str, "seed of every draw"),
    Setting("KAIROS_PSEUDONYM_KEY_FILE", "", values.file, "key of the pseudonyms in the store's keys"),
    Setting("KAIROS_API_KEYS", "", values.file, "file of API and console keys; empty = open, loopback only"),
    Setting("KAIROS_API_SECRET", "", Secret, "signs tokens, instead of the secret the keys name"),
    Setting("KAIROS_CHECKPOINTS", "", str, "folder or URI of checkpoints and savepoints; empty = at home"),
    Setting("KAIROS_STATE_BACKEND", "", values.one_of("hashmap", "rocksdb"), "empty = hashmap, or the cluster's"),
    Setting("KAIROS_SLOTS", "split", values.one_of("split", "shared"),
            "on a cluster: a slot for each of the two operators of decide, or one for both"),
    Setting("KAIROS_CORE", "", values.core, "core of a process's Python tasks; empty = by its id"),
    Setting("KAIROS_FLINK_KEYS", "", values.file, "folder of the keys that a Flink of yours wants; see docs"),
    Setting("KAIROS_API_HOST", "127.0.0.1", str, "where the Decision API listens"),
    Setting("KAIROS_API_PORT", "8000", values.within(0, 65_535), "its port; 0 = any free one"),
    Setting("KAIROS_API_BUDGET_MS", "50", values.within(0, 10_000), "how long it waits for the engine"),
    Setting("KAIROS_API_ORIGINS", "", values.origins, "pages of these origins may call it"),
    Setting("KAIROS_KAFKA_SETTINGS_FILE", "", values.file,
            "settings of Kafka's clients (TLS, SASL) by their own names; see docs/security.md"),
    Setting("KAIROS_REDIS_PASSWORD_FILE", "", values.file, "file with the store's password"),
    Setting("KAIROS_MODELS", "", values.models, "where published models may lie: folders, s3://bucket/models/, …; empty = models at home"),
    Setting("KAIROS_CONTROL_PUBLIC_KEYS", "", values.file, "file of the keys that may publish; empty = who may write `control`"),
    Setting("KAIROS_CONTROL_SIGNING_KEY_FILE", "", values.file, "signs what is published here"),
    Setting("KAIROS_API_PROXIES", "", values.networks, "proxies whose X-Forwarded-For or Forwarded counts"),
    Setting("KAIROS_API_SESSION_EVENTS", "10/60", values.rate, "events of a visitor's session, a second/at once"),
    Setting("KAIROS_API_SESSION_BYTES", "50000/1000000", values.rate, "bytes of a visitor's session"),
    Setting("KAIROS_API_ADDRESS_REQUESTS", "100/600", values.rate, "requests of a visitor's address"),
    Setting("KAIROS_API_ADDRESS_EVENTS", "50/150", values.rate, "events of a visitor's address"),
    Setting("KAIROS_API_ADDRESS_BYTES", "200000/2000000", values.rate, "bytes of a visitor's address"),
    Setting("KAIROS_API_ADDRESS_SESSIONS", "1/100", values.rate, "sessions made from a visitor's address"),
    Setting("KAIROS_API_ADDRESS_SESSIONS_PER_DAY", "5000", values.within(1, 10_000_000), "sessions made from a visitor's address in a day"),
    Setting("KAIROS_API_KEY_EVENTS", "1000/5000", values.rate, "events of a browser's key, all its visitors"),
    Setting("KAIROS_API_KEY_BYTES", "5000000/20000000", values.rate, "bytes of a browser's key"),
    Setting("KAIROS_API_SERVER_EVENTS", "20000/100000", values.rate, "events of a server's key"),
    Setting("KAIROS_API_SERVER_BYTES", "50000000/200000000", values.rate, "bytes of a server's key"),
    Setting("KAIROS_API_EXPLANATIONS", "1/20", values.rate, "explanations asked for from a visitor's address"),
    Setting("KAIROS_API_STREAMS", "1000/800/100", values.shares, "open streams: in all/of a key/of an address"),
    Setting("KAIROS_API_CONNECTIONS", "4000", values.within(1, 1_000_000), "connections open at once"),
    Setting("KAIROS_API_ADDRESS_CONNECTIONS", "400", values.within(1, 1_000_000), "of them from one address"),
    Setting("KAIROS_SHOP_KEY_FILE", "", values.file, "a server's key, for the demo shop's checkout"),
    Setting("KAIROS_SESSION_EVENTS_PER_S", str(SESSION_EVENTS_PER_S), values.within(0, 100_000),
            "events of one session beyond this are not decided on; 0 = all are"),
    Setting("KAIROS_SESSION_BURST", str(SESSION_BURST), values.within(1, 100_000), "so many at once are"),
    Setting("KAIROS_UNCATALOGUED", "when_empty", values.one_of("when_empty", "never", "always"),
            "whether items that `items` does not hold are learnt of and offered: while it holds none"),
    Setting("KAIROS_RETENTION_DAYS", "", values.retention,
            "how long topics are kept, instead of the usual: decisions=30,traces=7,events=ever"),
    Setting("KAIROS_PORTS", str(Ports()), values.ports, "of what is started here; 0 = any free one, alone: for all of them"),
    Setting("KAIROS_TRACE_SHARE", "0.01", values.share, "share of traces with every feature"),
    Setting("KAIROS_CONSENT", "none", values.consent,
            "purposes that are granted where a person said nothing of consent, all or none"),
    Setting("KAIROS_ERASURE_KEY_FILE", "", values.file,
            "the key by which it is kept who was erased; empty = one of the home's own, made with the first job"),
    Setting("KAIROS_PLACES", "", values.file,
            "database in MaxMind's format (.mmdb): addresses become country, city and time zone where events come in; empty = they are let go of"),
    Setting("KAIROS_INTERNAL_NETWORKS", "", values.networks,
            "networks of your own people and machines: what their pages send is marked, and ignored unless the policy says otherwise"),
    Setting("KAIROS_SCHEMA_REGISTRY", "", values.registry, "URL of the schema registry of a topic in confluent-avro: http://HOST:PORT or https://HOST[:PORT][/PATH]"),
    Setting("KAIROS_SCHEMA_REGISTRY_SETTINGS_FILE", "", values.file,
            "names, passwords and certificates for it, by the names of Confluent's clients; see docs/security.md"),
    Setting("KAIROS_MAPPING", "", values.file, "mapping by which records of others on `events` are read: of KAIROS_FORMAT json, json-schema or confluent-avro (`kairos mapping`)"),
    Setting("KAIROS_DEAD_LETTER_RAW", "no", values.yes, "`yes`: dead letters keep e-mail and network addresses, phone numbers and cards as they were sent"),
    Setting("KAIROS_ALERT_WEBHOOK", "", Secret, "URL that `kairos kpi --alerts` POSTs alerts of the newest hour to (http or https); empty = none"),
)  # fmt: skip


def config_from(
    environment: Mapping[str, str] = os.environ, defaults: Mapping[str, str] = {}
) -> Config:
    """The configuration; raises one ConfigError that names every wrong setting and its value.

    `defaults` take the place of the table's.
    """
    found, errors = [], []
    for setting in SETTINGS:
        text = environment.get(setting.name, "") or defaults.get(setting.name, setting.default)
        try:
            found.append(setting.read(text))
        except ValueError as error:
            errors.append(f"{setting.name}={text!r}: {error}")
    known = {setting.name for setting in SETTINGS}
    errors += [
        f"{name}: no such setting{_meant(name, known)}; there are {', '.join(sorted(known))}"
        for name in sorted(environment)
        if name.startswith("KAIROS_") and name not in known
    ]
    if errors:
        raise ConfigError("; ".join(errors))
    return checked_together(with_files(Config(*found)))  # type: ignore[arg-type]  # the table is in the order of Config


def _meant(name: str, known: Iterable[str]) -> str:
    """The setting that was probably meant, first: the list of all is long."""
    from difflib import get_close_matches  # only where there is a mistake

    near = get_close_matches(name, sorted(known), 1, 0.8)
    return f": {near[0]} is meant?" if near else ""


def with_consent(config: Config, text: str | None) -> Config:
    """The same where other purposes are granted to who said nothing of them; raises ConfigError."""
    return config if purposes_or_none(text) is None else config._replace(consent=text or "")


def purposes_or_none(text: str | None) -> frozenset[str] | None:
    """What `--consent` names, None where it was not given; raises ConfigError."""
    from schemas.events import purposes_from  # commands that ask for no consent do not load it

    try:
        return None if text is None else purposes_from(text)
    except ValueError as error:
        raise ConfigError(f"--consent: {error}") from error


def checked_together(config: Config) -> Config:
    """The same, where its settings go together; raises ConfigError."""
    if config.source_format == NEEDS_REGISTRY and config.schema_registry is None:
        raise ConfigError(
            f"KAIROS_FORMAT={NEEDS_REGISTRY}: its schemas lie in a registry, so name it in KAIROS_SCHEMA_REGISTRY"
        )
    if config.mapping is not None and config.source_format not in MAPPABLE:
        raise ConfigError(
            f"KAIROS_MAPPING says what the fields of {', '.join(MAPPABLE)} mean: KAIROS_FORMAT={config.source_format} says it itself"
        )
    return config


def with_files(config: Config) -> Config:
    """The addresses with the files that their clients need."""
    kafka, redis, registry = config.kafka, config.redis, config.schema_registry
    return config._replace(
        kafka=Brokers(kafka, config.kafka_settings_file) if kafka is not None else None,
        redis=StoreAddress(redis, config.redis_password_file) if redis is not None else None,
        schema_registry=RegistryAddress(registry, config.schema_registry_settings_file)
        if registry is not None
        else None,
    )


def own_ports(config: Config) -> dict[str, int]:
    """The port of each service that is started here, being given no address; 0 is any free one."""
    given = {
        "kafka": config.kafka, "redis": config.redis, "flink": config.flink, "learn": config.flink,
    }  # fmt: skip
    ports = config.ports._asdict() | {API: config.api_port}
    return {name: port for name, port in ports.items() if given.get(name) is None}


def as_environment(config: Config) -> dict[str, str]:
    """The settings as environment variables, for a child process."""
    pairs = zip(SETTINGS, config, strict=True)
    return {setting.name: "" if value is None else str(value) for setting, value in pairs}
