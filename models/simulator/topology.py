"""The description of a simulated environment: components, what they do, what they call.

Pure data; `world.py` builds the running simulation from it. Times are milliseconds where a single
piece of work is meant and seconds where a limit is meant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Runtime = Literal["jvm", "go", "python"]
Engine = Literal["mysql", "postgres"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeSpec:
    """CPU time of the service's own code, log-normal around a mean."""

    ms: float
    spread: float = 0.45


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSpec:
    """A request to another service; one that is not required degrades instead of failing."""

    service: str
    endpoint: str
    chance: float = 1.0
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalCallSpec:
    """A request to a third party's endpoint."""

    external: str
    operation: str
    chance: float = 1.0
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementsSpec:
    """Statements of one transaction, on one connection of the pool."""

    database: str
    statements: tuple[str, ...]
    chance: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSpec:
    """A read through a cache: on a miss, or without the cache, `otherwise` runs."""

    cache: str
    hit_ratio: float
    otherwise: "tuple[StepSpec, ...]" = ()
    operation: str = "GET"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishSpec:
    """One message to a topic."""

    topic: str


StepSpec = ComputeSpec | CallSpec | ExternalCallSpec | StatementsSpec | CacheSpec | PublishSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySpec:
    """How a client behaves towards one peer."""

    timeout_seconds: float = 3.0
    retries: int = 1
    backoff_seconds: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """A client's connection pool. `fail_fast` clients report a refused connection at once."""

    size: int = 10
    min_idle: int = 3
    wait_seconds: float = 5.0
    statement_seconds: float = 15.0
    lifetime_seconds: float = 150.0
    fail_fast: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerSpec:
    """What a service does with each message of a topic, on how many workers a pod."""

    topic: str
    steps: tuple[StepSpec, ...]
    workers: int = 2
    attempts: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """A deployment: its pods' limits, endpoints, consumers and client policies."""

    name: str
    runtime: Runtime
    endpoints: Mapping[str, tuple[StepSpec, ...]]
    replicas: int = 2
    threads: int = 24
    backlog: int = 40
    cpu_limit: int = 1
    memory_mb: int = 512
    retained_mb: float = 2.5
    allocated_mb: float = 1.5
    version: str = "1.0.0"
    tls: bool = False
    default_policy: PolicySpec = PolicySpec()
    policies: Mapping[str, PolicySpec] = field(default_factory=dict)
    pools: Mapping[str, PoolSpec] = field(default_factory=dict)
    consumers: tuple[ConsumerSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementSpec:
    """A normalised statement and its mean time on an idle server."""

    text: str
    ms: float
    spread: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSpec:
    """A database server. `address` is how clients reach it."""

    name: str
    engine: Engine
    schema: str
    node: str
    statements: Mapping[str, StatementSpec]
    address: str = ""
    max_connections: int = 100
    cores: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheServerSpec:
    """A cache server."""

    name: str
    node: str
    memory_mb: int = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSpec:
    """A message broker and its topics."""

    name: str
    node: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalSpec:
    """A third party, known by its host."""

    host: str
    ms: float = 120.0
    error_ratio: float = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """A batch job that reads a database with heavy statements, throttled when all is well.

    The server itself caps the connections of a `capped` job, so that it cannot take them all.
    """

    name: str
    database: str
    node: str
    statement: str
    parallel: int = 2
    pause_seconds: float = 8.0
    capped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """A machine."""

    name: str
    address: str
    cores: int = 4
    memory_gb: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class EntrySpec:
    """A kind of user request, its weight in the mix and where it enters."""

    weight: float
    service: str
    endpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """One whole environment. `load` is the share of the usual request rate that it gets."""

    name: str
    namespace: str
    entries: tuple[EntrySpec, ...]
    services: tuple[ServiceSpec, ...]
    databases: tuple[DatabaseSpec, ...]
    caches: tuple[CacheServerSpec, ...]
    brokers: tuple[BrokerSpec, ...]
    externals: tuple[ExternalSpec, ...]
    jobs: tuple[JobSpec, ...]
    nodes: tuple[NodeSpec, ...]
    load: float = 1.0
