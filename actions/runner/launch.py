"""Starting an executor so that nothing which happens to the starter reaches it (correct-procedures 3.4)."""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from actions.ledger.place import private_directory
from actions.model.errors import VqError
from actions.runner.logout import lingers

START_SECONDS = 20.0
LOG = "executor.log"
EXECUTOR = "actions.runner.executor"

log = logging.getLogger(__name__)


def launch(ledger_dir: Path, run_id: str, *, module: str = EXECUTOR) -> None:
    """Start an executor for the run; returns as soon as it stands on its own. Raises VqError when it cannot start.

    A transient unit of the user's service manager where that outlives a logout; otherwise a fresh process in a session
    of its own, orphaned at once, with its output on the run's log.
    """
    directory = ledger_dir.absolute()
    folder = _folder(directory, run_id)
    command = [sys.executable, "-P", "-m", module, "--ledger", str(directory)]
    variables = dict(_variables())
    with _open_log(folder / LOG) as output:
        if _own_unit(command, run_id, folder / LOG, variables):
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
        raise VqError(f"no executor could be started for run {run_id}; see {folder / LOG}; nothing was touched")


def _folder(directory: Path, run_id: str) -> Path:
    """The run's own directory. The run stands in the record by now: a full disk is said of its executor, not of it."""
    try:
        return private_directory(directory / "runs" / run_id)
    except OSError as error:
        why = f"{error.strerror}: '{error.filename}'"
        raise VqError(f"no executor could be started for run {run_id}: {why}; nothing was touched") from error


def _open_log(path: Path):  # type: ignore[no-untyped-def]
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.fdopen(os.open(path, flags, 0o600), "ab")
    except OSError as error:
        raise VqError(f"the executor's log {path} cannot be opened: {error.strerror}") from error


def _variables() -> Iterator[tuple[str, str]]:
    """The environment of the executor: ours, without the terminal's, and with the way to this very program."""
    here = str(Path(__file__).resolve().parents[2])
    for name, value in os.environ.items():
        if name not in ("TERM", "COLUMNS", "LINES", "PYTHONPATH", "PWD", "OLDPWD"):
            yield name, value
    others = [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one and one != here]
    installed = Path(here).name in ("site-packages", "dist-packages")
    if others or not installed:
        yield "PYTHONPATH", os.pathsep.join([*others, *([] if installed else [here])])


def _own_unit(command: list[str], run_id: str, output: Path, variables: dict[str, str]) -> bool:
    """Start it as a unit of the user's own service manager, if there is one that outlives a logout."""
    program = shutil.which("systemd-run")
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if program is None or not runtime or not Path(runtime, "systemd", "private").exists() or not lingers():
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
            env=variables | {"XDG_RUNTIME_DIR": runtime},
            timeout=START_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("systemd-run did not start the executor: %s", error)
        return False
    if ended.returncode != 0:
        log.warning("systemd-run did not start the executor: %s", ended.stderr.decode("utf-8", "replace").strip())
    return ended.returncode == 0
