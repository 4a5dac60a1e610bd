"""What users of the router get: generation and colour named by answers on fresh connections."""

import asyncio
from dataclasses import dataclass

from actions.clients.http import HttpReader
from actions.clients.http_answer import Trouble
from actions.clients.router import RouterState
from actions.model.services import HttpService

ASK_SECONDS = 1.5
PROOF_SECONDS = 5.0
"""The proof of a switch waits longer: on a platform that is slow its answers come late, and count."""


@dataclass(frozen=True)
class Seen:
    """One answer from outside. Both are None when nobody answered, `colour` also when the router spoke for a slot.

    `silent`: taken, but not answered in time, which says nothing about where it was sent.
    """

    generation: str | None
    colour: str | None
    words: str
    silent: bool = False


class Outside:
    """Asks the public address as users do."""

    def __init__(self, service: HttpService, seconds: float = ASK_SECONDS) -> None:
        self._path = service.health
        self._http = HttpReader(service.url, tls=service.tls, timeout=seconds)

    async def ask(self, count: int) -> tuple[Seen, ...]:
        """`count` answers, each over a connection of its own, asked at the same time."""
        return tuple(await asyncio.gather(*(self._one() for _ in range(count))))

    async def _one(self) -> Seen:
        answer = await self._http.get(self._path, fresh=True)
        silent = answer.trouble is Trouble.TIMEOUT
        return Seen(answer.header("x-generation"), answer.header("x-colour"), answer.reason, silent)

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.close()


def contradiction(state: RouterState, seen: tuple[Seen, ...]) -> str:
    """How the answers differ from what the router says it does; empty when they agree.

    Silence is no contradiction: a release that hangs must be left, not taken for an edit by somebody else.
    """
    for one in seen:
        if one.silent:
            continue
        if one.generation is None:
            return f"an answer from outside names no generation ({one.words})"
        if one.generation != state.generation:
            return f"answers carry generation {one.generation}, the router says {state.generation}"
        if one.colour is not None and state.weights.get(one.colour, 0.0) <= 0:
            return f"{one.colour} answers, though the router gives it nothing"
    return ""


def observed_shares(state: RouterState, seen: tuple[Seen, ...]) -> dict[str, float]:
    """Shares as answers confirm them; where answers contradict the router, the share of the answers of each colour."""
    colours = [one.colour for one in seen if one.colour is not None]
    if not contradiction(state, seen) or not colours:
        return dict(state.weights)
    return {name: colours.count(name) / len(colours) for name in {**state.weights, **dict.fromkeys(colours)}}
