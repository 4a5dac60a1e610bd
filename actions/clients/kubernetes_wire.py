"""How the API is spoken to: connections by the kubeconfig, writes sent once, silence noticed, lines of any length."""

import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actions.clients.kubernetes_errors import why
from actions.clients.libraries import library
from actions.model.errors import ConfigError
from actions.model.text import clean

if TYPE_CHECKING:
    from kubernetes.aio.client import ApiClient

BODY_LIMIT = 64 * 1024 * 1024
SILENT_SECONDS, SILENT_PROBES = 10, 3
WRITES = frozenset({"PATCH", "DELETE"})


def kubeconfigs(kubeconfig: Path | None) -> list[Path]:
    """Where the kubeconfig may lie: as configured, else in $KUBECONFIG, else in the home directory."""
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return [kubeconfig] if kubeconfig else [Path(part) for part in named] or [Path.home() / ".kube" / "config"]


async def connect(kubeconfig: Path | None, context: str | None) -> "ApiClient":
    client, config = await library("kubernetes.aio.client"), await library("kubernetes.aio.config")
    yaml = await library("yaml")  # a kubeconfig is read while a login writes it
    configuration = client.Configuration()
    configuration.proxy = None
    configuration.client_session_kwargs = {"trust_env": False, "middlewares": (_sent_once,)}
    configuration.connection_pool_maxsize = 0  # every watch holds a connection; a limit would starve the rest
    known = kubeconfigs(kubeconfig)
    if (kubeconfig or context) and not any(path.is_file() for path in known):
        names = ", ".join(map(str, known))
        raise ConfigError(f"no kubeconfig at {names}; log in to the cluster, or correct 'kubeconfig'")
    try:
        if context is None and kubeconfig is None:
            config.load_incluster_config(client_configuration=configuration)
        else:
            await config.load_kube_config(
                config_file=str(kubeconfig) if kubeconfig else None,
                context=context,
                client_configuration=configuration,
                persist_config=False,
            )
    except (config.ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        place = kubeconfig or ("the default kubeconfig" if context else "in-cluster configuration")
        raise ConfigError(f"{place}: {clean(error, limit=300)}; check 'kubeconfig' and 'context'") from None
    opened: ApiClient = client.ApiClient(configuration)
    return opened


async def _sent_once(request: Any, send: Callable[[Any], Awaitable[Any]]) -> Any:
    """Have aiohttp send a write once: it would send DELETE again by itself when the connection breaks unanswered."""
    aiohttp = sys.modules["aiohttp"]
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:  # nothing was sent, and nothing is sent again
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method not in WRITES:
            raise
        raise aiohttp.ClientConnectionError(why(error)) from error


def notice_silence(response: Any) -> None:
    """Have the kernel probe an idle watch: a path that silently swallows it must not look like a quiet cluster."""
    transport = response.connection.transport if response.connection else None
    found = transport.get_extra_info("socket") if transport else None
    if found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, SILENT_SECONDS)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, SILENT_SECONDS // 2)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, SILENT_PROBES)


async def lines(content: Any) -> AsyncIterator[bytes]:
    """The lines of a stream. The library's own reader gives up at 512 KiB; one object may be larger than that.

    Raises ValueError past `BODY_LIMIT`.
    """
    held = bytearray()
    async for part in content.iter_any():
        searched = len(held)
        held += part
        while (end := held.find(b"\n", searched)) >= 0:
            yield bytes(held[:end])
            del held[: end + 1]
            searched = 0
        if len(held) > BODY_LIMIT:
            raise ValueError(f"a line of more than {BODY_LIMIT} bytes")
    if held:
        yield bytes(held)
