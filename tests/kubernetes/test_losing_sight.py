"""A cluster that cannot be seen for a while: nothing is undone for that, and the controller's verdict is weighed."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from actions.clients.kubernetes_api import KubernetesReader
from actions.clients.kubernetes_errors import Forbidden, Starting
from actions.model.errors import OutOfSight, Refused, Unreachable
from actions.model.platform import Change
from actions.model.waiting import Deadline
from actions.platforms.kubernetes.change import KubernetesChanger
from actions.platforms.kubernetes.stalling import STILL_SECONDS, Stall
from tests.kubernetes.bench import KEY, Bench, ignore
from tests.kubernetes.double import KubernetesDouble, Rule

PATH = "/apis/apps/v1/namespaces/vq/deployments"
LOST: dict[str, Callable[[KubernetesDouble], object]] = {
    "starting": lambda double: setattr(double.access, "synced", False),
    "not there": lambda double: double.down(),
    "logged out": lambda double: double.access.expire("admin"),
    "no rights for a while": lambda double: double.deny("admin", Rule(verbs=("get",), resources=("deployments",))),
}
SEEN: dict[str, Callable[[KubernetesDouble], object]] = {
    "starting": lambda double: setattr(double.access, "synced", True),
    "not there": lambda double: double.up(),
    "logged out": lambda double: double.access.renew("admin"),
    "no rights for a while": lambda double: double.access.identity("admin").denied.clear(),
}


async def acted(bench: Bench) -> tuple[Change, KubernetesChanger]:
    """The template of 1.4.1 is set."""
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    await changer.protect(changes[0], KEY, bench.directory)
    await changer.act(changes[0], KEY, bench.directory, ignore)
    return changes[0], changer


@pytest.mark.parametrize("outage", LOST)
async def test_a_rollout_is_proved_after_an_outage(bench: Bench, released: KubernetesDouble, outage: str) -> None:
    change, changer = await acted(bench)
    LOST[outage](released)
    said: list[str] = []
    proving = asyncio.create_task(changer.verify(change, KEY, Deadline(20), said.append))
    async with asyncio.timeout(15):
        while not said:
            await asyncio.sleep(0.01)
    SEEN[outage](released)
    assert "3 of 3 updated" in (await proving).text
    assert len(released.writes("deployments", "api")) == 1


@pytest.mark.parametrize("outage", LOST)
async def test_what_was_not_seen_to_its_end_is_left_to_a_person(
    bench: Bench, released: KubernetesDouble, outage: str
) -> None:
    """It is no failure: the newer release may be the bad one, and the older one may be serving already."""
    change, changer = await acted(bench)
    LOST[outage](released)
    with pytest.raises(OutOfSight):
        await changer.verify(change, KEY, Deadline(1.2), ignore)


async def test_a_starting_server_is_told_from_a_lack_of_rights(bench: Bench, released: KubernetesDouble) -> None:
    reader = KubernetesReader.of(bench.settings())
    released.access.synced = False
    with pytest.raises(Starting):
        await reader.get(PATH)
    with pytest.raises(Starting):
        await reader.may("get", "apps", "deployments", "vq")
    with pytest.raises(Starting):
        async for _ in reader.watch(PATH, "1"):
            pass
    released.access.synced = True
    assert (await reader.get(PATH))["items"]
    released.deny("admin", Rule(resources=("deployments",)))
    with pytest.raises(Forbidden):
        await reader.get(PATH)
    await reader.close()


async def test_a_change_refused_by_a_starting_server_is_made_once_it_has_started(
    bench: Bench, released: KubernetesDouble
) -> None:
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    released.access.synced = False
    acting = asyncio.create_task(changer.act(changes[0], KEY, bench.directory, ignore))
    async with asyncio.timeout(15):
        while not any(one.status == 403 for one in list(released.requests)):
            await asyncio.sleep(0.01)
    released.access.synced = True
    await acting
    assert len(released.writes("deployments", "api")) == 1


async def test_a_console_sees_a_server_that_starts_without_waiting_long(
    bench: Bench, released: KubernetesDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real lack of rights is asked about every quarter of a minute; this is none."""
    monkeypatch.setattr("actions.clients.kubernetes_mirror.LONGEST_PAUSE", 3600.0)
    released.access.synced = False
    reader = bench.reader(bench.settings())
    with pytest.raises(Unreachable, match="is starting"):
        await reader.observe()
    released.access.synced = True
    async with asyncio.timeout(15):
        while True:
            try:
                assert (await reader.observe()).current is not None
                break
            except Unreachable:
                await asyncio.sleep(0.01)


