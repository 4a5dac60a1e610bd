"""A ledger that was never made reads as "nothing yet"; one that is damaged or gone is never mistaken for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from actions.desk import open_operator, open_viewer
from actions.desk.operator import Operator
from actions.desk.viewer import Viewer
from actions.health.readiness import readiness
from actions.ledger import open_writer
from actions.ledger.place import DATABASE
from actions.model.environment import Environment, Settings
from actions.model.errors import LedgerError
from actions.model.plan import RollbackRequest
from actions.model.record import RunQuery
from actions.model.services import HttpService
from actions.model.words import Gate
from tests.releases.making import facts


@asynccontextmanager
async def viewing(ledger: Path) -> AsyncIterator[Viewer]:
    settings = Settings(ledger=ledger, environments={"production": Environment(interval=0.5)})
    viewer = open_viewer(settings, ledger.parent / "vq-tui.toml", "production")
    await viewer.start()
    try:
        yield viewer
    finally:
        await viewer.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.05)


def damage(ledger: Path) -> None:
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
        (ledger / name).unlink(missing_ok=True)
    (ledger / DATABASE).write_bytes(b"this is no database" * 500)
    (ledger / DATABASE).chmod(0o600)


async def test_a_damaged_ledger_is_no_empty_history(tmp_path: Path) -> None:
    open_writer(tmp_path / "ledger").close()
    damage(tmp_path / "ledger")
    async with viewing(tmp_path / "ledger") as viewer:
        assert viewer.trouble
        for ask in (viewer.runs(RunQuery()), viewer.active(), viewer.changes(), viewer.keeper(), viewer.drills()):
            with pytest.raises(LedgerError):
                await ask
        with pytest.raises(LedgerError):
            await viewer.offer(RollbackRequest(environment="production", service="api"))


async def test_a_ledger_that_breaks_under_an_open_desk_is_said_and_comes_back(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    open_writer(ledger).close()
    async with viewing(ledger) as viewer:
        assert await viewer.active() is None and viewer.trouble == ""
        damage(ledger)
        await until(lambda: bool(viewer.trouble))
        with pytest.raises(LedgerError):
            await viewer.active()
        (ledger / DATABASE).unlink()
        open_writer(ledger).close()
        await until(lambda: not viewer.trouble)
        assert await viewer.active() is None


async def test_a_ledger_that_is_moved_away_is_not_read_on_and_not_called_empty(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    open_writer(ledger).close()
    async with viewing(ledger) as viewer:
        assert (await viewer.runs(RunQuery())).total == 0
        ledger.rename(tmp_path / "elsewhere")
        await until(lambda: "is gone" in viewer.trouble)
        with pytest.raises(LedgerError, match="put it back"):
            await viewer.runs(RunQuery())


async def test_no_ledger_yet_is_no_trouble(tmp_path: Path) -> None:
    async with viewing(tmp_path / "never") as viewer:
        assert viewer.trouble == "" and await viewer.changes() == ()


def test_readiness_without_the_ledger_calls_nothing_free_or_writable() -> None:
    healthy = {check.id: check for check in readiness(facts(releases=())).checks}
    assert healthy["lock"].gate is Gate.PASS
    found = readiness(facts(releases=()).model_copy(update={"ledger_problem": "ledger /x is damaged"}))
    checks = {check.id: check for check in found.checks}
    assert checks["lock"].gate is Gate.INCONCLUSIVE and checks["good"].gate is Gate.INCONCLUSIVE
    assert found.gate != "pass"
    assert checks["journal"].gate is Gate.FAIL and found.reason == "ledger /x is damaged"


@asynccontextmanager
async def operating(ledger: Path) -> AsyncIterator[Operator]:
    environment = Environment(services={"api": HttpService(url="http://127.0.0.1:9")}, interval=0.5)
    settings = Settings(ledger=ledger, environments={"production": environment})
    operator = open_operator(settings, ledger.parent / "vq-tui.toml", "production")
    await operator.start()
    try:
        yield operator
    finally:
        await operator.close()


async def test_an_operator_without_a_ledger_sees_health_and_acts_once_it_is_there(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    ledger.write_text("in the way")
    async with operating(ledger) as operator:
        snapshot = await operator.snapshot()
        assert snapshot.service("api") is not None
        assert "not a plain directory" in operator.trouble
        for act in (
            operator.submit(RollbackRequest(environment="production", service="api")),
            operator.close_run("X", "by hand"),
        ):
            with pytest.raises(LedgerError, match="not a plain directory"):
                await act
        with pytest.raises(LedgerError, match="not a plain directory"):
            operator.require_writer()
        ledger.unlink()
        open_writer(ledger).close()
        await until(lambda: not operator.trouble and operator._writer is not None)
        operator.require_writer()


async def test_health_goes_on_when_the_ledger_breaks_while_releases_are_watched(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    async with operating(ledger) as operator:
        await operator.snapshot()
        damage(ledger)
        await until(lambda: bool(operator.trouble))
        seen = []
        async for snapshot in operator.snapshots():
            seen.append(snapshot.sequence)
            if seen[-1] >= seen[0] + 3:
                break
        (ledger / DATABASE).unlink()
        open_writer(ledger).close()
        await until(lambda: not operator.trouble and operator._writer is not None)
        operator.require_writer()
