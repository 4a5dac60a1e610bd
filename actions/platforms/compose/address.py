"""Where one container answers, apart from the other replicas, and what it says there."""

from typing import Any
from urllib.parse import urlsplit

from actions.clients.health_body import not_well
from actions.clients.http import Answer, HttpReader
from actions.clients.versions import version_of
from actions.config import resolve
from actions.model.services import HttpService
from actions.model.workloads import Tls
from actions.platforms.access import Place

Body = dict[str, Any]

_SECONDS = 1.0
_EVERYWHERE = ("", "0.0.0.0")  # noqa: S104 - read from the engine, not bound
_LATER = "0.0.0.0"  # noqa: S104 - stands for an address that a stopped container will get


class Questions:
    """Asks single containers of one service for their health. `engine` is the address of the engine they run on."""

    def __init__(self, place: Place, engine: str) -> None:
        settings = place.settings.services.get(place.service)
        self._service = settings if isinstance(settings, HttpService) else None
        self._url = (place.url or self._service.url) if self._service else ""
        self._local = engine.startswith(("unix://", "/"))
        self._host = "127.0.0.1" if self._local else urlsplit(engine).hostname
        self._readers: dict[str, HttpReader] = {}

    def address(self, container: Body, *, sole: bool) -> str | None:
        """The base URL that reaches this container alone; None when there is none or it is no HTTP service.

        The published port proves most, then the container's own address; a `sole` replica may be asked at the
        service's own. For a stopped container it tells whether it will have an address.
        """
        if self._service is None:
            return None
        url = urlsplit(self._url)
        port = port_of(container, url.port or (443 if url.scheme == "https" else 80))
        where = self._reachable(container, port) if port is not None else None
        if where is not None:
            return f"{url.scheme}://{where}{url.path.rstrip('/')}"
        return self._url if sole else None

    async def ask(self, container: Body, *, sole: bool) -> Answer | None:
        """What its health path answers on a fresh connection; None when it has no address. Raises ConfigError."""
        base = self.address(container, sole=sole)
        if base is None or self._service is None:
            return None
        if base not in self._readers:
            self._readers[base] = self._reader(base, self._service)
        return await self._readers[base].get(self._service.ready or self._service.health, fresh=True)

    async def version(self, container: Body, *, sole: bool) -> str | None:
        """The version the container says it is; None when it does not run, does not answer or does not say."""
        if container["State"].get("Status") != "running":
            return None
        answer = await self.ask(container, sole=sole)
        return self.said(answer) if answer is not None else None

    def said(self, answer: Answer) -> str | None:
        """The version in an answer."""
        return version_of(answer, self._service) if self._service else None

    def not_well(self, answer: Answer) -> str:
        """Why an answer is no proof that the container is well; empty when it is one."""
        return not_well(answer, self._service or HttpService(url=self._url))

    async def close(self) -> None:
        """Close kept connections."""
        for reader in self._readers.values():
            await reader.close()

    def _reader(self, base: str, service: HttpService) -> HttpReader:
        tls = service.tls
        if base.startswith("https:") and (tls is None or tls.server_name is None):
            tls = (tls or Tls()).model_copy(update={"server_name": urlsplit(self._url).hostname})
        headers = {name: resolve(source) for name, source in service.headers.items()}
        return HttpReader(base, headers=headers, tls=tls, timeout=min(_SECONDS, service.timeout))

    def _reachable(self, container: Body, port: int) -> str | None:
        declared = (container["HostConfig"].get("PortBindings") or {}).get(f"{port}/tcp") or []
        for binding in [*_actual(container, f"{port}/tcp"), *declared]:
            host, number = str(binding.get("HostIp") or ""), str(binding.get("HostPort") or "").partition("-")[0]
            if number.isdecimal() and ":" not in host:
                return f"{self._host if host in _EVERYWHERE else host}:{number}"
        if not self._local:
            return None
        if container["HostConfig"].get("NetworkMode") == "host":
            return f"127.0.0.1:{port}"
        networks = (container["NetworkSettings"].get("Networks") or {}).values()
        found = next((str(one["IPAddress"]) for one in networks if one.get("IPAddress")), None)
        if found is None and networks and container["State"].get("Status") != "running":
            found = _LATER
        return f"{found}:{port}" if found else None


def port_of(container: Body, wanted: int) -> int | None:
    """The container's port behind the service's URL: by its published number, by its own number, or the only one."""
    bindings = container["HostConfig"].get("PortBindings") or {}
    for port, published in bindings.items():
        numbers = [str(one.get("HostPort") or "") for one in [*(published or []), *_actual(container, port)]]
        if port.endswith("/tcp") and any(_within(wanted, number) for number in numbers):
            return int(port.partition("/")[0])
    known = {*(container["Config"].get("ExposedPorts") or {}), *bindings}
    ports = sorted(int(port.partition("/")[0]) for port in known if port.endswith("/tcp"))
    if wanted in ports:
        return wanted
    return ports[0] if len(ports) == 1 else None


def _within(wanted: int, published: str) -> bool:
    first, _, last = published.partition("-")
    return first.isdecimal() and int(first) <= wanted <= int(last if last.isdecimal() else first)


def _actual(container: Body, port: str) -> list[Body]:
    return (container["NetworkSettings"].get("Ports") or {}).get(port) or []
