"""Client of the supervisor of local processes: a reading half and a writing half.

The supervisor listens on `supervisor.sock` (0600) in its state directory; whoever may open that file may use it. By
hand: `curl --unix-socket DIR/supervisor.sock http://local/processes`.
"""

from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from actions.clients.local_api import LocalApi, LocalApiWriter
from actions.clients.processes import ProcessFacts, ProcessRecord, ProcessSpec, SupervisorFacts
from actions.model.errors import VqError
from actions.model.text import clean

SOCKET = "supervisor.sock"
M = TypeVar("M", bound=BaseModel)


def socket_address(path: Path) -> str:
    """The `unix://` address of a socket file."""
    return "unix://" + quote(str(path.absolute()))


class SupervisorReader:
    """Observes the processes of one state directory. All calls raise Unreachable when no supervisor answers there."""

    def __init__(self, directory: Path, *, timeout: float = 5.0) -> None:
        self.directory = directory
        self._api = LocalApi(socket_address(directory / SOCKET), what="process supervisor", timeout=timeout)

    async def list(self) -> SupervisorFacts:
        """The supervisor and all its processes, read now."""
        return _parse(SupervisorFacts, await self._api.read("/processes"))

    async def process(self, name: str) -> ProcessFacts:
        """One process. Raises UnknownNameError."""
        return _parse(ProcessFacts, (await self._api.read(f"/processes/{quote(name)}"))["facts"])

    async def record(self, name: str) -> ProcessRecord:
        """The spec of one process with its generation and the keys applied to it. Raises UnknownNameError."""
        return _parse(ProcessRecord, (await self._api.read(f"/processes/{quote(name)}"))["record"])

    async def log_tail(self, name: str, lines: int = 100) -> tuple[str, ...]:
        """The last lines of its log, cleaned. Raises UnknownNameError."""
        answer = await self._api.read(f"/processes/{quote(name)}/log?lines={lines:d}")
        return tuple(clean(line) for line in answer["lines"])


class SupervisorWriter(SupervisorReader):
    """Changes processes. Each call is sent once.

    A change carries an idempotency `key`: a key that was applied already changes nothing and answers with the facts of
    now. `expected` is the generation the caller planned against; another one raises Stale. Ambiguous means the answer
    was lost: look for the key in `process(name).keys`.
    """

    def __init__(self, directory: Path, *, timeout: float = 5.0) -> None:
        super().__init__(directory, timeout=timeout)
        self._door = LocalApiWriter(socket_address(directory / SOCKET), what="process supervisor", timeout=timeout)

    async def replace(self, spec: ProcessSpec, *, key: str, expected: int | None = None) -> ProcessFacts:
        """Put `spec` in place, stopping the process that runs under that name. `expected` 0 means: must be new.

        Returns once the new process was started, which says nothing yet about its health. Raises Refused when the
        release of the spec is not on this host.
        """
        body = {"spec": spec.model_dump(mode="json"), "key": key, "expected_generation": expected}
        return await self._change("PUT", spec.name, "", body, spec.stop_seconds)

    async def start(self, name: str, *, key: str, expected: int | None = None) -> ProcessFacts:
        """Want it running, and start it if it is not."""
        return await self._change("POST", name, "/start", {"key": key, "expected_generation": expected}, 5)

    async def stop(
        self, name: str, *, key: str, seconds: float | None = None, expected: int | None = None
    ) -> ProcessFacts:
        """Want it stopped; returns when it is gone. After `seconds` it is killed; 0 kills at once."""
        body = {"key": key, "expected_generation": expected, "seconds": seconds}
        return await self._change("POST", name, "/stop", body, 600 if seconds is None else seconds)

    async def restart(self, name: str, *, key: str, expected: int | None = None) -> ProcessFacts:
        """Stop it gracefully and start it again under the same spec."""
        return await self._change("POST", name, "/restart", {"key": key, "expected_generation": expected}, 600)

    async def remove(self, name: str, *, key: str, expected: int | None = None) -> None:
        """Stop it and forget its spec. Raises UnknownNameError when there is none."""
        body = {"key": key, "expected_generation": expected}
        await self._door.write("DELETE", f"/processes/{quote(name)}", body, timeout=30)

    async def shutdown(self) -> None:
        """Stop every process and the supervisor itself; the answer comes before the end."""
        await self._door.write("POST", "/shutdown", {})

    async def _change(self, method: str, name: str, action: str, body: dict[str, Any], seconds: float) -> ProcessFacts:
        answer = await self._door.write(method, f"/processes/{quote(name)}{action}", body, timeout=seconds + 10)
        return _parse(ProcessFacts, answer["facts"])


def _parse(model: type[M], payload: Any) -> M:
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        raise VqError(
            f"the process supervisor answered in an unknown shape: {clean(error.errors()[0]['msg'])}"
        ) from error
