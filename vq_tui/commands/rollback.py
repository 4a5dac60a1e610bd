"""`rollback`: show the plan, ask as the consequence demands, submit, and wait for the verdict when asked to."""

import secrets
import signal
import sys
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypedDict

import typer

from actions.model.errors import ExitCode, UsageError
from actions.model.identity import new_id, short_id
from actions.model.plan import Level, Plan, RollbackOffer, RollbackRequest
from actions.model.record import Submitted
from actions.model.run import RunView
from actions.model.text import clean
from actions.model.words import RunState
from screens.words import about
from vq_tui.commands import glass
from vq_tui.commands.follow import attached, exit_code, follow, run_payload, verdict_lines
from vq_tui.commands.output import Output
from vq_tui.commands.session import Json, Service, Session, run, session
from vq_tui.commands.standing import readiness_lines, readiness_payload

if TYPE_CHECKING:
    from actions.desk.operator import Operator

_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ"
BreakGlass = Annotated[
    bool, typer.Option("--break-glass", help="While the ledger refuses: needs --to and --reason; see docs/commands.md.")
]


class _Asked(TypedDict):
    """The request as typed."""

    service: str | None
    to: str | None
    reason: str
    level: Level
    accept_drift: bool


def add_to(program: typer.Typer) -> None:
    """Name the command."""
    program.command("rollback")(rollback)


def rollback(
    context: typer.Context,
    last_good: Annotated[bool, typer.Option("--last-good", help="Go back to the last known good release.")] = False,
    to: Annotated[str | None, typer.Option("--to", metavar="VERSION", help="Go back to this release.")] = None,
    service: Service = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; without it the evidence is the reason.")] = "",
    plan: Annotated[bool, typer.Option("--plan", help="Show what would be done and end.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Stay until the run has ended; its verdict is the exit code.")
    ] = False,
    key: Annotated[str | None, typer.Option("--key", help="Idempotency key: the same key is the same run.")] = None,
    accept_drift: Annotated[
        bool, typer.Option("--accept-drift", help="Replace a generated file that was edited by hand.")
    ] = False,
    break_glass: BreakGlass = False,
    json: Json = False,
) -> int:
    """Roll a service back, to the last known good release unless another one is named.

    The run is carried out by a process of its own and outlives this command.
    """
    here = session(context, json)
    if last_good and to is not None:
        raise UsageError("give either --last-good or --to VERSION")
    if break_glass:
        glass.demand(to, reason, last_good=last_good)
    level = Level.EMERGENCY if to is None else Level.MANUAL
    asked = _Asked(service=service, to=to, reason=clean(reason), level=level, accept_drift=accept_drift)
    if plan:
        return run(lambda: _show(here, asked, broken=break_glass))
    here.may_write("rollback")
    if not yes and (here.output.json or not sys.stdin.isatty() or not sys.stderr.isatty()):
        raise UsageError("nobody can be asked here: add --yes to roll back without a question, or --plan to look first")
    if not break_glass:
        here.prepare("rollback")
    return run(lambda: _roll_back(here, asked, yes=yes, wait=wait, key=key, broken=break_glass))


async def _show(here: Session, asked: _Asked, *, broken: bool) -> int:
    with glass.hinted(asked["service"], asked["to"], broken=broken):
        async with here.breaking_glass() if broken else here.viewing(polling=True) as viewer:
            offer = await viewer.offer(RollbackRequest(environment=viewer.environment_name, **asked))
            told = glass.payload(viewer)
            if offer.plan is not None:
                glass.banner(viewer, here.output)
    if offer.plan is None:
        raise glass.refused(offer, asked["service"], asked["to"], broken=broken)
    here.output.answer(plan_payload(offer, offer.plan) | told, plan_lines(offer, offer.plan))
    return ExitCode.OK


async def _roll_back(here: Session, asked: _Asked, *, yes: bool, wait: bool, key: str | None, broken: bool) -> int:
    with glass.hinted(asked["service"], asked["to"], broken=broken) as hint:
        async with here.breaking_glass() if broken else here.deciding("rollback") as operator:
            request = RollbackRequest(environment=operator.environment_name, key=key or new_id(), **asked)
            submitted = await _submit(operator, request, here.output, yes=yes)
            hint.over = True
            if submitted is None:
                here.output.aside("left; nothing was touched")
                return ExitCode.REFUSED
            return await _answer_for(operator, submitted, here.output, wait=wait)


