"""Ports for the servers of the tests: no two processes that run tests on this machine are given the same ones.

A port that the engine has published cannot be found out by binding it: without a proxy for it nobody listens there. So
a process holds a block of ports for as long as it lives, and gives each of them again only after all the others.
"""

import functools
import itertools
import socket
from collections.abc import Iterator

FIRST, LAST, BLOCK = 10_000, 32_000, 440
"""Below what the system gives away by itself."""


@functools.cache
def _held() -> tuple[int, Iterator[int], socket.socket]:
    """The first block that no other process holds; the holder is a socket in the namespace of the ports themselves."""
    for number, first in enumerate(range(FIRST, LAST, BLOCK)):
        holder = socket.socket(socket.AF_UNIX)
        try:
            holder.bind(f"\0vq-tui-test-ports-{number}")
        except OSError:
            holder.close()
        else:
            return number, itertools.cycle(range(first, first + BLOCK)), holder
    raise OSError("every block of ports is held")


def block_number() -> int:
    """0 to 49, another one in every process: for what else must differ, such as networks."""
    return _held()[0]


def free_ports(count: int) -> int:
    """The first of `count` neighbouring ports that nobody uses."""
    _, numbers, _ = _held()
    run: list[int] = []
    for port in itertools.islice(numbers, 2 * BLOCK):
        run = [*run, port] if run and port == run[-1] + 1 else [port]
        if not _is_free(port):
            run = []
        if len(run) == count:
            return run[0]
    raise OSError(f"no {count} neighbouring ports are free")


def free_port() -> int:
    """A port that nobody uses."""
    return free_ports(1)


def _is_free(port: int) -> bool:
    with socket.socket() as stream, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that have ended take nothing
        try:
            stream.bind(("127.0.0.1", port))
            datagrams.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
