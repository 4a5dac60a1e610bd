"""The services of an environment: where each is reached, which limits it has, where it runs."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from actions.model.addresses import postgres_address, redis_address
from actions.model.base import Fact
from actions.model.workloads import HttpPath, HttpUrl, Name, Seconds, SecretSource, Slot, Tls, Traffic, Workload


class HttpThresholds(Fact):
    """Limits beyond which an HTTP service is degraded."""

    latency_ms: float = 200
    """Milliseconds of an answer, as the mean of the recent ones."""
    latency_down_ms: float = 2_000
    """Milliseconds beyond which the service counts as down."""
    error_rate: float = 0.01
    """Failed requests as a fraction of all."""
    throughput: float | None = None
    """Requests a second below which something is wrong, where traffic is always expected."""


class Witness(Fact):
    """A source that counts what users lose during a run, such as steady traffic; the rest stays unknown."""

    state: str
    """The address of its counters; `?since=TIME` is added."""
    audit: str | None = None
    """The address that compares acknowledged writes with the stored ones."""


class PrometheusSource(Fact):
    """A Prometheus HTTP API as the source of figures. Each query is PromQL for one value."""

    url: HttpUrl
    """The address of the Prometheus server."""
    token: SecretSource | None = None
    """A bearer token, where it asks for one."""
    tls: Tls | None = None
    """TLS of the connection."""
    latency_ms: str | None = None
    """The query for the latency in milliseconds."""
    error_rate: str | None = None
    """The query for failed requests as a fraction of all."""
    throughput: str | None = None
    """The query for requests a second."""


class HttpService(Fact):
    """An HTTP service with a health endpoint, as users reach it."""

    kind: Literal["http"] = "http"
    """Always "http"."""
    url: HttpUrl
    """The address as users reach it."""
    health: HttpPath = "/health"
    """The path of the health endpoint."""
    ready: HttpPath | None = None
    """The path of the readiness endpoint, where there is one."""
    live: HttpPath | None = None
    """The path of the liveness endpoint, where there is one."""
    endpoints: tuple[HttpPath, ...] = ()
    """Further paths that must answer; they are read, never written."""
    version_header: str = "X-Version"
    """The response header that names the release."""
    version_field: str = "version"
    """The field of the health body that names the release, where the header is absent."""
    health_body: Literal["verdict", "status-only"] = "verdict"
    """"verdict" where the body counts as well as the HTTP status, "status-only" where only the status does."""
    headers: dict[str, SecretSource] = {}
    """Request headers, such as Authorization, and where their values come from."""
    tls: Tls | None = None
    """TLS of the connection."""
    timeout: Seconds = 2
    """How long an answer may take."""
    thresholds: HttpThresholds = HttpThresholds()
    """Limits beyond which the service is degraded."""
    workload: Workload | None = None
    """Where it runs, where it has one place. Without it or `slots` the service is watched only."""
    slots: dict[Name, Slot] = {}
    """Where it runs, where it has several places (colours) behind `traffic`."""
    traffic: Traffic | None = None
    """What chooses between the slots."""
    witness: Witness | None = None
    """A source that counts what users lose during a run."""
    prometheus: PrometheusSource | None = None
    """A Prometheus server as the source of figures."""
    queues: HttpPath | None = None
    """A path that answers the state of the queues in JSON."""
    metrics: HttpPath | None = None
    """The path of an exposition in Prometheus' text format."""
    metrics_counter: str | None = None
    """The counter of requests in the exposition, where it does not have one of the usual names."""
    metrics_status: tuple[str, ...] = ()
    """The labels that hold the HTTP status in the exposition, where they do not have one of the usual names."""
    logs: tuple[Path, ...] = ()
    """Log files to count errors in."""

    @model_validator(mode="after")
    def _one_shape(self) -> "HttpService":
        if self.workload is not None and self.slots:
            raise ValueError("give either 'workload' (one place) or 'slots' (colours), not both")
        if self.slots and self.traffic is None:
            raise ValueError("'slots' need a 'traffic' driver that chooses between them")
        if self.traffic is not None and len(self.slots) < 2:
            raise ValueError("'traffic' needs at least two 'slots'")
        return self


