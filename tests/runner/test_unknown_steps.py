"""A stored plan with steps that this program does not have: one line, and nothing is touched."""

import subprocess
import sys
from pathlib import Path

import pytest

from actions.ledger import open_writer
from actions.model.errors import ExitCode, UnknownNameError
from actions.model.run import EventKind
from actions.model.words import RunState
from actions.runner.versions import require_known_steps
from tests.ledger.plans import make_plan, request, step

CONFIG = """
ledger = "{folder}/ledger"
[environments.demo.services.host]
kind = "host"
"""


def test_a_plan_of_known_steps_is_taken_and_an_unknown_one_is_named() -> None:
    require_known_steps(make_plan(step(1, "lock"), step(2, "switch-traffic")))
    with pytest.raises(UnknownNameError, match="teleport") as refused:
        require_known_steps(make_plan(step(1, "lock"), step(2, "switch-traffic"), step(3, "teleport\x1b[31m")))
    assert "\x1b" not in refused.value.message


def test_its_executor_ends_with_that_line_before_the_first_step(tmp_path: Path) -> None:
    config = tmp_path / "vq-tui.toml"
    config.write_text(CONFIG.format(folder=tmp_path))
    config.chmod(0o600)
    plan = make_plan(step(1, "check-conditions", changes=False), step(2, "teleport"), target="demo")
    with open_writer(tmp_path / "ledger") as ledger:
        run_id = ledger.submit(plan, request(), operator="anna", origin="tests", config_path=config).run_id
        code = "import sys; from actions.runner.process import carry_out; sys.exit(carry_out(*sys.argv[1:]))"
        ended = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "ledger"), run_id], capture_output=True, text=True, check=False
        )
        assert ended.returncode == ExitCode.UNKNOWN_NAME, ended.stderr
        assert "'teleport'" in ended.stderr and "Traceback" not in ended.stderr
        assert ledger.run(run_id).state is RunState.QUEUED
        assert not {EventKind.INTENT, EventKind.DONE, EventKind.FAILED} & {one.kind for one in ledger.events(run_id)}
