"""Named points at which an executor can be made to die, so that tests can prove what a crash leaves behind.

Every journal write and every external effect of a run stands between two crash points. They do nothing unless the
environment variable VQ_CRASH_AT is set when the process starts:

    VQ_CRASH_AT=NAME      die at the first crash point of that name
    VQ_CRASH_AT=NAME#2    die at its second passing
    VQ_CRASH_AT=7         die at the seventh crash point passed, whatever its name (counted from 1)
    VQ_CRASH_LOG=FILE     append the name of every crash point passed, one a line
"""

import os
from collections import Counter
from collections.abc import Callable

EXIT_STATUS = 137
"""What a process killed by SIGKILL looks like to a shell."""

_passed: Counter[str] = Counter()
_hook: Callable[[str], None] | None = None


def crashpoint(name: str) -> None:
    """Die here when told to; otherwise nothing happens."""
    if _hook is not None:
        _hook(name)
    target, log = os.environ.get("VQ_CRASH_AT"), os.environ.get("VQ_CRASH_LOG")
    if target is None and log is None:
        return
    _passed[name] += 1
    if log is not None:
        with open(log, "a", encoding="utf-8") as file:  # noqa: PTH123 - as little as possible is imported here
            file.write(name + "\n")
    if target in (str(_passed.total()), f"{name}#{_passed[name]}") or (target == name and _passed[name] == 1):
        os._exit(EXIT_STATUS)


def set_hook(hook: Callable[[str], None] | None) -> None:
    """Have `hook` called with the name of every crash point; for tests that crash without a process of their own."""
    global _hook
    _hook = hook
