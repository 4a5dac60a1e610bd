"""The installed Compose, asked what it would take a service's configuration for. It changes nothing.

It is a program that takes its time to start, and a rollback is asked for in a hurry: answers are remembered on disk by
everything they depend on, so that an executor finds what a console has asked already.
"""

import asyncio
import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from actions.model.environment import ComposeWorkload
from actions.model.files import write_durably
from actions.model.identity import digest

SECONDS = 6.0
"""Longest that planning waits for Compose; a rollback goes on without it."""
_ENTRIES = 200
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True)
class Hashes:
    """The `config-hash` that `up` wants with the files as they are, and as they will be; None where it fails."""

    now: str | None
    then: str | None


class ComposeCli:
    """Compose as it is installed on this host."""

    def __init__(self, settings: ComposeWorkload) -> None:
        self._settings = settings

    @staticmethod
    def command(version: str) -> list[str] | None:
        """How to call a Compose of the generation that wrote the label `version`; None when there is none.

        That it is the right one is proved by its answer: it must explain the containers that run.
        """
        if not version.startswith("1.") and shutil.which("docker") and _plugin():
            return ["docker", "compose"]
        return ["docker-compose"] if shutil.which("docker-compose") else None

    async def hashes(
        self,
        command: Sequence[str],
        directory: Path,
        project: str,
        now: Sequence[Path],
        then: Sequence[Path],
        known: Sequence[str],
        present: str | None,
    ) -> Hashes:
        """Both hashes. `known` fingerprints everything they depend on; a remembered pair must explain `present`."""
        key = digest([list(command), str(directory), project, self._settings.service, self._settings.host, list(known)])
        remembered = await asyncio.to_thread(_recall, key)
        if remembered is not None and remembered.now == present:
            return remembered
        both = (self._hash(command, directory, project, files) for files in (now, then))
        found = Hashes(*await asyncio.gather(*both))
        if found.now is not None and found.then is not None:
            await asyncio.to_thread(_remember, key, found)
        return found

    async def _hash(self, command: Sequence[str], directory: Path, project: str, files: Sequence[Path]) -> str | None:
        service = self._settings.service
        arguments = [word for path in files for word in ("-f", str(path))]
        arguments += ["--project-directory", str(directory), "-p", project, "config", "--hash", service]
        words = (await self._run([*command, *arguments], directory) or "").split()
        return words[1] if len(words) == 2 and words[0] == service else None

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
        said = b""
        try:
            async with asyncio.timeout(SECONDS):
                said, _ = await process.communicate()
        except TimeoutError:
            return None
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


def variables(texts: Sequence[str]) -> str:
    """A fingerprint of the variables that those texts refer to, as this process has them."""
    names = sorted({name for text in texts for name in _VARIABLE.findall(text)})
    return digest([[name, os.environ.get(name)] for name in names])


def _plugin() -> bool:
    places = (
        Path.home() / ".docker",
        Path("/usr/local/lib/docker"),
        Path("/usr/lib/docker"),
        Path("/usr/libexec/docker"),
    )
    return any((place / "cli-plugins" / "docker-compose").exists() for place in places)


def _store() -> Path:
    return user_cache_path("vq-tui") / "compose-hashes.json"


def _recall(key: str) -> Hashes | None:
    found = _load().get(key)
    return Hashes(str(found[0]), str(found[1])) if isinstance(found, list) and len(found) == 2 else None


def _load() -> dict[str, object]:
    try:
        found = json.loads(_store().read_bytes())
    except (OSError, ValueError):  # a cache that is gone or damaged is an empty one
        return {}
    return found if isinstance(found, dict) else {}


def _remember(key: str, hashes: Hashes) -> None:
    entries = [*_load().items(), (key, [hashes.now, hashes.then])][-_ENTRIES:]
    try:
        _store().parent.mkdir(parents=True, exist_ok=True)
        write_durably(_store(), json.dumps(dict(entries)).encode(), mode=0o600)
    except OSError:  # no room for a cache: Compose is asked again next time
        return
