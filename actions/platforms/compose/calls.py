"""Engine calls between crash points, and what several changes share."""

from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

from actions.clients.docker.errors import EngineError
from actions.clients.docker.writer import DockerWriter
from actions.model.crash import crashpoint
from actions.platforms.compose.body import Recreation

P = ParamSpec("P")
T = TypeVar("T")


async def call(name: str, write: Callable[P, Awaitable[T]], /, *arguments: P.args, **options: P.kwargs) -> T:
    """One write, between the crash points `compose.NAME.before` and `compose.NAME.after`."""
    crashpoint(f"compose.{name}.before")
    result = await write(*arguments, **options)
    crashpoint(f"compose.{name}.after")
    return result


async def connect(writer: DockerWriter, container: dict[str, Any], wanted: Recreation) -> None:
    """Connect a container to the networks it is still missing."""
    present = container["NetworkSettings"].get("Networks") or {}
    for network, endpoint in wanted.networks.items():
        if wanted.names[network] not in present:
            await call("connect", writer.connect, container["Id"], network, endpoint)


def docker_command(host: str) -> str:
    """How a person calls docker for the engine at `host`."""
    return "docker" if host == "unix:///var/run/docker.sock" else f"docker -H {host}"


def port_taken(error: EngineError) -> bool:
    """Whether a start failed for a port that is in somebody's hands."""
    said = error.message.lower()
    return any(words in said for words in ("already allocated", "are allocated", "already in use", "address in use"))
