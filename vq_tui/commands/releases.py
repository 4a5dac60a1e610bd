"""`releases`: what was seen and what became of it; `releases clear` takes a wrong verdict back."""

from typing import Annotated

import typer

from actions.health.soak import soak_progress
from actions.model.environment import Policy
from actions.model.errors import ExitCode, UsageError
from actions.model.plan import Readiness, Release
from actions.model.words import Gate, Verdict
from screens.words import ago
from vq_tui.commands.output import glyph, table
from vq_tui.commands.session import Json, Service, run, session

group = typer.Typer(help="Releases that were seen, and what became of them.", rich_markup_mode=None)

Reason = Annotated[str, typer.Option("--reason", help="How it is known that nothing is wrong with it.")]


@group.callback(invoke_without_command=True)
def releases(context: typer.Context, service: Service = None, json: Json = False) -> int:
    """Releases that were seen, what became of them, and which one is last known good."""
    here = session(context, json)
    if context.invoked_subcommand is not None:
        if service is not None:
            raise UsageError(f"--service stands behind 'releases {context.invoked_subcommand}', not before it")
        return 0

    async def work() -> int:
        async with here.viewing() as viewer:
            found = await viewer.readiness(service)
            seen = await viewer.releases(found.service)
        payload = {
            "environment": found.environment,
            "service": found.service,
            "current": found.current,
            "last_known_good": found.to,
            "releases": seen,
            "pins": found.pins,
        }
        here.output.answer(payload, _lines(seen, found, viewer.environment.policy))
        return ExitCode.OK

    return run(work)


@group.command()
def clear(
    context: typer.Context,
    version: str,
    reason: Reason = "",
    service: Service = None,
    json: Json = False,
) -> int:
    """Take a wrong verdict back: the release is no longer bad, and has to earn 'good' anew."""
    here = session(context, json)

    async def work() -> int:
        async with here.operating("releases clear", version) as operator:
            cleared = await operator.clear_release(version, reason, service)
        here.output.answer(
            {"release": cleared}, [f"{glyph(cleared.verdict)} {cleared.version} is a candidate again: {reason}"]
        )
        return ExitCode.OK

    return run(work)


def _lines(seen: tuple[Release, ...], found: Readiness, policy: Policy) -> list[str]:
    rows = []
    for one in seen:
        mark = "serving" if found.current and one.reference == found.current.reference else ""
        mark = "last known good" if found.to and one.reference == found.to.reference else mark
        soaked = f"soaked {ago(one.soaked_seconds)}"
        if one.verdict is Verdict.CANDIDATE:
            soaked = soak_progress(one, policy)
        rows.append([f"{glyph(one.verdict)} {one.version}", one.verdict, soaked, mark, one.verdict_reason])
    if not rows:
        rows.append([f"? no release of {found.service} was seen yet: a keeper or an open console observes them"])
    pins = (f"pinned to {one.version}, so that a deploy changes nothing; lift: {one.lift}" for one in found.pins)
    return [*table(rows), *(f"{glyph(Gate.PASS)} {line}" for line in pins)]
