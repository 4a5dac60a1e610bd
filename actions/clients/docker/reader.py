"""The reading half: what stands on an engine.

Bodies are as the engine gave them, so that they can be carried over exactly; whoever shows a part of one cleans it
first. Log text is cleaned here.
"""

import base64
import json
from typing import Any, cast

from actions.clients.docker.connection import Connection
from actions.clients.docker.errors import EngineError, Forbidden, TooLarge
from actions.model.text import clean
from actions.model.workloads import Tls

Body = dict[str, Any]

LOG_BYTES = 1024 * 1024


class DockerReader:
    """Reads one engine. Calls end within `timeout` seconds; they raise Unreachable, Missing, Forbidden, EngineError."""

    def __init__(self, host: str, tls: Tls | None = None, *, timeout: float = 5.0) -> None:
        self.host = host
        self._connection = Connection(host, tls, timeout=timeout)

    async def info(self) -> Body:
        """Facts of the engine and its host."""
        return cast(Body, await self._connection.read(lambda client: client.info()))

    async def containers(self, *labels: str, name: str | None = None) -> list[Body]:
        """Summaries of all containers, stopped ones too, with all of `labels`, and `name` within their names."""
        filters = ({"label": list(labels)} if labels else {}) | ({"name": [name]} if name else {})
        return cast(list[Body], await self._connection.read(lambda c: c.containers(all=True, filters=filters)))

    async def container(self, reference: str) -> Body:
        """One container by id or name. Raises Missing."""
        return cast(Body, await self._connection.read(lambda client: client.inspect_container(reference)))

    async def images(self) -> list[Body]:
        """Summaries of all images that are not mere layers of others."""
        return cast(list[Body], await self._connection.read(lambda client: client.images()))

    async def image(self, reference: str) -> Body:
        """One image by id, name or digest. Raises Missing."""
        return cast(Body, await self._connection.read(lambda client: client.inspect_image(reference)))

    async def logs(self, container: str, lines: int) -> tuple[str, ...]:
        """The last lines of both streams, cleaned."""
        raw = await self.raw_logs(container, lines)
        return tuple(clean(raw, multiline=True, lines=lines).splitlines())

    async def raw_logs(self, container: str, lines: int) -> bytes:
        """The last lines of both streams as they are, at most 1 MiB, for keeping as evidence; fewer when too long."""

        def ask(client: Any) -> bytes:
            return bytes(client.logs(container, stdout=True, stderr=True, tail=lines, stream=False))

        try:
            return (await self._connection.read(ask))[-LOG_BYTES:]
        except TooLarge:
            if lines <= 1:
                raise
            return await self.raw_logs(container, lines // 10 or 1)

    async def changes(self, container: str, seconds: float) -> list[Body]:
        """Paths that differ from the image (`Path`, `Kind`: 0 changed, 1 added, 2 gone); the engine walks them all."""
        return cast(list[Body], await self._connection.read(lambda c: c.diff(container) or [], timeout=seconds))

    async def file_stat(self, container: str, path: str) -> Body:
        """Name, size, mode and mtime of one path in a container. Raises Missing."""

        def ask(client: Any) -> Body:
            answer = client.head(client._url("/containers/{0}/archive", container), params={"path": path})
            client._raise_for_status(answer)
            return _stat(answer.headers["x-docker-container-path-stat"])

        return await self._connection.read(ask)

    async def file(self, container: str, path: str) -> bytes:
        """A tar archive of one path in a container, as the engine makes it. Raises Missing, TooLarge."""

        def ask(client: Any) -> bytes:
            answer = client._get(client._url("/containers/{0}/archive", container), params={"path": path})
            client._raise_for_status(answer)
            return bytes(answer.content)

        return await self._connection.read(ask)

    async def statistics(self, container: str) -> Body:
        """One sample of resource use, without the second the engine takes to compute a rate."""
        return cast(Body, await self._connection.read(lambda c: c.stats(container, stream=False, one_shot=True)))

    async def execute(self, container: str, command: list[str]) -> tuple[int, bytes]:
        """Exit code and output (both streams) of one command run in the container, within this reader's timeout.

        For commands that change nothing, like a program's question for its own configuration.

        docker-py's own way waits on an upgraded connection without any deadline; asked without an upgrade, the engine
        sends the output as a plain body. A command that does not end in time stays there, and Unreachable is raised.
        """

        def call(client: Any) -> tuple[int, bytes]:
            with client.asking():
                job = client.exec_create(container, command, tty=False)["Id"]
                answer = client._post_json(client._url("/exec/{0}/start", job), data={"Tty": False, "Detach": False})
            client._raise_for_status(answer)
            code = client.exec_inspect(job)["ExitCode"]
            return int(code), _joined(answer.content)

        return await self._connection.read(call)

    async def may_write(self) -> str:
        """Why this connection may not write; empty when it may.

        Sends a creation that no engine can accept (no image, no command): one that may be written to answers 400, a
        filtering proxy answers 403 or 405 before the engine sees it. Nothing is created either way.
        """

        def ask(client: Any) -> int:
            with client.asking():
                answer = client._post_json(client._url("/containers/create"), data={}, params={"name": "/"})
            return int(answer.status_code)

        try:
            status = await self._connection.read(ask)
        except (Forbidden, EngineError) as error:
            return error.message
        return "" if status == 400 else f"a creation that can only be invalid was answered with {status} instead of 400"

    async def close(self) -> None:
        """Give the connections back."""
        await self._connection.close()


def _stat(header: str) -> Body:
    """The engine's description of a path, which it sends as JSON in base64."""
    found = json.loads(base64.b64decode(header))
    return found if isinstance(found, dict) else {}


def _joined(frames: bytes) -> bytes:
    """The output in frames of the engine's multiplexed stream: one byte stream, three unused, four length, content."""
    joined, at = b"", 0
    while at + 8 <= len(frames):
        end = at + 8 + int.from_bytes(frames[at + 4 : at + 8], "big")
        joined += frames[at + 8 : end]
        at = end
    return joined
