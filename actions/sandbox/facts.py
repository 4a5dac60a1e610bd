"""What is known of an embedded stack: where to reach it, and how it stands."""

from pathlib import Path
from typing import Any

from actions.clients.processes import ProcessFacts
from actions.clients.router import RouterState
from actions.clients.supervisor import socket_address
from actions.model.base import Fact
from actions.sandbox.layout import COLOURS, Layout, Ports


class SandboxFacts(Fact):
    """How to reach one stack. No secrets: `passwords` names the files that hold them, 0600.

    `url` is where users arrive; `colours` answers for each colour alone; `admin` steers the router; `started` says
    whether this call started anything, `seconds` how long it took.
    """

    directory: Path
    config: Path
    url: str
    colours: dict[str, str]
    admin: str
    supervisor: str
    traffic: str
    notices: str
    postgres: str
    redis: str
    passwords: dict[str, Path]
    releases: Path
    ports: Ports
    serving: str
    version: str
    standby: str
    standby_version: str
    started: bool = False
    seconds: float = 0.0


class FaultFacts(Fact):
    """A fault that was injected: since when (seconds since the epoch), and what was seen of it."""

    kind: str
    at: float
    observed: str


class SandboxStatus(Fact):
    """How a stack stands. `state`: `up` when every process runs, `down` when none does, else `partly`."""

    directory: Path
    state: str
    config: Path | None = None
    serving: str | None = None
    version: str | None = None
    processes: tuple[ProcessFacts, ...] = ()
    router: RouterState | None = None
    faults: tuple[FaultFacts, ...] = ()
    traffic: dict[str, Any] | None = None


def reach(layout: Layout, releases: dict[str, str], weights: dict[str, float]) -> SandboxFacts:
    """The facts of a stack from its ports, the release of each colour, and the router's weights."""
    ports = layout.ports()
    serving = max(COLOURS, key=lambda colour: weights.get(colour, 0.0))
    standby = next(colour for colour in COLOURS if colour != serving)
    local = "http://127.0.0.1:{}"
    return SandboxFacts(
        directory=layout.directory,
        config=layout.config,
        url=local.format(ports.router),
        colours={"blue": local.format(ports.blue), "green": local.format(ports.green)},
        admin=socket_address(layout.router_socket),
        supervisor=socket_address(layout.directory / "supervisor.sock"),
        traffic=local.format(ports.traffic),
        notices=local.format(ports.traffic) + "/notices/oncall",
        postgres=layout.dsn("vq_monitor"),
        redis=f"redis://127.0.0.1:{ports.redis}/0",
        passwords={name: layout.secrets / name for name in ("postgres", "vq", "vq_monitor", "redis")},
        releases=layout.releases,
        ports=ports,
        serving=serving,
        version=releases[serving],
        standby=standby,
        standby_version=releases[standby],
    )
