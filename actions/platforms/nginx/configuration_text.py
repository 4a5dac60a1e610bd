"""What the configuration says about the generated include: looked at anew only when its text has changed."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from actions.clients.nginx import NginxReader
from actions.clients.nginx_configuration import Configuration, NotUnderstood
from actions.clients.nginx_runners import Output, understood
from actions.model.health import Check
from actions.model.services import HttpService
from actions.model.workloads import NginxTraffic
from actions.platforms.access import Place
from actions.platforms.nginx import server_block
from actions.platforms.nginx.generation import Answer
from actions.platforms.nginx.include import sha256
from actions.platforms.nginx.observe import written_names
from actions.platforms.nginx.wiring import Use, Wiring, wiring


class ConfigurationText:
    """Reads the text that nginx prints. Readiness asks every few seconds; following a long text takes a while."""

    def __init__(self, settings: NginxTraffic, client: NginxReader, place: Place) -> None:
        self._settings = settings
        self._client = client
        self._users, self._paths = _asked(place, settings)
        self._read: tuple[str, Wiring | NotUnderstood, Use] = ("", NotUnderstood("it was not read"), Use.UNCLEAR)

    async def checks(self, dump: Output, live: Answer | None) -> tuple[Check, ...]:
        """Whether the include is used, and whether old workers end, from what `nginx -T` printed."""
        names = tuple(dict.fromkeys(self._client.inside(path) for path in written_names(self._settings)))
        digest = sha256(dump.text)
        if self._read[0] != digest:
            self._read = (digest, *await self._follow(dump, names))
        _, wired, include = self._read
        return server_block.checks(self._settings, wired, include, names, live)

    async def _follow(self, dump: Output, names: tuple[str, ...]) -> tuple[Wiring | NotUnderstood, Use]:
        try:
            configuration = await understood(dump)
        except NotUnderstood as error:
            return error, Use.UNCLEAR
        return await asyncio.to_thread(self._found, configuration, names)

    def _found(self, configuration: Configuration, names: tuple[str, ...]) -> tuple[Wiring, Use]:
        wired = wiring(configuration, self._settings, self._users, self._paths)
        return wired, included(self._settings, configuration, names)


def included(settings: NginxTraffic, configuration: Configuration, names: tuple[str, ...]) -> Use:
    """Whether nginx reads the include, by whatever name. In a container a file cannot be told by its name alone."""
    if any(name in configuration.files for name in names):
        return Use.SURE
    if settings.container is None:
        return Use.SURE if any(_same(name, settings.include) for name in configuration.files) else Use.MISSING
    defined = any(one.name == "upstream" and settings.upstream in one.words for one in configuration.http)
    return Use.UNCLEAR if defined else Use.MISSING


def _same(name: str, include: Path) -> bool:
    try:
        return include.samefile(name)
    except OSError:  # not there, or not to be looked at by this user
        return False


def _asked(place: Place, settings: NginxTraffic) -> tuple[str, tuple[str, ...]]:
    """The service's address as users have it, and the paths that they are known to ask for."""
    service = place.settings.services.get(place.service)
    if not isinstance(service, HttpService):
        return settings.url, ("/",)
    base = urlsplit(service.url).path or "/"
    return service.url, (base, *(base.rstrip("/") + one for one in service.endpoints))
