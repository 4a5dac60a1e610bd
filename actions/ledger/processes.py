"""Which process wrote a row, and whether that very process still exists (pid, start time and boot together)."""

import os
import platform
import uuid
from functools import lru_cache
from pathlib import Path

from actions.model.base import Fact


class Holder(Fact):
    """A process, told apart from every other one that ever had its number. `start` is in clock ticks since boot."""

    pid: int
    start: int
    boot_id: str
    host: str


@lru_cache(maxsize=1)
def _kernel_boot_id() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return f"unknown-{uuid.getnode():x}"


def boot_id() -> str:
    """Changes at every start of the machine. VQ_BOOT_ID replaces it in tests of a restart."""
    return os.environ.get("VQ_BOOT_ID") or _kernel_boot_id()


def host_name() -> str:
    """Name of this machine or container."""
    return platform.node() or "localhost"


def process_facts(pid: int) -> tuple[str, int] | None:
    """State letter (`T` is stopped, `Z` a zombie) and start time of a process; None when it does not exist."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    return fields[0].decode("ascii", "replace"), int(fields[19])


def this_process() -> Holder:
    """The calling process."""
    facts = process_facts(os.getpid())
    return Holder(pid=os.getpid(), start=facts[1] if facts else 0, boot_id=boot_id(), host=host_name())


def state_of(holder: Holder) -> str | None:
    """State letter of exactly that process; None when it is gone, a zombie, or of another boot or host."""
    if holder.host != host_name() or holder.boot_id != boot_id():
        return None
    facts = process_facts(holder.pid)
    if facts is None or facts[1] != holder.start or facts[0] in "ZX":
        return None
    return facts[0]
