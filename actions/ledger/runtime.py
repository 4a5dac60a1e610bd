"""A private directory outside every ledger, the same for all processes of a user on this machine.

It does not follow XDG_RUNTIME_DIR: that one goes with the user's last login while executors live on, and `su` and
`sudo` hand on another user's. A container has one of its own: there the locks in the ledger's directory are shared.
"""

import contextlib
import hashlib
import os
import stat
from pathlib import Path

ROOTS_OWN = Path("/run/vq-tui")


def runtime_directory() -> Path | None:
    """The directory, made when missing; None where there is no safe one."""
    return next((place for place in candidates(os.geteuid()) if _private(place)), None)


def candidates(uid: int) -> tuple[Path, ...]:
    """Where that user's directory may lie, the first safe one being it."""
    temporary = (Path(f"/tmp/vq-tui-{uid}"), Path(f"/var/tmp/vq-tui-{uid}"))  # noqa: S108 - _private looks at them
    return (ROOTS_OWN, *temporary) if uid == 0 else temporary


def name_of(*words: str) -> str:
    """A file name for what these words name together."""
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _private(place: Path) -> bool:
    """Whether it is a directory that only this user can enter, at a place where nobody else can exchange it."""
    try:
        above = place.parent.stat().st_mode
        if above & 0o022 and not above & stat.S_ISVTX:
            return False
        with contextlib.suppress(FileExistsError):
            place.mkdir(mode=0o700)
        facts = place.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and not facts.st_mode & 0o077
