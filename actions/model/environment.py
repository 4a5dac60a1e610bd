"""What is configured: environments, their services, and where each service runs (P1-P6).

These models are the schema of `vq-tui.toml`; `actions.config` reads the file into them.
"""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from actions.model.addresses import http_address, http_path, postgres_address, redis_address
from actions.model.base import Fact

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
HttpUrl = Annotated[str, AfterValidator(http_address)]
HttpPath = Annotated[str, AfterValidator(http_path)]


class SecretSource(Fact):
    """Where a secret comes from: a file readable only by its owner, or an environment variable (K3)."""

    file: Path | None = None
    env: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "SecretSource":
        if (self.file is None) == (self.env is None):
            raise ValueError("give exactly one of 'file' and 'env'")
        return self


class Tls(Fact):
    """Files of a TLS connection: the authority to trust, and the client certificate where one is asked for (K2)."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    server_name: str | None = None
    minimum: Literal["1.2", "1.3"] = "1.2"


class LocalWorkload(Fact):
    """Supervised processes on this host (P4). `directory` is the supervisor's state directory."""

    watched: ClassVar[bool] = False
    """Whether the driver is told of changes, so that looking often costs the platform nothing."""

    driver: Literal["local"] = "local"
    directory: Path
    service: Name


class ComposeWorkload(Fact):
    """Containers on a Docker Engine, found by Compose labels, or by container name where `project` is absent (P1).

    `at_once`: at most so many replicas are replaced at the same time; without it two after the first, then four.
    """

    watched: ClassVar[bool] = False
    driver: Literal["compose"] = "compose"
    host: str = "unix:///var/run/docker.sock"
    tls: Tls | None = None
    project: str | None = None
    service: str
    pin_file: Path | None = None
    version_label: str = "org.opencontainers.image.version"
    stop_timeout: Seconds = 10
    at_once: Annotated[int, Field(ge=1)] | None = None
    keep_old_hours: float = 24


class KubernetesWorkload(Fact):
    """A Deployment, StatefulSet or DaemonSet (P2), by the in-cluster configuration without `kubeconfig` and `context`.

    `service` is the Kubernetes Service whose ready endpoints prove a rollout; `container` the one whose image counts.
    """

    watched: ClassVar[bool] = True
    driver: Literal["kubernetes"] = "kubernetes"
    kubeconfig: Path | None = None
    context: str | None = None
    namespace: str
    kind: Literal["deployment", "statefulset", "daemonset"] = "deployment"
    name: str
    container: str | None = None
    service: str | None = None
    delete_stuck_pods: bool = True
    stateful_data_compatible: bool = False


class AddressWorkload(Fact):
    """An address whose processes are managed elsewhere: observed, never changed. Useful as a standing colour."""

    watched: ClassVar[bool] = False
    driver: Literal["address"] = "address"
    url: HttpUrl


Workload = Annotated[
    LocalWorkload | ComposeWorkload | KubernetesWorkload | AddressWorkload, Field(discriminator="driver")
]


class RouterTraffic(Fact):
    """The router of the embedded stack, steered over its admin address."""

    driver: Literal["router"] = "router"
    admin: str
    token: SecretSource | None = None


class NginxTraffic(Fact):
    """nginx steered by one generated include (P3).

    `include` is the generated file; it must lie in `directory`. `upstream` names the upstream block it defines.
    `container` is set where nginx runs in a container that mounts `directory`.
    """

    driver: Literal["nginx"] = "nginx"
    url: HttpUrl
    directory: Path
    include: Path
    configuration: Path
    upstream: Name = "vq_active"
    prefix: Path | None = None
    binary: str = "nginx"
    error_log: Path | None = None
    container: str | None = None
    container_directory: Path | None = None
    docker_host: str = "unix:///var/run/docker.sock"
    generation_path: HttpPath = "/__gen"
    proofs: Annotated[int, Field(ge=1, le=100)] = 5


Traffic = Annotated[RouterTraffic | NginxTraffic, Field(discriminator="driver")]


class Slot(Fact):
    """One place a release can stand: a colour behind a traffic driver, or the only place of a plain service.

    `url` answers for this slot alone, around the traffic driver; `address` is host:port as that driver reaches it.
    """

    workload: Workload
    url: HttpUrl | None = None
    address: str | None = None


class HttpThresholds(Fact):
    """Limits of seeds 001 and 003 (H7)."""

    latency_ms: float = 200
    latency_down_ms: float = 2_000
    error_rate: float = 0.01
    throughput: float | None = None


class Witness(Fact):
    """A source that counts what users lost during a run, such as steady traffic (R11). Absent figures stay unknown."""

    state: str
    audit: str | None = None


class PrometheusSource(Fact):
    """Prometheus HTTP API as a source of latency, errors and throughput (P5); queries are PromQL for one value."""

    url: HttpUrl
    token: SecretSource | None = None
    tls: Tls | None = None
    latency_ms: str | None = None
    error_rate: str | None = None
    throughput: str | None = None


