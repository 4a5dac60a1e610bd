"""Whether an executor outlives the logout of whoever started it."""

import getpass
import os
import shutil
import subprocess
from pathlib import Path

from actions.model.health import Check
from actions.model.words import Gate

_ASK_SECONDS = 3.0
SYSTEMD = Path("/run/systemd/system")
_CONTAINER = (Path("/.dockerenv"), Path("/run/.containerenv"))


def lingers() -> bool:
    """Whether the user's service manager goes on after the last logout."""
    try:
        return Path("/var/lib/systemd/linger", getpass.getuser()).exists()
    except (OSError, KeyError):
        return False


def survives_logout() -> Check:
    """For the doctor: pass, fail or not known, with what it was read from."""
    gate, evidence, advice = _judge()
    return Check(id="logout", title="a run survives logout", gate=gate, evidence=evidence, advice=advice)


def _judge() -> tuple[Gate, str, str]:
    if any(path.exists() for path in _CONTAINER) or "KUBERNETES_SERVICE_HOST" in os.environ:
        evidence = "in a container: a run outlives its terminal, but ends with the container"
        return Gate.INCONCLUSIVE, evidence, "run the console on a host, or in a container that stays"
    if not SYSTEMD.exists():
        return Gate.PASS, "no systemd here: a process in a session of its own outlives the logout", ""
    if lingers():
        return Gate.PASS, "lingering is on for this user", ""
    if not _in_login_session():
        return Gate.PASS, "not started from a login session", ""
    killed = _kill_user_processes()
    if killed is None:
        return Gate.INCONCLUSIVE, "logind does not say whether it kills processes at logout", "loginctl enable-linger"
    if killed:
        evidence = "logind kills the processes of a user at logout (KillUserProcesses=yes)"
        return Gate.FAIL, evidence, "loginctl enable-linger"
    return Gate.PASS, "logind leaves processes alone at logout (KillUserProcesses=no)", ""


def _in_login_session() -> bool:
    try:
        groups = Path("/proc/self/cgroup").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "XDG_SESSION_ID" in os.environ
    return "session-" in groups and ".scope" in groups


def _kill_user_processes() -> bool | None:
    program = shutil.which("busctl")
    if program is None:
        return None
    path = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
    try:
        asked = subprocess.run(
            [program, "get-property", *path, "KillUserProcesses"],
            capture_output=True,
            timeout=_ASK_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {b"b true": True, b"b false": False}.get(asked.stdout.strip())
