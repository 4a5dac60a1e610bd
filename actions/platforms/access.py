"""From the configured names to live drivers; each driver's module is imported only when an environment uses it.

`Access` holds reading halves only; `WriteAccess` exists in executors and in the preflight of an `Operator`, never in a
read-only session.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import cast

from actions.clients import libraries
from actions.model.environment import Environment
from actions.model.errors import UnknownNameError
from actions.model.platform import TrafficFacts, WorkloadFacts
from actions.model.services import HttpService, PostgresService, RedisService
from actions.model.workloads import Slot, Traffic, Workload
from actions.platforms.protocols import Changer, TrafficReader, Upkeep, WorkloadReader
from actions.platforms.shared import SharedReading

ONLY_SLOT = "main"
"""Name of the one slot of a service without colours."""


@dataclass(frozen=True)
class Place:
    """Where a driver stands: environment, service, slot, and what is configured around it."""

    environment: str
    service: str
    slot: str
    settings: Environment
    slots: dict[str, Slot]
    url: str | None

    @property
    def has_traffic(self) -> bool:
        """Whether a traffic driver sends users here or elsewhere: then a change here reaches nobody by itself."""
        service = self.settings.services.get(self.service)
        return isinstance(service, HttpService) and service.traffic is not None


class Access:
    """Reading halves of the drivers of one environment, made once and kept open until `close`."""

    def __init__(self, name: str, environment: Environment) -> None:
        self.name = name
        self.environment = environment
        self._workloads: dict[tuple[str, str], WorkloadReader] = {}
        self._traffic: dict[str, TrafficReader] = {}
        self._observed: dict[tuple[str, str], SharedReading[WorkloadFacts]] = {}
        self._observed_traffic: dict[str, SharedReading[TrafficFacts]] = {}
        self.loaded: set[str] = set()

    def load(self, service: str) -> None:
        """Import the drivers of this service and their libraries, so that no deadline counts that. Blocking."""
        settings = self.environment.services.get(service)
        traffic = settings.traffic if isinstance(settings, HttpService) else None
        for used in (*(slot.workload for slot in self.slots(service).values()), *((traffic,) if traffic else ())):
            for library in getattr(_driver(used), "LIBRARIES", ()):
                libraries.load(library)
        self.loaded.add(service)

    def slots(self, service: str) -> dict[str, Slot]:
        """The places a release of this service can stand; empty when its workload is not managed here."""
        settings = self._service(service)
        if isinstance(settings, HttpService) and settings.slots:
            return dict(settings.slots)
        if settings.workload is not None:
            url = settings.url if isinstance(settings, HttpService) else None
            return {ONLY_SLOT: Slot(workload=settings.workload, url=url)}
        return {}

    def workload(self, service: str, slot: str) -> WorkloadReader:
        """The reading half of what runs in that slot."""
        if (service, slot) not in self._workloads:
            place = self._place(service, slot)
            module = _driver(place.slots[slot].workload)
            self._workloads[service, slot] = cast(
                WorkloadReader, module.workload_reader(place.slots[slot].workload, place)
            )
        return self._workloads[service, slot]

    def traffic(self, service: str) -> TrafficReader | None:
        """The reading half of the traffic driver; None for a service without colours."""
        settings = self._service(service)
        if not isinstance(settings, HttpService) or settings.traffic is None:
            return None
        if service not in self._traffic:
            module = import_module(f"actions.platforms.{settings.traffic.driver}.driver")
            place = self._place(service, next(iter(settings.slots)))
            self._traffic[service] = cast(TrafficReader, module.traffic_reader(settings.traffic, place))
        return self._traffic[service]

    async def observe(self, service: str, slot: str, within: float = 0.0) -> WorkloadFacts:
        """What runs in that slot; what anyone here observed at most `within` seconds ago is not asked for again.

        Whoever asks at the same time shares one question. Raises VqError: a source that fails is not hidden by what was
        observed before.
        """
        return await self._reading(service, slot).get(within)

    async def observe_traffic(self, service: str, within: float = 0.0) -> TrafficFacts | None:
        """Who gets the traffic, shared as `observe` does; None for a service without a traffic driver."""
        reading = self._traffic_reading(service)
        return None if reading is None else await reading.get(within)

    def remembered(self, service: str, slot: str, within: float) -> tuple[float, WorkloadFacts] | None:
        """Age and content of what was last observed in that slot, for a source that is slow now."""
        return self._reading(service, slot).remembered(within)

    def remembered_traffic(self, service: str, within: float) -> tuple[float, TrafficFacts] | None:
        """Age and content of what was last observed of the traffic, for a source that is slow now."""
        reading = self._traffic_reading(service)
        return None if reading is None else reading.remembered(within)

    def _reading(self, service: str, slot: str) -> SharedReading[WorkloadFacts]:
        key = (service, slot)
        if key not in self._observed:
            self._observed[key] = SharedReading(lambda: self.workload(service, slot).observe())
        return self._observed[key]

    def _traffic_reading(self, service: str) -> SharedReading[TrafficFacts] | None:
        if self.traffic(service) is None:
            return None
        if service not in self._observed_traffic:
            self._observed_traffic[service] = SharedReading(lambda: self._observe_traffic(service))
        return self._observed_traffic[service]

    async def _observe_traffic(self, service: str) -> TrafficFacts:
        reader = self.traffic(service)
        assert reader is not None  # nobody asks for the reading of a service without one
        return await reader.observe()

    async def close(self) -> None:
        """Close every driver that was opened."""
        readings: list[SharedReading[WorkloadFacts] | SharedReading[TrafficFacts]] = [*self._observed.values()]
        for reading in [*readings, *self._observed_traffic.values()]:
            await reading.close()
        opened: list[WorkloadReader | TrafficReader] = [*self._workloads.values(), *self._traffic.values()]
        self._workloads.clear()
        self._traffic.clear()
        for driver in opened:
            await driver.close()

    def _service(self, service: str) -> HttpService | PostgresService | RedisService:
        settings = self.environment.services.get(service)
        if not isinstance(settings, HttpService | PostgresService | RedisService):
            known = ", ".join(self.environment.services) or "none"
            raise UnknownNameError(f"no service '{service}' with a workload in '{self.name}'; configured: {known}")
        return settings

    def _place(self, service: str, slot: str) -> Place:
        slots = self.slots(service)
        if slot not in slots:
            raise UnknownNameError(f"no slot '{slot}' in service '{service}'; configured: {', '.join(slots) or 'none'}")
        return Place(self.name, service, slot, self.environment, slots, slots[slot].url)


class WriteAccess(Access):
    """Also opens the writing halves."""

    def __init__(self, name: str, environment: Environment) -> None:
        super().__init__(name, environment)
        self._changers: dict[tuple[str, str], Changer] = {}

    def workload_changer(self, service: str, slot: str) -> Changer:
        """The writing half of what runs in that slot."""
        if (service, slot) not in self._changers:
            place = self._place(service, slot)
            workload = place.slots[slot].workload
            self._changers[service, slot] = cast(Changer, _driver(workload).workload_changer(workload, place))
        return self._changers[service, slot]

    def upkeep(self, service: str, slot: str) -> Upkeep | None:
        """What is done for that slot outside of runs; None where its driver does nothing. The caller closes it."""
        workload = self._place(service, slot).slots[slot].workload
        make = getattr(_driver(workload), "workload_upkeep", None)
        return cast(Upkeep, make(workload)) if make is not None else None

    def traffic_changer(self, service: str) -> Changer:
        """The writing half of the traffic driver."""
        settings = self._service(service)
        if not isinstance(settings, HttpService) or settings.traffic is None:
            raise UnknownNameError(f"service '{service}' has no traffic driver")
        if (service, "") not in self._changers:
            module = import_module(f"actions.platforms.{settings.traffic.driver}.driver")
            place = self._place(service, next(iter(settings.slots)))
            self._changers[service, ""] = cast(Changer, module.traffic_changer(settings.traffic, place))
        return self._changers[service, ""]

    async def close(self) -> None:
        """Close every driver, writing halves too."""
        changers = list(self._changers.values())
        self._changers.clear()
        for changer in changers:
            await changer.close()
        await super().close()


def _driver(used: Workload | Traffic):  # type: ignore[no-untyped-def]
    return import_module(f"actions.platforms.{used.driver}.driver")