class HttpService(Fact):
    """An HTTP service with a health endpoint, as users reach it.

    `health_body` is "verdict" where what the body says counts as well as the status of HTTP, "status-only" where only
    the status does. `metrics_counter` names the counter of requests and `metrics_status` the labels that hold its
    status, where they are not found by their usual names.
    """

    kind: Literal["http"] = "http"
    url: HttpUrl
    health: HttpPath = "/health"
    ready: HttpPath | None = None
    live: HttpPath | None = None
    endpoints: tuple[HttpPath, ...] = ()
    version_header: str = "X-Version"
    version_field: str = "version"
    health_body: Literal["verdict", "status-only"] = "verdict"
    headers: dict[str, SecretSource] = {}
    tls: Tls | None = None
    timeout: Seconds = 2
    thresholds: HttpThresholds = HttpThresholds()
    workload: Workload | None = None
    slots: dict[Name, Slot] = {}
    traffic: Traffic | None = None
    witness: Witness | None = None
    prometheus: PrometheusSource | None = None
    queues: HttpPath | None = None
    metrics: HttpPath | None = None
    metrics_counter: str | None = None
    metrics_status: tuple[str, ...] = ()
    logs: tuple[Path, ...] = ()

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
    """Limits of one PostgreSQL server (H2)."""

    latency_ms: float = 200
    connections: float = 0.8
    longest_transaction: Seconds = 300
    longest_dump: Seconds = 43_200
    blocked: int = 1
    replication_lag: Seconds = 30
    wraparound_age: int = 1_000_000_000


class PostgresService(Fact):
    """A PostgreSQL 14 to 18 server, watched with a reading role. `dsn` holds no password."""

    kind: Literal["postgres"] = "postgres"
    dsn: Annotated[str, AfterValidator(postgres_address)]
    password: SecretSource | None = None
    timeout: Seconds = 3
    thresholds: PostgresThresholds = PostgresThresholds()
    minimum_tables: int = 5
    schema_query: str | None = None
    workload: Workload | None = None


class RedisThresholds(Fact):
    """Limits of one Redis server (H3)."""

    latency_ms: float = 50
    memory: float = 0.8
    hit_ratio: float = 0.5
    replica_lag: Seconds = 30


class RedisService(Fact):
    """A Redis 6 to 8 server. `url` holds no password."""

    kind: Literal["redis"] = "redis"
    url: Annotated[str, AfterValidator(redis_address)]
    username: str | None = None
    password: SecretSource | None = None
    tls: Tls | None = None
    timeout: Seconds = 3
    thresholds: RedisThresholds = RedisThresholds()
    workload: Workload | None = None


class HostService(Fact):
    """This host's own resources (H6)."""

    kind: Literal["host"] = "host"
    cpu: float = 0.8
    memory: float = 0.8
    disk: float = 0.9
    path: Path = Path("/")


class CertificateService(Fact):
    """A TLS certificate watched for expiry (H8)."""

    kind: Literal["certificate"] = "certificate"
    host: str
    port: int = 443
    warn_days: float = 21
    server_name: str | None = None
    tls: Tls | None = None
    timeout: Seconds = 5


Service = Annotated[
    HttpService | PostgresService | RedisService | HostService | CertificateService, Field(discriminator="kind")
]


class Budgets(Fact):
    """Seconds a procedure may take before it counts as late (seed 003)."""

    emergency: Seconds = 60
    rollback: Seconds = 300
    automatic: Seconds = 120
    restore: Seconds = 600


class Policy(Fact):
    """How careful this environment is."""

    keep_releases: Annotated[int, Field(ge=1, le=50)] = 3
    soak_seconds: Seconds = 600
    soak_samples: Annotated[int, Field(ge=2)] = 10
    proofs: Annotated[int, Field(ge=1, le=100)] = 3
    validation_seconds: Seconds = 2
    prove_seconds: Seconds = 30
    drain_seconds: Seconds = 10


class Webhook(Fact):
    """A channel for notices: Slack, Teams or any HTTP endpoint. The address may itself be a secret."""

    url: HttpUrl | None = None
    secret_url: SecretSource | None = None
    timeout: Seconds = 5


class Notices(Fact):
    """Where notices of an environment go (N1)."""

    webhooks: dict[Name, Webhook] = {}


class Environment(Fact):
    """One environment: what it is called on screen, what runs in it, and how careful to be (P6)."""

    product: str = "virtual-queue"
    band: Literal["red", "amber", "green", "blue", "violet", "grey"] = "red"
    drill: bool = False
    read_only: bool = False
    interval: Seconds = 2
    services: dict[Name, Service] = {}
    budgets: Budgets = Budgets()
    policy: Policy = Policy()
    notices: Notices = Notices()
    sandbox: Path | None = None


class ConsoleSettings(Fact):
    """How the console looks and which keys it uses (O3). `keys` maps action ids to keys."""

    theme: str = "calm"
    ascii: bool = False
    keys: dict[str, str] = {}
    mouse: bool = False


class Settings(Fact):
    """The whole file `vq-tui.toml`."""

    ledger: Path | None = None
    break_glass: Path | None = None
    default_environment: str | None = None
    console: ConsoleSettings = ConsoleSettings()
    environments: dict[Name, Environment] = {}


class ResolvedSecret(Fact):
    """A secret in memory: its text never prints."""

    value: SecretStr