async def _submit(operator: "Operator", request: RollbackRequest, output: Output, *, yes: bool) -> Submitted | None:
    """Ask for the run, and say whose it is; None when the question was not answered with yes."""
    digest = None
    glass.banner(operator, output)
    if not yes:
        shown = await _ask(operator, request, output)
        if shown is None:
            return None
        digest = shown.digest
        request = request.model_copy(update={"reason": shown.reason})  # evidence moves on, what was shown stays
    submitted = await operator.submit(request, expected_digest=digest)
    if not submitted.created:
        output.aside(attached(submitted))
    if submitted.took_over:
        output.aside(f"took the environment over from {submitted.took_over}")
    glass.after(operator, output)
    return submitted


async def _answer_for(operator: "Operator", submitted: Submitted, output: Output, *, wait: bool) -> int:
    """Say how the run stands, or stay until it has ended; the exit code."""
    how = {"created": submitted.created, "resumed": submitted.resumed, "brought": submitted.brought}
    more = {**how, **glass.payload(operator)}
    before = await _standing(operator, submitted, output.program)
    if not wait:
        output.answer(run_payload(before.view) | more, before.lines)
        return before.code
    if before.view.run.state is RunState.PAUSED:
        for line in before.lines:
            output.aside(line)
    view = await wait_for(operator, submitted.run_id, output)
    executor = (await operator.executor(submitted.run_id)).state
    output.answer(run_payload(view) | more, verdict_lines(view, executor, output.program))
    return exit_code(view.run.state)


class _Standing(NamedTuple):
    view: RunView
    lines: list[str]
    code: int


async def _standing(operator: "Operator", submitted: Submitted, program: str) -> _Standing:
    """What became of the request so far: a run that was attached to may wait for a person, or have ended."""
    view = await operator.run(submitted.run_id)
    waits = view.run.state in (RunState.PAUSED, RunState.NEEDS_OPERATOR)
    if submitted.created or (view.run.state.active and not waits):
        name = short_id(submitted.run_id)
        return _Standing(view, [f"run {name} is under way", f"  {program} runs follow {name}"], ExitCode.OK)
    executor = (await operator.executor(submitted.run_id)).state
    code = ExitCode.NEEDS_OPERATOR if waits else ExitCode.OK
    return _Standing(view, verdict_lines(view, executor, program), code)


async def wait_for(operator: "Operator", run_id: str, output: Output, *, since: int = 0) -> Any:
    """Follow to the end; leaving early says that the run goes on. `since`: see `follow`."""
    try:
        return await follow(operator, run_id, output, since=since)
    except BaseException:
        output.aside(f"the run goes on without this command; {output.program} runs follow {short_id(run_id)}")
        raise


async def _ask(operator: "Operator", request: RollbackRequest, output: Output) -> Plan | None:
    """Show the plan and have the challenge (emergency, L2) or the release (chosen, L3) typed.

    None when something else is typed. Raises typer.Abort on Ctrl-C.
    """
    offer = await operator.offer(request)
    if offer.plan is None:
        raise glass.refused(offer, request.service, request.to, broken=operator.broken_glass is not None)
    for line in plan_lines(offer, offer.plan):
        output.line(line)
    if request.to is None:
        word = "".join(secrets.choice(_LETTERS) for _ in range(3))
        question = f"type {word} to roll back {operator.environment_name}, anything else leaves"
    else:
        word = offer.plan.to_version
        question = f"type the release ({word}) to roll back {operator.environment_name}, anything else leaves"
    return offer.plan if _answer(question).strip() == word else None


def _answer(question: str) -> str:
    """What is typed. Ctrl-C leaves at once: the loop's own handler would only wait for the prompt to end."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return str(typer.prompt(question, default="", show_default=False, err=True))
    finally:
        signal.signal(signal.SIGINT, before)


def plan_payload(offer: RollbackOffer, plan: Plan) -> dict[str, Any]:
    """A plan in JSON: itself, its digest, and the readiness behind it."""
    return {
        "plan": plan,
        "digest": plan.digest,
        "from": plan.from_version,
        "to": plan.to_version,
        "evidence": offer.evidence,
        "note": offer.note,
        "readiness": readiness_payload(offer.readiness),
        "others": offer.others,
    }


def plan_lines(offer: RollbackOffer, plan: Plan) -> list[str]:
    """A plan for people: from, to, what moves, what stays, how long, each step."""
    lines = [
        plan.title,
        f"  from    {plan.from_version}  {'; '.join(filter(None, (offer.evidence, offer.note)))}".rstrip(),
        f"  to      {plan.to_version}",
        f"  reason  {plan.reason}",
        *(f"  moves   {one}" for one in plan.moves),
        *(f"  keeps   {one}" for one in plan.keeps),
        f"  takes   about {about(plan.expected_seconds)}, budget {about(plan.budget_seconds)}",
        *(f"  {step.id}. {step.title}" for step in plan.steps),
    ]
    return [*lines, *readiness_lines(offer.readiness)]
