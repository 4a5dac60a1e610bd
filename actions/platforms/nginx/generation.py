"""Asking nginx which generation it serves, on connections made for that question alone."""

import asyncio
import json

import httpx

from actions.model.base import Fact
from actions.model.environment import NginxTraffic
from actions.model.text import clean

ASK_SECONDS = 2.0
_LIMIT = 16_384


class Answer(Fact):
    """What one fresh connection was told."""

    generation: str
    shares: dict[str, float]


async def ask(settings: NginxTraffic, count: int) -> tuple[Answer, ...]:
    """Up to `count` answers, each on its own connection; a connection that fails gives none."""
    url = settings.url.rstrip("/") + settings.generation_path
    answers = await asyncio.gather(*(_one(url) for _ in range(count)))
    return tuple(answer for answer in answers if answer is not None)


async def _one(url: str) -> Answer | None:
    try:
        async with (
            asyncio.timeout(ASK_SECONDS),
            httpx.AsyncClient(trust_env=False, timeout=ASK_SECONDS, verify=url.startswith("https")) as client,
            client.stream("GET", url, headers={"Connection": "close"}) as response,
        ):
            if response.status_code != httpx.codes.OK:
                return None
            body = b""
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > _LIMIT:
                    return None
    except (httpx.HTTPError, TimeoutError):
        return None
    return parse(body)


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
