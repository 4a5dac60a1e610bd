"""Who sits at this terminal, and from where: the person's login, not the account sudo gave."""

import os
import pwd
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from actions.model.text import clean


@dataclass(frozen=True)
class Identity:
    """Operator, where the session comes from, and the host it runs on."""

    operator: str
    origin: str
    host: str


def identify(environment: Mapping[str, str] = os.environ) -> Identity:
    """The identity written into runs.

    The operator is the first known of: SSH_USER, SUDO_USER, the terminal's login name, the account of this process.
    The origin is the far end of SSH_CONNECTION, else the terminal; it names the account where that is another one.
    """
    operator = environment.get("SSH_USER") or environment.get("SUDO_USER") or _login() or _account()
    connection = environment.get("SSH_CONNECTION", "").split()
    origin = f"ssh {connection[0]} port {connection[1]}" if len(connection) >= 2 else _terminal()
    account = _account()
    if account != operator:
        origin = f"{origin} as {account}"
    return Identity(clean(operator, limit=64), clean(origin, limit=120), clean(socket.gethostname(), limit=64))


def _login() -> str:
    try:
        return os.getlogin()
    except OSError:  # no controlling terminal, or no utmp entry: cron, containers
        return ""


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container user without an entry
        return f"uid {os.getuid()}"


def _terminal() -> str:
    for descriptor in (0, 1, 2):
        try:
            return f"local {os.ttyname(descriptor)}"
        except OSError:
            continue
    return "local, no terminal"
