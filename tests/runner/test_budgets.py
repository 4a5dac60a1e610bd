"""A step ends within its budget whatever its parts take; a run that is late says so everywhere and goes on."""

import asyncio
import threading
from typing import Any

import pytest

from actions.ledger.writer import Entry
from actions.model.environment import Environment, Notices, Webhook
from actions.model.identity import short_id
from actions.model.patience import MOST, FairDeadline, OwnTime
from actions.model.plan import OnFailure, Plan
from actions.model.platform import Evidence, Probe
from actions.model.run import EventKind
from actions.model.waiting import Deadline
from actions.model.words import Command, ProbeState, RunState
from actions.runner import workshop
from actions.runner.journal import PROGRESS_LINES, Journal
from actions.runner.orders import Orders
from actions.runner.progress import RunProgress
from actions.runner.redaction import Redactor
from actions.runner.session import hold
from actions.steps.contract import Step, StepContext
from tests.ledger.plans import make_plan, step
from tests.runner.carrying import Bench, standard_plan
from tests.runner.world import steps_of

BUDGET = 8.0
PARTS = ("check", "protect", "act", "verify")


class Seconds:
    """A clock that only the step below moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Spends(Step):
    """Each part takes these seconds of the clock, and notes how many the step had left before it."""

    kind = "spends"

    def __init__(self, clock: Seconds, **takes: float) -> None:
        self.clock = clock
        self.takes = takes
        self.left: dict[str, float] = {}

    async def _spend(self, part: str, context: StepContext) -> Evidence:
        self.left[part] = context.deadline().remaining()
        self.clock.now += self.takes.get(part, 0.0)
        return Evidence(text=part)

    async def check(self, context: StepContext) -> Evidence:
        return await self._spend("check", context)

    async def protect(self, context: StepContext) -> Evidence:
        return await self._spend("protect", context)

    async def act(self, context: StepContext) -> Evidence:
        return await self._spend("act", context)

    async def verify(self, context: StepContext) -> Evidence:
        return await self._spend("verify", context)

    async def undo(self, context: StepContext) -> Evidence:
        return await self._spend("undo", context)

    async def probe(self, context: StepContext) -> Probe:
        await self._spend("probe", context)
        return Probe(state=ProbeState.DONE, evidence="there")


@pytest.fixture
def spending(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Spends:
    kind = Spends(Seconds())
    monkeypatch.setattr(workshop, "FairDeadline", lambda seconds, _: FairDeadline(seconds, OwnTime(kind.clock)))
    monkeypatch.setattr("tests.runner.carrying.steps_of", lambda world: {**steps_of(world), "spends": kind})
    return kind


def spends(*later: Any) -> Plan:
    return make_plan(step(1, "lock", changes=False), step(2, "spends", budget_seconds=BUDGET), *later)


def test_the_parts_of_a_step_share_its_budget(bench: Bench, spending: Spends) -> None:
    spending.takes = {"check": 2.0, "protect": 1.0, "act": 2.0}
    assert bench.run(bench.submit(spends())) is RunState.SUCCEEDED
    assert spending.left == {"check": 8.0, "protect": 6.0, "act": 5.0, "verify": 3.0}


def test_going_back_has_a_budget_of_its_own(bench: Bench, spending: Spends) -> None:
    spending.takes = {"check": 2.0, "act": 3.0}
    run_id = bench.submit(spends(step(3, params={"fail": "verify"})))
    assert bench.run(run_id) is RunState.UNDONE
    assert spending.left["undo"] == BUDGET


async def test_what_comes_before_the_proof_leaves_time_for_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An act that hangs is left in time: the probe finds it done, and its proof still has time."""
    seen: dict[str, float] = {}

    class Hangs(Spends):
        async def act(self, context: StepContext) -> Evidence:
            await asyncio.Event().wait()
            raise AssertionError

        async def verify(self, context: StepContext) -> Evidence:
            seen["left"] = context.deadline().remaining()
            return Evidence(text="there")

    kinds = {"spends": Hangs(Seconds())}
    monkeypatch.setattr("tests.runner.carrying.steps_of", lambda world: {**steps_of(world), **kinds})
    plan = make_plan(step(1, "lock", changes=False), step(2, "spends", budget_seconds=1.0))
    assert await bench.carry(bench.submit(plan)) is RunState.SUCCEEDED
    assert 0 < seen["left"] < 1.0


def late(bench: Bench, run_id: str) -> list[str]:
    view = bench.ledger.view(run_id)
    notes = [str(one.body["text"]) for one in view.events if one.kind is EventKind.NOTE]
    return [one for one in notes if "longer than its budget" in one] if "late" in view.clock else []


def slow_plan(**more: Any) -> Plan:
    return make_plan(
        step(1, "lock", changes=False),
        step(2, "effect"),
        step(3, "observe", changes=False, params={"wait": True}, budget_seconds=60),
        step(4, "effect"),
        **more,
    )


