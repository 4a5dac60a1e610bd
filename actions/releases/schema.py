"""Which database schemas are in place: a release may only go back to those it runs on."""

import asyncio

from actions.config import resolve
from actions.model.environment import Environment
from actions.model.errors import VqError
from actions.model.services import PostgresService


async def read_schemas(environment: Environment) -> tuple[dict[str, int], str]:
    """The schema version of every database that is asked for it, and why it is not known of others.

    Nothing and "" where there is no database at all. All are asked at the same time.
    """
    databases = {name: one for name, one in environment.services.items() if isinstance(one, PostgresService)}
    asked = {name: one for name, one in databases.items() if one.schema_query}
    if not databases:
        return {}, ""
    if not asked:
        return {}, f"nobody can tell the schema: set 'schema_query' of {' or '.join(databases)}"
    found = await asyncio.gather(*(_read(name, one) for name, one in asked.items()))
    versions = {name: one for name, one in zip(asked, found, strict=True) if isinstance(one, int)}
    return versions, "; ".join(one for one in found if isinstance(one, str))


async def _read(name: str, service: PostgresService) -> int | str:
    """The version, or why nobody can tell."""
    try:
        return await _version(name, service)
    except VqError as error:
        return error.message


async def _version(name: str, service: PostgresService) -> int:
    from actions.clients.postgres import PostgresReader

    password = await asyncio.to_thread(resolve, service.password) if service.password else None
    client = PostgresReader(service.dsn, password=password, timeout=service.timeout)
    try:
        found = await client.scalar(str(service.schema_query))
    finally:
        await client.close()
    try:
        return int(str(found))
    except ValueError:
        raise VqError(f"'schema_query' of {name} answered {found!r}, which is no schema version") from None
