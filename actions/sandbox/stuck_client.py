"""A client gone wrong: takes every connection PostgreSQL has, keeps transactions open and a queue locked.

`python -m actions.sandbox.stuck_client DIR`. Ends with SIGTERM; its connections and locks end with it.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

import psycopg

from actions.sandbox.layout import Layout

RETRY_SECONDS = 0.5
LOCKED = "passports"


async def _run(layout: Layout) -> None:
    held: list[psycopg.AsyncConnection[tuple[object, ...]]] = []
    waiting: set[asyncio.Task[object]] = set()
    while True:
        try:
            connection = await _connect(layout)
        except psycopg.OperationalError:
            await asyncio.sleep(RETRY_SECONDS)  # none is left; take the next that somebody gives back
            continue
        held.append(connection)
        if len(held) == 2:  # waits for the lock of the first
            waiting.add(
                asyncio.create_task(connection.execute(b"update queues set name = name where name = %s", [LOCKED]))
            )
            continue
        with contextlib.suppress(psycopg.OperationalError):  # the server ended meanwhile
            await connection.execute(b"select id from queues where name = %s for update skip locked", [LOCKED])


async def _connect(layout: Layout) -> psycopg.AsyncConnection[tuple[object, ...]]:
    return await psycopg.AsyncConnection.connect(
        layout.dsn("vq"), password=layout.secret("vq"), connect_timeout=2, application_name="stuck-client"
    )


if __name__ == "__main__":
    asyncio.run(_run(Layout(Path(sys.argv[1]))))
