"""Health of one API process: each dependency asked with a time limit, all at once."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Any

from psycopg import Error as PostgresError
from redis.exceptions import RedisError

from actions.sandbox.api.service import Service
from actions.sandbox.release_files import MANIFEST, Release

LIMIT_SECONDS = 1.5
Result = dict[str, Any]


class Health:
    """Answers `/health`: `status` ok or down, and one entry for each dependency."""

    def __init__(self, service: Service, release: Release) -> None:
        self._service = service
        self._release = release

    async def report(self) -> tuple[bool, dict[str, Result]]:
        """Whether all is well, and the checks."""
        names = ("postgres", "redis", "schema")
        asked: tuple[Awaitable[Result], ...] = (self._postgres(), self._redis(), self._schema())
        checks = dict(zip(names, await asyncio.gather(*(_timed(one) for one in asked)), strict=True))
        checks["artefact"] = self._artefact()
        if self._release.behaviour.health == "fail":
            checks["self_test"] = {"status": "down", "error": "queue positions disagree with the database"}
        return all(check["status"] == "ok" for check in checks.values()), checks

    async def _postgres(self) -> Result:
        await self._service.database.query("select 1")
        return {}

    async def _redis(self) -> Result:
        await self._service.counters.ping()
        return {}

    async def _schema(self) -> Result:
        rows = await self._service.database.query("select max(version) as version from schema_version")
        manifest, version = self._release.manifest, rows[0]["version"]
        fits = version is not None and manifest.min_schema <= version <= manifest.max_schema
        facts: Result = {"version": version, "min": manifest.min_schema, "max": manifest.max_schema}
        if not fits:
            facts |= {"status": "down", "error": f"schema {version} does not fit release {manifest.version}"}
        return facts

    def _artefact(self) -> Result:
        if (self._release.directory / MANIFEST).is_file():
            return {"status": "ok", "id": self._release.manifest.artefact}
        return {"status": "down", "error": f"release {self._release.manifest.version} is not on this host any more"}


async def _timed(check: Awaitable[Result]) -> Result:
    began = time.monotonic()
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            result = await check
    except TimeoutError:
        result = {"status": "down", "error": f"no answer within {LIMIT_SECONDS:g} s"}
    except (PostgresError, RedisError, OSError) as error:
        result = {"status": "down", "error": str(error).strip().splitlines()[0] if str(error).strip() else repr(error)}
    return {"status": "ok", "latency_ms": round((time.monotonic() - began) * 1000, 1), **result}
