"""Whether a database or cache answers as it should after a rollback. A check that errors is a failed check."""

import asyncio
from typing import TYPE_CHECKING

from pydantic import SecretStr

from actions.config import resolve
from actions.model.environment import Environment
from actions.model.errors import VqError
from actions.model.health import Check
from actions.model.services import PostgresService, RedisService
from actions.model.words import Gate
from actions.model.workloads import SecretSource

if TYPE_CHECKING:
    from actions.clients.redis_info import RedisStatus


async def reach_all(environment: Environment) -> tuple[Check, ...]:
    """The checks of every database and cache of the environment, at the same time."""
    services = environment.services.items()
    data = [(name, one) for name, one in services if isinstance(one, PostgresService | RedisService)]
    return tuple(await asyncio.gather(*(reach(name, one) for name, one in data)))


async def reach(name: str, service: PostgresService | RedisService) -> Check:
    """The check of one data service: PostgreSQL holds enough tables, Redis answers and serves keys."""
    probe = _postgres(service) if isinstance(service, PostgresService) else _redis(service)
    try:
        gate, evidence, advice = await probe
    except VqError as error:
        return Check(id=name, title=name, gate=Gate.FAIL, evidence=error.message, advice=f"look at {name} first")
    return Check(id=name, title=name, gate=gate, evidence=evidence, advice=advice)


async def _postgres(service: PostgresService) -> tuple[Gate, str, str]:
    from actions.clients.postgres import PostgresReader

    client = PostgresReader(service.dsn, password=await _secret(service.password), timeout=service.timeout)
    try:
        tables = await client.tables()
    finally:
        await client.close()
    if tables is None:
        return Gate.INCONCLUSIVE, "tables cannot be counted", "check the rights of the reading role"
    evidence = f"{tables} tables, at least {service.minimum_tables} expected"
    if tables < service.minimum_tables:
        return Gate.FAIL, evidence, "data is missing: look before going on"
    return Gate.PASS, evidence, ""


async def _redis(service: RedisService) -> tuple[Gate, str, str]:
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
    answers = f"{status.product} answers in {status.latency_ms:.0f} ms"
    gate, reason, advice = _serves_keys(status)
    return gate, f"{answers}; {reason}" if reason else answers, advice


def _serves_keys(status: "RedisStatus") -> tuple[Gate, str, str]:
    """Whether keys can be read, with the reason and what to do where not: an answer to PING does not tell."""
    if status.role == "sentinel":
        return Gate.INCONCLUSIVE, "a Sentinel, which holds no data", "give the address of a data server"
    if status.loading is None or (status.cluster is not False and status.cluster_ok is None):
        reason = status.refused or status.cluster_words or "INFO does not tell whether keys can be read"
        return Gate.INCONCLUSIVE, reason, "give the reading user +info and +cluster|info"
    if status.loading:
        return Gate.FAIL, "still loading its data", "wait until the data is loaded"
    if status.cluster and not status.cluster_ok:
        return Gate.FAIL, f"cluster {status.cluster_words}", "look at the nodes of the cluster"
    return Gate.PASS, "", ""


async def _secret(source: SecretSource | None) -> SecretStr | None:
    return await asyncio.to_thread(resolve, source) if source else None
