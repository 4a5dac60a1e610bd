"""Bringing the stack up: everything that does not depend on something else starts at the same time."""

import asyncio
import time

from actions.clients.processes import ProcessFacts, ProcessSpec, ProcessState
from actions.model.errors import UnknownNameError, VerifyFailed, VqError
from actions.model.identity import new_id
from actions.model.waiting import Deadline
from actions.platforms.local.log_files import tail
from actions.platforms.local.starting import start_supervisor
from actions.sandbox.config_file import write_config
from actions.sandbox.deployment import Deployment
from actions.sandbox.facts import SandboxFacts, reach
from actions.sandbox.faults import forget_processes, restore_process
from actions.sandbox.layout import COLOURS, Layout, Ports, new_ports, port_is_free
from actions.sandbox.parts import RATE, api_spec, postgres_spec, redis_spec, router_spec, traffic_spec
from actions.sandbox.postgres import answers, make_cluster, make_database
from actions.sandbox.release_files import GOOD_VERSIONS, Behaviour, read_release, write_release
from actions.sandbox.router_table import first_table, move_targets, save_table
from actions.sandbox.waits import quiet, well

UP_SECONDS = 30.0
ATTEMPTS = 3
SERVING, STANDBY = COLOURS


class BringUp:
    """One `up` of one stack, which the caller holds."""

    def __init__(self, layout: Layout, version: str, standby: str, *, traffic: bool) -> None:
        self.layout = layout
        self.versions = {SERVING: version, STANDBY: standby}
        self.rate = RATE if traffic else 0
        self.deployment = Deployment(layout)
        self.changed = False

    async def run(self) -> SandboxFacts:
        """Up and well, or VqError that says which part is not."""
        began = time.monotonic()
        ports = self._prepare()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._start(ports)
                await self._all_well(ports)
                break
            except VerifyFailed as error:
                taken = await self._taken(ports)
                if not taken or attempt == ATTEMPTS:
                    raise VqError(f"the embedded stack did not come up: {error}{await self._last_words()}") from error
                ports = await self._choose_again(ports, taken)
        forget_processes(self.layout)
        await restore_process(self.deployment, "stuck-client")
        state = await self.deployment.router.state()
        facts = reach(self.layout, await self.deployment.releases(), state.weights)
        write_config(facts)
        return facts.model_copy(update={"started": self.changed, "seconds": round(time.monotonic() - began, 3)})

    def _prepare(self) -> Ports:
        fresh = not self.layout.exists
        ports = new_ports() if fresh else self.layout.ports()
        self.layout.prepare()
        if fresh:
            for version in dict.fromkeys((*GOOD_VERSIONS, *self.versions.values())):  # oldest first
                write_release(self.layout.releases, version)
        if not self.layout.router_table.exists():
            targets = {colour: f"127.0.0.1:{ports.model_dump()[colour]}" for colour in COLOURS}
            save_table(self.layout.router_table, first_table(targets, SERVING))
        self.layout.save_ports(ports)
        return ports

    async def _start(self, ports: Ports) -> None:
        await asyncio.to_thread(start_supervisor, self.layout.directory)
        await asyncio.gather(self._start_database(ports), self._start_others(ports))

    async def _start_database(self, ports: Ports) -> None:
        await make_cluster(self.layout, self.deployment.supervisor)
        await self._ensure(postgres_spec(self.layout, ports))

    async def _start_others(self, ports: Ports) -> None:
        specs = [redis_spec(self.layout, ports), router_spec(self.layout, ports)]
        specs += [await self._api_spec(ports, colour) for colour in COLOURS]
        specs += [traffic_spec(self.layout, ports, self.rate)] if self.rate == 0 else []
        await asyncio.gather(*(self._ensure(spec) for spec in specs))

    async def _api_spec(self, ports: Ports, colour: str) -> ProcessSpec:
        """The colour with the release it has, so that an `up` never takes a rollback back."""
        try:
            known = (await self.deployment.supervisor.record(f"api-{colour}")).spec
        except UnknownNameError:
            return api_spec(self.layout, ports, colour, read_release(self.layout.releases / self.versions[colour]))
        if not (self.layout.releases / known.release / "manifest.json").exists():
            return known
        return api_spec(self.layout, ports, colour, read_release(self.layout.releases / known.release))

    async def _ensure(self, spec: ProcessSpec) -> None:
        """Have it run under exactly this spec."""
        supervisor, key = self.deployment.supervisor, f"up-{new_id()}"
        try:
            record = await supervisor.record(spec.name)
        except UnknownNameError:
            await supervisor.replace(spec, key=key, expected=0)
            self.changed = True
            return
        facts = await supervisor.process(spec.name)
        if record.spec != spec:
            await supervisor.replace(spec, key=key, expected=record.generation)
        elif not record.wanted or facts.state is ProcessState.EXITED:
            await supervisor.start(spec.name, key=key, expected=record.generation)
        else:
            return
        self.changed = True

    async def _all_well(self, ports: Ports) -> None:
        deadline = Deadline(UP_SECONDS)

        async def postgres() -> str:
            return "" if await asyncio.to_thread(answers, self.layout) else "postgres takes no connections"

        await quiet(postgres, deadline)
        await asyncio.to_thread(make_database, self.layout)
        colours = [self._colour_well(ports, colour, deadline) for colour in COLOURS]
        await asyncio.gather(self.deployment.router_answers(deadline), *colours)
        await self._ensure(traffic_spec(self.layout, ports, self.rate))
        await well(f"http://127.0.0.1:{ports.traffic}", "/state", deadline, what="traffic")

    async def _colour_well(self, ports: Ports, colour: str, deadline: Deadline) -> None:
        facts = await self.deployment.supervisor.process(f"api-{colour}")
        if self._expected_well(facts):
            await well(f"http://127.0.0.1:{ports.model_dump()[colour]}", "/health", deadline, what=f"api-{colour}")

    def _expected_well(self, facts: ProcessFacts) -> bool:
        """A release that was made to fail, or whose artefact is gone, is left as it is."""
        if not facts.artefact_at_hand:
            return False
        behaviour: Behaviour = read_release(self.layout.releases / facts.release).behaviour
        return behaviour.health == "ok" and behaviour.crash_after_seconds is None

    async def _taken(self, ports: Ports) -> list[str]:
        """Ports that somebody else took before the part could."""
        processes = (await self.deployment.supervisor.list()).processes
        waiting = {port for one in processes if one.pid is None for port in one.ports.values()}
        return [name for name, port in ports.model_dump().items() if port in waiting and not port_is_free(port)]

    async def _choose_again(self, ports: Ports, taken: list[str]) -> Ports:
        """Other ports for those taken; everything stops, because the parts know each other by them."""
        supervisor = self.deployment.supervisor
        names = [one.name for one in (await supervisor.list()).processes]
        await asyncio.gather(*(supervisor.stop(name, key=f"up-{new_id()}") for name in names))
        ports = new_ports(ports, taken)
        targets = {colour: f"127.0.0.1:{ports.model_dump()[colour]}" for colour in COLOURS}
        move_targets(self.layout.router_table, targets)
        self.layout.save_ports(ports)
        return ports

    async def _last_words(self) -> str:
        processes = (await self.deployment.supervisor.list()).processes
        ill = [one for one in processes if one.state is not ProcessState.RUNNING]
        return "".join(f"; {one.name} {one.state}: {one.reason} {' '.join(tail(one.log, 2))}" for one in ill)
