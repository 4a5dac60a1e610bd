"""Unix sockets in deep directories: the kernel takes about 107 bytes of path, state directories may be longer."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actions.model.errors import Refused

LIMIT = 100  # bytes; sun_path holds 108 with the closing zero on Linux, 104 elsewhere


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """A name for the socket at `path` that fits the kernel's limit, valid within the block.

    A long path is reached through a descriptor of its directory. Raises Refused where that is not possible, and
    OSError when the directory does not exist.
    """
    if len(os.fsencode(path)) <= LIMIT:
        yield str(path)
        return
    if not Path("/proc/self/fd").is_dir():
        raise Refused(f"the path of the socket {path} is longer than {LIMIT} bytes: choose a shorter directory")
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)
