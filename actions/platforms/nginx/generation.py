"""Asking nginx which generation it serves, on connections made for that question alone."""

import asyncio
import json

from actions.clients.http import HttpReader
from actions.model.base import Fact
from actions.model.services import HttpService
from actions.model.text import clean
from actions.model.workloads import NginxTraffic
from actions.platforms.access import Place

ASK_SECONDS = 2.0
_LIMIT = 16_384


class Answer(Fact):
    """What one fresh connection was told."""

    generation: str
    shares: dict[str, float]


class Told(Fact):
    """What several connections were told; `trouble` says why one of them got no answer at all."""

    answers: tuple[Answer, ...]
    trouble: str = ""


class Generations:
    """Asks nginx at its outside address, trusting whom the service in front of it trusts."""

    def __init__(self, settings: NginxTraffic, place: Place) -> None:
        """Raises ConfigError."""
        service = place.settings.services.get(place.service)
        tls = service.tls if isinstance(service, HttpService) else None
        self._path = settings.generation_path
        self._http = HttpReader(settings.url, tls=tls, timeout=ASK_SECONDS, body_limit=_LIMIT)

    async def ask(self, count: int) -> Told:
        """Up to `count` answers, each on its own connection; a connection that fails gives none."""
        found = await asyncio.gather(*(self._http.get(self._path, fresh=True) for _ in range(count)))
        told = (parse(one.body) for one in found if one.status == 200 and one.trouble is None)
        trouble = next((one.reason for one in found if not one.reached), "")
        return Told(answers=tuple(one for one in told if one is not None), trouble=trouble)

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.close()


def parse(body: bytes) -> Answer | None:
    """The answer of `/__gen`; None when it is not one of ours."""
    try:
        told = json.loads(body)
        return Answer(
            generation=clean(told["generation"], limit=100),
            shares={clean(slot, limit=64): float(share) for slot, share in told["shares"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
