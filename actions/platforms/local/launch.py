"""Starting one child so that it can neither outlive its supervisor nor keep the rights of root.

Linux kills the child when the supervisor dies (PR_SET_PDEATHSIG). PostgreSQL refuses to run as root; a child with a
`user` gives up root but keeps the one capability to reach files (CAP_DAC_OVERRIDE), because the state directory and the
virtual environment may lie below directories that only root may enter, and opening those to everybody would be worse.
"""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from actions.model.errors import Refused

_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_NO_SETUID_FIXUP = 1 << 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522
_LINUX = sys.platform == "linux"
_libc = ctypes.CDLL(None, use_errno=True)

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


def plain_environment() -> dict[str, str]:
    """The part of this process's environment that children get: no credentials of the operator travel along."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    root = str(Path(__file__).resolve().parents[3])
    search = [root, *(word for word in os.environ.get("PYTHONPATH", "").split(os.pathsep) if word and word != root)]
    return {**kept, "PYTHONPATH": os.pathsep.join(search), "PYTHONUNBUFFERED": "1"}


def unprivileged_user() -> str | None:
    """The account for programs that refuse to run as root; None when this process is not root. Raises Refused."""
    if os.geteuid() != 0:
        return None
    for name in ("nobody", "daemon", "postgres"):
        try:
            if pwd.getpwnam(name).pw_uid != 0:
                return name
        except KeyError:
            continue
    raise Refused("PostgreSQL does not run as root and there is no user 'nobody': start this as an ordinary user")


def launch(
    argv: Sequence[str],
    environment: Mapping[str, str],
    cwd: Path,
    output: int,
    *,
    user: str | None = None,
    death_signal: str = "SIGKILL",
) -> subprocess.Popen[bytes]:
    """Start `argv` in a session of its own with stdin closed and both outputs on the descriptor `output`.

    Raises OSError or subprocess.SubprocessError when it cannot be started.
    """
    return subprocess.Popen(
        list(argv),
        env=dict(environment),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=_before_exec(user, signal.Signals[death_signal]),
    )


def _before_exec(user: str | None, death_signal: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()
    account = pwd.getpwnam(user) if user and os.geteuid() == 0 else None

    def prepare() -> None:
        os.umask(0o077)
        if account is not None:
            _become(account)
        if _LINUX:
            _call(_libc.prctl, _PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
            if os.getppid() != parent:  # the supervisor died before the line above
                os._exit(1)

    return prepare


def _become(account: pwd.struct_passwd) -> None:
    if _LINUX:
        _call(_libc.prctl, _PR_SET_SECUREBITS, _NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    if _LINUX:
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        bits = 1 << _CAP_DAC_OVERRIDE
        _call(_libc.capset, header, (ctypes.c_uint32 * 6)(bits, bits, bits, 0, 0, 0))
        _call(_libc.prctl, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


def _call(function: Callable[..., int], *arguments: object) -> None:
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
