"""Supervised processes as a workload driver: observed through the supervisor, changed under generation and key."""

import asyncio
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from actions.clients.processes import ProcessFacts, ProcessState
from actions.clients.supervisor import SOCKET, SupervisorReader
from actions.model.errors import Refused, UnknownNameError
from actions.model.health import Check
from actions.model.platform import Artefact, Change, Instance, InstanceState, WorkloadFacts
from actions.model.words import Gate
from actions.model.workloads import LocalWorkload
from actions.platforms.access import Place
from actions.platforms.local.artefacts import artefacts, read_artefact
from actions.platforms.local.change import LocalChanger

STATES = {
    ProcessState.RUNNING: InstanceState.RUNNING,
    ProcessState.EXITED: InstanceState.STOPPED,
    ProcessState.CRASH_LOOPING: InstanceState.RESTARTING,
    ProcessState.STOPPED: InstanceState.STOPPED,
}


LEAST_SECONDS = 0.05
"""Measurements that lie closer together than this are one and the same."""


class _Used(NamedTuple):
    """Processor time of one process as measured `at`, and its share of a core since the measurement before."""

    at: float
    seconds: float
    share: float | None


def workload_reader(settings: LocalWorkload, place: Place) -> "LocalReader":
    """The reading half."""
    return LocalReader(settings, place.slot)


def workload_changer(settings: LocalWorkload, place: Place) -> LocalChanger:
    """The writing half."""
    return LocalChanger(settings.directory, place.url, in_place=not place.has_traffic)


class LocalReader:
    """The processes of one slot: the one named like the workload's service, or all with that `service` label."""

    def __init__(self, settings: LocalWorkload, slot: str) -> None:
        self._settings = settings
        self._slot = slot
        self._supervisor = SupervisorReader(settings.directory)
        self._releases: dict[str, Path | None] = {}
        self._cpu: dict[str, _Used] = {}

    async def observe(self) -> WorkloadFacts:
        """Raises Unreachable when no supervisor answers, UnknownNameError when it has no such process."""
        processes = await self._processes()
        folder = await self._folder(processes[0])
        at_hand = await asyncio.to_thread(artefacts, folder)
        known = {one.reference: one for one in at_hand}
        references = {(one.release, one.artefact) for one in processes}
        version, reference = next(iter(references))
        standing = known.get(reference) or Artefact(version=version, reference=reference)
        current = standing if len(references) == 1 and reference else None
        return WorkloadFacts(
            observed_at=datetime.now(UTC),
            desired=sum(one.wanted for one in processes),
            instances=tuple(self._instance(one) for one in processes),
            current=current,
            pins={one.name: one.generation for one in processes},
            at_hand=tuple(one for one in at_hand if current is None or one.reference != current.reference),
        )

    async def at_hand(self, artefact: Artefact) -> Check:
        """Whether the release lies on this host, whole."""
        folder = await self._folder((await self._processes())[0])
        title = "release on this host"
        if folder is None:
            return Check(id="artefact", title=title, gate=Gate.FAIL, evidence="these processes run without releases")
        name = artefact.detail.get("release")
        found, problem = await asyncio.to_thread(read_artefact, folder / str(name or artefact.version))
        if found is None or found.reference != artefact.reference:
            evidence = problem or f"{artefact.version} on this host is another artefact than planned"
            advice = f"bring release {artefact.version} back to {folder}"
            return Check(id="artefact", title=title, gate=Gate.FAIL, evidence=evidence, advice=advice)
        return Check(
            id="artefact", title=title, gate=Gate.PASS, evidence=f"{short(artefact.reference)} on 1/1 host, intact"
        )

    async def permissions(self) -> tuple[Check, ...]:
        """Whoever may open the supervisor's socket may change its processes."""
        path, title = self._settings.directory / SOCKET, "processes changed"
        if await asyncio.to_thread(os.access, path, os.R_OK | os.W_OK):
            return (Check(id="permissions", title=title, gate=Gate.PASS, evidence=f"may open {path.name}"),)
        evidence, advice = f"no right to open {path}", "run as the user who started the supervisor"
        return (Check(id="permissions", title=title, gate=Gate.FAIL, evidence=evidence, advice=advice),)

    async def plan_change(self, facts: WorkloadFacts, to: Artefact) -> tuple[Change, ...]:
        """One change for each process, pinned to its generation."""
        check = await self.at_hand(to)
        if check.gate is not Gate.PASS:
            raise Refused(f"{check.evidence}: {check.advice}")
        return tuple(
            Change(
                slot=self._slot,
                action="replace",
                title=f"bring {to.version} into {instance.name}",
                subject=instance.name,
                before=instance.version or "nothing",
                after=to.version,
                params={
                    "process": instance.name,
                    "generation": facts.pins[instance.name],
                    "release": str(to.detail.get("release") or to.version),
                    "artefact": to.reference,
                },
                expected_seconds=1.5,
                budget_seconds=30,
            )
            for instance in facts.instances
        )

    async def log_tail(self, instance: str, lines: int) -> tuple[str, ...]:
        """The last lines of one process's log."""
        return await self._supervisor.log_tail(instance, lines)

    async def close(self) -> None:
        """Nothing is kept open between calls."""

    async def _processes(self) -> tuple[ProcessFacts, ...]:
        known = (await self._supervisor.list()).processes
        wanted = self._settings.service
        found = tuple(one for one in known if one.name == wanted) or tuple(
            one for one in known if one.labels.get("service") == wanted
        )
        if not found:
            names = ", ".join(one.name for one in known) or "none"
            raise UnknownNameError(f"no process '{wanted}' under {self._settings.directory}; supervised: {names}")
        return found

    async def _folder(self, process: ProcessFacts) -> Path | None:
        if process.name not in self._releases:
            self._releases[process.name] = (await self._supervisor.record(process.name)).spec.releases
        return self._releases[process.name]

    def _instance(self, process: ProcessFacts) -> Instance:
        return Instance(
            id=process.name,
            name=process.name,
            state=STATES[process.state],
            version=process.release or None,
            reference=process.artefact or None,
            restarts=process.restarts,
            started_at=datetime.fromtimestamp(process.started_at, UTC) if process.started_at else None,
            host=socket.gethostname(),
            cpu=self._used(process),
            memory_bytes=process.memory_bytes,
            message=process.reason,
        )

    def _used(self, process: ProcessFacts) -> float | None:
        """Share of one core between the last two measurements; None before there are two, and after a restart."""
        if process.cpu_seconds is None:
            self._cpu.pop(process.name, None)
            return None
        at, before = time.monotonic() - (process.usage_age or 0.0), self._cpu.get(process.name)
        if before is not None and process.cpu_seconds >= before.seconds and at - before.at < LEAST_SECONDS:
            return before.share  # the same measurement as before
        share = None
        if before is not None and process.cpu_seconds >= before.seconds:
            share = (process.cpu_seconds - before.seconds) / (at - before.at)
        self._cpu[process.name] = _Used(at, process.cpu_seconds, share)
        return share


def short(reference: str) -> str:
    """A digest as people compare it: its first twelve characters."""
    return reference.removeprefix("sha256:")[:12]
