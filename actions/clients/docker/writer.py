"""The writing half: one engine call a method, sent once, with an explicit timeout. Exists only in executors."""

from typing import Any

from actions.clients.docker.connection import Connection
from actions.clients.docker.reader import Body
from actions.model.workloads import Tls


class DockerWriter:
    """Changes one engine. Every method raises Ambiguous when the request was sent but its answer was lost."""

    def __init__(self, host: str, tls: Tls | None = None, *, timeout: float = 20.0) -> None:
        self.host = host
        self.timeout = timeout
        self._connection = Connection(host, tls, timeout=timeout, writing=True)

    async def create(self, name: str, body: Body) -> str:
        """Create a container from a raw body; its id. Raises Conflict (name taken) and Missing (no such image)."""
        made = await self._connection.write(lambda client: client.create_container_from_config(body, name))
        return str(made["Id"])

    async def connect(self, container: str, network: str, endpoint: Body) -> None:
        """Connect a container to one more network, with a raw endpoint body."""

        def call(client: Any) -> None:
            url = client._url("/networks/{0}/connect", network)  # docker-py offers no raw body here
            answer = client._post_json(url, data={"Container": container, "EndpointConfig": endpoint})
            client._raise_for_status(answer)

        await self._connection.write(call)

    async def restart_policy(self, container: str, policy: Body) -> None:
        """Set the restart policy: `{"Name": "always", "MaximumRetryCount": 0}`."""
        await self._connection.write(lambda client: client.update_container(container, restart_policy=policy))

    async def stop(self, container: str, seconds: float) -> None:
        """Ask it to end, kill it after `seconds`. One that is stopped already is fine."""
        timeout = self.timeout + seconds
        await self._connection.write(lambda client: client.stop(container, timeout=round(seconds)), timeout=timeout)

    async def start(self, container: str) -> None:
        """Start it. One that runs already is fine."""
        await self._connection.write(lambda client: client.start(container))

    async def rename(self, container: str, name: str) -> None:
        """Give it another name. Raises Conflict when that is taken."""
        await self._connection.write(lambda client: client.rename(container, name))

    async def put(self, container: str, archive: bytes) -> None:
        """Unpack a tar archive at the root of a container. Raises EngineError where its file system is read-only."""
        await self._connection.write(lambda client: client.put_archive(container, "/", archive))

    async def remove(self, container: str, *, anonymous: bool = False) -> None:
        """Remove a stopped container, never its volumes, but with `anonymous` those without a name of their own.

        Raises Conflict when it runs.
        """
        await self._connection.write(lambda client: client.remove_container(container, v=anonymous, force=False))

    async def tag(self, image: str, repository: str, tag: str) -> None:
        """Give an image one more name, taking it from whatever had it."""
        await self._connection.write(lambda client: client.tag(image, repository, tag))

    async def untag(self, name: str) -> None:
        """Take a name away; the image goes with its last name unless a container uses it. Raises Missing."""
        await self._connection.write(lambda client: client.remove_image(name, noprune=True))

    async def commit(
        self, container: str, repository: str, tag: str, labels: dict[str, str], seconds: float | None = None
    ) -> str:
        """Keep a container's file system as an image, without holding its processes up; its id."""
        changes = [f'LABEL "{name}"="{value}"' for name, value in labels.items()]
        made = await self._connection.write(
            lambda client: client.commit(container, repository=repository, tag=tag, changes=changes, pause=False),
            timeout=seconds,
        )
        return str(made["Id"])

    async def close(self) -> None:
        """Give the connections back."""
        await self._connection.close()
