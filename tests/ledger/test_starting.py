"""An executor is known to be on its way from its first moment on, and is not any more once it has ended."""

import os
import subprocess
import sys
from pathlib import Path

from actions.ledger import open_writer
from actions.ledger.starting import hold_mark, mark_path, on_its_way
from actions.model.errors import Busy
from actions.model.plan import RollbackRequest
from tests.ledger.plans import make_plan

HOLDS = """
import sys
from pathlib import Path
from actions.ledger.starting import hold_mark
hold_mark(Path(sys.argv[1]), sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_process_that_loads_is_on_its_way_until_it_ends(tmp_path: Path) -> None:
    mark_path(tmp_path, "RUN").parent.mkdir(parents=True)
    assert not on_its_way(tmp_path, "RUN")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, tmp_path, "RUN"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        assert on_its_way(tmp_path, "RUN") and not on_its_way(tmp_path, "OTHER")
        process.kill()
        process.wait()
        assert not on_its_way(tmp_path, "RUN")


def test_two_may_be_on_their_way(tmp_path: Path) -> None:
    """One that leaves keeps nobody from coming."""
    mark_path(tmp_path, "RUN").parent.mkdir(parents=True)
    assert hold_mark(tmp_path, "RUN") is not None and hold_mark(tmp_path, "RUN") is not None


def test_a_queued_run_does_not_give_way_while_its_executor_loads(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("actions.ledger.submitting.LAUNCH_SECONDS", 0)
    with open_writer(tmp_path / "ledger") as ledger:

        def submit(key: str) -> str:
            asked = RollbackRequest(environment="demo", service="api", key=key)
            more = {"operator": "anna", "origin": "here", "config_path": Path("/none"), "supersede": True}
            return ledger.submit(make_plan(), asked, **more).run_id

        first = submit("one")
        mark_path(ledger.directory, first).parent.mkdir(parents=True)
        held = hold_mark(ledger.directory, first)
        try:
            submit("two")
        except Busy as busy:
            assert busy.run_id == first
        else:
            raise AssertionError("the run gave way though its executor is on its way")
        assert held is not None
        os.close(held)
        assert submit("three") != first
