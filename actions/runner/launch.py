"""Starting an executor so that nothing which happens to the starter reaches it."""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from actions.ledger.starting import starting
from actions.model.environment import Environment
from actions.model.errors import VqError
from actions.runner.logout import lingers
from actions.runner.preload import modules_for
from actions.runner.prepared import PreparedExecutor
from actions.runner.run_log import LOG, open_run_log

START_SECONDS = 20.0
EXECUTOR = "actions.runner.executor"

log = logging.getLogger(__name__)


def launch(ledger_dir: Path, run_id: str, *, module: str = EXECUTOR, prepared: PreparedExecutor | None = None) -> None:
    """Start an executor for the run; returns as soon as it stands on its own. Raises VqError when it cannot start.

    The `prepared` one where that is there to take the run; otherwise a transient unit of the user's service manager
    where that outlives a logout, or a fresh process in a session of its own, orphaned at once, with its output on the
    run's log.
    """
    directory = ledger_dir.absolute()
    command = executor_command(directory, module)
    variables = dict(executor_variables())
    with open_run_log(directory, run_id) as output, starting(directory, run_id):
        if prepared is not None and prepared.give(run_id):
            return
        log_path = directory / "runs" / run_id / LOG
        if _own_unit(command, run_id, log_path, variables):
            return
        try:
            ended = subprocess.run(
                [*command, "--detach", run_id],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=variables,
                start_new_session=True,
                timeout=START_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise VqError(f"no executor could be started for run {run_id}: {error}; nothing was touched") from error
    if ended.returncode != 0:
        raise VqError(f"no executor could be started for run {run_id}; see {log_path}; nothing was touched")


def prepare(ledger_dir: Path, environment: Environment, *, module: str = EXECUTOR) -> PreparedExecutor | None:
    """Start an executor that loads its libraries and waits for its run; None where a run gets a unit of its own."""
    if unit_program() is not None:
        return None
    command = [*executor_command(ledger_dir.absolute(), module), "--prepared", *modules_for(environment)]
    try:
        return PreparedExecutor.start(command, dict(executor_variables()))
    except OSError as error:
        log.warning("no executor could be prepared: %s", error)
        return None


def executor_command(directory: Path, module: str = EXECUTOR) -> list[str]:
    """The arguments of an executor's process, but for its run."""
    return [sys.executable, "-P", "-m", module, "--ledger", str(directory)]


def executor_variables() -> Iterator[tuple[str, str]]:
    """The environment of the executor: ours, without the terminal's, and with the way to this very program."""
    here = str(Path(__file__).resolve().parents[2])
    for name, value in os.environ.items():
        if name not in ("TERM", "COLUMNS", "LINES", "PYTHONPATH", "PWD", "OLDPWD"):
            yield name, value
    others = [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one and one != here]
    installed = Path(here).name in ("site-packages", "dist-packages")
    if others or not installed:
        yield "PYTHONPATH", os.pathsep.join([*others, *([] if installed else [here])])


def unit_program() -> str | None:
    """`systemd-run`, where the user has a service manager that outlives a logout."""
    program = shutil.which("systemd-run")
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if program is None or not runtime or not Path(runtime, "systemd", "private").exists() or not lingers():
        return None
    return program


def _own_unit(command: list[str], run_id: str, output: Path, variables: dict[str, str]) -> bool:
    """Start it as a unit of the user's own service manager, if there is one that outlives a logout."""
    program = unit_program()
    if program is None:
        return False
    # Only names stand in the arguments; the values, which may be secrets, are taken from the environment.
    unit = [program, "--user", "--collect", "--quiet", f"--unit=vq-tui-{run_id.lower()}-{os.getpid()}"]
    unit += ["--working-directory=/", f"--property=StandardOutput=append:{output}"]
    unit += [f"--property=StandardError=append:{output}", *(f"--setenv={name}" for name in variables)]
    try:
        ended = subprocess.run(
            [*unit, *command, run_id],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=variables | {"XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"]},
            timeout=START_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("systemd-run did not start the executor: %s", error)
        return False
    if ended.returncode != 0:
        log.warning("systemd-run did not start the executor: %s", ended.stderr.decode("utf-8", "replace").strip())
    return ended.returncode == 0
