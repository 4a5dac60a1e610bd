"""What is done around a service outside of runs: good images keep a name, evidence goes, a pin is lifted."""

import asyncio
from datetime import datetime

from actions.clients.docker.errors import Missing
from actions.clients.docker.reader import DockerReader
from actions.clients.docker.writer import DockerWriter
from actions.model.platform import Artefact, Holding, StandingPin
from actions.model.workloads import ComposeWorkload
from actions.platforms.compose import labels
from actions.platforms.compose.cleanup import clean_up
from actions.platforms.compose.pin_lift import lift


class ComposeUpkeep:
    """Writes on the engine and beside the project's files; never on what runs."""

    def __init__(self, settings: ComposeWorkload) -> None:
        self._settings = settings
        self._reader = DockerReader(settings.host, settings.tls)
        self._writer = DockerWriter(settings.host, settings.tls)

    async def tidy(self, holding: Holding, now: datetime) -> tuple[str, ...]:
        """Give the images that are kept a name of ours, take it from those let go, and remove old evidence."""
        held = [line for artefact in holding.keep if (line := await self._hold(artefact))]
        return (*held, *await clean_up(self._reader, self._writer, self._settings, now, holding))

    async def _hold(self, artefact: Artefact) -> str:
        """A name of ours, so that `docker image prune` leaves the image even when its own name goes to another."""
        try:
            image = await self._reader.image(artefact.reference)
        except Missing:
            return ""
        repository = labels.keep_repository(self._settings.project, self._settings.service)
        if any(name.startswith(f"{repository}:") for name in image.get("RepoTags") or []):
            return ""
        tag = labels.keep_tag(artefact.version, artefact.reference)
        await self._writer.tag(artefact.reference, repository, tag)
        return f"{artefact.version} keeps its image by the name {repository}:{tag}"

    async def lift_pin(self, pin: StandingPin) -> str:
        """Take the pin away; what was done. Raises Stale, Refused."""
        return await asyncio.to_thread(lift, pin)

    async def close(self) -> None:
        """Give the connections back."""
        await self._reader.close()
        await self._writer.close()
