"""A rollback does not wait for a forward run of its environment: that run leaves, visibly, and is gone on from.

What the rollback is to reach is settled before the forward run is told to leave, because its leaving changes the
world: undone, it may itself have put the wanted release back. Then that is proved and recorded, and nothing is moved.
"""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actions.desk.ledger_door import either
from actions.health.readiness import conditions
from actions.ledger.starting import on_its_way
from actions.model.errors import Busy, Refused, Stale
from actions.model.identity import short_id
from actions.model.plan import Plan, Preemptible, RollbackRequest
from actions.model.platform import Artefact
from actions.model.run import EventKind, Run
from actions.model.waiting import Deadline
from actions.model.way_back import RollbackFacts
from actions.model.words import Command, Gate, RunState, Verdict
from actions.procedures.rollback import PROCEDURE, plan_proof, plan_rollback
from actions.releases.pinned import NOT_DECIDED_HERE
from actions.runner.steer import steer

if TYPE_CHECKING:
    from actions.desk.operator import Operator

HAND_OVER_SECONDS = 120.0
"""Longest that a rollback waits for the forward run it pre-empts to back out."""

LAUNCH_SECONDS = 30.0
"""A queued run that no executor took for so long gives way; it has touched nothing."""

GONE = {"dead", "none"}
PASSING = frozenset({"drift", "standby"})
"""Conditions that may fail only because a forward run is in the middle of something."""


@dataclass(frozen=True)
class HandOver:
    """A forward run that has left. `wanted` is what the rollback would have done while it was still there."""

    run: Run
    plan: Plan
    wanted: Plan | None

    @property
    def text(self) -> str:
        """How people read it."""
        return f"{self.run.procedure} {short_id(self.run.id)} of {self.run.operator} ({self.run.state})"


async def pre_empt(desk: "Operator", request: RollbackRequest, expected_digest: str | None) -> HandOver | None:
    """Have the forward run that holds the environment leave; None when there is none that anybody carries out.

    Raises Refused, UnknownNameError or Stale before anything is said to it when no rollback could follow, and Busy
    when it does not leave in time.
    """
    active = await asyncio.to_thread(desk.writer.active, desk.environment_name)
    if active is None or active.procedure == PROCEDURE or active.state is RunState.NEEDS_OPERATOR:
        return None
    executor = await asyncio.to_thread(desk.writer.executor, active.id)
    if executor.state in GONE and active.state is not RunState.QUEUED:
        return None  # nobody would hear it; the ledger lets it give way as soon as that is safe
    if executor.state == "stopped":
        advice = f"'kill -CONT {executor.pid}', or 'vq-tui runs take-over {short_id(active.id)} --stop'"
        raise Busy(f"the executor of {active.procedure} {short_id(active.id)} is stopped: {advice}", run_id=active.id)
    allowed = (await asyncio.to_thread(desk.writer.plan, active.id)).preemptible
    if allowed is Preemptible.NEVER:
        raise _not_preemptible(active, "is not to be broken into")
    wanted = await _wanted(desk, request, expected_digest)
    await _tell(desk, active, f"pre-empted by a rollback of {desk.operator}: {request.reason or 'emergency'}", allowed)
    left = await _gone(desk, active)
    return HandOver(left, await asyncio.to_thread(desk.writer.plan, left.id), wanted)


async def plan_after(desk: "Operator", request: RollbackRequest, hand: HandOver) -> Plan:
    """The rollback in the world that the forward run has left. Raises what planning raises."""
    if hand.wanted is not None:  # to exactly what was wanted, whatever is last known good by now
        request = request.model_copy(update={"to": hand.wanted.to_reference})
    facts = await desk.watching.way_back.fresh(request)
    if hand.run.state is RunState.UNDONE and _stands(facts, hand):
        serving = facts.choice.current
        assert serving is not None
        to = request.model_copy(update={"to": serving.reference})
        return plan_proof(to, await desk.watching.way_back.fresh(to), _left(hand), f"by undoing {hand.text}")
    return plan_rollback(request, facts)


async def note(desk: "Operator", hand: HandOver, run_id: str) -> None:
    """Say in both journals who handed over to whom."""
    await _write(desk, run_id, f"took the environment over from {hand.text}")
    await _write(desk, hand.run.id, f"gave the environment to rollback {short_id(run_id)} of {desk.operator}")


async def _write(desk: "Operator", run_id: str, text: str) -> None:
    def write() -> None:
        desk.writer.append(run_id, EventKind.NOTE, body={"text": text}, fence=0, actor=desk.operator)

    await asyncio.to_thread(write)


async def _wanted(desk: "Operator", request: RollbackRequest, expected_digest: str | None) -> Plan | None:
    facts = await desk.watching.way_back.fresh(request)
    try:
        plan = plan_rollback(request, facts)
    except Refused:
        if expected_digest is not None or not _passing(facts):
            raise
        return None
    if expected_digest is not None and plan.digest != expected_digest:
        raise Stale("what was shown is no longer what would be done: nothing was touched, look at the plan again")
    return plan


def _passing(facts: RollbackFacts) -> bool:
    """Whether the refusal may be due to what the forward run is in the middle of."""
    failed = {one.id for one in conditions(facts) if one.gate is Gate.FAIL} - NOT_DECIDED_HERE
    return facts.choice.to is not None and bool(failed) and failed <= PASSING


def _not_preemptible(active: Run, why: str) -> Busy:
    name = short_id(active.id)
    return Busy(
        f"{active.procedure} {name} of {active.operator} {why}: wait for its end ('vq-tui runs follow {name}'), or back"
        f" it out on your own decision: 'vq-tui runs back-out {name}'",
        run_id=active.id,
    )


async def _tell(desk: "Operator", active: Run, reason: str, allowed: Preemptible) -> None:
    def say(what: Command) -> None:
        steer(desk.ledger.directory, active.id, what, by=desk.operator, reason=reason)

    try:
        await asyncio.to_thread(say, Command.ABORT)
    except Refused:  # it has changed something already
        if allowed is not Preemptible.BACK_OUT:
            raise _not_preemptible(active, "has changed something, and is not to be backed out") from None
        await asyncio.to_thread(say, Command.BACK_OUT)


async def _gone(desk: "Operator", active: Run) -> Run:
    deadline, launch = Deadline(HAND_OVER_SECONDS), Deadline(LAUNCH_SECONDS)
    while True:
        news = desk.ledger.changed.waiter()
        run = await asyncio.to_thread(desk.writer.run, active.id)
        if run.state.terminal or (run.state is RunState.QUEUED and launch.passed and not await _on_its_way(desk, run)):
            return run
        if deadline.passed:
            who = f"{run.procedure} {short_id(run.id)}"
            raise Busy(f"{who} was told to leave and has not within {HAND_OVER_SECONDS:.0f} s", run_id=run.id)
        await either(news, min(0.5, deadline.remaining() or 0.01))


async def _on_its_way(desk: "Operator", run: Run) -> bool:
    return await asyncio.to_thread(on_its_way, desk.ledger.directory, run.id)


def _stands(facts: RollbackFacts, hand: HandOver) -> bool:
    """Whether the forward run's undoing has put back what the rollback is to reach."""
    serving, row = facts.choice.current, facts.choice.current_release
    if serving is None or serving.reference == hand.plan.to_reference:
        return False
    if hand.wanted is not None:
        return serving.reference == hand.wanted.to_reference
    return row is not None and row.verdict is Verdict.GOOD


def _left(hand: HandOver) -> Artefact:
    return Artefact(version=hand.plan.to_version, reference=hand.plan.to_reference)
