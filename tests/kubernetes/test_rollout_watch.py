"""Rollouts that do not complete, or not as planned."""

import pytest

from actions.model.errors import Stale, VerifyFailed
from actions.model.waiting import Deadline
from actions.model.words import ProbeState
from tests.kubernetes.bench import KEY, Bench, ignore
from tests.kubernetes.double import KubernetesDouble, digest_of


async def test_33_progress_deadline_exceeded_is_reported_at_once(bench: Bench, double: KubernetesDouble) -> None:
    double.deployment("api", "api:1.4.1-bad", replicas=2, deadline=3)
    double.condition("api", "ProgressDeadlineExceeded")
    double.release("api", "api:1.4.2")
    double.rolled_out("api")
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1-bad")
    await changer.act(changes[0], KEY, bench.directory, ignore)
    with pytest.raises(VerifyFailed, match="ProgressDeadlineExceeded"):
        await changer.verify(changes[0], KEY, Deadline(20), ignore)


async def test_33_a_release_that_never_turned_ready_is_left_for_the_good_one(
    bench: Bench, released: KubernetesDouble
) -> None:
    released.release("api", "registry.local/virtualqueue-api:1.5.0-bad")
    released.condition("api", "ProgressDeadlineExceeded")
    facts, changes, changer = await bench.planned(bench.settings(), "1.4.2")
    assert any(note.id == "deadline" for note in facts.notes)
    await bench.carry_out(changer, changes)


@pytest.mark.parametrize("crashed", [False, True])
@pytest.mark.parametrize("strategy", ["RollingUpdate", "Recreate"])
async def test_33_what_timed_out_before_the_rollback_does_not_fail_it(
    bench: Bench, double: KubernetesDouble, strategy: str, crashed: bool
) -> None:
    """With one replica nothing moves before the controller's first look, so it still shows the old verdict then."""
    double.deployment("api", "api:1.4.1", replicas=1, deadline=3, strategy={"type": strategy})
    double.rolled_out("api")
    double.release("api", "api:1.5.0-bad")
    double.condition("api", "ProgressDeadlineExceeded")
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1", "1.5.0-bad")
    await changer.protect(changes[0], KEY, bench.directory)
    await changer.act(changes[0], KEY, bench.directory, ignore)
    if crashed:
        changer = bench.changer(bench.settings())
        assert (await changer.probe(changes[0], KEY, bench.directory)).state is ProbeState.DONE
    said: list[str] = []
    told = await changer.verify(changes[0], KEY, Deadline(20), said.append)
    assert "1 of 1 updated and available" in told.text
    assert not [line for line in said if "ProgressDeadlineExceeded" in line]


async def test_33_a_rollback_that_times_out_itself_after_another_did_is_reported(
    bench: Bench, double: KubernetesDouble
) -> None:
    double.deployment("api", "api:1.4.1-bad", replicas=1, deadline=15)  # 1.5 s of the wall: stamps are whole seconds
    double.condition("api", "ReplicaSetUpdated")
    double.release("api", "api:1.4.2")
    double.rolled_out("api")
    double.release("api", "api:1.5.0-bad")
    double.condition("api", "ProgressDeadlineExceeded")
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1-bad", "1.5.0-bad")
    await changer.protect(changes[0], KEY, bench.directory)
    await changer.act(changes[0], KEY, bench.directory, ignore)
    with pytest.raises(VerifyFailed, match="ProgressDeadlineExceeded"):
        await changer.verify(changes[0], KEY, Deadline(20), ignore)


async def test_34_recreated_during_the_rollout_aborts(bench: Bench, released: KubernetesDouble) -> None:
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    await changer.act(changes[0], KEY, bench.directory, ignore)
    released.recreate("Deployment", "api")
    with pytest.raises(Stale, match="made anew during the rollout"):
        await changer.verify(changes[0], KEY, Deadline(20), ignore)
    assert (await changer.probe(changes[0], KEY, bench.directory)).state is ProbeState.UNKNOWN


async def test_34_an_autoscaler_may_change_the_size_during_the_rollout(
    bench: Bench, released: KubernetesDouble
) -> None:
    released.autoscaler("api")
    facts, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    assert any("scaled between 2 and 6" in note.evidence for note in facts.notes)
    await changer.act(changes[0], KEY, bench.directory, ignore)
    released.edit("Deployment", "api", {"spec": {"replicas": 4}})
    told = await changer.verify(changes[0], KEY, Deadline(20), ignore)
    assert "4 of 4 updated" in told.text


async def test_a_partition_keeps_pods_and_the_rest_is_proved(bench: Bench, double: KubernetesDouble) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    double.statefulset("worker", "worker:2.0.0", replicas=2)
    double.rolled_out("worker", kind="StatefulSet")
    double.release("worker", "worker:2.1.0", kind="StatefulSet")
    double.rolled_out("worker", kind="StatefulSet")
    double.edit("StatefulSet", "worker", {"spec": {"updateStrategy": strategy}})
    settings = bench.settings("statefulset", "worker", stateful_data_compatible=True)
    facts, changes, changer = await bench.planned(settings, "2.0.0")
    assert [note.id for note in facts.notes if note.id == "partition"] == ["partition"]
    assert "1 pods" in await bench.carry_out(changer, changes)
    images = sorted(pod["spec"]["containers"][0]["image"] for pod in double.pods("worker"))
    assert images == ["worker:2.0.0", "worker:2.1.0"]


async def test_a_digest_that_the_node_names_otherwise_is_said_and_fails_nothing(
    bench: Bench, double: KubernetesDouble
) -> None:
    """The kubelet runs what is pinned and nothing else; some runtimes name the image of one architecture instead."""
    wanted = f"api@{digest_of('api:1.4.1')}"
    double.deployment("api", wanted)
    double.rolled_out("api")
    double.release("api", "api:1.4.2")
    double.rolled_out("api")
    _, changes, changer = await bench.planned(bench.settings(), digest_of("api:1.4.1").removeprefix("sha256:")[:12])
    await changer.act(changes[0], KEY, bench.directory, ignore)
    await changer.verify(changes[0], KEY, Deadline(20), ignore)
    double.release("api", "api:1.4.3")
    double.rolled_out("api")
    double.images.image_id = lambda image: f"sha256:{'0' * 64}"
    _, changes, changer = await bench.planned(
        bench.settings(), digest_of("api:1.4.1").removeprefix("sha256:")[:12], "1.4.3"
    )
    await changer.act(changes[0], f"{KEY}9", bench.directory, ignore)
    said = (await changer.verify(changes[0], f"{KEY}9", Deadline(20), ignore)).text
    assert f"image {'0' * 12}" in said and f"pinned as {digest_of('api:1.4.1').removeprefix('sha256:')[:12]}" in said
