"""Where nginx keeps the number of its master: as its configuration says, or else as it was compiled."""

import shlex
from pathlib import Path

import psutil

from actions.clients.nginx_configuration import Configuration
from actions.model.base import Fact

_ARGUMENTS = "configure arguments:"
_PREFIX, _PID_PATH = "/usr/local/nginx", "logs/nginx.pid"
"""What nginx takes where neither is given when it is compiled."""


class Running(Fact):
    """The master's process id; None where none was found, and `why`."""

    pid: int | None
    why: str = ""


def named_pid_file(configuration: Configuration, prefix: Path | None) -> Path | None:
    """The pid file that the configuration names; None where that depends on how nginx was compiled."""
    named = next((Path(one.words[0]) for one in configuration.named("pid") if one.words), None)
    if named is None or not (named.is_absolute() or prefix):
        return None
    return (prefix or Path("/")) / named


def pid_file(configuration: Configuration, prefix: Path | None, version: str) -> Path:
    """The pid file of this configuration; `version` is what `nginx -V` printed."""
    compiled = _compiled(version)
    named = next((one.words[0] for one in configuration.named("pid") if one.words), compiled.get("pid-path", _PID_PATH))
    return (prefix or Path(compiled.get("prefix", _PREFIX))) / named


def running(path: Path) -> Running:
    """The master that the pid file names, if that process is nginx: the file may outlive it, and numbers come again."""
    try:
        pid = int(path.read_text().strip())
    except FileNotFoundError:
        return Running(pid=None, why=f"there is no pid file {path}")
    except OSError as error:
        return Running(pid=None, why=f"pid file {path} cannot be read: {error.strerror}")
    except ValueError:
        return Running(pid=None, why=f"pid file {path} holds no process id")
    if not _is_nginx(pid):
        return Running(pid=None, why=f"pid file {path} names {pid}, which is not nginx")
    return Running(pid=pid)


def _compiled(version: str) -> dict[str, str]:
    line = next((line for line in version.splitlines() if line.startswith(_ARGUMENTS)), _ARGUMENTS)
    try:
        words = shlex.split(line.removeprefix(_ARGUMENTS))
    except ValueError:  # a quote without its end
        words = line.split()
    options = (word.removeprefix("--").partition("=") for word in words if word.startswith("--"))
    return {name: value for name, _, value in options if value}


def _is_nginx(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return "nginx" in process.name() or "nginx: master" in " ".join(process.cmdline())
    except psutil.Error:
        return False
