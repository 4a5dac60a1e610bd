"""A busy or silent API decides nothing: reads are asked again, and the way back goes on from what it then finds."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from actions.clients.kubernetes_api import KubernetesReader
from actions.clients.kubernetes_errors import Throttled, refusal
from actions.model.errors import Ambiguous, Refused, Stale, Unreachable, VerifyFailed
from actions.model.platform import Change
from actions.model.waiting import Deadline
from actions.model.words import ProbeState
from actions.platforms.kubernetes import change as change_module
from actions.platforms.kubernetes.change import KubernetesChanger
from actions.platforms.kubernetes.following import AGAIN_SECONDS
from actions.platforms.kubernetes.patience import patiently
from tests.kubernetes.bench import KEY, Bench, ignore
from tests.kubernetes.double import Answer, KubernetesDouble, Reset

BUSY: dict[str, Callable[[KubernetesDouble], object]] = {
    "busy read": lambda double: double.inject(Answer(503), verb="get", resource="deployments"),
    "lost read": lambda double: double.inject(Reset(), verb="get", resource="deployments"),
    "busy write": lambda double: double.inject(Answer(429, retry_after=0), verb="patch", resource="deployments"),
    "failed write": lambda double: double.inject(Answer(500), verb="patch", resource="deployments"),
    "lost before": lambda double: double.inject(Reset(), verb="patch", resource="deployments"),
    "lost after": lambda double: double.inject(Reset(applied=True), verb="patch", resource="deployments"),
}


pytestmark = pytest.mark.usefixtures("hurried")


async def acted(bench: Bench) -> tuple[Change, KubernetesChanger]:
    """The template of 1.4.1 is set."""
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    await changer.protect(changes[0], KEY, bench.directory)
    await changer.act(changes[0], KEY, bench.directory, ignore)
    return changes[0], changer


@pytest.mark.parametrize("trouble", BUSY)
async def test_the_way_back_outlives_one_bad_answer_and_is_applied_once(
    bench: Bench, released: KubernetesDouble, trouble: str
) -> None:
    before = released.get("Deployment", "api")["spec"]["template"]
    change, changer = await acted(bench)
    BUSY[trouble](released)
    await changer.undo(change, KEY, bench.directory, Deadline(20), ignore)
    assert released.get("Deployment", "api")["spec"]["template"] == before
    assert len(released.writes("deployments", "api")) == 2, "the change and its way back, each once"


async def test_a_resize_during_the_way_back_does_not_stop_it(
    bench: Bench, released: KubernetesDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An autoscaler moves the generation between read and patch; the template is still ours."""
    change, changer = await acted(bench)
    sizes = iter([4])
    monkeypatch.setattr(
        change_module,
        "crashpoint",
        lambda name: (
            name.endswith("before-undo-patch")
            and released.edit("Deployment", "api", {"spec": {"replicas": next(sizes)}})
        ),
    )
    await changer.undo(change, KEY, bench.directory, Deadline(20), ignore)
    after = released.get("Deployment", "api")["spec"]
    assert after["replicas"] == 4 and after["template"]["spec"]["containers"][0]["image"].endswith(":1.4.2")


