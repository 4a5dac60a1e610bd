"""A process with the program's modules imported that forks for each call: `python -m MODULE` in 20 ms, not in a second.

    python -m tests.fork_server MODULE...        # imports them, then serves the socket on its standard input

A message is one JSON object with four descriptors: the connection of the caller, and what becomes standard input,
output and error. The caller gets the pid, then the status as `waitpid` gives it. No thread runs here, and a child
leaves the frames of this file before its module starts: it ends as the interpreter ends any program.
"""

import fcntl
import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import tempfile
import termios
import threading
import time
from dataclasses import dataclass
from typing import TextIO

from setproctitle import getproctitle

LONGEST = 150_000
"""Bytes of a message at most."""

LATE = ("kubernetes.config", "kubernetes.aio.config")
"""These look for the home directory while they are imported: every call imports them for itself."""


@dataclass(frozen=True)
class Call:
    """One `python -m module words`. A `session` is led by it; a `terminal` is that of its standard input."""

    module: str
    words: list[str]
    environment: dict[str, str]
    cwd: str
    session: bool = False
    terminal: bool = False
    ignore_hangup: bool = False


def lead(call: Call) -> None:
    """What is done between fork and exec for such a call."""
    if call.session or call.terminal:
        os.setsid()
    if call.terminal:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    if call.ignore_hangup:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def serve(control: socket.socket) -> Call | None:
    """Fork for every message until the caller has gone (None). In a child this returns its call."""
    running = selectors.DefaultSelector()
    running.register(control, selectors.EVENT_READ)
    while True:
        for key, _ in running.select():
            if key.data is not None:
                running.unregister(key.fd)
                _report(key.fd, *key.data)
                continue
            message, descriptors, _, _ = socket.recv_fds(control, LONGEST, 4)
            if not message:
                return None
            connection, *streams = descriptors
            call = Call(**json.loads(message))
            pid = os.fork()
            if pid == 0:
                _become(call, streams)
                return call
            for descriptor in streams:
                os.close(descriptor)
            caller = socket.socket(fileno=connection)
            _send(caller, pid)
            running.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, caller))


def _report(descriptor: int, pid: int, caller: socket.socket) -> None:
    os.close(descriptor)
    _, status = os.waitpid(pid, 0)
    with caller:
        _send(caller, status)


def _send(caller: socket.socket, number: int) -> None:
    try:
        caller.sendall(number.to_bytes(4, "big"))
    except OSError:  # nobody waits for it any more
        caller.close()


def _become(call: Call, streams: list[int]) -> None:
    """Make this child what a new process would be."""
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    os.closerange(3, max(int(name) for name in os.listdir("/proc/self/fd")) + 1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    lead(call)
    os.chdir(call.cwd)
    os.environ.clear()
    os.environ.update(call.environment)
    time.tzset()
    tempfile.tempdir = None
    sys.path[0] = call.cwd
    sys.argv[1:] = call.words
    sys.stdin = sys.__stdin__ = _stream(sys.stdin, "r", by_line=False)
    sys.stdout = sys.__stdout__ = _stream(sys.stdout, "w", by_line=False)
    sys.stderr = sys.__stderr__ = _stream(sys.stderr, "w", by_line=True)
    gc.unfreeze()


def _stream(old: TextIO, mode: str, *, by_line: bool) -> TextIO:
    """A standard stream as the interpreter opens it at its start; on a terminal always by line."""
    descriptor = old.fileno()
    newline = "\n" if mode == "w" else None
    new = open(  # noqa: SIM115
        descriptor, mode, encoding=old.encoding, errors=old.errors, newline=newline, closefd=False
    )
    new.reconfigure(line_buffering=by_line or os.isatty(descriptor))
    return new


def _import(name: str) -> None:
    """A module, with the libraries that it names; of a package everything in it."""
    module = importlib.import_module(name)
    for library in getattr(module, "LIBRARIES", ()):
        importlib.import_module(library)
    for inside in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
        if not inside.name.endswith("__main__"):
            _import(inside.name)


def load(modules: list[str]) -> socket.socket:
    """Import what the calls will use, and give the socket to serve; standard input is nothing from then on."""
    for module in modules:
        _import(module)
    for module in [name for name in sys.modules if name.startswith(LATE)]:
        del sys.modules[module]
    getproctitle()  # finds the memory of the title while the variables are those of the start
    if threading.active_count() != 1 or len(os.listdir("/proc/self/task")) != 1:
        raise SystemExit("an import has started a thread: nothing can be forked from here")
    control = socket.socket(fileno=os.dup(0))
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever interrupts the tests ends them, and so this
    gc.collect()
    gc.freeze()
    return control


if __name__ == "__main__":
    begun = serve(load(sys.argv[1:]))
    if begun is not None:
        runpy.run_module(begun.module, run_name="__main__", alter_sys=True)