def workload(updated: int = 1, deadline: int = 600) -> dict[str, Any]:
    return {"spec": {"progressDeadlineSeconds": deadline}, "status": {"updatedReplicas": updated}}


def pod(name: str, ready: bool, reason: str = "") -> dict[str, Any]:
    state = {"waiting": {"reason": reason}} if reason else {"running": {}}
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {"metadata": {"name": name}, "status": {"conditions": conditions, "containerStatuses": [{"state": state}]}}


class Clock:
    """Seconds moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_pods_that_cannot_start_make_the_verdict_final() -> None:
    stall, pods = Stall(Clock()), [pod("a", True), pod("b", False, "ImagePullBackOff")]
    stall.look(workload(), pods)
    assert stall.final(workload(), pods)
    assert not stall.final(workload(), [pod("a", True), pod("b", False, "ContainerCreating")])


def test_after_an_outage_the_verdict_is_about_the_outage() -> None:
    clock = Clock()
    stall, pods = Stall(clock), [pod("a", False, "CrashLoopBackOff")]
    stall.outage()
    stall.look(workload(), pods)
    assert not stall.final(workload(), pods)
    clock.now = STILL_SECONDS
    assert stall.final(workload(), pods)


def test_a_pod_that_moves_takes_the_verdict_back() -> None:
    clock = Clock()
    stall = Stall(clock)
    stall.look(workload(), [pod("a", False)])
    clock.now = STILL_SECONDS - 1
    stall.look(workload(), [pod("a", True), pod("b", False)])
    clock.now = STILL_SECONDS + 1
    assert not stall.final(workload(), [pod("a", True), pod("b", False)])
    clock.now = 2 * STILL_SECONDS
    assert stall.final(workload(), [pod("a", True), pod("b", False)])


def test_a_short_deadline_is_not_waited_for_longer_than_it_is() -> None:
    clock = Clock()
    stall = Stall(clock)
    clock.now = 3.0
    assert stall.final(workload(deadline=3), [pod("a", False)])


async def test_a_verdict_that_the_next_pod_takes_back_fails_nothing(bench: Bench, double: KubernetesDouble) -> None:
    """Pods that need longer than the deadline: the controller gives up, and the rollout completes."""
    double.deployment("api", "api:1.4.1", replicas=2, deadline=3)
    double.rolled_out("api")
    double.release("api", "api:1.4.2")
    double.rolled_out("api")
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    double.disturb(lambda images: images.sick.add("api:1.4.1"))
    await changer.act(changes[0], KEY, bench.directory, ignore)
    said: list[str] = []
    proving = asyncio.create_task(changer.verify(changes[0], KEY, Deadline(20), said.append))
    async with asyncio.timeout(15):
        while not any("ProgressDeadlineExceeded" in line for line in said):
            await asyncio.sleep(0.01)
    double.disturb(lambda images: images.sick.clear())
    assert "2 of 2 updated and available" in (await proving).text


@pytest.mark.parametrize("whole", [True, False])
async def test_a_release_that_was_never_whole_is_put_back_only_when_a_person_says_so(
    bench: Bench, released: KubernetesDouble, whole: bool
) -> None:
    """The release set here serves by now; going back would end that. Asked once: who resumes the run has decided."""
    standing = "1.4.2"
    if not whole:
        standing = "1.5.0-bad"
        released.release("api", "registry.local/virtualqueue-api:1.5.0-bad")
        released.condition("api", "ProgressDeadlineExceeded")
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1", standing)
    await changer.protect(changes[0], KEY, bench.directory)
    await changer.act(changes[0], KEY, bench.directory, ignore)
    await changer.verify(changes[0], KEY, Deadline(20), ignore)
    if not whole:
        with pytest.raises(Refused, match="never whole.*resume"):
            await changer.undo(changes[0], KEY, bench.directory, Deadline(20), ignore)
        assert len(released.writes("deployments", "api")) == 1
    await changer.undo(changes[0], KEY, bench.directory, Deadline(20), ignore)
    assert len(released.writes("deployments", "api")) == 2


async def test_a_release_that_was_never_whole_is_put_back_where_nothing_better_comes_up(
    bench: Bench, double: KubernetesDouble
) -> None:
    double.deployment("api", "api:1.4.1-bad", replicas=2, deadline=3)
    double.condition("api", "ProgressDeadlineExceeded")
    double.release("api", "api:1.5.0-bad")
    double.condition("api", "ProgressDeadlineExceeded")
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1-bad", "1.5.0-bad")
    await changer.protect(changes[0], KEY, bench.directory)
    await changer.act(changes[0], KEY, bench.directory, ignore)
    await changer.undo(changes[0], KEY, bench.directory, Deadline(20), ignore)
    assert len(double.writes("deployments", "api")) == 2
