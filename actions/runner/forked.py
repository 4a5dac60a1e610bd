"""A prepared executor by fork: one process loads the libraries, and both the command and the executor have them.

For a command that is about to begin a run and has one thread, no loop and nothing open yet. The copy leaves its
starter as a fresh process would: session, standard streams, folder, umask, signals, environment and name of its own.
"""

import gc
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import NoReturn

from setproctitle import setproctitle

from actions.model.environment import Environment
from actions.runner.launch import executor_command, executor_variables, prepare, unit_program
from actions.runner.preload import load, modules_for
from actions.runner.prepared import PreparedExecutor

log = logging.getLogger(__name__)

_LEFT_OPEN = 3
"""The standard streams; whatever else is open belongs to the starter."""


def fork_prepared(ledger_dir: Path, environment: Environment) -> PreparedExecutor | None:
    """An executor that waits for its run; None where a run gets a unit of its own.

    A process with several threads may not be copied, since what they hold would stay held: a fresh one is started then.
    """
    if unit_program() is not None:
        return None
    if threading.active_count() > 1:
        return prepare(ledger_dir, environment)
    load(modules_for(environment))
    from actions.runner import process  # everything an executor needs is imported before the copy is made

    del process
    ours, theirs = socket.socketpair()
    sys.stdout.flush()
    sys.stderr.flush()
    with theirs:
        try:
            child = os.fork()
        except OSError as error:  # no process is to be had now: the run gets one of its own when it begins
            log.warning("no executor could be prepared: %s", error)
            ours.close()
            return None
        if child == 0:
            _leave(theirs, ledger_dir.absolute())
    os.waitpid(child, 0)  # it only made the executor
    return PreparedExecutor(ours)


def _leave(starter: socket.socket, ledger_dir: Path) -> NoReturn:
    """Become an executor that belongs to nobody; never returns to the code of the starter."""
    code = 1
    try:
        if os.fork() > 0:
            os._exit(0)
        os.setsid()
        os.umask(0o077)
        os.chdir("/")
        _own_streams(starter)
        _own_signals()
        _own_environment(ledger_dir)
        gc.freeze()
        gc.enable()
        from actions.runner.executor import wait_and_carry_out

        code = wait_and_carry_out(ledger_dir)
    finally:
        os._exit(code)


def _own_streams(starter: socket.socket) -> None:
    """The starter's socket as standard input, nothing else of its files."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for number, source in enumerate((starter.fileno(), nothing, nothing)):
        os.dup2(source, number)
    starter.detach()
    for entry in list(Path("/proc/self/fd").iterdir()):
        if int(entry.name) >= _LEFT_OPEN:
            _close(int(entry.name))
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - open as long as the process is
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115


def _close(number: int) -> None:
    try:
        os.close(number)
    except OSError:  # the listing itself had one open
        return


def _own_signals() -> None:
    """What a fresh process has: the handlers of the starter gone, what is ignored stays ignored."""
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _own_environment(ledger_dir: Path) -> None:
    sys.argv = [*executor_command(ledger_dir), "--prepared"]
    setproctitle(" ".join(sys.argv))  # first: the title needs the memory of the variables it was started with
    variables = dict(executor_variables())
    os.environ.clear()
    os.environ.update(variables)
    sys.path[:] = [one for one in sys.path if one not in ("", ".")]
