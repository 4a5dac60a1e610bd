"""A rollback that is asked for again: the one under way is joined, one that lost its executor goes on.

Planned anew on top of what the first one has done already, an emergency that is asked for twice would go back two
releases, and mark the healthy one between them as bad.
"""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from actions.model.errors import Refused, Unreachable
from actions.model.identity import short_id
from actions.model.plan import Plan, RollbackRequest
from actions.model.platform import Artefact
from actions.model.record import RunQuery
from actions.model.run import UNDECIDED, EventKind, Executor, Run
from actions.model.way_back import RollbackFacts
from actions.model.words import RunState
from actions.procedures.evidence import JUST_SECONDS, fault
from actions.procedures.rollback import PROCEDURE, plan_proof

if TYPE_CHECKING:
    from actions.desk.operator import Operator

GONE = ("dead", "none")
GOES_ON = (RunState.RUNNING, RunState.UNDOING)
LOOKED_AT = 5
"""So many of the last rollbacks of the environment are looked at."""


async def before(desk: "Operator", request: RollbackRequest) -> tuple[Run, Executor] | None:
    """The rollback to the same place that holds the environment, and who carries it out; None when there is none."""
    return await asyncio.to_thread(_before, desk, request)


async def same_key(desk: "Operator", request: RollbackRequest) -> tuple[Run, Executor] | None:
    """The run that was asked for with the key of this request, ended or not, and who carries it out."""

    def look() -> tuple[Run, Executor] | None:
        known = desk.writer.asked_with(request.key) if request.key else None
        return (desk.writer.run(known), desk.writer.executor(known)) if known else None

    return await asyncio.to_thread(look)


def _before(desk: "Operator", request: RollbackRequest) -> tuple[Run, Executor] | None:
    active = desk.writer.active(desk.environment_name)
    if active is None or active.procedure != PROCEDURE:
        return None
    waiting = active.state is RunState.NEEDS_OPERATOR
    if waiting and not undecided(desk, active):
        return None
    if waiting and request.to is None and active.service == request.service:
        return active, desk.writer.executor(active.id)  # what is last good was brought there, and only not yet proved
    asked = desk.writer.request(active.id)
    places = (asked.to, active.to_version, desk.writer.plan(active.id).to_reference)
    if active.service != request.service or request.to not in places:
        return None
    return active, desk.writer.executor(active.id)


def undecided(desk: "Operator", run: Run) -> bool:
    """Whether it stopped because neither side answered, its release being in place: asked for again, it goes on."""
    if run.state is not RunState.NEEDS_OPERATOR:
        return False
    events = desk.writer.events(run.id)
    stopped = max((one.seq for one in events if one.body.get("to") == RunState.NEEDS_OPERATOR), default=0)
    noted = max((one.seq for one in events if one.body.get(UNDECIDED) is True), default=0)
    begun = max((one.seq for one in events if one.kind is EventKind.LOCK_ACQUIRED), default=0)
    return begun < noted < stopped and not any(one.kind is EventKind.UNDO_INTENT for one in events)


def goes_on(desk: "Operator", run: Run) -> bool:
    """Whether a new executor carries it on without a word of a person."""
    return run.state in GOES_ON or undecided(desk, run)


def orphaned(run: Run, executor: Executor) -> bool:
    """Whether nobody carries it out who did before, though it has not ended."""
    return run.state.active and executor.state in GONE and run.state is not RunState.QUEUED


async def meanwhile(
    desk: "Operator", request: RollbackRequest, since: datetime, plan: Plan | None = None
) -> Run | None:
    """The rollback to the same place that others asked for `since`, while this one was planned; ended or not.

    On a busy host planning may take longer than such a run. Carried out after it, the plan would only be stale.
    """

    def same_place(run: Run) -> bool:
        there = desk.writer.plan(run.id)
        if plan is not None:
            return there.to_reference == plan.to_reference
        return request.to in (desk.writer.request(run.id).to, run.to_version, there.to_reference)

    def look() -> Run | None:
        query = RunQuery(environment=request.environment, procedure=PROCEDURE, limit=LOOKED_AT)
        for run in desk.writer.runs(query).runs:
            at_work = run.state.active and run.state is not RunState.NEEDS_OPERATOR
            if run.service == request.service and run.created_at >= since and same_place(run):
                return run if at_work or run.state is RunState.SUCCEEDED else None
        return None

    return await asyncio.to_thread(look)


async def leads_there(desk: "Operator", run: Run, plan: Plan) -> bool:
    """Whether that run goes to where `plan` goes."""
    return (await asyncio.to_thread(desk.writer.plan, run.id)).to_reference == plan.to_reference


async def just_brought(desk: "Operator", request: RollbackRequest, facts: RollbackFacts) -> Run | None:
    """For a last-good rollback whose plan nobody saw: the run that has just brought what serves, well as that is.

    That run answers such a request too; whoever names a release, or confirms a plan, goes further back all the same.
    One that waits for a person is taken over (see `proof_of`). Raises Refused where another has not come to its end.
    """
    serving = facts.choice.current
    if request.to is not None or serving is None or _ill(facts):
        return None
    brought = await asyncio.to_thread(_brought, desk, facts, serving.reference)
    if brought is None or _ill(await _seen(desk, facts)):
        return None
    if not brought.state.active or brought.state is RunState.NEEDS_OPERATOR:
        return brought
    name = short_id(brought.id)
    raise Refused(
        f"{serving.version} is live already, by rollback {name}, which nobody carries out, and nothing is wrong:"
        f" 'vq-tui runs resume {name}' goes on with it; to go further back name a release (--to VERSION)"
    )


async def proof_of(desk: "Operator", request: RollbackRequest, run: Run) -> Plan | None:
    """The plan that only proves and records what that run, which waits for a person, has brought; None if unknown."""
    plan = await asyncio.to_thread(desk.writer.plan, run.id)
    left = plan.pins.get("from")
    if not isinstance(left, str):
        return None
    to = request.model_copy(update={"to": plan.to_reference})
    facts = await desk.watching.way_back.fresh(to)
    artefact = Artefact(version=plan.from_version or "unknown", reference=left)
    return plan_proof(to, facts, artefact, f"brought by rollback {short_id(run.id)}, which waited for a person")


def _ill(facts: RollbackFacts) -> bool:
    """Whether there is a fault; a few slow answers are none in what was proved a moment ago."""
    return bool(fault(facts)) and not (facts.health is not None and facts.health.word == "slow")


async def _seen(desk: "Operator", facts: RollbackFacts) -> RollbackFacts:
    """The facts with health once every source was tried: what hangs has not been seen to hang by the first look."""
    with suppress(Unreachable):
        snapshot = await desk.watching.first_snapshot(complete=True)
        return facts.model_copy(update={"health": snapshot.service(facts.service)})
    return facts


def _brought(desk: "Operator", facts: RollbackFacts, reference: str) -> Run | None:
    """The rollback that has just brought that release, or has lost its executor while doing so."""
    query = RunQuery(environment=facts.environment, procedure=PROCEDURE, limit=LOOKED_AT)
    for run in desk.writer.runs(query).runs:
        lately = run.state is RunState.SUCCEEDED and _since(run, facts.at) < JUST_SECONDS
        left = orphaned(run, desk.writer.executor(run.id))
        if run.service == facts.service and (lately or left) and desk.writer.plan(run.id).to_reference == reference:
            return run
    return None


def _since(run: Run, now: datetime) -> float:
    return max(0.0, (now - (run.ended_at or run.created_at)).total_seconds())
