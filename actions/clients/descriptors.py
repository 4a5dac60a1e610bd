"""Room for open connections: many targets need more descriptors than a shell usually grants."""

import resource

USUAL = 256
"""What the rest of the process may need."""


def make_room(connections: int) -> None:
    """Raise this process's soft limit of open files for so many connections, as far as its hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + USUAL
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))
