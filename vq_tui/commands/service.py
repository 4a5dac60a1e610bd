"""`service`: one service in full, as its page in the console: state, instances, figures, log."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actions.model.errors import ExitCode, UnknownNameError, VqError
from actions.model.health import Figure, ServiceHealth
from actions.model.platform import Instance
from actions.model.views import LogCounts, SlotView
from screens.words import counted, number, told
from vq_tui.commands.output import glyph, table
from vq_tui.commands.pin import pin_lines
from vq_tui.commands.session import Json, run, session
from vq_tui.commands.standing import health_of, service_payload
from vq_tui.commands.words import ago

if TYPE_CHECKING:
    from actions.desk.viewer import Viewer


def add_to(program: typer.Typer) -> None:
    """Name the command."""
    program.command("service")(service)


def service(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The service, by its name in the configuration.")],
    logs: Annotated[
        int, typer.Option("--logs", metavar="N", min=0, max=10_000, help="The last N lines of one instance's log.")
    ] = 0,
    instance: Annotated[
        str | None, typer.Option("--instance", metavar="ID", help="Of which instance; else of the first that serves.")
    ] = None,
    json: Json = False,
) -> int:
    """One service in full: state, instances by slot, every figure with its limit, its log counted and read."""
    here = session(context, json)

    async def work() -> int:
        async with here.viewing() as viewer:
            health = health_of(viewer, await viewer.snapshot(), name)
            slots = await viewer.slots(name)
            log = await _log(viewer, name, slots, instance, logs or (20 if instance else 0))
            counts = await viewer.log_counts(name) if name in viewer.environment.services else None
        now = datetime.now(UTC)
        payload = {
            "environment": viewer.environment_name,
            "service": name,
            "at": now,
            "health": service_payload(health, now),
            "slots": slots,
            "log_counts": counts,
            "log": log,
        }
        here.output.answer(payload, _lines(health, slots, counts, log, now))
        return ExitCode.OK

    return run(work)


async def _log(
    viewer: "Viewer", name: str, slots: tuple[SlotView, ...], wanted: str | None, lines: int
) -> dict[str, Any] | None:
    """The end of one instance's log, with the error instead where it cannot be read; None where none was asked for."""
    if not lines:
        return None
    serving = sorted(slots, key=lambda one: -(one.share or 0.0))
    there = [(slot.slot, one) for slot in serving if slot.facts for one in slot.facts.instances]
    found = next((one for one in there if wanted in (None, one[1].id, one[1].name)), None)
    if found is None:
        ids = ", ".join(one.id for _, one in there) or "none"
        raise UnknownNameError(f"no instance{f' {wanted!r}' if wanted else ''} of '{name}'; there are: {ids}")
    slot, one = found
    answer: dict[str, Any] = {"slot": slot, "instance": one.id, "lines": [], "error": ""}
    try:
        answer["lines"] = list(await viewer.log_tail(name, slot, one.id, lines))
    except VqError as error:
        answer["error"] = error.message
    return answer


def _lines(
    health: ServiceHealth, slots: tuple[SlotView, ...], counts: LogCounts | None, log: dict[str, Any] | None,
    now: datetime,
) -> list[str]:  # fmt: skip
    stale = "STALE, " if health.stale(now) else ""
    seen = f"{stale}seen {ago(health.observed_at, now)}"
    about = [health.shown_word, *filter(None, (told(health),)), seen]
    lines = [f"{glyph(health.shown_state(now))} {health.service}  {'  '.join(about)}"]
    lines += (
        ["", "INSTANCES", *table([row for slot in slots for row in _slot_rows(slot)], indent="  ")] if slots else []
    )
    pins = [slot.facts.pin for slot in slots if slot.facts is not None and slot.facts.pin is not None]
    lines += [line for one in pins for line in ("", *pin_lines(health.service, one))]
    if health.figures:
        lines += ["", "FIGURES", *table([_figure_row(one) for one in health.figures], indent="  ")]
    if counts is not None:
        lines += ["", f"LOG  {counted(counts)}", *(f"? {one}" for one in counts.unread)]
    if log is not None:
        lines += ["", f"{log['slot']} {log['instance']}", *log["lines"]]
        lines += [f"? {log['error']}"] if log["error"] else [] if log["lines"] else ["(no lines)"]
    return lines


def _slot_rows(slot: SlotView) -> list[list[str]]:
    share = "?" if slot.share is None else f"{slot.share * 100:.0f} %"
    if slot.facts is None:
        return [[slot.slot, share, f"? {slot.error or 'the platform did not answer'}"]]
    if not slot.facts.instances:
        return [[slot.slot, share, f"no instance; {slot.facts.desired} wanted"]]
    return [[slot.slot, share, *_instance_cells(one)] for one in slot.facts.instances]


def _instance_cells(one: Instance) -> list[str]:
    ready = one.state.value == "running" and one.ready is not False
    word = one.state.value if ready or one.state.value != "running" else "not ready"
    mark = glyph("ok" if ready else "degraded" if one.state.value in ("starting", "stopping") else "down")
    restarts = f"{one.restarts} restarts" if one.restarts else ""
    return [f"{mark} {one.name}", one.id, word, one.version or "?", restarts, one.message]


def _figure_row(one: Figure) -> list[str]:
    limit = f"limit {number(one.limit, one.unit)}" if one.limit is not None else one.label
    mark = glyph(one.gate) if one.limit is not None or one.gate != "inconclusive" or one.value is None else " "
    return [f"{mark} {one.name}", number(one.value, one.unit), limit]
