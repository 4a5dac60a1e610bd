"""An address as a workload: what answers there is observed; its processes belong to somebody else."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

from actions.clients.health_body import not_well
from actions.clients.http import HttpReader
from actions.clients.versions import version_of
from actions.model.errors import Refused, Unreachable
from actions.model.health import Check
from actions.model.platform import Artefact, Change, Evidence, Instance, InstanceState, Probe, WorkloadFacts
from actions.model.services import HttpService
from actions.model.waiting import Deadline
from actions.model.words import Gate, ProbeState
from actions.model.workloads import AddressWorkload
from actions.platforms.access import Place
from actions.platforms.protocols import Report


def workload_reader(settings: AddressWorkload, place: Place) -> "AddressReader":
    """The reading half."""
    return AddressReader(settings, place)


def workload_changer(settings: AddressWorkload, place: Place) -> "AddressChanger":
    """The writing half, which refuses."""
    return AddressChanger(settings)


class AddressReader:
    """One instance, known by its answers. A release is identified by the version it names: nothing better exists."""

    def __init__(self, settings: AddressWorkload, place: Place) -> None:
        service = place.settings.services[place.service]
        self._service = service if isinstance(service, HttpService) else HttpService(url=settings.url)
        self._url = settings.url
        self._http = HttpReader(settings.url, tls=self._service.tls, timeout=self._service.timeout)

    async def observe(self) -> WorkloadFacts:
        """Raises Unreachable when nothing answers."""
        answer = await self._http.get(self._service.health)
        if not answer.reached:
            raise Unreachable(f"nothing answers at {self._url}: {answer.reason}")
        version, wrong = version_of(answer, self._service), not_well(answer, self._service)
        current = Artefact(version=version, reference=f"version:{version}") if version else None
        instance = Instance(
            id=self._url,
            name=urlsplit(self._url).netloc,
            state=InstanceState.RUNNING,
            ready=not wrong,
            version=version,
            reference=current.reference if current else None,
            message=wrong,
        )
        return WorkloadFacts(
            observed_at=datetime.now(UTC),
            desired=1,
            instances=(instance,),
            current=current,
            pins={"version": version},
        )

    async def at_hand(self, artefact: Artefact) -> Check:
        """At hand only while it stands there."""
        facts = await self.observe()
        stands = facts.current is not None and facts.current.reference == artefact.reference
        evidence = f"{facts.current.version if facts.current else 'no named version'} answers at {self._url}"
        return Check(
            id="artefact",
            title="stands there",
            gate=Gate.PASS if stands else Gate.FAIL,
            evidence=evidence,
            advice="" if stands else "its processes are managed elsewhere: change them there",
        )

    async def permissions(self) -> tuple[Check, ...]:
        """Nothing is ever changed here, so no right is needed."""
        return ()

    async def plan_change(self, facts: WorkloadFacts, to: Artefact) -> tuple[Change, ...]:
        """Always refused."""
        raise Refused(
            f"{self._url} is managed elsewhere and only observed here: bring {to.version} there by its own means"
        )

    async def log_tail(self, instance: str, lines: int) -> tuple[str, ...]:
        """There is no log to read."""
        raise Refused(f"the log of {self._url} is kept elsewhere")

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.close()


class AddressChanger:
    """Refuses every change."""

    def __init__(self, settings: AddressWorkload) -> None:
        self._url = settings.url

    def _refused(self) -> Refused:
        return Refused(f"{self._url} is managed elsewhere and only observed here")

    async def check(self, change: Change) -> Evidence:
        """Always refused."""
        raise self._refused()

    async def protect(self, change: Change, key: str, folder: object) -> Evidence:
        """Always refused."""
        raise self._refused()

    async def act(self, change: Change, key: str, folder: object, report: Report) -> Evidence:
        """Always refused."""
        raise self._refused()

    async def verify(self, change: Change, key: str, deadline: Deadline, report: Report) -> Evidence:
        """Always refused."""
        raise self._refused()

    async def undo(self, change: Change, key: str, folder: object, deadline: Deadline, report: Report) -> Evidence:
        """Nothing was ever done."""
        return Evidence(text=f"{self._url} was never changed")

    async def probe(self, change: Change, key: str, folder: object) -> Probe:
        """Nothing was ever done."""
        return Probe(state=ProbeState.NOT_STARTED, evidence=f"{self._url} is never changed")

    async def manual(self, change: Change, folder: object) -> tuple[str, ...]:
        """Ask whoever manages the address."""
        return (f"change what runs at {self._url} where it is managed",)

    async def close(self) -> None:
        """Nothing is open."""
