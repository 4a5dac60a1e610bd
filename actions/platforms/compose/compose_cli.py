"""The installed Compose, asked what it would take a service's configuration for. It changes nothing."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from actions.model.environment import ComposeWorkload

_SECONDS = 6.0
_cached: dict[tuple[str, ...], str | None] = {}


class ComposeCli:
    """Compose in the major version that made the containers. Answers are remembered by everything they depend on."""

    def __init__(self, settings: ComposeWorkload) -> None:
        self._settings = settings
        self._commands: dict[str, list[str] | None] = {}

    async def command(self, version: str) -> list[str] | None:
        """How to call a Compose of the same generation as `version` (its label); None when none is installed."""
        wanted = "1" if version.startswith("1.") else "2"
        if wanted not in self._commands:
            self._commands[wanted] = await self._find(wanted)
        return self._commands[wanted]

    async def config_hash(
        self, command: list[str], files: Sequence[Path], fingerprints: Sequence[str], directory: Path, project: str
    ) -> str | None:
        """The value of the `config-hash` label that `up` with these files would want; None when Compose fails.

        `fingerprints` are of everything the answer depends on: contents of the files, ids of the images.
        """
        service = self._settings.service
        key = (*command, str(directory), project, service, *fingerprints)
        if _cached.get(key) is None:
            arguments = [word for path in files for word in ("-f", str(path))]
            arguments += ["--project-directory", str(directory), "-p", project, "config", "--hash", service]
            said = await self._run([*command, *arguments], directory)
            words = (said or "").split()
            _cached[key] = words[1] if len(words) == 2 and words[0] == service else None
        return _cached[key]

    async def _find(self, wanted: str) -> list[str] | None:
        for command in (["docker-compose"], ["docker", "compose"]):
            if shutil.which(command[0]) is None:
                continue
            said = (await self._run([*command, "version", "--short"], Path.cwd()) or "").strip().lstrip("v")
            if said and (said.startswith("1.") == (wanted == "1")):
                return command
        return None

    async def _run(self, command: list[str], directory: Path) -> str | None:
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=directory,
                env=self._environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError:
            return None
        try:
            async with asyncio.timeout(_SECONDS):
                said, _ = await process.communicate()
        except TimeoutError:
            said = b""
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return said.decode("utf-8", "replace") if process.returncode == 0 else None

    def _environment(self) -> dict[str, str]:
        """This process's own, as variables in Compose files are filled from it, with our engine."""
        found = {**os.environ, "DOCKER_HOST": self._settings.host}
        tls = self._settings.tls
        if tls is not None and tls.ca is not None:
            found |= {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tls.ca.parent)}
        return found
