"""Starts, crashes, stolen locks, commands, rivals, jumps of the clock, in any order: the laws hold (6, point 3)."""

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actions.ledger import chain, journaling, submitting
from actions.ledger.writer import LostLock
from actions.model.errors import Busy, Refused
from actions.model.plan import OnFailure
from actions.model.words import Command, RunState
from tests.ledger.plans import make_plan, step
from tests.runner.carrying import Bench, Crash, hooked
from tests.runner.journal_checker import check_journal

FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "late failure": {"last": {"fail": "verify"}},
    "way back fails": {"last": {"fail": "verify"}, "middle": {"fail": "undo"}},
    "stops": {"last": {"fail": "verify"}, "on_failure": OnFailure.STOP},
    "cannot tell": {"middle": {"probe": "unknown"}, "seconds": 0.3},
    "lost answer": {"last": {"fail": "ambiguous"}},
    "stale": {"first": {"fail": "check"}},
}


def plan_with(fault: str) -> Any:
    how = dict(FAULTS[fault])
    return make_plan(
        step(1, "lock", changes=False),
        step(2, "effect", params=how.get("first", {})),
        step(3, "two-parts", params=how.get("middle", {}), budget_seconds=how.get("seconds", 5.0)),
        step(4, "observe", changes=False),
        step(5, "effect", params=how.get("last", {}), on_failure=how.get("on_failure", OnFailure.UNDO)),
    )


class AnyOrder(RuleBasedStateMachine):
    """Two operators, a ledger, a world, and everything that goes wrong."""

    @initialize()
    def begin(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="any-order-"))
        self.bench = Bench(self.directory)
        self.latest: str | None = None
        self.hour = 0
        self.clocks = {module: module.now for module in (journaling, submitting, chain)}

    @rule(fault=st.sampled_from(sorted(FAULTS)), supersede=st.booleans())
    def submit(self, fault: str, supersede: bool) -> None:
        holder = self.bench.ledger.active_on("demo/api")
        try:
            self.latest = self.bench.submit(plan_with(fault), supersede=supersede)
        except Busy as busy:
            assert holder is not None and busy.run_id == holder.id
        else:
            assert holder is None or supersede

    @rule()
    @precondition(lambda self: self.latest)
    def same_request_again(self) -> None:
        assert self.latest is not None
        key = self.bench.ledger.request(self.latest).key or self.latest
        assert self.bench.submit(key=key) == self.latest

    @rule(crash_at=st.one_of(st.none(), st.integers(0, 50)), steal_at=st.one_of(st.none(), st.integers(5, 40)))
    @precondition(lambda self: self.latest)
    def carry(self, crash_at: int | None, steal_at: int | None) -> None:
        assert self.latest is not None
        run_id, passed = self.latest, 0

        def hook(name: str) -> None:
            nonlocal passed
            passed += 1
            if passed == steal_at and self.bench.ledger.run(run_id).state.active:
                self.bench.ledger.acquire(run_id, actor="second executor")
            if passed == crash_at:
                raise Crash(name)

        with hooked(hook):
            try:
                self.bench.run(run_id)
            except Refused:
                assert not self.bench.ledger.run(run_id).state.active
            except (Crash, LostLock):
                assert crash_at or steal_at

    @rule(what=st.sampled_from([Command.ABORT, Command.BACK_OUT, Command.TAKE_OVER, Command.NOTE]))
    @precondition(lambda self: self.latest)
    def command(self, what: Command) -> None:
        assert self.latest is not None
        try:
            self.bench.ledger.command(self.latest, what, by="ben", reason="because")
        except Refused:
            assert what is Command.ABORT or not self.bench.ledger.run(self.latest).state.active

    @rule()
    @precondition(lambda self: self.latest)
    def close_by_hand(self) -> None:
        assert self.latest is not None
        if self.bench.ledger.run(self.latest).state is RunState.NEEDS_OPERATOR:
            self.bench.ledger.close_run(self.latest, by="anna", reason="put right by hand")

    @rule()
    def mend(self) -> None:
        self.bench.world.flag("mended").touch()

    @rule(hours=st.integers(-1, 1))
    def clock_jumps(self, hours: int) -> None:
        self.hour += hours
        for module in self.clocks:
            module.now = lambda: datetime.now(UTC) + timedelta(hours=self.hour)

    @invariant()
    def laws(self) -> None:
        if hasattr(self, "bench"):
            check_journal(self.bench.ledger, self.bench.world)

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            for module, clock in self.clocks.items():
                module.now = clock
            self.bench.close()
            shutil.rmtree(self.directory)


AnyOrder.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestAnyOrder = AnyOrder.TestCase
