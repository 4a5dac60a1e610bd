"""Putting a release onto the standby colour and moving users there, carefully or not."""

from actions.clients.processes import ProcessFacts, ProcessState
from actions.clients.router import RouterState, RouterWriter
from actions.clients.supervisor import SupervisorWriter, socket_address
from actions.model.errors import Unreachable, VerifyFailed, VqError
from actions.model.identity import new_id
from actions.model.waiting import Deadline
from actions.sandbox.layout import COLOURS, Layout
from actions.sandbox.release_files import write_release
from actions.sandbox.waits import fetch, quiet, well

READY_SECONDS = 20.0


class Deployment:
    """The writing clients of one stack."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.supervisor = SupervisorWriter(layout.directory, timeout=15)
        self.router = RouterWriter(socket_address(layout.router_socket))

    async def releases(self) -> dict[str, str]:
        """Version in each colour."""
        processes = {one.name: one for one in (await self.supervisor.list()).processes}
        return {colour: processes[f"api-{colour}"].release for colour in COLOURS if f"api-{colour}" in processes}

    async def place(self, colour: str, version: str) -> ProcessFacts:
        """Bring a release onto this host and start it in a colour. Says nothing about its health."""
        release = write_release(self.layout.releases, version)
        record = await self.supervisor.record(f"api-{colour}")
        update = {"release": version, "artefact": release.manifest.artefact}
        spec = record.spec.model_copy(update=update)
        return await self.supervisor.replace(spec, key=f"deploy-{new_id()}", expected=record.generation)

    async def switch(self, colour: str) -> RouterState:
        """Give all users to one colour."""
        state = await self.router.state()
        weights = {one: 1.0 if one == colour else 0.0 for one in COLOURS}
        return await self.router.switch(weights, generation=f"deploy-{new_id()}", expected=state.generation)

    async def ready(self, colour: str, seconds: float = READY_SECONDS, path: str = "/health/ready") -> None:
        """Until a colour says it is ready. Raises VerifyFailed."""
        base = f"http://127.0.0.1:{self.layout.ports().model_dump()[colour]}"
        await well(base, path, Deadline(seconds), what=f"api-{colour}")

    async def router_answers(self, deadline: Deadline) -> None:
        """Until the router can be asked and told. Raises VerifyFailed."""

        async def complaint() -> str:
            try:
                await self.router.state()
            except Unreachable as error:
                return error.message
            return ""

        await quiet(complaint, deadline)

    async def users_are_served(self) -> None:
        """Until the service is well as users reach it. Raises VerifyFailed."""
        base = f"http://127.0.0.1:{self.layout.ports().router}"
        await well(base, "/health", Deadline(READY_SECONDS), what="the service behind the router")

    async def drained(self, colour: str, seconds: float = 10.0) -> None:
        """Until no request is under way in a colour. Raises VerifyFailed."""

        async def under_way() -> str:
            count = (await self.router.state()).in_flight[colour]
            return f"{count} requests under way on {colour}" if count else ""

        await quiet(under_way, Deadline(seconds))

    async def _shows_life(self, colour: str) -> None:
        """Until a colour answers at all, or its process has ended: a busy host takes its time to start one."""
        base = f"http://127.0.0.1:{self.layout.ports().model_dump()[colour]}"

        async def complaint() -> str:
            try:
                await fetch(base, "/health/live", what=f"api-{colour}", seconds=1.5)
            except VqError as error:
                state = (await self.supervisor.process(f"api-{colour}")).state
                return error.message if state is ProcessState.RUNNING else ""
            return ""

        await quiet(complaint, Deadline(READY_SECONDS))

    async def deploy(self, version: str, *, careful: bool) -> str:
        """Put a release onto the standby colour and switch to it; the colour is returned.

        Careful waits until it is ready and raises VerifyFailed instead of switching. Careless only waits for
        any sign of life and switches whatever it sees. Either way the release that served before stays warm.
        """
        state = await self.router.state()
        standby = min(COLOURS, key=lambda colour: state.weights[colour])
        await self.drained(standby)
        await self.place(standby, version)
        if careful:
            await self.ready(standby)
        else:
            try:
                await self._shows_life(standby)
            except VerifyFailed as error:
                del error  # exactly what a careless deploy does with it
        await self.switch(standby)
        return standby
