"""`rollback`: show the plan, ask as the consequence demands, submit, and wait for the verdict when asked to."""

import secrets
import signal
import sys
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypedDict

import typer

from actions.model.errors import ExitCode, Refused, UsageError
from actions.model.identity import new_id, short_id
from actions.model.plan import Level, Plan, RollbackOffer, RollbackRequest
from actions.model.record import Submitted
from actions.model.run import RunView
from actions.model.text import clean
from actions.model.words import RunState
from screens.words import about
from vq_tui.commands.follow import exit_code, follow, run_payload, verdict_lines
from vq_tui.commands.output import Output
from vq_tui.commands.session import Json, Service, Session, run, session
from vq_tui.commands.standing import readiness_lines, readiness_payload

if TYPE_CHECKING:
    from actions.desk.operator import Operator

_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ"


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
    json: Json = False,
) -> int:
    """Roll a service back, to the last known good release unless another one is named.

    The run is carried out by a process of its own and outlives this command.
    """
    here = session(context, json)
    if last_good and to is not None:
        raise UsageError("give either --last-good or --to VERSION")
    level = Level.EMERGENCY if to is None else Level.MANUAL
    asked = _Asked(service=service, to=to, reason=clean(reason), level=level, accept_drift=accept_drift)
    if plan:
        return run(lambda: _show(here, asked))
    here.may_write("rollback")
    if not yes and (here.output.json or not sys.stdin.isatty() or not sys.stderr.isatty()):
        raise UsageError("nobody can be asked here: add --yes to roll back without a question, or --plan to look first")
    return run(lambda: _roll_back(here, asked, yes=yes, wait=wait, key=key))


async def _show(here: Session, asked: _Asked) -> int:
    async with here.viewing() as viewer:
        offer = await viewer.offer(RollbackRequest(environment=viewer.environment_name, **asked))
    if offer.plan is None:
        raise Refused(offer.refusal or "no rollback can be planned now", code=offer.refusal_code)
    here.output.answer(plan_payload(offer, offer.plan), plan_lines(offer, offer.plan))
    return ExitCode.OK


async def _roll_back(here: Session, asked: _Asked, *, yes: bool, wait: bool, key: str | None) -> int:
    async with here.operating("rollback") as operator:
        request = RollbackRequest(environment=operator.environment_name, key=key or new_id(), **asked)
        digest = None
        if not yes:
            shown = await _ask(operator, request, here.output)
            if shown is None:
                here.output.aside("left; nothing was touched")
                return ExitCode.REFUSED
            digest = shown.digest
            request = request.model_copy(update={"reason": shown.reason})  # evidence moves on, what was shown stays
        submitted = await operator.submit(request, expected_digest=digest)
        if not submitted.created:
            here.output.aside(f"run {short_id(submitted.run_id)} was already asked for: attached to it")
        if submitted.took_over:
            here.output.aside(f"took the environment over from {submitted.took_over}")
        before = await _standing(operator, submitted, here.output.program)
        if not wait:
            here.output.answer(run_payload(before.view) | {"created": submitted.created}, before.lines)
            return before.code
        if before.view.run.state is RunState.PAUSED:
            for line in before.lines:
                here.output.aside(line)
        view = await wait_for(operator, submitted.run_id, here.output)
        executor = (await operator.executor(submitted.run_id)).state
    lines = verdict_lines(view, executor, here.output.program)
    here.output.answer(run_payload(view) | {"created": submitted.created}, lines)
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
        raise Refused(offer.refusal or "no rollback can be planned now", code=offer.refusal_code)
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
