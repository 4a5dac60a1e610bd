"""Whatever a service, a log or an exception says: no control byte, no crash, no action link."""

import unicodedata

import pytest

from actions.model.errors import Refused, VqError
from actions.model.health import Check, Figure
from actions.model.run import EventKind
from actions.model.views import LogCounts
from actions.model.words import Gate, HealthState, RunState
from tests.fakes import facts
from tests.fakes.desk import World
from tests.screens.conftest import Console, Open

CORPUS = (
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b]52;c;ZWNobw==\x07",
    "\x9b31m\x9d0;x\x9c \x90q\x9c",
    "[@click=app.quit]press me[/] [link=file:///etc/passwd]x[/link] [bold",
    "[/] [/path] [INFO] {0} %s $primary \\[x]",
    "line\r\nbreak\x08\x08\x7f\x00\ttab",
    "bidi \u202eevil\u2066 zero\u200bwidth\ufeff e\u0301\u0301\u0301 \U0001f469\u200d\U0001f692 \u26a0\ufe0f",
    "\udcff lone surrogate",
    "宽" * 60,
    "x" * 5_000,
)


def check_screen(running: Console) -> None:
    """What is on the screen is harmless, whole and in its columns."""
    for strip in running.app.screen._compositor.render_strips():
        assert strip.cell_length == running.app.size.width
        for segment in strip:
            for char in segment.text:
                assert unicodedata.category(char)[0] != "C", f"{char!r} in {segment.text!r}"
            if segment.style is not None:
                assert segment.style.link is None and not segment.style.meta.get("@click"), segment.text


def poison(world: World, text: str) -> None:
    """The text stands wherever a remote text can stand."""
    service = facts.health(
        "api",
        HealthState.DEGRADED,
        text,
        text,
        version=text,
        error=text,
        trend=(1.0, 2.0),
        errors=(0.5,),
        figures=(
            Figure(name=text, value=text, unit=text, label=text),
            Figure(name="latency", value=3.0, unit=text, gate=Gate.FAIL, limit=1),
        ),
    )
    world.snapshot = facts.snapshot().model_copy(
        update={"services": (service, facts.health(text, HealthState.DOWN, text, text))}
    )
    check = Check(id="x", title=text, gate=Gate.FAIL, evidence=text, advice=text)
    world.readiness = facts.readiness(checks=(check, *facts.checks()), gate="fail", reason=text)
    said = text.encode("utf-8", "replace").decode()  # a plan is digested: what is no text was cleaned at the door
    plan = facts.plan().model_copy(update={"moves": (said, said), "keeps": (said,), "title": said})
    world.offer = facts.offer(plan=plan, evidence=text, readiness=world.readiness)
    bad = facts.release(text[:40], facts.Verdict.BAD, verdict_reason=text, reference=text)
    world.releases = (bad, *world.releases)
    world.log = (text, "ERROR " + text)
    world.counts = LogCounts(service="api", lines=1, error=1, performance=0, security=0, unread=(text,))
    note = world.changes[0]
    world.changes = (note.model_copy(update={"kind": text, "subject": text, "text": text, "by": text}), *world.changes)
    extra = (
        facts.event(50, 6.6, EventKind.FAILED, 4, error=text, advice=text),
        facts.event(51, 6.6, EventKind.NOTE, None, text=text, **{text[:30]: text}),
        facts.event(52, 6.7, EventKind.MANUAL, None, steps=[text, text]),
    )
    view = facts.run_view(RunState.NEEDS_OPERATOR, extra, reason=text, operator=text, origin=text, to_version=text)
    world.show(view)
    slot = world.slots[0]
    assert slot.facts is not None
    instance = slot.facts.instances[0].model_copy(update={"name": text, "version": text, "message": text})
    broken = slot.model_copy(update={"facts": None, "error": text, "slot": text})
    world.slots = (slot.model_copy(update={"facts": slot.facts.model_copy(update={"instances": (instance,)})}), broken)
    world.drills = (world.drills[0].model_copy(update={"scenario": text, "operator": text, "remarks": (text,)}),)
    world.scenarios = (world.scenarios[0].model_copy(update={"title": text, "story": text}),)


@pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))
async def test_hostile_text_passes_through_every_screen(console: Open, world: World, text: str) -> None:
    poison(world, text)
    async with console() as running:
        check_screen(running)
        for keys in (
            ("down", "enter"),
            ("escape", "g"),
            ("enter",),
            ("escape", "escape", "H"),
            ("escape", "R"),
            ("f",),
            ("escape", "v"),
            ("enter",),
            ("escape", "escape", "D"),
            ("escape", "colon"),
            ("escape", "question_mark"),
        ):
            await running.press(*keys)
            await running.settle()
            check_screen(running)


@pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))
async def test_hostile_errors_are_one_harmless_line(console: Open, world: World, text: str) -> None:
    world.offer = Refused(text)
    async with console(ascii_only=True) as running:
        await running.press("R")
        await running.settle()
        check_screen(running)
        assert running.text.isascii()
        running.app.say(text, "down")
        await running.settle()
        check_screen(running)


async def test_an_error_of_our_own_in_a_source_is_named_and_the_console_lives(console: Open, world: World) -> None:
    async def broken(limit: int = 20) -> tuple[object, ...]:
        raise RuntimeError("\x1b[31m[/] boom")

    async with console() as running:
        running.desk.changes = broken  # type: ignore[method-assign, assignment]
        running.app.feed.hurry()
        await running.shows("an error of this console, not of the system: RuntimeError")
        check_screen(running)
        await running.press("H")
        await running.shows("PRODUCTION   history")


async def test_a_failing_desk_never_ends_the_console(console: Open, world: World) -> None:
    async def broken(*_: object, **__: object) -> object:
        raise VqError("ledger: disk I/O error")

    async with console() as running:
        for name in (
            "runs",
            "run",
            "releases",
            "slots",
            "log_counts",
            "drills",
            "keeper",
            "readiness",
            "audit",
            "offer",
        ):
            setattr(running.desk, name, broken)
        running.app.feed.hurry()
        for keys in (("H",), ("escape", "D"), ("escape", "R"), ("escape", "down", "enter")):
            await running.press(*keys)
            await running.settle()
        await running.shows("ledger: disk I/O error")
