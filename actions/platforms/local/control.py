"""The supervisor's requests: each change is guarded, made durable under its key, then carried out."""

import asyncio
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from actions.clients.processes import ProcessRecord, ProcessSpec
from actions.platforms.local.child import Child
from actions.platforms.local.httpd import HttpError, Request
from actions.platforms.local.log_files import tail

if TYPE_CHECKING:
    from actions.platforms.local.supervisor import Supervisor

LOG_LINES = 2_000
KEPT_KEYS = 32


class Control:
    """Answers the requests of `actions.clients.supervisor`."""

    def __init__(self, supervisor: "Supervisor") -> None:
        self._supervisor = supervisor

    async def answer(self, request: Request) -> Any:
        """Route one request."""
        words = request.path.strip("/").split("/")
        match (request.method, *words):
            case ("GET", "processes"):
                await self._supervisor.measure()
                return self._supervisor.facts().model_dump(mode="json")
            case ("GET", "processes", name):
                child = self._child(name)
                await self._supervisor.measure()
                return {"facts": self._dump(child), "record": child.record.model_dump(mode="json")}
            case ("GET", "processes", name, "log"):
                asked = request.query.get("lines", "100")
                lines = min(LOG_LINES, int(asked)) if asked.isdecimal() else 100
                return {"lines": await asyncio.to_thread(tail, self._child(name).log, lines) if lines else []}
            case ("PUT", "processes", name):
                return await self._replace(name, request.body)
            case ("POST", "processes", name, ("start" | "stop" | "restart") as action):
                return await self._want(name, action, request.body)
            case ("DELETE", "processes", name):
                return await self._remove(name, request.body)
            case ("POST", "shutdown"):
                self._supervisor.ending.set()
                return {"ending": True}
        raise HttpError(404, f"no such request: {request.method} {request.path}")

    def _child(self, name: str) -> Child:
        child = self._supervisor.children.get(name)
        if child is None:
            known = ", ".join(sorted(self._supervisor.children)) or "none"
            raise HttpError(404, f"no process {name!r}; known: {known}")
        return child

    def _guard(self, name: str, body: Any) -> tuple[str, bool]:
        """The key of a change and whether it was applied before; 409 when planned against another generation."""
        if self._supervisor.ending.is_set():
            raise HttpError(409, "the supervisor is shutting down")
        key = body.get("key") if isinstance(body, dict) else None
        if not isinstance(key, str) or not 0 < len(key) <= 200:
            raise HttpError(400, "a change needs a 'key' of 1 to 200 characters")
        child = self._supervisor.children.get(name)
        if child is not None and key in child.record.keys:
            return key, True
        expected = body.get("expected_generation")
        current = child.record.generation if child else 0
        if expected is not None and expected != current:
            raise HttpError(409, f"process {name} is at generation {current}, the change expected {expected}")
        return key, False

    async def _replace(self, name: str, body: Any) -> dict[str, Any]:
        async with self._supervisor.lock(name):
            key, done = self._guard(name, body)
            if done:
                return {"facts": self._dump(self._child(name)), "applied": False}
            spec = _spec(name, body)
            release = spec.release_directory
            if release is not None and not (release / "manifest.json").is_file():
                raise HttpError(422, f"release {spec.release} is not on this host: {release} is missing")
            old = self._supervisor.children.get(name)
            generation, keys = (old.record.generation + 1, old.record.keys) if old else (1, ())
            record = ProcessRecord(spec=spec, generation=generation, keys=(*keys, key)[-KEPT_KEYS:])
            self._supervisor.keep(record)
            child = self._supervisor.children[name]
            child.record = record  # at once: whoever asks while the old process still stops must see this key
            await child.stop()
            return self._started(child)

    async def _want(self, name: str, action: str, body: Any) -> dict[str, Any]:
        async with self._supervisor.lock(name):
            child = self._child(name)
            key, done = self._guard(name, body)
            if done:
                return {"facts": self._dump(child), "applied": False}
            seconds = body.get("seconds")
            if seconds is not None and not (isinstance(seconds, int | float) and 0 <= seconds <= 600):
                raise HttpError(400, "'seconds' must be a number from 0 to 600")
            old = child.record
            update = {
                "wanted": action != "stop",
                "generation": old.generation + 1,
                "keys": (*old.keys, key)[-KEPT_KEYS:],
            }
            child.record = old.model_copy(update=update)
            self._supervisor.keep(child.record)
            if action != "start":
                await child.stop(seconds)
            if action == "stop":
                self._supervisor.note()
                return {"facts": self._dump(child), "applied": True}
            return self._started(child)

    async def _remove(self, name: str, body: Any) -> dict[str, Any]:
        async with self._supervisor.lock(name):
            child = self._child(name)
            self._guard(name, body)
            self._supervisor.store.remove(name)
            await child.stop()
            del self._supervisor.children[name]
            self._supervisor.note()
            return {"removed": name}

    def _dump(self, child: Child) -> dict[str, Any]:
        return self._supervisor.facts_of(child).model_dump(mode="json")

    def _started(self, child: Child) -> dict[str, Any]:
        child.start()
        self._supervisor.note()
        return {"facts": self._dump(child), "applied": True}


def _spec(name: str, body: dict[str, Any]) -> ProcessSpec:
    try:
        spec = ProcessSpec.model_validate(body.get("spec"))
    except ValidationError as error:
        first = error.errors()[0]
        raise HttpError(400, f"spec of {name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if spec.name != name:
        raise HttpError(400, f"the spec is named {spec.name!r}, the address {name!r}")
    return spec
