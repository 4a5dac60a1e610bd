"""What an Operator does to runs: submit once, hand over visibly, wake a run whose executor is gone."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from actions.config import command_line
from actions.desk import again, hand_over
from actions.desk.hand_over import GONE, HandOver
from actions.ledger.starting import on_its_way
from actions.model.errors import Busy, Refused, Stale, UsageError
from actions.model.identity import short_id
from actions.model.plan import Plan, RollbackRequest
from actions.model.record import CommandRow, Submitted
from actions.model.run import Executor
from actions.model.way_back import RollbackFacts
from actions.model.words import Command, RunState
from actions.procedures.rollback import plan_rollback
from actions.runner.launch import launch
from actions.runner.steer import resume as resume_executor
from actions.runner.steer import steer, take_over
from actions.runner.versions import require_known_steps

if TYPE_CHECKING:
    from actions.desk.operator import Operator


async def submit(desk: "Operator", request: RollbackRequest, expected_digest: str | None) -> Submitted:
    """See `Operator.submit`."""
    if request.environment != desk.environment_name:
        raise UsageError(f"this desk is for '{desk.environment_name}', the request for '{request.environment}'")
    request, since = desk.watching.named(request), datetime.now(UTC)
    attached = await _already(desk, request, expected_digest)
    if attached is not None:
        return attached
    hand = await hand_over.pre_empt(desk, request, expected_digest)
    try:
        plan = await _planned(desk, request, expected_digest, hand)
    except Refused:
        if (other := await again.meanwhile(desk, request, since)) is None:
            raise
        return Submitted(run_id=other.id, created=False, brought=not other.state.active)
    if isinstance(plan, Submitted):
        return plan
    if hand is None and (other := await again.meanwhile(desk, request, since, plan)) is not None:
        return Submitted(run_id=other.id, created=False, brought=not other.state.active)
    drill = await desk.rehearsals.acting()
    try:
        submitted = await asyncio.to_thread(_write, desk, plan, request, drill)
    except Busy as busy:
        submitted = await _attach(desk, plan, busy)
    if hand is not None and submitted.created:
        await hand_over.note(desk, hand, submitted.run_id)
        submitted = submitted.model_copy(update={"took_over": hand.text})
    await _launch(desk, submitted)
    if drill:
        await desk.rehearsals.acted(submitted.run_id)
    return submitted


def _write(desk: "Operator", plan: Plan, request: RollbackRequest, drill: bool) -> Submitted:
    return desk.writer.submit(
        plan,
        request,
        operator=desk.operator,
        origin=f"{desk.identity.origin} on {desk.host}",
        config_path=desk.config_path,
        drill=drill,
        how=f"{request.level} confirmed by {desk.operator}",
        supersede=True,
    )


async def _already(desk: "Operator", request: RollbackRequest, expected_digest: str | None) -> Submitted | None:
    """A rollback to the same place that is under way: a second key press must not plan against a moving world.

    One that lost its executor is gone on with. Raises Stale when a plan that was seen is not what would be done.
    """
    pressed = await again.same_key(desk, request)
    found = pressed or await again.before(desk, request)
    if found is None:
        return None
    run, executor = found
    orphaned = again.orphaned(run, executor)
    carries_on = orphaned and await asyncio.to_thread(again.goes_on, desk, run)
    if orphaned and pressed is None:
        if not carries_on:
            return None
        if expected_digest is not None:
            seen = _plan(request, await desk.watching.way_back.fresh(request), expected_digest)
            if not await again.leads_there(desk, run, seen):
                return None
    submitted = Submitted(run_id=run.id, created=False, resumed=carries_on)
    await (resume(desk, run.id) if carries_on else _launch(desk, submitted))
    return submitted


def _plan(request: RollbackRequest, facts: RollbackFacts, expected_digest: str | None) -> Plan:
    """The plan now. Raises Stale when it is not the one that was seen, and whatever planning raises."""
    plan = plan_rollback(request, facts)
    if expected_digest is not None and plan.digest != expected_digest:
        raise Stale("what was shown is no longer what would be done: nothing was touched, look at the plan again")
    return plan


async def _planned(
    desk: "Operator", request: RollbackRequest, expected_digest: str | None, hand: HandOver | None
) -> Plan | Submitted:
    """The plan now, or the run that has just brought what is asked for.

    Where a run that waits for a person has brought what serves well, that is only proved. Raises what planning raises.
    """
    if hand is not None:
        return await hand_over.plan_after(desk, request, hand)
    facts = await desk.watching.way_back.fresh(request)
    brought = await again.just_brought(desk, request, facts) if expected_digest is None else None
    if brought is not None and not brought.state.active:
        return Submitted(run_id=brought.id, created=False, brought=True)
    plan = await again.proof_of(desk, request, brought) if brought is not None else None
    return plan or _plan(request, facts, expected_digest)


async def _attach(desk: "Operator", plan: Plan, busy: Busy) -> Submitted:
    """Another operator was faster: their run is this one's too when it goes to the same place."""
    if busy.run_id is None:
        raise busy
    holder = await asyncio.to_thread(desk.writer.run, busy.run_id)
    same = (holder.procedure, holder.service, holder.to_version) == (plan.procedure, plan.service, plan.to_version)
    if not same:
        raise busy
    return Submitted(run_id=holder.id, created=False)


