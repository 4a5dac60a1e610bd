"""One snapshot a tick; a source that hangs, dies or errs holds up nobody and is never shown as good."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from actions.health import Poller
from actions.health.reading import Reading
from actions.health.source import Source, SourcePlan
from actions.health.watches import traffic_reading
from actions.model.environment import Environment
from actions.model.errors import Unreachable
from actions.model.health import Check, Snapshot
from actions.model.platform import Instance, InstanceState, TrafficFacts, WorkloadFacts
from actions.model.services import HostService, HttpService, HttpThresholds, Service
from actions.model.words import Gate, HealthState
from actions.model.workloads import AddressWorkload, RouterTraffic, Slot
from actions.platforms.access import Access
from tests.hostile_http import answer, bad_server

NOW = datetime(2026, 11, 21, 22, 41, tzinfo=UTC)
CALM = HttpThresholds(latency_ms=60_000, latency_down_ms=60_000)


def http(url: str, **settings: object) -> HttpService:
    return HttpService(url=url, thresholds=CALM, **({"timeout": 10} | settings))  # type: ignore[arg-type]


def environment(interval: float = 0.2, **services: Service) -> Environment:
    return Environment(interval=interval, services=services)


async def until(poller: Poller, condition: object, seconds: float = 30.0) -> Snapshot:
    async with asyncio.timeout(seconds):
        async for snapshot in poller.snapshots():
            if condition(snapshot):  # type: ignore[operator]
                return snapshot
    raise AssertionError("the poller ended")


def row(snapshot: Snapshot, name: str):  # type: ignore[no-untyped-def]
    found = snapshot.service(name)
    assert found is not None, [one.service for one in snapshot.services]
    return found


async def test_before_the_first_answer_nothing_is_known() -> None:
    async with bad_server() as server:
        poller = Poller("test", environment(0.1, slow=http(server.url, health="/silence", timeout=30)), None)
        first = await until(poller, lambda _: True)
        assert (first.sequence, first.environment) == (1, "test")
        slow = row(first, "slow")
        assert (slow.state, slow.word, slow.observed_at) == (HealthState.UNKNOWN, "no data", None)
        assert slow.stale(datetime.now(UTC))
        await poller.close()


async def test_a_hanging_source_delays_nobody_and_is_asked_once_at_a_time() -> None:
    async with bad_server() as server:
        services = {"hanging": http(server.url, health="/silence", timeout=60), "good": http(server.url)}
        poller = Poller("test", environment(0.2, **services), None)
        snapshot = await until(poller, lambda one: len(row(one, "good").trend) >= 5)
        hanging, good = row(snapshot, "hanging"), row(snapshot, "good")
        assert good.state is HealthState.OK and good.error is None
        assert hanging.state is HealthState.UNKNOWN and "no answer yet, asked" in (hanging.error or "")
        assert server.asked("/silence") == 1
        await poller.close()


async def test_a_source_that_dies_keeps_its_figures_with_their_age_and_is_never_good() -> None:
    now = [NOW]
    async with bad_server() as server:
        poller = Poller("test", environment(good=http(server.url)), None, clock=lambda: now[0])
        good = row(await poller.once(), "good")
        assert good.observed_at == NOW and good.shown_state(NOW) is HealthState.OK
        assert good.shown_state(NOW + timedelta(seconds=5)) is HealthState.UNKNOWN
        now[0] += timedelta(minutes=3)
    dead = row(await poller.once(), "good")
    assert (dead.state, dead.word, dead.summary) == (HealthState.DOWN, "down", "connection refused")
    assert dead.observed_at == NOW and dead.age(now[0]) == 180 and dead.attempted_at == now[0]
    assert dead.figures == good.figures and dead.version == good.version
    assert dead.trend == (*good.trend, None) and dead.errors == (0.0, 1.0)
    await poller.close()


async def test_many_services_all_get_data() -> None:
    async with bad_server() as server:
        services = {f"s{number}": http(server.url) for number in range(150)}
        poller = Poller("test", environment(0.5, **services), None)
        snapshot = await until(poller, lambda one: all(found.observed_at for found in one.services))
        assert {found.state for found in snapshot.services} == {HealthState.OK}
        assert len(snapshot.services) == 150
        await poller.close()


async def test_closing_leaves_no_task_and_ends_the_stream() -> None:
    async with bad_server() as server:
        poller = Poller("test", environment(0.1, a=http(server.url, health="/silence", timeout=60)), None)
        seen = []
        async with asyncio.timeout(20):
            async for snapshot in poller.snapshots():
                seen.append(snapshot.sequence)
                if len(seen) == 2:
                    await poller.close()
        assert seen == [1, 2]
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("health ")]


class Raising:
    async def look(self) -> Mapping[str, Reading]:
        raise KeyError("password=hunter22 \x1b[31m")

    async def close(self) -> None: ...


class Sleeping(Raising):
    async def look(self) -> Mapping[str, Reading]:
        await asyncio.sleep(3600)
        return {}


@pytest.mark.parametrize(
    ("probe", "words"), [(Raising(), "the probe failed: KeyError"), (Sleeping(), "no answer within")]
)
async def test_a_faulty_probe_is_a_row_without_data(probe: Raising, words: str) -> None:
    source = Source(SourcePlan("x", (("x", "http"),), 1.0, 0.2, lambda: probe))
    reading = (await source.look())["x"]
    assert (reading.state, reading.word, reading.fresh) == (HealthState.UNKNOWN, "no data", False)
    assert words in (reading.error or "") and "hunter22" not in str(reading) and "\x1b" not in str(reading)
    await source.close()


# Platforms
def facts(desired: int, *ready: bool) -> WorkloadFacts:
    instances = tuple(
        Instance(id=str(n), name=str(n), state=InstanceState.RUNNING, ready=one, restarts=n)
        for n, one in enumerate(ready)
    )
    return WorkloadFacts(observed_at=NOW, desired=desired, instances=instances)


class Workload:
    def __init__(self, seen: WorkloadFacts | Exception) -> None:
        self.seen = seen

    async def observe(self) -> WorkloadFacts:
        if isinstance(self.seen, Exception):
            raise self.seen
        return self.seen


class Traffic:
    def __init__(self, **shares: float) -> None:
        self.seen: TrafficFacts | Exception = TrafficFacts(observed_at=NOW, shares=shares)

    async def observe(self) -> TrafficFacts:
        if isinstance(self.seen, Exception):
            raise self.seen
        return self.seen


class FakeAccess(Access):
    def __init__(self, settings: Environment, workloads: dict[str, Workload], traffic: Traffic) -> None:
        super().__init__("test", settings)
        self.fakes, self.fake_traffic = workloads, traffic

    def workload(self, service: str, slot: str):  # type: ignore[no-untyped-def]
        return self.fakes[slot]

    def traffic(self, service: str):  # type: ignore[no-untyped-def]
        return self.fake_traffic


def two_colours(url: str) -> Environment:
    slots = {name: Slot(workload=AddressWorkload(url=url)) for name in ("blue", "green")}
    api = HttpService(
        url=url,
        thresholds=CALM,
        timeout=10,
        slots=slots,
        traffic=RouterTraffic(admin="http://127.0.0.1:1"),
        queues="/q",
    )
    return Environment(services={"api": api, "host": HostService(cpu=2, memory=2, disk=2)})


async def test_instances_of_the_serving_slot_and_the_traffic_row() -> None:
    async with bad_server() as server:
        server.answers["/q"] = lambda: answer(b'{"total": 10, "active": 8, "mean_length": 1}')
        settings = two_colours(server.url)
        workloads = {"blue": Workload(facts(3, True, True, True)), "green": Workload(facts(2, True, False))}
        access = FakeAccess(settings, workloads, Traffic(blue=1.0, green=0.0))
        poller = Poller("test", settings, access)
        snapshot = await poller.once()
        assert [one.service for one in snapshot.services] == ["api", "host", "router", "queues"]
        api, router = row(snapshot, "api"), row(snapshot, "router")
        assert (api.state, api.word) == (HealthState.OK, "ok") and api.summary.startswith("3/3  2.4.1  ")
        assert (api.figure("instances").value, api.figure("restarts").value) == ("3/3", 3)
        assert (router.state, router.summary, router.kind) == (HealthState.OK, "blue 100 %", "traffic")
        # The traffic moves: now the other slot counts, and one of its two instances is not ready.
        access.fake_traffic.seen = TrafficFacts(observed_at=NOW, shares={"blue": 0.0, "green": 1.0})
        api = row(await poller.once(), "api")
        assert (api.state, api.word) == (HealthState.DEGRADED, "partial") and api.summary.startswith("1/2  ")
        assert api.figure("instances").gate is Gate.FAIL and api.figure("instances").label == "green"
        await poller.close()


async def test_a_platform_that_cannot_be_seen_is_not_known_and_not_the_services_fault() -> None:
    async with bad_server() as server:
        server.answers["/q"] = lambda: answer(b"{}")
        settings = two_colours(server.url)
        gone = Workload(Unreachable("the engine does not answer"))
        access = FakeAccess(settings, {"blue": gone, "green": gone}, Traffic(blue=1.0))
        access.fake_traffic.seen = Unreachable("router does not answer: connection refused")
        poller = Poller("test", settings, access)
        snapshot = await poller.once()
        api, router = row(snapshot, "api"), row(snapshot, "router")
        assert api.state is HealthState.OK
        instances = api.figure("instances")
        assert (instances.value, instances.gate, instances.label) == (
            None,
            Gate.INCONCLUSIVE,
            "the engine does not answer",
        )
        assert (router.state, router.word, router.summary) == (HealthState.DOWN, "down", "connection refused")
        await poller.close()


@pytest.mark.parametrize(
    ("changes", "word", "summary"),
    [
        ({"shares": {"blue": 0.75, "green": 0.25}}, "ok", "blue 75 %  green 25 %"),
        ({"drift": "file says green"}, "drift", "blue 100 %  file says green"),
        ({"notes": (Check(id="w", title="old workers", gate=Gate.FAIL),)}, "failing", "blue 100 %  old workers"),
        ({"shares": {}}, "down", "no slot gets traffic"),
    ],
)
def test_traffic(changes: dict[str, object], word: str, summary: str) -> None:
    seen = TrafficFacts(observed_at=NOW, shares={"blue": 1.0, "green": 0.0}).model_copy(update=changes)
    reading = traffic_reading(seen)
    assert (reading.word, reading.summary) == (word, summary)
    assert (reading.state is HealthState.OK) is (word == "ok")


async def test_two_traffic_rows_carry_their_services_names() -> None:
    api = two_colours("http://127.0.0.1:1").services["api"]
    settings = Environment(services={"api": api, "web": api})
    poller = Poller("test", settings, FakeAccess(settings, {}, Traffic()))
    names = [one.service for one in (await until(poller, lambda _: True)).services]
    assert names == ["api", "web", "api router", "web router", "api queues", "web queues"]
    await poller.close()
