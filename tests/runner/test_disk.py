"""The journal's disk is full, or the journal is broken: nothing is done that was not recorded first."""

import os
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from actions.ledger import open_writer
from actions.ledger.place import DATABASE
from actions.model.errors import LedgerError
from actions.model.run import EventKind
from actions.model.words import RunState
from tests.runner.carrying import SLOTS, Bench, hooked
from tests.runner.journal_checker import check_journal
from tests.runner.world import NEW, OLD

Full = Callable[[], AbstractContextManager[None]]


@contextmanager
def small_disk(path: Path) -> Iterator[Full]:
    """A file system of its own, which can be filled up."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs", path], check=True)

    @contextmanager
    def full() -> Iterator[None]:
        filler = path / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        yield
        filler.unlink()

    try:
        yield full
    finally:
        subprocess.run(["umount", path], check=True)


@contextmanager
def limited_files(path: Path) -> Iterator[Full]:
    """Without a mount: no file of this process may grow any more."""
    path.mkdir()

    @contextmanager
    def full() -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    yield full


@pytest.fixture(params=["small disk", "limited files"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Full]]:
    if request.param == "small disk" and os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    kind = small_disk if request.param == "small disk" else limited_files
    with kind(tmp_path / "disk") as full:
        yield tmp_path / "disk", full


@pytest.mark.parametrize("point", ["effect.2.after", "protect.3.after"])
def test_a_full_disk_stops_the_run_before_its_next_act(disk: tuple[Path, Full], tmp_path: Path, point: str) -> None:
    path, full = disk
    bench = Bench(path)
    bench.world.directory = tmp_path / "world"
    (bench.world.directory / "slots").mkdir(parents=True)
    run_id = bench.submit()
    entered: list[AbstractContextManager[None]] = []

    def fill(name: str) -> None:
        if name == point and not entered:
            entered.append(full())
            entered[0].__enter__()

    try:
        with hooked(fill), pytest.raises(LedgerError, match="full|disk"):
            bench.run(run_id)
    finally:
        entered[0].__exit__(None, None, None)
    assert bench.world.get(3)["value"] == OLD, "an act without a committed intent"
    assert bench.ledger.run(run_id).state is RunState.RUNNING
    assert bench.run(run_id) is RunState.SUCCEEDED, "it goes on once there is space"
    assert bench.world.values(SLOTS) == {NEW}
    check_journal(bench.ledger, bench.world)
    bench.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_no_run_starts_on_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as full:
        bench = Bench(tmp_path / "disk")
        with full(), pytest.raises(LedgerError, match="is full"):
            bench.submit()
        bench.submit()
        bench.close()


def test_no_executor_starts_on_a_broken_journal(tmp_path: Path) -> None:
    """Row 12."""
    bench = Bench(tmp_path)
    run_id = bench.submit()
    bench.close()
    connection = sqlite3.connect(bench.directory / DATABASE)
    connection.execute("DROP TRIGGER event_no_update")
    connection.execute("UPDATE event SET body = replace(body, 'emergency', 'Emergency')")
    connection.commit()
    connection.close()
    bench.ledger = open_writer(bench.directory)
    with pytest.raises(LedgerError, match="journal is broken: event 2 was changed"):
        bench.run(run_id)
    assert bench.world.effects() == []
    assert EventKind.LOCK_ACQUIRED not in [event.kind for event in bench.ledger.events(run_id)]
    bench.close()