class PostgresThresholds(Fact):
    """Limits beyond which a PostgreSQL server is degraded."""

    latency_ms: float = 200
    """Milliseconds of a look."""
    connections: float = 0.8
    """Connections as a fraction of those allowed."""
    longest_transaction: Seconds = 300
    """The oldest open or prepared transaction."""
    longest_dump: Seconds = 43_200
    """The oldest transaction of a running pg_dump, which is long by nature."""
    blocked: int = 1
    """Sessions that wait for a lock."""
    replication_lag: Seconds = 30
    """How far a standby is behind."""
    wraparound_age: int = 1_000_000_000
    """Transactions since the oldest one that is not frozen."""


class PostgresService(Fact):
    """A PostgreSQL 14 to 18 server, watched with a reading role."""

    kind: Literal["postgres"] = "postgres"
    """Always "postgres"."""
    dsn: Annotated[str, AfterValidator(postgres_address)]
    """The connection string; it holds no password."""
    password: SecretSource | None = None
    """The password of the role."""
    timeout: Seconds = 3
    """How long a look may take."""
    thresholds: PostgresThresholds = PostgresThresholds()
    """Limits beyond which the server is degraded."""
    minimum_tables: int = 5
    """Tables that must be there at least: fewer mean an empty or wrong database."""
    schema_query: str | None = None
    """A query that answers the version of the schema: a whole number."""
    workload: Workload | None = None
    """Where it runs. Without one it is watched only."""


class RedisThresholds(Fact):
    """Limits beyond which a Redis or Valkey server is degraded."""

    latency_ms: float = 50
    """Milliseconds of a look."""
    memory: float = 0.8
    """Memory as a fraction of `maxmemory`."""
    hit_ratio: float = 0.5
    """Lookups that found their key, as a fraction of all."""
    replica_lag: Seconds = 30
    """How far a replica is behind."""


class RedisService(Fact):
    """A Redis 6 to 8 or Valkey server."""

    kind: Literal["redis"] = "redis"
    """Always "redis"."""
    url: Annotated[str, AfterValidator(redis_address)]
    """The address; it holds no password."""
    username: str | None = None
    """The user of the access control list."""
    password: SecretSource | None = None
    """The password."""
    tls: Tls | None = None
    """TLS of a rediss:// address."""
    timeout: Seconds = 3
    """How long a look may take."""
    thresholds: RedisThresholds = RedisThresholds()
    """Limits beyond which the server is degraded."""
    workload: Workload | None = None
    """Where it runs. Without one it is watched only."""


class HostService(Fact):
    """This host's own resources, and the fractions beyond which they are short."""

    kind: Literal["host"] = "host"
    """Always "host"."""
    cpu: float = 0.8
    """Processor time in use."""
    memory: float = 0.8
    """Memory in use."""
    disk: float = 0.9
    """Space in use on the file system of `path`."""
    path: Path = Path("/")
    """A path on the file system to watch."""


class CertificateService(Fact):
    """A TLS certificate that is watched for its expiry."""

    kind: Literal["certificate"] = "certificate"
    """Always "certificate"."""
    host: str
    """The host that shows it."""
    port: int = 443
    """The port."""
    warn_days: float = 21
    """Days before its expiry from which on it is degraded."""
    server_name: str | None = None
    """The name to ask for, where it is not `host`."""
    tls: Tls | None = None
    """Authorities to trust, and the lowest version."""
    timeout: Seconds = 5
    """How long an answer may take."""


Service = Annotated[
    HttpService | PostgresService | RedisService | HostService | CertificateService, Field(discriminator="kind")
]
