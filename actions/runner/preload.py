"""Which modules an executor will need, so that a prepared one loads them while it waits for its run."""

from collections.abc import Iterable
from importlib import import_module

from actions.model.environment import Environment
from actions.model.services import HttpService, PostgresService, RedisService
from actions.steps.registry import KINDS

_OWN = "actions."
_ALWAYS = (
    "actions.config",
    "actions.platforms.access",
    "actions.runner.versions",
    "actions.steps.measures",
    "actions.steps.records",
)


def modules_for(environment: Environment) -> tuple[str, ...]:
    """Modules that a run in this environment uses: its drivers, and the clients of its databases."""
    names: dict[str, None] = {}
    for service in environment.services.values():
        if isinstance(service, PostgresService):
            names["actions.clients.postgres"] = None
        if isinstance(service, RedisService):
            names["actions.clients.redis"] = None
        if isinstance(service, HttpService | PostgresService | RedisService):
            slots = service.slots.values() if isinstance(service, HttpService) else ()
            traffic = service.traffic if isinstance(service, HttpService) else None
            for used in (service.workload, *(slot.workload for slot in slots), traffic):
                if used is not None:
                    names[f"actions.platforms.{used.driver}.driver"] = None
    return tuple(names)


def load(names: Iterable[str]) -> None:
    """Import what every run needs and `names`, with the libraries that drivers import late.

    A module that cannot be imported is left to the run, which says what is missing.
    """
    steps = [f"actions.steps.{module}" for module, _ in KINDS.values()]
    for name in (*_ALWAYS, *steps, *(one for one in names if one.startswith(_OWN))):
        try:
            for library in getattr(import_module(name), "LIBRARIES", ()):
                import_module(library)
        except ImportError:
            continue