async def _launch(desk: "Operator", submitted: Submitted) -> None:
    """Start the executor of a new run, and of one that was asked for while its desk died before launching."""
    if not submitted.created:
        run = await asyncio.to_thread(desk.writer.run, submitted.run_id)
        executor = await asyncio.to_thread(desk.writer.executor, submitted.run_id)
        if run.state is not RunState.QUEUED or executor.state not in GONE:
            return
        if await asyncio.to_thread(on_its_way, desk.ledger.directory, submitted.run_id):
            return  # it is still loading: a second one would only slow it down
    prepared = desk.take_prepared()
    await asyncio.to_thread(lambda: launch(desk.ledger.directory, submitted.run_id, prepared=prepared))


async def command(desk: "Operator", run_id: str, what: Command, reason: str) -> CommandRow:
    """See `Operator.command`."""
    return await asyncio.to_thread(lambda: steer(desk.ledger.directory, run_id, what, by=desk.operator, reason=reason))


async def resume(desk: "Operator", run_id: str) -> None:
    """See `Operator.resume`."""
    require_known_steps(await asyncio.to_thread(desk.writer.plan, run_id))
    executor = await asyncio.to_thread(desk.writer.executor, run_id)
    if executor.state == "stopped":
        who = f"the executor of run {short_id(run_id)} (process {executor.pid})"
        end = command_line(
            f"runs take-over {short_id(run_id)} --stop", desk.config_path.absolute(), desk.environment_name
        )
        raise Refused(f"{who} is stopped: 'kill -CONT {executor.pid}', or '{end}' to end it")
    await asyncio.to_thread(lambda: resume_executor(desk.ledger.directory, run_id, by=desk.operator))


async def own(desk: "Operator", run_id: str, reason: str, stop: bool) -> Executor:
    """See `Operator.take_over`."""
    directory, by = desk.ledger.directory, desk.operator
    return await asyncio.to_thread(lambda: take_over(directory, run_id, by=by, reason=reason, stop=stop))


async def answer(desk: "Operator", run_id: str, gate_id: str, chosen: str) -> None:
    """See `Operator.answer`."""
    gates = await asyncio.to_thread(desk.writer.gates, run_id)
    gate = next((one for one in gates if one.id.endswith(gate_id)), None)
    if gate is None:
        raise UsageError(f"run {short_id(run_id)} asks no question '{gate_id}': 'vq-tui runs show' lists them")
    if not await asyncio.to_thread(desk.writer.answer_gate, gate.id, chosen, desk.operator):
        raise Refused(f"the question was answered before: '{gate.question}'")
