"""Which database schema is in place: a release may only go back to one it runs on (correct-procedures 2.9)."""

import asyncio

from actions.config import resolve
from actions.model.environment import Environment, PostgresService
from actions.model.errors import VqError


async def read_schema(environment: Environment) -> tuple[int | None, str]:
    """The schema version; None with the reason why nobody can tell, and None with "" where there is no database."""
    databases = {name: one for name, one in environment.services.items() if isinstance(one, PostgresService)}
    asked = {name: one for name, one in databases.items() if one.schema_query}
    if not databases:
        return None, ""
    if not asked:
        return None, f"nobody can tell the schema: set 'schema_query' of {' or '.join(databases)}"
    name, service = next(iter(asked.items()))
    try:
        return await _version(name, service), ""
    except VqError as error:
        return None, error.message


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