async def test_a_change_by_someone_else_during_the_way_back_stays(
    bench: Bench, released: KubernetesDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, changer = await acted(bench)
    monkeypatch.setattr(
        change_module,
        "crashpoint",
        lambda name: name.endswith("before-undo-patch") and released.release("api", "x:9"),
    )
    with pytest.raises(Refused, match="by someone else meanwhile"):
        await changer.undo(change, KEY, bench.directory, Deadline(20), ignore)
    assert released.get("Deployment", "api")["spec"]["template"]["spec"]["containers"][0]["image"] == "x:9"


@pytest.mark.parametrize(
    ("answer", "error"), [(Answer(503), Unreachable), (Answer(500), Ambiguous), (Answer(422), Stale)]
)
async def test_a_way_back_that_is_never_answered_ends_with_the_last_trouble(
    bench: Bench, released: KubernetesDouble, answer: Answer, error: type[Exception]
) -> None:
    change, changer = await acted(bench)
    released.inject(answer, verb="patch", resource="deployments", times=None)
    with pytest.raises(error):
        await changer.undo(change, KEY, bench.directory, Deadline(0.5), ignore)
    assert len(released.writes("deployments", "api")) == 1


async def test_check_and_probe_ask_again(bench: Bench, released: KubernetesDouble) -> None:
    _, changes, changer = await bench.planned(bench.settings(service="api"), "1.4.1")
    answer: Answer | Reset
    for answer in (Answer(503), Answer(429, retry_after=0), Reset()):
        await asked_again(released, changes[0], changer, answer)


async def asked_again(
    released: KubernetesDouble, change: Change, changer: KubernetesChanger, answer: Answer | Reset
) -> None:
    """Every request of a check and of a probe is answered this way once."""
    for verb, resource in (("get", "deployments"), ("get", "replicasets"), ("list", "endpointslices")):
        released.inject(answer, verb=verb, resource=resource)
    released.inject(answer, verb="patch", resource="deployments", dry_run=True)
    assert "dry run accepted" in (await changer.check(change)).text
    released.inject(answer, verb="get", resource="deployments", times=3)
    probe = await changer.probe(change, KEY, Path())
    assert probe.state is ProbeState.NOT_STARTED and not released.writes("deployments")


async def test_the_server_says_when_to_ask_again(bench: Bench, double: KubernetesDouble) -> None:
    reader = KubernetesReader.of(bench.settings())
    for fault, seconds in ((Answer(429, retry_after=3), 3), (Answer(429, retry_after=3, plain=True), 3),
                           (Answer(503), 1), (Answer(503, retry_after=0), 0)):  # fmt: skip
        double.inject(fault, verb="list", resource="deployments")
        with pytest.raises(Throttled) as busy:
            await reader.get("/apis/apps/v1/namespaces/vq/deployments")
        assert busy.value.after == seconds, fault
    await reader.close()


@pytest.mark.parametrize(("headers", "after"), [("7", 7), ("Wed, 21 Oct 2026 07:28:00 GMT", 1), (None, 5)])
def test_the_header_counts_before_the_details(headers: str | None, after: float) -> None:
    told = refusal("k", "GET", "/x", 429, b'{"details":{"retryAfterSeconds":5}}', headers)
    assert isinstance(told, Throttled) and told.after == after


async def test_a_deadline_ends_the_asking() -> None:
    said: list[str] = []

    async def silent() -> str:
        raise Unreachable("nobody there")

    async def hanging() -> str:
        await asyncio.Event().wait()
        return ""

    with pytest.raises(Unreachable, match="nobody there"):
        await patiently(silent, Deadline(0.3), said.append)
    assert said == ["nobody there"]
    with pytest.raises(Unreachable, match="did not answer within"):
        await patiently(hanging, Deadline(0.05), said.append)


@pytest.mark.parametrize("refused", [Answer(503), Answer(410)])
async def test_a_watch_that_is_refused_does_not_make_the_rollout_spin(
    bench: Bench, released: KubernetesDouble, refused: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look costs three requests; without its watch it is taken once a pause, and the rollout is still proved."""
    change, changer = await acted(bench)
    lost = released.inject(refused, verb="watch", resource="deployments", times=None)
    monkeypatch.setattr("actions.platforms.kubernetes.rollout.POLL_SECONDS", 0.1)
    began = time.monotonic()
    assert "3 of 3 updated" in (await changer.verify(change, KEY, Deadline(20), ignore)).text
    assert 1 <= lost.hits <= (time.monotonic() - began) / 0.1 + 1


async def test_a_rollout_that_cannot_complete_is_not_asked_about_without_end(
    bench: Bench, released: KubernetesDouble
) -> None:
    change, changer = await acted(bench)
    released.disturb(lambda images: images.sick.add("registry.local/virtualqueue-api:1.4.1"))
    lost = released.inject(Answer(503), verb="watch", resource="deployments", times=None)
    began = time.monotonic()
    with pytest.raises(VerifyFailed, match="not rolled out within"):
        await changer.verify(change, KEY, Deadline(0.7), ignore)
    times = 2 + (time.monotonic() - began) / AGAIN_SECONDS
    assert lost.hits <= 2 * times, "each watch is asked for again at its pace: the proof's and the mirror's"
