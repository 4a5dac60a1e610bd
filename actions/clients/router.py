"""Client of the embedded stack's router: a reading half and a writing half.

By hand: `curl --unix-socket DIR/router.sock http://local/state`.
"""

from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from actions.clients.local_api import LocalApi, LocalApiWriter
from actions.clients.processes import Text
from actions.model.base import Fact
from actions.model.errors import VqError
from actions.model.text import clean

M = TypeVar("M", bound=BaseModel)


class RouterState(Fact):
    """What the router does right now. Shares in `weights` sum to 1.

    `generation` names the last change of weights and comes back in the `X-Generation` header of every answer;
    `applied` are the generations that were ever in force, newest last. Counters per colour start with the process:
    `requests` taken, `errors` (answers of 500 and above, and requests that got none), `in_flight` now, `seconds` spent
    in all.
    """

    pid: int
    started_at: float
    generation: Text
    changed_at: float
    applied: tuple[Text, ...]
    weights: dict[str, float]
    targets: dict[str, str]
    in_flight: dict[str, int]
    requests: dict[str, int]
    errors: dict[str, int]
    seconds: dict[str, float]


class RouterReader:
    """Observes a router at its admin address. Raises Unreachable when none answers."""

    def __init__(self, admin: str, *, token: SecretStr | None = None, timeout: float = 3.0) -> None:
        self._api = LocalApi(admin, what="router", timeout=timeout, token=token)

    async def state(self) -> RouterState:
        """Weights, generation and counters, read now."""
        return _parse(RouterState, await self._api.read("/state"))


class RouterWriter(RouterReader):
    """Changes what the router does. Each call is sent once."""

    def __init__(self, admin: str, *, token: SecretStr | None = None, timeout: float = 3.0) -> None:
        super().__init__(admin, token=token, timeout=timeout)
        self._door = LocalApiWriter(admin, what="router", timeout=timeout, token=token)

    async def switch(self, weights: dict[str, float], *, generation: str, expected: str | None = None) -> RouterState:
        """Give each colour its share of new requests; requests under way finish where they are.

        `generation` is the idempotency key: the one in force changes nothing. Raises Stale when another generation than
        `expected` is in force or `generation` was in force before and has been replaced, Refused for bad weights, and
        Ambiguous when the answer was lost: then `state().applied` tells.
        """
        body = {"weights": weights, "generation": generation, "expected_generation": expected}
        return _parse(RouterState, await self._door.write("PUT", "/state", body))


def _parse(model: type[M], payload: Any) -> M:
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        raise VqError(f"the router answered in an unknown shape: {clean(error.errors()[0]['msg'])}") from error
