"""A sweep of 1,000 HTTP targets against bare httpx doing the same, and what one probe costs.

    python benchmarks/health_sweep.py [TARGETS]

The targets answer from another process. Two bare variants are timed in turn with the product's sweep, all with 64
requests at a time: one httpx client as most scripts use it, and one client a target. The first round is cold
(connections are made, probes are built), the best of the others is warm. Prints one JSON object. On a busy machine the
ratio of processor seconds says more than that of seconds.
"""

import asyncio
import json
import multiprocessing
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from actions.health import Poller
from actions.model.environment import Environment
from actions.model.services import HttpService

ANSWER = b'{"status":"ok","version":"2.4.1"}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Version: 2.4.1\r\n"
ROUNDS = 3
WHOLE = HEAD + f"Content-Length: {len(ANSWER)}\r\n\r\n".encode() + ANSWER


class Target(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(WHOLE * data.count(b"\r\n\r\n"))


def serve(sockets: list[socket.socket]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        servers = [await loop.create_server(Target, sock=one) for one in sockets]
        await asyncio.gather(*(server.serve_forever() for server in servers))

    asyncio.run(main())


def listening() -> socket.socket:
    one = socket.socket()
    one.bind(("127.0.0.1", 0))
    one.listen(128)
    return one


async def timed(work: Callable[[], Awaitable[Any]]) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    return {"seconds": round(time.perf_counter() - wall, 3), "cpu_seconds": round(time.process_time() - cpu, 3)}


async def with_one_client(urls: list[str], client: httpx.AsyncClient, at_once: int) -> None:
    places = asyncio.Semaphore(at_once)

    async def ask(url: str) -> None:
        async with places:
            (await client.get(url)).raise_for_status()

    await asyncio.gather(*(ask(url) for url in urls))


async def with_a_client_each(urls: list[str], clients: list[httpx.AsyncClient], at_once: int) -> None:
    places = asyncio.Semaphore(at_once)

    async def ask(client: httpx.AsyncClient, url: str) -> None:
        async with places:
            (await client.get(url)).raise_for_status()

    await asyncio.gather(*(ask(client, url) for client, url in zip(clients, urls, strict=True)))


async def compare(ports: list[int]) -> dict[str, Any]:
    urls = [f"http://127.0.0.1:{port}/health" for port in ports]
    shared = httpx.AsyncClient(verify=False, trust_env=False, timeout=120)
    clients = [httpx.AsyncClient(verify=False, trust_env=False, timeout=120) for _ in urls]
    services = {f"s{number}": HttpService(url=url[:-7], timeout=60) for number, url in enumerate(urls)}
    poller = Poller("benchmark", Environment(services=services), None)
    works: dict[str, Callable[[], Awaitable[Any]]] = {
        "bare, one client": lambda: with_one_client(urls, shared, 64),
        "bare, a client each": lambda: with_a_client_each(urls, clients, 64),
        "vq-tui": poller.once,
    }
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in works}
    for _ in range(1 + ROUNDS):
        for name, work in works.items():
            runs[name].append(await timed(work))
    snapshot = await poller.once()
    await poller.close()
    for client in [shared, *clients]:
        await client.aclose()
    assert all(one.latency_ms is not None for one in snapshot.services), "every target must have answered"
    return {"targets": len(ports), **_summary(runs)}


def _summary(runs: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, taken in runs.items():
        warm = {key: min(one[key] for one in taken[1:]) for key in taken[0]}
        found[name] = {"cold": taken[0], "warm": warm}
    for state in ("cold", "warm"):
        for key in ("seconds", "cpu_seconds"):
            bare = min(found[name][state][key] for name in found if name.startswith("bare"))
            found.setdefault("ratio to the better bare one", {})[f"{state} {key}"] = round(
                found["vq-tui"][state][key] / bare, 2
            )
    return found


def main() -> None:
    targets = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    sockets = [listening() for _ in range(targets)]
    ports = [one.getsockname()[1] for one in sockets]
    server = multiprocessing.Process(target=serve, args=(sockets,), daemon=True)
    server.start()
    for one in sockets:
        one.close()
    try:
        print(json.dumps(asyncio.run(compare(ports)), indent=2))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
