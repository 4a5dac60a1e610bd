"""Looking once at services, with limits that a busy machine does not break."""

from typing import Any

from actions.health import Poller
from actions.model.environment import Environment
from actions.model.health import ServiceHealth, Snapshot
from actions.model.services import (
    HttpService,
    HttpThresholds,
    PostgresService,
    PostgresThresholds,
    RedisService,
    RedisThresholds,
    Service,
)

CALM = {"latency_ms": 60_000.0}
"""No limit on latency: this machine may be busy with other tests."""


def http(**settings: Any) -> HttpService:
    return HttpService(thresholds=HttpThresholds(**CALM, latency_down_ms=60_000), **({"timeout": 10} | settings))


def postgres(**settings: Any) -> PostgresService:
    return PostgresService(thresholds=PostgresThresholds(**CALM), **({"timeout": 10} | settings))


def redis(**settings: Any) -> RedisService:
    return RedisService(thresholds=RedisThresholds(**CALM), **({"timeout": 10} | settings))


async def look(**services: Service) -> Snapshot:
    poller = Poller("test", Environment(services=services), None)
    try:
        return await poller.once()
    finally:
        await poller.close()


async def look_at(service: Service) -> ServiceHealth:
    found = (await look(one=service)).service("one")
    assert found is not None
    return found
