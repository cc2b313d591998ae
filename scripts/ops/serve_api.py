"""`kairos api`: the Decision API as a process: Services of what this deployment has, under uvicorn."""

import resource
import time
from collections.abc import Mapping
from types import FrameType
from typing import Any, Final

import uvicorn

from channels.api.access import Access
from channels.api.addresses import networks_of
from channels.api.app import build_app
from channels.api.came import Whereabouts
from channels.api.decision_stream import DecisionStream
from channels.api.door import Door, Limits
from channels.api.engine_measures import EngineMeasures
from channels.api.event_log import EventLog
from channels.api.http_limits import bounded_protocol
from channels.api.knowledge import InArms, KnowledgeReader
from channels.api.measures import Measures
from channels.api.services import Services
from channels.api.store_reader import StoreReader
from channels.api.visitors import Visitors
from channels.console.desk import EXTRA as CONSOLE
from channels.console.traffic import DECISIONS_KEPT_MAX
from channels.security.pseudonyms import read_pseudonyms
from channels.shop.checkout import read_shop_key
from channels.store.store import Store
from jobs.config import Config
from jobs.flink.counted import is_running
from jobs.flink.rest import FlinkRest, rest_of
from jobs.learning.trust import trust_of
from jobs.stack.ports import API, check_free, free_port
from log.private_lines import log_privately
from log.store_address import open_redis
from log.unusable import Aside
from schemas.enrich.places import Places
from schemas.enrich.user_agents import agent_of
from schemas.errors import ConfigError
from schemas.formats import FORMATS
from schemas.policy import Policy, policy_from_payload
from scripts.audit.explain_decision import DecisionFinder
from scripts.console import say as say_line
from scripts.ops.console_facts import ConsoleFacts
from scripts.ops.engine_progress import EngineProgress
from scripts.ops.hops import api_hops
from scripts.ops.status import api_targets
from udfs.language.sentences import say
from udfs.policy.compile_policy import compile_policy

STORE_S: Final = 0.25
"""A read that takes longer has lost its connection."""
GRACE_S: Final = 5
"""How long requests under way may still take when the process is told to end."""
KEEP_ALIVE_S: Final = 30
BACKLOG: Final = 2_048
FILES_BESIDE: Final = 256
"""Beside the connections of visitors: Kafka, store, Flink, files."""
PROGRESS: Final = "progress"
"""Under this name what asks the engine lies among the services."""
LOOPBACKS: Final = ("127.0.0.1", "localhost")
WARM: Final = "Mozilla/5.0"
"""Looked at before the first visitor comes: the patterns of user agents take half a second to be made ready."""
ENGINE_S: Final = 1.0
"""How old the knowledge may be of whether the engine runs."""


def serve_at(config: Config, host: str, port: int) -> None:
    """Serves what this home has, or the settings name, until SIGTERM or SIGINT; raises ConfigError where it may not."""
    targets = api_targets(config)
    port = port or free_port()
    if host in LOOPBACKS:
        check_free({API: port})
    services = services_of(config, targets.kafka, targets.redis, targets.flink)
    agent_of(WARM)
    services.access.check_host(host)
    is_open = services.access.is_open
    who = "open to every program of this machine: no KAIROS_API_KEYS" if is_open else "by key"
    say_line(f"http://{host}:{port}  docs at /docs, shop at /shop/, console at /console ({who})")
    serve(config, services, host, port)


def services_of(config: Config, kafka: str, redis: str, flink: str | None) -> Services:
    """Everything the API works with, at these addresses; raises ConfigError."""
    prefix = config.topic_prefix
    store = Store(
        open_redis(redis, STORE_S), config.store_prefix, read_pseudonyms(config.pseudonym_key_file)
    )
    trust = trust_of(config)
    finder = DecisionFinder(kafka, prefix, trust)
    measures = Measures()
    progress = EngineProgress(config, kafka, flink)
    measures.also(EngineMeasures(progress.newest))
    access = Access(config.api_keys, config.api_secret)
    encode = FORMATS[config.written_format].encode
    log = EventLog(kafka, prefix, encode, keeps_raw=config.dead_letter_raw)
    knowledge = KnowledgeReader(kafka, prefix, read_policy, trust.keys, Aside(log.producer, prefix))
    facts = ConsoleFacts(
        config, kafka, redis, flink, finder, lambda: api_hops(measures), lambda: knowledge.snapshot
    )
    visitors = Visitors()
    decisions = DecisionStream(kafka, prefix, behind=DECISIONS_KEPT_MAX)
    decisions.on_decision += [visitors.look_at, facts.watch.look_at]
    return Services(
        access=access,
        door=Door(limits_of(config), access),
        log=log,
        decisions=decisions,
        store=StoreReader(store),
        knowledge=knowledge,
        say=say,
        explain=finder.explained,
        looked=facts.looked,
        is_engine_up=EngineState(rest_of(config, flink) if flink else None),
        budget_ms=config.api_budget_ms,
        whereabouts=Whereabouts(networks_of(config.internal_networks), places_of(config)),
        shop_key=shop_key_of(config),
        origins=frozenset(filter(None, config.api_origins.split(","))),
        visitors=visitors,
        measures=measures,
        extra={CONSOLE: facts, PROGRESS: progress},
    )


