"""The commands that people need around a pin, whole: they work from any directory. Pure."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from actions.model.workloads import ComposeWorkload
from actions.platforms.compose import labels
from actions.platforms.compose.compose_files import ProjectFiles


def deploy_command(
    settings: ComposeWorkload, carried: Mapping[str, str], files: ProjectFiles, program: list[str], pin: Path | None
) -> str:
    """How to bring the service up with all files of its project, and the pin last where there is one.

    It names the service: that starts it whatever profile it is in.
    """
    read = [one for one in files.read if one != pin] + ([pin] if pin else [])
    words = [*program, *_pairs("--env-file", files.environment), "-p", carried.get(labels.PROJECT, "")]
    words += ["--project-directory", str(files.directory), *_pairs("-f", read), "up", "-d", settings.service]
    engine = "" if settings.host == "unix:///var/run/docker.sock" else f"DOCKER_HOST={shlex.quote(settings.host)} "
    return engine + shlex.join(words)


def lift_command(environment: str, service: str) -> str:
    """How the pin of a service is taken away."""
    return shlex.join(["vq-tui", "--env", environment, "pin", "lift", "--service", service])


def _pairs(option: str, values: tuple[Path, ...] | list[Path]) -> list[str]:
    return [word for one in values for word in (option, str(one))]
