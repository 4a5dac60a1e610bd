"""The installed Compose, asked what it would take a service's configuration for. It changes nothing.

It is a program that takes its time to start, and a rollback is asked for in a hurry: answers are remembered on disk by
everything they depend on, so that an executor finds what a console has asked already.
"""

import asyncio
import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from actions.model.fair_timeout import fair_timeout
from actions.model.files import write_durably
from actions.model.identity import digest
from actions.model.workloads import ComposeWorkload
from actions.platforms.compose.params import Question
from actions.platforms.compose.pin_file import generation

_LONGEST = 30.0
SYSTEM = ("/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec")
_ALL_PROFILES_SINCE = (2, 20)
_ENTRIES = 200
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True)
class Hashes:
    """The `config-hash` that `up` wants with the files as they are, and as they will be; None where it fails.

    `trouble` says why Compose could not even be asked.
    """

    now: str | None
    then: str | None
    trouble: str = ""


class ComposeCli:
    """Compose as it is installed on this host."""

    def __init__(self, settings: ComposeWorkload) -> None:
        self._settings = settings
        self._under_way: dict[str, asyncio.Task[Hashes]] = {}

    @staticmethod
    def command(version: str) -> list[str] | None:
        """How to call a Compose of the generation that wrote the label `version`; None when there is none.

        That it is the right one is proved by its answer: it must explain the containers that run.
        """
        if not version.startswith("1.") and shutil.which("docker") and plugin():
            return ["docker", "compose"]
        return ["docker-compose"] if shutil.which("docker-compose") else None

    @classmethod
    def called(cls, version: str) -> list[str]:
        """How people call that Compose, whether or not it is on this host."""
        return cls.command(version) or (["docker-compose"] if version.startswith("1.") else ["docker", "compose"])

    async def hashes(self, question: Question, seconds: float) -> Hashes | None:
        """Both hashes; None when there is no answer in `seconds` (it is still waited for, and then remembered)."""
        key = digest([question.model_dump(mode="json"), self._settings.service, self._settings.host])
        remembered = await asyncio.to_thread(_recall, key)
        if remembered is not None and remembered.now == question.present:
            return remembered
        if key not in self._under_way:
            task = asyncio.get_running_loop().create_task(self._ask(question, key))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        try:
            async with fair_timeout(seconds):
                return await asyncio.shield(self._under_way[key])
        except TimeoutError:
            return None

    async def close(self) -> None:
        """End what is still being asked."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, question: Question, key: str) -> Hashes:
        try:
            found = await self._both(question)
        except OSError as error:  # no room for the draft: that leaves a risk open, it does not refuse a rollback
            return Hashes(None, None, f"cannot write to {_temporary()}: {error.strerror or type(error).__name__}")
        if found.now is not None and found.then is not None:
            await asyncio.to_thread(_remember, key, found)
        return found

    async def _both(self, question: Question) -> Hashes:
        others = [one for one in question.read if one != question.pin]
        with tempfile.TemporaryDirectory(prefix="vq-tui-") as folder:
            draft = Path(folder, "pin.yaml")
            await asyncio.to_thread(draft.write_text, question.content, "utf-8")
            now, then = await asyncio.gather(
                self._hash(question, question.read), self._hash(question, [*others, str(draft)])
            )
        carried, explained = set(question.present.split(",")), {now, then}
        if now is not None and not carried <= explained and len(others) < len(question.read):
            # A run that went no further has written the pin after some of these containers were made.
            explained.add(await self._hash(question, others))
        return Hashes(question.present if now is not None and carried <= explained else now, then)

    async def _hash(self, question: Question, files: Sequence[str]) -> str | None:
        command, service = self.command(question.version), self._settings.service
        arguments = [word for path in question.environment for word in ("--env-file", path)]
        arguments += [word for path in files for word in ("-f", path)]
        if generation(question.version) >= _ALL_PROFILES_SINCE:
            arguments += ["--profile", "*"]  # else a service in a profile is none that it knows
        arguments += ["--project-directory", question.directory, "-p", question.project, "config", "--hash", service]
        words = (await self._run([*(command or ["docker-compose"]), *arguments], question.directory) or "").split()
        return words[1] if len(words) == 2 and words[0] == service else None

    async def _run(self, command: list[str], directory: str) -> str | None:
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
            async with fair_timeout(_LONGEST):
                said, _ = await process.communicate()
        except TimeoutError:
            return None
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()  # to the end of its output, or the pipe would outlive the loop
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


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:  # none of the usual places can be written
        return "any temporary directory"


def plugin_directories() -> list[Path]:
    """Where the docker command looks for its plugins, in its own order: what it is configured to, then the system."""
    chosen = os.environ.get("DOCKER_CONFIG")
    configuration = Path(chosen) if chosen else Path.home() / ".docker"
    try:
        configured = json.loads((configuration / "config.json").read_bytes())
    except (OSError, ValueError):  # docker itself goes on without one
        configured = {}
    extra = configured.get("cliPluginsExtraDirs") if isinstance(configured, dict) else None
    return [
        *(Path(one) for one in (extra if isinstance(extra, list) else []) if isinstance(one, str)),
        configuration / "cli-plugins",
        *(Path(one, "docker", "cli-plugins") for one in SYSTEM),
    ]


def plugin() -> bool:
    """Whether `docker compose` works here: a plugin that may be executed."""
    files = (place / "docker-compose" for place in plugin_directories())
    return any(file.is_file() and os.access(file, os.X_OK) for file in files)


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
