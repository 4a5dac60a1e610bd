"""Steady requests, each on a connection of its own, at a fixed rate whatever comes back; prints what came back.

python tests/end_to_end/load.py URL RATE      until its standard input ends
"""

import asyncio
import collections
import json
import sys
from urllib.parse import urlsplit

DEADLINE = 20.0


async def ask(host: str, port: int, path: str) -> str:
    """The status line's code, or what went wrong."""
    try:
        async with asyncio.timeout(DEADLINE):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                answer = await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        return type(error).__name__
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.split(b" ")[1].decode() if body else "cut short"


async def main(url: str, rate: float) -> dict[str, int]:
    parts = urlsplit(url)
    loop, counts = asyncio.get_running_loop(), collections.Counter[str]()
    over = asyncio.ensure_future(asyncio.to_thread(sys.stdin.read))
    asked: set[asyncio.Task[str]] = set()
    begun, sent = loop.time(), 0

    def done(task: "asyncio.Task[str]") -> None:
        asked.discard(task)
        counts[task.result()] += 1

    while not over.done():
        due = int((loop.time() - begun) * rate)
        for _ in range(due - sent):
            task = asyncio.ensure_future(ask(parts.hostname or "", parts.port or 80, parts.path or "/"))
            asked.add(task)
            task.add_done_callback(done)
        sent = max(sent, due)
        await asyncio.sleep(0.005)
    seconds = loop.time() - begun
    while asked:
        await asyncio.wait(asked)
    return {**counts, "rate": round(sent / seconds)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], float(sys.argv[2])))))
