"""One process of the API: `python -m actions.sandbox.api RELEASE_DIR COLOUR PORT STATE_DIR`."""

import asyncio
import sys
from pathlib import Path

import uvicorn

from actions.model.errors import VqError
from actions.platforms.local.httpd import bind_loopback
from actions.sandbox.api.app import Api
from actions.sandbox.api.counters import Counters
from actions.sandbox.api.database import Database
from actions.sandbox.api.service import Service
from actions.sandbox.layout import Layout
from actions.sandbox.release_files import read_release


async def _run(release_directory: Path, colour: str, port: int, state: Path) -> None:
    release = read_release(release_directory)
    layout = Layout(state)
    version = release.manifest.version
    database = Database(layout.dsn("vq"), layout.secret("vq"), name=f"api-{colour}")
    counters = Counters(layout.ports().redis, layout.secret("redis"), database)
    service = Service(database, counters, version=version, colour=colour)
    config = uvicorn.Config(
        Api(service, release, colour).application(),
        log_level="warning",
        access_log=False,
        http="h11",
        ws="none",
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )
    await uvicorn.Server(config).serve(sockets=[bind_loopback(port)])


def main(arguments: list[str]) -> int:
    """The command. A release that is damaged or gone ends it with one line."""
    release_directory, colour, port, state = arguments
    try:
        asyncio.run(_run(Path(release_directory), colour, int(port), Path(state)))
    except (VqError, OSError) as error:
        sys.stderr.write(f"CRITICAL api-{colour}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
