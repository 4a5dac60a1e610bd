"""Ending what works on a ledger ends exactly that, and never whoever has its number by now."""

import subprocess
import sys
from pathlib import Path

import pytest

from actions.keeper.ending import end_processes
from actions.ledger import open_writer
from actions.ledger.locks import lock_path, locked
from actions.ledger.processes import Holder, boot_id, host_name, process_facts
from actions.model.errors import Busy
from actions.model.words import RunState
from actions.runner import ending
from tests.ledger.filling import submit
from tests.ledger.plans import make_plan

WAITS = "import sys; sys.stdin.read()"


@pytest.mark.parametrize("same", [True, False], ids=["the executor itself", "another one with its number"])
def test_only_the_very_process_is_ended(tmp_path: Path, same: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "END_SECONDS", 0.3)
    process = subprocess.Popen([sys.executable, "-c", WAITS], stdin=subprocess.PIPE)
    facts = process_facts(process.pid)
    assert facts is not None
    start = facts[1] if same else facts[1] - 1
    try:
        with open_writer(tmp_path / "ledger") as ledger:
            run_id = submit(ledger, make_plan(environment="sandbox"))
            holder = Holder(pid=process.pid, start=start, boot_id=boot_id(), host=host_name())
            token = ledger.acquire(run_id, actor="x", holder=holder)
            ledger.transition(run_id, RunState.RUNNING, fence=token, actor="x")
            # The lock is held by this test, as by a child of the executor that goes on.
            with locked(lock_path(ledger.directory, "demo/api")), pytest.raises(Busy, match="still held by a child"):
                end_processes(ledger.directory)
        assert (process.poll() is None) is not same
    finally:
        process.communicate()
