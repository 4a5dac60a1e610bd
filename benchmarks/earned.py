"""python earned.py CONFIG ENVIRONMENT SERVICE VERSION [VERDICT]: look on until it was seen, or has the verdict.

Runs with the `actions` of any tree that PYTHONPATH names, so it uses only what all of them have.
"""

import asyncio
import sys
from pathlib import Path

from actions.config import load
from actions.desk import open_operator
from actions.keeper import release_watch

PACE, PATIENCE = 0.1, 90.0


async def watch(config: Path, environment: str, service: str, version: str, verdict: str) -> None:
    """Raises TimeoutError."""
    desk = open_operator(load(config), config, environment)
    try:
        await desk.start()
        async with asyncio.timeout(PATIENCE):
            async for _ in desk.snapshots():
                for release in await desk.releases(service):
                    if release.version == version and verdict in ("", release.verdict.value):
                        return
    finally:
        await desk.close()


if __name__ == "__main__":
    release_watch.LOOK_SECONDS = release_watch.REST_SECONDS = PACE  # soaking is counted in samples here
    path, *names = sys.argv[1:]
    asyncio.run(watch(Path(path), *names))
