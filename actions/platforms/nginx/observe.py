"""What nginx really serves: asked on fresh connections, never read from the file alone."""

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from actions.clients.nginx import Master, NginxReader
from actions.model.base import Fact
from actions.model.errors import ConfigError, Unreachable
from actions.model.health import Check
from actions.model.platform import TrafficFacts
from actions.model.text import clean
from actions.model.words import Gate
from actions.model.workloads import NginxTraffic
from actions.platforms.nginx.generation import Answer, Generations
from actions.platforms.nginx.include import Include, read
from actions.platforms.nginx.lock import is_free
from actions.platforms.nginx.server_block import location

MARKER = ".vq-tui-active.json"
"""Name of the marker in the configuration directory: a cache for people and scripts; what is observed wins."""


MASTER = "master"
"""The note that says why a reload would not reach the nginx that answers."""


class Seen(Fact):
    """Everything observed at one moment. `answers` come from fresh connections; `trouble` says why one got none."""

    include: Include | None
    answers: tuple[Answer, ...]
    master: Master
    trouble: str = ""

    @property
    def live(self) -> Answer | None:
        """The answer, when all fresh connections agree on one; None while old and new workers mix or none answers."""
        return self.answers[0] if self.answers and len({one.generation for one in self.answers}) == 1 else None


def guarded_include(settings: NginxTraffic) -> Path:
    """The include's path, once it is known to lie in the allowed directory. Raises ConfigError."""
    directory = settings.directory.resolve()
    parent = settings.include.parent.resolve()
    if parent != directory and directory not in parent.parents:
        raise ConfigError(
            f"include {settings.include} lies outside the allowed directory {settings.directory}; "
            "move it there or correct 'directory'"
        )
    if settings.include.is_symlink():
        raise ConfigError(f"include {settings.include} is a symbolic link; make it a plain file")
    return parent / settings.include.name


def written_names(settings: NginxTraffic) -> tuple[Path, ...]:
    """Paths by which a configuration may include it: below `directory` as written there, as written itself, resolved.

    nginx names a file as its configuration does, whatever symbolic links are on the way. Raises ConfigError.
    """
    real = guarded_include(settings)
    below = settings.directory / real.relative_to(settings.directory.resolve())
    return tuple(dict.fromkeys((below, settings.include, real)))


def read_include(path: Path) -> Include | None:
    """The include as it lies on disk; None when there is none. Raises Unreachable when it cannot be read."""
    try:
        return read(path.read_bytes().decode("utf-8", "replace"))  # to the byte: line endings may be edited too
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unreachable(f"cannot read {path}: {error.strerror}; check its owner and mode") from None


async def look(settings: NginxTraffic, client: NginxReader, outside: Generations, count: int) -> Seen:
    """File, answers and processes, read together."""
    path = guarded_include(settings)
    include, told, master = await asyncio.gather(
        asyncio.to_thread(read_include, path), outside.ask(count), client.master()
    )
    return Seen(include=include, answers=told.answers, master=master, trouble=told.trouble)


def facts(settings: NginxTraffic, seen: Seen, marker: str | None, now: datetime | None = None) -> TrafficFacts:
    """The observation in the words all traffic drivers share; says where file, answers and marker differ."""
    include, live = seen.include, seen.live
    notes = []
    if include is None or include.edited:
        what = "is missing" if include is None else "was edited by hand"
        notes.append(
            Check(
                id="drift",
                title="generated include",
                gate=Gate.FAIL,
                evidence=f"{settings.include} {what}",
                advice="compare it with the last generated one; accept the drift to replace it",
            )
        )
    if live is not None and marker != live.generation:
        notes.append(_marker_note(marker, live.generation))
    if seen.answers and seen.master.pid is None:
        notes.append(_master_note(seen.master.why))
    pins: dict[str, JsonValue] = {
        "sha256": include.sha256 if include else "",
        "generation": live.generation if live else "",
        "master": seen.master.pid,
    }
    return TrafficFacts(
        observed_at=now or datetime.now(UTC),
        shares=live.shares if live else {},
        configured=include.shares if include else {},
        generation=live.generation if live else "",
        pins=pins,
        drift=_drift(settings, include, seen),
        notes=tuple(notes),
    )


def _marker_note(marker: str | None, live: str) -> Check:
    """Where none is, as before the first switch, nobody is misled: that leaves nothing in doubt."""
    said = "there is none" if marker is None else f"says {marker or 'nothing that can be read'}"
    return Check(
        id="marker",
        title="marker",
        gate=Gate.PASS if marker is None else Gate.INCONCLUSIVE,
        evidence=f"{said}, nginx answers {live}; the answer counts, and the next run writes it down",
    )


def _master_note(why: str) -> Check:
    return Check(
        id=MASTER,
        title="master process",
        gate=Gate.FAIL,
        evidence=f"nginx answers, but its master is not known: {why}",
        advice="'nginx -s reload' would not reach it: put the pid file right, or restart nginx when users can bear it",
    )


def _drift(settings: NginxTraffic, include: Include | None, seen: Seen) -> str:
    if include is None:
        return "the generated include is missing"
    if include.edited:
        return "the generated include was edited by hand"
    if not seen.answers and seen.trouble:
        return f"nobody answers at {settings.url}: {seen.trouble}"
    if not seen.answers:
        return f"nginx does not tell its generation; the server block needs: {location(settings)}"
    if seen.live is None:
        return "old and new workers answer at once"
    if seen.live.generation != include.generation:
        return f"written {include.generation}, live {seen.live.generation}: not reloaded"
    return ""


def read_marker(directory: Path) -> str | None:
    """The generation the marker names: None when it is missing, empty when it cannot be read as one of ours."""
    try:
        written = json.loads((directory / MARKER).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return ""
    return clean(str(written.get("generation", "")), limit=100) if isinstance(written, dict) else ""


def writable(settings: NginxTraffic) -> tuple[Check, ...]:
    """Whether this session could replace the include and lock the directory; nothing is changed to find out."""
    directory = guarded_include(settings).parent
    allowed = os.access(directory, os.W_OK | os.X_OK)
    checks = [
        Check(
            id="directory",
            title="configuration directory",
            gate=Gate.PASS if allowed else Gate.FAIL,
            evidence=f"{directory} {'is writable' if allowed else 'is not writable'}",
            advice="" if allowed else f"run as the owner of {directory}, or give its group the right to write",
        )
    ]
    if allowed:
        checks.append(_lock_free(directory))
    return tuple(checks)


def _lock_free(directory: Path) -> Check:
    free = is_free(directory)
    return Check(
        id="directory-lock",
        title="configuration lock",
        gate=Gate.PASS if free else Gate.FAIL,
        evidence="free" if free else f"{directory} is locked by another process",
        advice="" if free else "wait for it to end",
    )
