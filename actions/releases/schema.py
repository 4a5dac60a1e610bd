"""Which database schema is in place: a release may only go back to one it runs on (correct-procedures 2.9)."""

from actions.model.environment import Environment, PostgresService


async def read_schema(environment: Environment) -> tuple[int | None, str]:
    """The schema version and a word about it. (None, "") where the environment has no database at all."""
    databases = {name: one for name, one in environment.services.items() if isinstance(one, PostgresService)}
    asked = {name: one for name, one in databases.items() if one.schema_query}
    if not databases:
        return None, ""
    if not asked:
        return None, f"nobody can tell the schema: set 'schema_query' of {' or '.join(databases)}"
    name, service = next(iter(asked.items()))
    return await _ask(name, service)


async def _ask(name: str, service: PostgresService) -> tuple[int | None, str]:
    return None, "not connected"
