"""Whether a database or cache answers as it should after a rollback (R7). A check that errors is a failed check."""

import asyncio

from pydantic import SecretStr

from actions.config import resolve
from actions.model.environment import Environment, PostgresService, RedisService, SecretSource
from actions.model.errors import VqError
from actions.model.health import Check
from actions.model.words import Gate

TABLES = "select count(*) from pg_stat_user_tables"


async def reach_all(environment: Environment) -> tuple[Check, ...]:
    """The checks of every database and cache of the environment, at the same time."""
    services = environment.services.items()
    data = [(name, one) for name, one in services if isinstance(one, PostgresService | RedisService)]
    return tuple(await asyncio.gather(*(reach(name, one) for name, one in data)))


async def reach(name: str, service: PostgresService | RedisService) -> Check:
    """The check of one data service: PostgreSQL holds enough tables, Redis answers PING."""
    probe = _postgres(service) if isinstance(service, PostgresService) else _redis(service)
    try:
        evidence, advice = await probe
    except VqError as error:
        return Check(id=name, title=name, gate=Gate.FAIL, evidence=error.message, advice=f"look at {name} first")
    gate = Gate.FAIL if advice else Gate.PASS
    return Check(id=name, title=name, gate=gate, evidence=evidence, advice=advice)


async def _postgres(service: PostgresService) -> tuple[str, str]:
    from actions.clients.postgres import PostgresReader

    client = PostgresReader(service.dsn, password=await _secret(service.password), timeout=service.timeout)
    try:
        tables = await client.scalar(TABLES)
    finally:
        await client.close()
    if not isinstance(tables, int):
        return f"tables cannot be counted, the answer was {tables!r}", "check the rights of the reading role"
    few = tables < service.minimum_tables
    return (
        f"{tables} tables, at least {service.minimum_tables} expected",
        "data is missing: look before going on" if few else "",
    )


async def _redis(service: RedisService) -> tuple[str, str]:
    from actions.clients.redis import RedisReader

    client = RedisReader(
        service.url,
        username=service.username,
        password=await _secret(service.password),
        tls=service.tls,
        timeout=service.timeout,
    )
    try:
        status = await client.status()
    finally:
        await client.close()
    return f"PONG in {status.latency_ms:.0f} ms", "it is still loading its data" if status.loading else ""


async def _secret(source: SecretSource | None) -> SecretStr | None:
    return await asyncio.to_thread(resolve, source) if source else None
