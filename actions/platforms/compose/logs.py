"""Keeping the log of a container that is about to go: why it failed is in there.

Evidence is worth having, but it never decides: a log that cannot be read must not stand in the way of serving again.
"""

import asyncio
from pathlib import Path

from actions.clients.docker.errors import EngineError, Missing
from actions.clients.docker.reader import DockerReader
from actions.model.errors import Unreachable
from actions.model.files import write_durably


async def keep_log(reader: DockerReader, container: str, lines: int, folder: Path) -> None:
    """Its last lines in `folder`, or in their stead why they cannot be read. Raises Unreachable without an engine."""
    path = folder / f"log-{container[:12]}.txt"
    if path.exists():
        return
    try:
        said = await reader.raw_logs(container, lines)
    except Missing:  # it went before the crash that led here
        return
    except (EngineError, Unreachable) as error:  # the driver `none`, one that hangs, one whose lines have no end
        if isinstance(error, Unreachable):
            await reader.container(container)  # the engine itself answers, so asking again would not help
        said = f"the log cannot be read: {error.message}".encode()
    await asyncio.to_thread(write_durably, path, said, mode=0o600)
