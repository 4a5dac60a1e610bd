"""Where a service runs and what sends users to it: the configuration of workload and traffic drivers."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from actions.model.addresses import http_address, http_path
from actions.model.base import Fact

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
HttpUrl = Annotated[str, AfterValidator(http_address)]
HttpPath = Annotated[str, AfterValidator(http_path)]


class SecretSource(Fact):
    """Where a secret comes from. Give exactly one of the two; the secret itself never stands in the file."""

    file: Path | None = None
    """A file that only its owner may read (mode 0600); what it holds, without the line end, is the secret."""
    env: str | None = None
    """The name of an environment variable."""

    @model_validator(mode="after")
    def _one_source(self) -> "SecretSource":
        if (self.file is None) == (self.env is None):
            raise ValueError("give exactly one of 'file' and 'env'")
        return self


class Tls(Fact):
    """Files and limits of a TLS connection."""

    ca: Path | None = None
    """Certificates of the authorities to trust, instead of the system's."""
    certificate: Path | None = None
    """The client certificate, where the server asks for one."""
    key: Path | None = None
    """The private key of the client certificate."""
    server_name: str | None = None
    """The name the server's certificate must carry, where it is not the name in the address."""
    minimum: Literal["1.2", "1.3"] = "1.2"
    """The lowest version of TLS to accept."""


class LocalWorkload(Fact):
    """Processes on this host under the supervisor of the embedded stack."""

    watched: ClassVar[bool] = False
    """Whether the driver is told of changes, so that looking often costs the platform nothing."""

    driver: Literal["local"] = "local"
    """Always "local"."""
    directory: Path
    """The supervisor's state directory."""
    service: Name
    """The supervised process."""


class ComposeWorkload(Fact):
    """Containers on a Docker Engine: a service of a Compose project, or one container by its name."""

    watched: ClassVar[bool] = False
    driver: Literal["compose"] = "compose"
    """Always "compose"."""
    host: str = "unix:///var/run/docker.sock"
    """The engine's address: unix://PATH or tcp://HOST:PORT."""
    tls: Tls | None = None
    """TLS of an engine that is reached over tcp://."""
    project: str | None = None
    """The Compose project. Without one, `service` is the name of a container."""
    service: str
    """The Compose service."""
    pin_file: Path | None = None
    """Where a rollback writes the pin that the next `docker compose up` reads, if not in the override file."""
    version_label: str = "org.opencontainers.image.version"
    """The image label that names the release."""
    stop_timeout: Seconds = 10
    """How long a container may take to stop, where it does not say so itself."""
    at_once: Annotated[int, Field(ge=1)] | None = None
    """At most so many replicas are replaced at the same time; without it one first, then two, then four."""
    keep_old_hours: float = 24
    """How long the file systems of replaced containers stay as evidence; 0 removes them at once."""


class KubernetesWorkload(Fact):
    """A Deployment, StatefulSet or DaemonSet. Without `kubeconfig` and `context`, as seen from inside the cluster."""

    watched: ClassVar[bool] = True
    driver: Literal["kubernetes"] = "kubernetes"
    """Always "kubernetes"."""
    kubeconfig: Path | None = None
    """The kubeconfig file, where it is not the one that kubectl would use."""
    context: str | None = None
    """The context in the kubeconfig."""
    namespace: str
    """The namespace of the workload."""
    kind: Literal["deployment", "statefulset", "daemonset"] = "deployment"
    """The kind of the workload."""
    name: str
    """The name of the workload."""
    container: str | None = None
    """The container whose image is the release, where the pods have several."""
    service: str | None = None
    """The Kubernetes Service whose ready endpoints prove a rollout."""
    delete_stuck_pods: bool = True
    """Whether a rollback may delete pods of a StatefulSet that never turn ready: nothing else lets it go on."""
    stateful_data_compatible: bool = False
    """Whether older releases can read the data that newer ones wrote; without it a StatefulSet is not rolled back."""


class AddressWorkload(Fact):
    """An address whose processes are managed elsewhere: observed, never changed."""

    watched: ClassVar[bool] = False
    driver: Literal["address"] = "address"
    """Always "address"."""
    url: HttpUrl
    """The address that answers for it."""


Workload = Annotated[
    LocalWorkload | ComposeWorkload | KubernetesWorkload | AddressWorkload, Field(discriminator="driver")
]


class RouterTraffic(Fact):
    """The router of the embedded stack."""

    driver: Literal["router"] = "router"
    """Always "router"."""
    admin: str
    """The address at which it is steered."""
    token: SecretSource | None = None
    """The token it asks for."""


class NginxTraffic(Fact):
    """nginx, steered by one generated include file."""

    driver: Literal["nginx"] = "nginx"
    """Always "nginx"."""
    url: HttpUrl
    """An address that this nginx answers, as users reach it."""
    directory: Path
    """The directory that the generated file lies in; operators may write it."""
    include: Path
    """The generated file: it defines the upstream block. It must lie in `directory`."""
    configuration: Path
    """nginx's main configuration file."""
    upstream: Name = "vq_active"
    """The name of the upstream block."""
    prefix: Path | None = None
    """nginx's prefix (`nginx -p`), where it is not the one built in."""
    binary: str = "nginx"
    """The program to test and reload the configuration with."""
    error_log: Path | None = None
    """nginx's error log; what it says explains a refused reload."""
    container: str | None = None
    """The container that nginx runs in, where it runs in one; it must mount `directory`."""
    container_directory: Path | None = None
    """Where that container mounts `directory`, where it is another path than outside."""
    docker_host: str = "unix:///var/run/docker.sock"
    """The engine of that container."""
    generation_path: HttpPath = "/__gen"
    """The path at which nginx answers which generated file it runs with."""
    proofs: Annotated[int, Field(ge=1, le=100)] = 5
    """Answers in a row that prove a switch."""


Traffic = Annotated[RouterTraffic | NginxTraffic, Field(discriminator="driver")]


class Slot(Fact):
    """One place a release can stand: a colour behind a traffic driver."""

    workload: Workload
    """What runs there."""
    url: HttpUrl | None = None
    """The address that answers for this slot alone, around the traffic driver."""
    address: str | None = None
    """host:port as the traffic driver reaches it."""