@pytest.fixture
def late_in_step_three(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The budget of the run is used up as soon as step 3 works."""

    class Used(Deadline):
        def remaining(self) -> float:
            return 0.0 if bench.world.flag("began-3").exists() else 0.02

    monkeypatch.setattr("actions.runner.budget.Deadline", Used)


async def _go_when_late(bench: Bench, run_id: str) -> None:
    while not late(bench, run_id):
        await asyncio.sleep(0.02)
    bench.world.flag("go").touch()


@pytest.mark.usefixtures("late_in_step_three")
@pytest.mark.parametrize(
    ("declared", "end"),
    [
        (OnFailure.WARN, RunState.SUCCEEDED),
        (OnFailure.UNDO, RunState.UNDONE),
        (OnFailure.STOP, RunState.NEEDS_OPERATOR),
    ],
)
async def test_a_run_that_is_late_says_so_and_does_what_its_procedure_declares(
    bench: Bench, declared: OnFailure, end: RunState
) -> None:
    environment = Environment(notices=Notices(webhooks={"chat": Webhook.model_validate({"url": "http://127.0.0.1:9"})}))
    run_id = bench.submit(slow_plan())
    going = asyncio.create_task(_go_when_late(bench, run_id))
    try:
        async with asyncio.timeout(60):
            assert await bench.carry(run_id, environment=environment, at_deadline=declared) is end
    finally:
        going.cancel()
    assert len(late(bench, run_id)) == 1
    notices = [one.text for one in bench.ledger.notices()]
    assert sum(f"run {short_id(run_id)} takes longer than its budget" in text for text in notices) == 1


def test_a_run_in_time_is_not_called_late(bench: Bench) -> None:
    run_id = bench.submit()
    assert bench.run(run_id) is RunState.SUCCEEDED
    assert not late(bench, run_id)


async def test_commands_are_heard_after_reading_them_failed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of this program in the watch over commands: noted, and the run is steered all the same."""
    real, failed = Orders.look, threading.Event()

    async def look(self: Orders) -> Any:
        if bench.world.flag("began-3").exists() and not failed.is_set():  # by now only the watch reads
            failed.set()
            raise KeyError("a row of a kind nobody knows")
        return await real(self)

    monkeypatch.setattr(Orders, "look", look)
    run_id = bench.submit(slow_plan())

    async def back_out() -> None:
        await asyncio.to_thread(failed.wait, 60)
        bench.ledger.command(run_id, Command.BACK_OUT, by="ben")

    telling = asyncio.create_task(back_out())
    async with asyncio.timeout(60):
        assert await bench.carry(run_id) is RunState.UNDONE
    await telling
    notes = [str(one.body.get("text")) for one in bench.ledger.events(run_id) if one.kind is EventKind.NOTE]
    assert any("reading commands" in one for one in notes)


async def test_no_line_reported_during_a_write_is_lost(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that threads report while earlier ones are written down are written next, each once."""
    run_id = bench.submit()
    append, more = bench.ledger.append_all, [str(number) for number in range(PROGRESS_LINES // 2)]

    def appending(*given: Any, **named: Any) -> Any:
        while more:
            report(f"line {more.pop()}")
        return append(*given, **named)

    with hold(bench.ledger, run_id) as token:
        journal = Journal(bench.ledger, run_id, token, "tests", RunProgress(standard_plan(), ()), Redactor())
        report = journal.reporter(2, 1)
        monkeypatch.setattr(bench.ledger, "append_all", appending)
        report("first")
        for _ in range(2):
            await journal.write(Entry(EventKind.NOTE, None, 1, {"text": "note"}))
    lines = [str(one.body["text"]) for one in bench.ledger.events(run_id) if one.kind is EventKind.PROGRESS]
    assert sorted(lines) == sorted(["first", *(f"line {number}" for number in range(PROGRESS_LINES // 2))])


def test_a_clock_of_own_time_stands_still_while_this_process_does() -> None:
    clock = Seconds()
    own = OwnTime(clock)
    deadline = FairDeadline(10.0, own)
    own._next = 0.05  # it wanted to run then
    clock.now = 30.0
    assert deadline.remaining() == pytest.approx(9.95)
    assert deadline.part(1.0).remaining() == pytest.approx(1.0)  # as long as it does: whatever a part waits for as well
    clock.now = 40.0
    assert not deadline.part(1.0).passed
    clock.now = 10.0 * MOST + 1
    assert deadline.passed  # however late this process is


async def test_waiting_is_no_standing_still() -> None:
    own = OwnTime()
    running = asyncio.create_task(own.run())
    before = own.now()
    await asyncio.sleep(0.2)
    assert own.now() > before
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
