"""Running a plan against the fake platform: the order of the contract, without ledger and processes."""

from dataclasses import dataclass, field
from pathlib import Path

from actions.model.errors import VqError
from actions.model.plan import OnFailure, Plan, PlannedStep
from actions.model.platform import Evidence
from actions.platforms.access import WriteAccess
from actions.procedures.rollback import plan_rollback
from actions.releases.gather import gather
from actions.steps.contract import StepContext
from actions.steps.measures import Measures
from actions.steps.records import Records
from actions.steps.registry import registry
from tests.platforms.fake import FakeLedger
from tests.releases.making import request

RUN = "01KAMXK4T0VYB2D3E4F5GH67QK"


@dataclass
class Outcome:
    """What became of a run."""

    evidence: dict[str, Evidence] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)
    error: VqError | None = None
    undone: list[str] = field(default_factory=list)
    undo_error: VqError | None = None


def context(
    access: WriteAccess, ledger: FakeLedger, plan: Plan, step: PlannedStep, folder: Path, run_id: str = RUN
) -> StepContext:
    return StepContext(
        run_id=run_id,
        plan=plan,
        step=step,
        environment=access.environment,
        access=access,
        records=Records(ledger, run_id, 14, "mira"),
        measures=Measures(access.environment, plan.service),
        folder=folder,
        report=lambda line: None,
    )


async def planned(access: WriteAccess, ledger: FakeLedger, to: str | None = None) -> Plan:
    wanted = request(to, service="api")
    return plan_rollback(wanted, await gather(access, ledger, request=wanted, seconds=60))


async def run(access: WriteAccess, ledger: FakeLedger, plan: Plan, folder: Path, run_id: str = RUN) -> Outcome:
    outcome, done = Outcome(), []
    for step in plan.steps:
        kind, here = registry[step.kind], context(access, ledger, plan, step, folder, run_id)
        try:
            await kind.check(here)
            await kind.protect(here)
            done.append(here)
            await kind.act(here)
            outcome.evidence[step.kind] = await kind.verify(here)
        except VqError as error:
            if step.on_failure is OnFailure.WARN:
                outcome.warnings[step.kind] = error.message
                continue
            outcome.error = error
            await _undo(done, outcome)
            break
    return outcome


async def _undo(done: list[StepContext], outcome: Outcome) -> None:
    for here in reversed(done):
        try:
            await registry[here.step.kind].undo(here)
            outcome.undone.append(here.step.kind)
        except VqError as error:
            outcome.undo_error = error
            return