def places_of(config: Config) -> Places | None:
    """Where addresses are, as the operator's database says; raises ConfigError where that cannot be used."""
    return Places(config.places) if config.places is not None else None


def shop_key_of(config: Config) -> str:
    """The key of the demo shop's server, empty where it has none; raises ConfigError."""
    path = config.shop_key_file
    if path is None:
        return ""
    try:
        return read_shop_key(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"KAIROS_SHOP_KEY_FILE={path}: {error}") from error


def limits_of(config: Config) -> Limits:
    """How much one visitor may ask, send and hold open."""
    return Limits(
        networks_of(config.api_proxies),
        config.api_session_events,
        config.api_session_bytes,
        config.api_address_requests,
        config.api_address_events,
        config.api_address_bytes,
        config.api_address_sessions,
        config.api_address_sessions_per_day,
        config.api_key_events,
        config.api_key_bytes,
        config.api_server_events,
        config.api_server_bytes,
        config.api_explanations,
        config.api_streams,
        config.api_connections,
        config.api_address_connections,
    )


def read_policy(payload: bytes) -> tuple[Policy, InArms]:
    """The policy of a control record, and its variants; ConfigError where the engine refuses it, too."""
    policy = policy_from_payload(payload)
    compiled = compile_policy(policy)

    def in_arms(arms: Mapping[str, str]) -> Policy:
        """Arms that there are no more, of a version before, count for nothing."""
        known = (one.name for one in policy.experiments)
        return compiled.variant({name: arms[name] for name in known if name in arms}).policy

    return policy, in_arms


def allow_files(count: int) -> None:
    """Lets this process open so many files and sockets, as far as it may; beyond, connections wait."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class EngineState:
    """Whether the decide job runs, as Flink says; asked again after ENGINE_S."""

    def __init__(self, flink: FlinkRest | None) -> None:
        self._flink = flink
        self._asked_s = 0.0
        self._is_up = False

    def __call__(self) -> bool:
        if self._flink is not None and time.monotonic() > self._asked_s + ENGINE_S:
            self._is_up = is_running(self._flink)
            self._asked_s = time.monotonic()
        return self._is_up


class Server(uvicorn.Server):
    """Ends the open streams as soon as it is told to end: they would not end by themselves."""

    def __init__(self, config: uvicorn.Config, services: Services) -> None:
        super().__init__(config)
        self._services = services

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called on SIGTERM and SIGINT."""
        self._services.decisions.end_streams()
        super().handle_exit(sig, frame)


def serve(config: Config, services: Services, host: str, port: int) -> None:
    """Serves until SIGTERM or SIGINT; what was accepted is then in Kafka. Raises ConfigError."""
    services.access.check_host(host)
    allow_files(config.api_connections + FILES_BESIDE)
    log_privately()
    settings: dict[str, Any] = {
        "http": bounded_protocol(services.door), "loop": "uvloop", "lifespan": "on", "ws": "none",
        "access_log": False, "server_header": False, "date_header": True, "log_config": None,
        "timeout_keep_alive": KEEP_ALIVE_S, "timeout_graceful_shutdown": GRACE_S,
        "backlog": BACKLOG, "proxy_headers": False,
    }  # fmt: skip
    server = Server(uvicorn.Config(build_app(services), host=host, port=port, **settings), services)
    facts: ConsoleFacts = services.extra[CONSOLE]
    progress: EngineProgress = services.extra[PROGRESS]
    facts.start()
    progress.start()
    try:
        server.run()
    finally:
        progress.stop()
        facts.stop()
