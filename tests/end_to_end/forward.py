"""A forward run, built from the kinds of steps there are: another release is put in place, and then it waits.

There is no procedure for updates yet; its plan is made here, and its executor is the real one that knows its name.
"""

import asyncio
from pathlib import Path

from pydantic import JsonValue

from actions.config import load
from actions.ledger import open_writer
from actions.model.plan import Level, Phase, Plan, PlannedStep, Preemptible, RollbackRequest
from actions.model.platform import Artefact, Change
from actions.platforms.access import Access
from actions.runner.launch import launch
from tests.end_to_end.stage import ENVIRONMENT, Stage, until

EXECUTOR = "tests.end_to_end.forward_executor"


def update(stage: Stage, version: str, *, kind: str, asks_first: bool = False) -> str:
    """Have an update to `version` begin; its id. It changes the workload or the traffic, then proves for ever."""
    change, to = asyncio.run(_planned(stage, version, kind))
    plan = _plan(change, to, kind, asks_first=asks_first)
    request = RollbackRequest(environment=ENVIRONMENT, service="api", reason=f"update to {version}")
    with open_writer(stage.ledger) as ledger:
        run = ledger.submit(plan, request, operator="jo", origin="deploy", config_path=stage.config).run_id
    launch(Path(stage.ledger), run, module=EXECUTOR)
    return run


async def _planned(stage: Stage, version: str, kind: str) -> tuple[Change, Artefact]:
    access = Access(ENVIRONMENT, load(stage.config).environments[ENVIRONMENT])
    try:
        if kind == "change-workload":
            reader = access.workload("api", "main")
            facts = await reader.observe()
            to = next(one for one in facts.at_hand if one.version == version)
            return (await reader.plan_change(facts, to))[0], to
        traffic = access.traffic("api")
        assert traffic is not None
        seen, slots = await traffic.observe(), access.slots("api")
        standing = {slot: (await access.workload("api", slot).observe()).current for slot in slots}
        slot, to = next((name, one) for name, one in standing.items() if one is not None and one.version == version)
        return await traffic.plan_switch(seen, {name: 1.0 if name == slot else 0.0 for name in slots}), to
    finally:
        await access.close()


def _plan(change: Change, to: Artefact, kind: str, *, asks_first: bool) -> Plan:
    gate: dict[str, JsonValue] = {"gate": {"question": "go on?", "choices": ["go on", "leave"]}} if asks_first else {}
    before: dict[str, JsonValue] = {"change": change.model_dump(mode="json"), "slot": change.slot, "before": None}
    never: dict[str, JsonValue] = {"slot": change.slot, "version": "never", "reference": to.reference}
    steps = (
        PlannedStep(id=1, kind="lock", title="take the lock"),
        PlannedStep(id=2, kind=kind, title=change.title, params=before | gate, budget_seconds=300, changes=True),
        PlannedStep(id=3, kind="prove-outside", title="prove for long", params=never, budget_seconds=300),
    )
    return Plan(
        procedure="update",
        procedure_version="1",
        environment=ENVIRONMENT,
        service="api",
        target=ENVIRONMENT,
        title=f"update to {to.version}",
        level=Level.MANUAL,
        from_version=change.before,
        to_version=to.version,
        to_reference=to.reference,
        reason="a newer release",
        moves=(),
        keeps=(),
        phases=(Phase(name="move", steps=steps),),
        expected_seconds=1,
        budget_seconds=600,
        preemptible=Preemptible.BACK_OUT,
    )


def until_step(stage: Stage, run: str, number: int, state: str) -> None:
    """Wait until that step of the run is in that state."""

    def held() -> bool:
        return any((step["id"], step["state"]) == (number, state) for step in stage.json("runs", "show", run)["steps"])

    until(held, f"step {number} of the update {state}", 90)
