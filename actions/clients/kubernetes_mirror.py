"""A live copy of one kind of objects in one namespace: listed once, then watched, so that readiness costs no polling.

After 410 Gone it lists again; after a lost connection it keeps the last objects, says since when they are old, and
tries again with growing pauses. Mirrors of one cluster and namespace are shared by all services that look at it.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

from actions.clients.kubernetes_api import Expired, Forbidden, Json, KubernetesReader, NotThere
from actions.model.errors import Unreachable, VqError

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 15.0
TOLERATED_SECONDS = 6.0
"""A mirror without a connection for longer than this no longer counts as an observation (H9)."""


class Mirror:
    """Objects by uid, kept current by a task of its own."""

    def __init__(self, client: KubernetesReader, path: str) -> None:
        self.client, self.path = client, path
        self._objects: dict[str, Json] = {}
        self._changed = asyncio.Event()
        self._ready = asyncio.Event()
        self._error: VqError | None = None
        self._lost_at: float | None = None
        self._task = asyncio.create_task(self._run(), name=f"mirror {path}")

    async def objects(self) -> list[Json]:
        """All objects, as current as the watch is. Raises Forbidden, NotThere or Unreachable."""
        if not self._ready.is_set():
            await self._ready.wait()
        if isinstance(self._error, Forbidden | NotThere) and not self._objects:
            raise self._error
        if self._error is not None and self._lost_at is not None:
            lost = time.monotonic() - self._lost_at
            if lost > TOLERATED_SECONDS or not self._objects:
                raise Unreachable(f"{self._error.message} (for {lost:.0f} s)")
        return list(self._objects.values())

    async def next_change(self, seconds: float) -> None:
        """Return at the next event, or after `seconds`."""
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    async def close(self) -> None:
        """Stop watching."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        pause, version = FIRST_PAUSE, ""
        while True:
            try:
                if not version:
                    version = await self._list()
                self._error, self._lost_at, pause = None, None, FIRST_PAUSE
                self._ready.set()
                async for event in self.client.watch(self.path, version):
                    version = self._apply(event)
            except Expired:
                version = ""
            except VqError as error:
                self._lose(error)
                if isinstance(error, Forbidden | NotThere):
                    version, pause = "", LONGEST_PAUSE
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _list(self) -> str:
        found = await self.client.get(self.path)
        self._objects = {one["metadata"]["uid"]: one for one in found.get("items", [])}
        self._changed.set()
        return str(found["metadata"]["resourceVersion"])

    def _apply(self, event: Json) -> str:
        thing: Json = event["object"]
        if event["type"] == "DELETED":
            self._objects.pop(thing["metadata"]["uid"], None)
        elif event["type"] in {"ADDED", "MODIFIED"}:
            self._objects[thing["metadata"]["uid"]] = thing
        if event["type"] != "BOOKMARK":
            self._changed.set()
        return str(thing["metadata"]["resourceVersion"])

    def _lose(self, error: VqError) -> None:
        self._error = error
        self._lost_at = self._lost_at if self._lost_at is not None else time.monotonic()
        self._ready.set()
        self._changed.set()


@dataclass
class _Shared:
    client: KubernetesReader
    mirrors: dict[str, Mirror]
    users: int = 0


class Mirrors:
    """The mirrors one driver uses; connections and copies are shared with the other drivers of the same event loop."""

    _pools: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Path | None, str | None], _Shared]]" = (
        WeakKeyDictionary()
    )

    def __init__(self, kubeconfig: Path | None, context: str | None) -> None:
        self._key = (kubeconfig, context)
        self._shared: _Shared | None = None

    @property
    def client(self) -> KubernetesReader:
        """The shared reading client."""
        return self._pool().client

    def of(self, path: str) -> Mirror:
        """The mirror of the collection at `path`."""
        shared = self._pool()
        if path not in shared.mirrors:
            shared.mirrors[path] = Mirror(shared.client, path)
        return shared.mirrors[path]

    async def close(self) -> None:
        """Let go; the last user closes connections and watches."""
        shared, self._shared = self._shared, None
        if shared is None:
            return
        shared.users -= 1
        if shared.users == 0:
            self._pools[asyncio.get_running_loop()].pop(self._key, None)
            for mirror in shared.mirrors.values():
                await mirror.close()
            await shared.client.close()

    def _pool(self) -> _Shared:
        if self._shared is None:
            pool = self._pools.setdefault(asyncio.get_running_loop(), {})
            if self._key not in pool:
                pool[self._key] = _Shared(KubernetesReader(*self._key), {})
            self._shared = pool[self._key]
            self._shared.users += 1
        return self._shared
