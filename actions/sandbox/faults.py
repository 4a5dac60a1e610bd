"""Breaking the stack on purpose and mending it. What was done is written down before it is done."""

import json
import time
from typing import Any

from actions.clients.processes import ProcessState
from actions.model.files import write_durably
from actions.model.identity import new_id
from actions.model.waiting import Deadline
from actions.sandbox.deployment import READY_SECONDS, Deployment
from actions.sandbox.facts import FaultFacts
from actions.sandbox.fault_kinds import KINDS, find
from actions.sandbox.layout import COLOURS, Layout

STUCK = "stuck-client"


def active(layout: Layout) -> tuple[FaultFacts, ...]:
    """The faults injected and not mended yet."""
    return tuple(FaultFacts.model_validate(one) for one in _load(layout)["active"])


async def inject(deployment: Deployment, name: str) -> FaultFacts:
    """Break the stack in one way. A fault that is active already stays as it is. Raises UnknownNameError."""
    kind = find(name)
    await deployment.supervisor.list()  # nothing is written down for a stack that does not run
    notes = _load(deployment.layout)
    known = next((one for one in notes["active"] if one["kind"] == name), None)
    if known is not None:
        return FaultFacts.model_validate(known)
    if kind.release and notes["before"] is None:
        state = await deployment.router.state()
        notes["before"] = {
            "releases": await deployment.releases(),
            "serving": max(COLOURS, key=state.weights.__getitem__),
        }
    fault = FaultFacts(kind=name, at=round(time.time(), 3), observed="")
    notes["active"].append(fault.model_dump())
    _save(deployment.layout, notes)
    fault = fault.model_copy(update={"observed": await kind.act(deployment)})
    notes["active"][-1] = fault.model_dump()
    _save(deployment.layout, notes)
    return fault


async def mend(deployment: Deployment) -> tuple[str, ...]:
    """Undo every active fault: processes run, each colour has the release from before, users are where they were."""
    notes = _load(deployment.layout)
    names = [one["kind"] for one in notes["active"]]
    for name in names:
        if name in KINDS and KINDS[name].process:
            await restore_process(deployment, KINDS[name].process)
    if notes["before"] is not None:
        await deployment.router_answers(Deadline(READY_SECONDS))  # it may have been started only just now
        await _restore_releases(deployment, notes["before"])
    await deployment.users_are_served()
    _save(deployment.layout, {"active": [], "before": None})
    return tuple(names)


async def restore_process(deployment: Deployment, process: str) -> None:
    """Start a process that a fault stopped, or remove the one it started."""
    key = f"mend-{new_id()}"
    facts = (await deployment.supervisor.list()).process(process)
    if process == STUCK:
        if facts is not None:
            await deployment.supervisor.remove(STUCK, key=key)
    elif facts is not None and (not facts.wanted or facts.state is not ProcessState.RUNNING):
        await deployment.supervisor.start(process, key=key)


def forget_processes(layout: Layout) -> None:
    """Faults of processes are over when everything was started again; those of releases stay until mended."""
    notes = _load(layout)
    notes["active"] = [one for one in notes["active"] if one["kind"] in KINDS and KINDS[one["kind"]].release]
    _save(layout, notes)


async def _restore_releases(deployment: Deployment, before: dict[str, Any]) -> None:
    wanted, serving = before["releases"], before["serving"]
    now = await deployment.releases()
    weights = (await deployment.router.state()).weights
    for colour in sorted(COLOURS, key=weights.__getitem__):  # the one without users first
        if now.get(colour) != wanted[colour]:
            await deployment.place(colour, wanted[colour])
            await deployment.ready(colour)
        if colour == serving and weights[serving] != 1.0:
            await deployment.switch(serving)


def _load(layout: Layout) -> dict[str, Any]:
    if not layout.faults.exists():
        return {"active": [], "before": None}
    notes: dict[str, Any] = json.loads(layout.faults.read_bytes())
    return notes


def _save(layout: Layout, notes: dict[str, Any]) -> None:
    write_durably(layout.faults, json.dumps(notes, indent=1).encode())
