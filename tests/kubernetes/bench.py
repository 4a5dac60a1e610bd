"""One workload in the double, and the driver's two halves on it."""

import asyncio
from pathlib import Path
from typing import Any

from actions.model.environment import Environment
from actions.model.platform import Artefact, Change, WorkloadFacts
from actions.model.services import HttpService
from actions.model.waiting import Deadline
from actions.model.workloads import KubernetesWorkload, Slot
from actions.platforms.access import Place
from actions.platforms.kubernetes.change import KubernetesChanger
from actions.platforms.kubernetes.driver import KubernetesWorkloadReader, workload_changer, workload_reader
from tests.kubernetes.double import KubernetesDouble

KEY = "01RUN.2"


def ignore(_: str) -> None:
    """Progress is not looked at here."""


class Bench:
    """One workload in the double, and the driver's two halves."""

    def __init__(self, double: KubernetesDouble, directory: Path) -> None:
        self.double, self.directory = double, directory
        self.opened: list[KubernetesWorkloadReader | KubernetesChanger] = []

    def settings(
        self, kind: str = "deployment", name: str = "api", user: str = "admin", **more: Any
    ) -> KubernetesWorkload:
        config = self.double.kubeconfig(self.directory / f"{user}.yaml", user)
        given = {"kubeconfig": config, "context": "double", "namespace": "vq", "kind": kind, "name": name} | more
        return KubernetesWorkload.model_validate(given)

    def reader(self, settings: KubernetesWorkload) -> KubernetesWorkloadReader:
        self.opened.append(workload_reader(settings, self._place(settings)))
        return self.opened[-1]  # type: ignore[return-value]

    def changer(self, settings: KubernetesWorkload) -> KubernetesChanger:
        self.opened.append(workload_changer(settings, self._place(settings)))
        return self.opened[-1]  # type: ignore[return-value]

    def _place(self, settings: KubernetesWorkload) -> Place:
        service = HttpService(url="http://127.0.0.1:1", workload=settings)
        return Place(
            "test", "api", "main", Environment(services={"api": service}), {"main": Slot(workload=settings)}, None
        )

    async def planned(
        self, settings: KubernetesWorkload, version: str, standing: str | None = None
    ) -> tuple[WorkloadFacts, tuple[Change, ...], KubernetesChanger]:
        """The plan that brings `version` back, once the reader sees `standing` (where a test must wait for that)."""
        reader = self.reader(settings)
        facts = await reader.observe()
        while standing is not None and (facts.current is None or facts.current.version != standing):
            await asyncio.sleep(0.01)
            facts = await reader.observe()
        return facts, await reader.plan_change(facts, at_hand(facts, version)), self.changer(settings)

    async def carry_out(self, changer: KubernetesChanger, changes: tuple[Change, ...]) -> str:
        text = ""
        for number, change in enumerate(changes):
            key = f"{KEY}{number}"
            await changer.check(change)
            await changer.protect(change, key, self.directory)
            await changer.act(change, key, self.directory, ignore)
            text = (await changer.verify(change, key, Deadline(20), ignore)).text
        return text


def at_hand(facts: WorkloadFacts, version: str) -> Artefact:
    return next(one for one in facts.at_hand if one.version == version)


class Crashed(BaseException):
    """The executor died here."""
