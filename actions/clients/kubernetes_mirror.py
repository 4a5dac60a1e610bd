"""A live copy of one kind of objects in one namespace: listed once, then watched, so that readiness costs no polling.

After 410 Gone it lists again; after a lost connection it keeps the last objects, says since when they are old, and
tries again with growing pauses. Mirrors of one cluster and namespace are shared by all services that look at it.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from actions.clients import kubernetes_pulse as pulse
from actions.clients.kubernetes_api import Json, KubernetesReader
from actions.clients.kubernetes_errors import Expired, Forbidden, NotThere, lost
from actions.clients.kubernetes_pulse import Pulse, told
from actions.clients.kubernetes_selectors import ALL, Selected
from actions.model.errors import ConfigError, Unreachable, VqError

T = TypeVar("T")
Part = Callable[[Json], Json]
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 15.0
LONGEST_REOPENING = 1.0
FRESH_SECONDS = 0.25
"""So long what was just listed counts as it is: a command that looks once and leaves opens no watch."""
KEPT_ERRORS = (Forbidden, NotThere, ConfigError)
"""Errors that waiting does not cure: they are told as they are, at once."""


def unmanaged(thing: Json) -> Json:
    """The object without the record of who set which field, which is often larger than the rest."""
    thing["metadata"].pop("managedFields", None)
    return thing


class Mirror:
    """Objects of one collection, kept current by a task of its own. `version` grows with every change.

    Only what is `selected` is asked for, and only `part` of each object is kept.
    """

    def __init__(
        self, client: KubernetesReader, path: str, pulse: Pulse, selected: Selected = ALL, part: Part = unmanaged
    ) -> None:
        self.client, self.path, self.pulse = client, path, pulse
        self._selected, self._part = selected, part
        self.version = 0
        self._objects: dict[str, Json] = {}
        self._named: dict[str, Json] = {}
        self._owned: dict[str, dict[str, Json]] = {}
        self._listed = False
        self._ready = asyncio.Event()
        self._error: VqError | None = None
        self._lost_at: float | None = None
        self._task = asyncio.create_task(self._run(), name=f"mirror {path}")

    async def current(self) -> "Mirror":
        """Itself, when what it holds counts as an observation. Raises Forbidden, NotThere, ConfigError, Unreachable."""
        if not self._ready.is_set():
            await self._ready.wait()
        if isinstance(self._error, KEPT_ERRORS) and not self._listed:
            raise self._error
        if self._error is not None and self._lost_at is not None:
            seconds = time.monotonic() - self._lost_at
            if seconds > pulse.TOLERATED_SECONDS or not self._listed:
                raise lost(self._error, f"{self._error.message} (for {seconds:.0f} s)")
        if self._task.done():
            raise Unreachable(f"{self.client.where}: the watch of {self.path} has ended; start the program again")
        if silence := self.pulse.silence:
            raise silence
        return self

    async def objects(self) -> list[Json]:
        """All objects. Raises as `current` does."""
        return (await self.current()).held()

    def held(self) -> list[Json]:
        """All objects as they were seen last."""
        return list(self._objects.values())

    def named(self, name: str) -> Json | None:
        """The object of that name."""
        return self._named.get(name)

    def owned_by(self, uid: str) -> tuple[Json, ...]:
        """The objects whose controller is the object of that uid."""
        return tuple(self._owned.get(uid, {}).values())

    async def close(self) -> None:
        """Stop watching."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        """Until it is cancelled: whatever goes wrong is told, and tried again after a pause."""
        pause, version = FIRST_PAUSE, ""
        while True:
            began = time.monotonic()
            try:
                if not version:
                    version = await self._list()
                    self._recover()
                    await asyncio.sleep(FRESH_SECONDS)
                async for event in self.client.watch(self.path, version, opened=self._recover, selected=self._selected):
                    pause, version = FIRST_PAUSE, self._apply(event)
            except Expired:
                version = ""
            except Exception as error:  # noqa: BLE001 - a watch that ends for good would show old facts for ever
                known = isinstance(error, VqError) and not isinstance(error, KEPT_ERRORS)
                version = version if known else ""
                await self._lost(told(self.client, error), pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            if time.monotonic() - began < FIRST_PAUSE:  # ended as soon as it was opened: not again without a pause
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_REOPENING)

    async def _lost(self, error: VqError, pause: float) -> None:
        self._lose(error)
        if isinstance(error, Forbidden | NotThere):
            await asyncio.sleep(LONGEST_PAUSE)
            return
        if isinstance(error, ConfigError):
            pause = LONGEST_PAUSE
        await asyncio.sleep(min(FIRST_PAUSE, pause))
        await self.pulse.answer(pause - FIRST_PAUSE)

    async def _list(self) -> str:
        items, version = await self.client.collection(self.path, self._selected, self._part)
        self._objects, self._named, self._owned = {}, {}, {}
        for one in items:
            self._put(one)
        self._listed = True
        self.version += 1
        return version

    def _apply(self, event: Json) -> str:
        thing: Json = event["object"]
        if event["type"] in {"ADDED", "MODIFIED", "DELETED"}:
            self.version += 1
            self._take(thing["metadata"]["uid"])
        if event["type"] in {"ADDED", "MODIFIED"}:
            self._put(self._part(thing))
        return str(thing["metadata"]["resourceVersion"])

    def _put(self, thing: Json) -> None:
        meta = thing["metadata"]
        controllers = [owner["uid"] for owner in meta.get("ownerReferences") or [] if owner.get("controller")]
        self._objects[meta["uid"]] = self._named[meta["name"]] = thing
        for uid in controllers:
            self._owned.setdefault(uid, {})[meta["uid"]] = thing

    def _take(self, uid: str) -> None:
        old = self._objects.pop(uid, None)
        if old is None:
            return
        meta = old["metadata"]
        if self._named.get(meta["name"]) is old:
            del self._named[meta["name"]]
        for owner in meta.get("ownerReferences") or []:
            held = self._owned.get(owner["uid"], {})
            held.pop(uid, None)
            if not held:
                self._owned.pop(owner["uid"], None)

    def _recover(self) -> None:
        self._error, self._lost_at = None, None
        self._ready.set()

    def _lose(self, error: VqError) -> None:
        self._error = error
        self._lost_at = self._lost_at if self._lost_at is not None else time.monotonic()
        self._ready.set()


@dataclass
class Answer:
    """What was asked once for all, and when (monotonic seconds)."""

    value: Any = None
    at: float | None = None
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass
class _Shared:
    client: KubernetesReader
    pulse: Pulse
    mirrors: dict[tuple[str, Selected], Mirror] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    users: int = 0


class Mirrors:
    """The mirrors one driver uses; connections and copies are shared with the other drivers of the same event loop."""

    _pools: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Path | None, str | None], _Shared]]" = (
        WeakKeyDictionary()
    )

    def __init__(self, kubeconfig: Path | None, context: str | None) -> None:
        self._key = (kubeconfig, context)
        self._shared: _Shared | None = None
        self._closed = False

    @property
    def client(self) -> KubernetesReader:
        """The shared reading client."""
        return self._pool().client

    def of(self, path: str, selected: Selected = ALL, part: Part = unmanaged) -> Mirror:
        """The mirror of what is `selected` of the collection at `path`; who asks first says which `part` is kept."""
        shared, key = self._pool(), (path, selected)
        if key not in shared.mirrors:
            shared.mirrors[key] = Mirror(shared.client, path, shared.pulse, selected, part)
        return shared.mirrors[key]

    async def remembered(self, key: str, seconds: float, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer to what cannot be watched; at most so many seconds old, asked once for all users."""
        answer = self._pool().answers.setdefault(key, Answer())
        async with answer.asking:
            if answer.at is None or time.monotonic() - answer.at >= seconds:
                answer.value, answer.at = await ask(), time.monotonic()
            return cast(T, answer.value)

    async def close(self) -> None:
        """Let go; the last user closes connections and watches."""
        shared, self._shared, self._closed = self._shared, None, True
        if shared is None:
            return
        shared.users -= 1
        if shared.users == 0:
            self._pools[asyncio.get_running_loop()].pop(self._key, None)
            for mirror in shared.mirrors.values():
                await mirror.close()
            await shared.pulse.close()
            await shared.client.close()

    def _pool(self) -> _Shared:
        if self._closed:
            raise Unreachable("the connection to Kubernetes was closed")
        if self._shared is None:
            pool = self._pools.setdefault(asyncio.get_running_loop(), {})
            if self._key not in pool:
                client = KubernetesReader(*self._key)
                pool[self._key] = _Shared(client, Pulse(client))
            self._shared = pool[self._key]
            self._shared.users += 1
        return self._shared
