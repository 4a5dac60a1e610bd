"""Validation of the data services against real ones; an error in a check is a failed check (R7, H1 of the seed)."""

import pytest

from actions.config import load
from actions.model.services import PostgresService, RedisService
from actions.model.words import Gate
from actions.releases.schema import read_schemas
from actions.steps.reach import reach


@pytest.fixture
def settings(sandbox):
    return load(sandbox.config).environments["sandbox"]


async def test_a_database_with_its_tables_and_a_cache_that_answers_pass(settings):
    database = await reach("postgres", settings.services["postgres"])
    cache = await reach("redis", settings.services["redis"])
    assert database.gate is Gate.PASS and "tables, at least 5 expected" in database.evidence
    assert cache.gate is Gate.PASS and "answers in" in cache.evidence


async def test_missing_tables_fail_with_the_count(settings):
    few = settings.services["postgres"].model_copy(update={"minimum_tables": 999})
    found = await reach("postgres", few)
    assert found.gate is Gate.FAIL and "at least 999 expected" in found.evidence and found.advice


@pytest.mark.parametrize(
    "service",
    [
        PostgresService(dsn="postgresql://x@127.0.0.1:1/x", timeout=1),
        RedisService(url="redis://127.0.0.1:1", timeout=1),
    ],
    ids=["postgres", "redis"],
)
async def test_nobody_there_is_a_failure_not_an_exception(service):
    found = await reach("data", service)
    assert found.gate is Gate.FAIL and "127.0.0.1:1" in found.evidence


async def test_the_schema_in_place_is_read_or_the_reason_is_told(settings):
    assert await read_schemas(settings) == ({"postgres": 41}, "")
    database = settings.services["postgres"]

    def with_query(query):
        changed = database.model_copy(update={"schema_query": query})
        return settings.model_copy(update={"services": {"postgres": changed}})

    assert "set 'schema_query'" in (await read_schemas(with_query(None)))[1]
    assert "no schema version" in (await read_schemas(with_query("select 'forty'")))[1]
    assert "does not exist" in (await read_schemas(with_query("select version from nowhere")))[1]
    assert await read_schemas(settings.model_copy(update={"services": {}})) == ({}, "")


async def test_every_database_is_read_and_one_that_cannot_be_is_named(settings):
    database = settings.services["postgres"]
    other = database.model_copy(update={"schema_query": "select 39"})
    lost = database.model_copy(update={"dsn": "postgresql://x@127.0.0.1:1/x", "password": None})
    services = {"postgres": database, "archive": other, "lost": lost}
    schemas, note = await read_schemas(settings.model_copy(update={"services": services}))
    assert schemas == {"postgres": 41, "archive": 39} and "127.0.0.1:1" in note
