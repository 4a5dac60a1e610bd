"""The Kubernetes driver against the double, through the real client: all kinds, and fault matrix rows 32 to 36."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from actions.clients.kubernetes_api import NotThere
from actions.model.environment import Environment, HttpService, KubernetesWorkload, Slot
from actions.model.errors import Ambiguous, ConfigError, Refused, Stale, Unreachable, VerifyFailed
from actions.model.platform import Artefact, Change, WorkloadFacts
from actions.model.waiting import Deadline
from actions.model.words import Gate, ProbeState
from actions.platforms.access import Place
from actions.platforms.kubernetes import change as change_module
from actions.platforms.kubernetes.change import KubernetesChanger
from actions.platforms.kubernetes.driver import KubernetesWorkloadReader, workload_changer, workload_reader
from tests.kubernetes.double import KubernetesDouble
from tests.kubernetes.double.access import Rule
from tests.kubernetes.double.faults import Answer, Reset

KEY = "01RUN.2"


def ignore(_: str) -> None:
    """Progress is not looked at here."""


class Bench:
    """One workload in the double, and the driver's two halves."""

    def __init__(self, double: KubernetesDouble, directory: Path) -> None:
        self.double, self.directory = double, directory
        self.opened: list[KubernetesWorkloadReader | KubernetesChanger] = []

    def settings(
        self, kind: str = "deployment", name: str = "api", user: str = "admin", **more: Any
    ) -> KubernetesWorkload:
        config = self.double.kubeconfig(self.directory / f"{user}.yaml", user)
        given = {"kubeconfig": config, "context": "double", "namespace": "vq", "kind": kind, "name": name} | more
        return KubernetesWorkload.model_validate(given)

    def reader(self, settings: KubernetesWorkload) -> KubernetesWorkloadReader:
        self.opened.append(workload_reader(settings, self._place(settings)))
        return self.opened[-1]  # type: ignore[return-value]

    def changer(self, settings: KubernetesWorkload) -> KubernetesChanger:
        self.opened.append(workload_changer(settings, self._place(settings)))
        return self.opened[-1]  # type: ignore[return-value]

    def _place(self, settings: KubernetesWorkload) -> Place:
        service = HttpService(url="http://127.0.0.1:1", workload=settings)
        return Place(
            "test", "api", "main", Environment(services={"api": service}), {"main": Slot(workload=settings)}, None
        )

    async def planned(
        self, settings: KubernetesWorkload, version: str
    ) -> tuple[WorkloadFacts, tuple[Change, ...], KubernetesChanger]:
        reader = self.reader(settings)
        facts = await reader.observe()
        return facts, await reader.plan_change(facts, at_hand(facts, version)), self.changer(settings)

    async def carry_out(self, changer: KubernetesChanger, changes: tuple[Change, ...]) -> str:
        text = ""
        for number, change in enumerate(changes):
            key = f"{KEY}{number}"
            await changer.check(change)
            await changer.protect(change, key, self.directory)
            await changer.act(change, key, self.directory, ignore)
            text = (await changer.verify(change, key, Deadline(20), ignore)).text
        return text


def at_hand(facts: WorkloadFacts, version: str) -> Artefact:
    return next(one for one in facts.at_hand if one.version == version)


@pytest.fixture
async def bench(double: KubernetesDouble, tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(double, tmp_path)
    yield made
    for one in made.opened:
        await one.close()


@pytest.fixture
def released(double: KubernetesDouble) -> KubernetesDouble:
    """A Deployment with releases 1.4.1 and 1.4.2, both rolled out."""
    double.deployment("api", "registry.local/virtualqueue-api:1.4.1", replicas=3, cause="release 1.4.1")
    double.service("api")
    double.rolled_out("api")
    double.release("api", "registry.local/virtualqueue-api:1.4.2", cause="release 1.4.2")
    double.rolled_out("api")
    return double


async def test_a_deployment_goes_back_to_the_pinned_template(bench: Bench, released: KubernetesDouble) -> None:
    settings = bench.settings(service="api")
    facts, changes, changer = await bench.planned(settings, "1.4.1")
    assert facts.current and facts.current.version == "1.4.2"
    told = await bench.carry_out(changer, changes)
    assert "3 of 3 updated and available" in told and "on 3 pods" in told
    after = released.get("Deployment", "api")
    assert after["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":1.4.1")
    assert after["metadata"]["annotations"]["vq-tui/run"] == f"{KEY}0"
    assert after["metadata"]["annotations"]["kubernetes.io/change-cause"] == "vq-tui run 01RUN: back to 1.4.1"
    assert len(released.writes("deployments", "api")) == 1


async def test_undo_pressed_twice_never_returns_to_the_bad_revision(bench: Bench, released: KubernetesDouble) -> None:
    settings = bench.settings()
    _, changes, changer = await bench.planned(settings, "1.4.1")
    await bench.carry_out(changer, changes)
    reader = bench.reader(settings)
    facts = await reader.observe()
    while facts.current is None or facts.current.version != "1.4.1":
        facts = await reader.observe()
    with pytest.raises(Refused, match="already asks for 1.4.1"):
        await reader.plan_change(facts, at_hand(facts, "1.4.1"))
    with pytest.raises(Stale):
        await changer.check(changes[0])
    assert released.get("Deployment", "api")["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":1.4.1")


async def test_undo_restores_template_and_annotations(bench: Bench, released: KubernetesDouble) -> None:
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    before = released.get("Deployment", "api")
    await bench.carry_out(changer, changes)
    await changer.undo(changes[0], f"{KEY}0", bench.directory, Deadline(20), ignore)
    after = released.get("Deployment", "api")
    assert after["spec"]["template"] == before["spec"]["template"]
    assert after["metadata"]["annotations"].get("vq-tui/run") is None
    assert after["metadata"]["annotations"]["kubernetes.io/change-cause"] == "release 1.4.2"
    again = await changer.undo(changes[0], f"{KEY}0", bench.directory, Deadline(20), ignore)
    assert again.text == "the template is as before"


@pytest.mark.parametrize(("kind", "object_kind"), [("statefulset", "StatefulSet"), ("daemonset", "DaemonSet")])
async def test_other_kinds_go_back_by_their_controller_revisions(
    bench: Bench, double: KubernetesDouble, kind: str, object_kind: str
) -> None:
    make = double.statefulset if kind == "statefulset" else double.daemonset
    make("worker", "worker:2.0.0")
    double.rolled_out("worker", kind=object_kind)
    double.release("worker", "worker:2.1.0", kind=object_kind)
    double.rolled_out("worker", kind=object_kind)
    settings = bench.settings(kind, "worker", stateful_data_compatible=True)
    _, changes, changer = await bench.planned(settings, "2.0.0")
    await bench.carry_out(changer, changes)
    assert double.get(object_kind, "worker")["spec"]["template"]["spec"]["containers"][0]["image"] == "worker:2.0.0"


async def test_a_statefulset_owns_data_and_asks_for_it_to_be_compatible(bench: Bench, double: KubernetesDouble) -> None:
    double.statefulset("worker", "worker:2.0.0")
    double.rolled_out("worker", kind="StatefulSet")
    facts = await bench.reader(bench.settings("statefulset", "worker")).observe()
    assert [(note.id, note.gate) for note in facts.notes if note.id == "data"] == [("data", Gate.FAIL)]


async def test_36_a_stuck_statefulset_pod_is_deleted_by_its_uid(bench: Bench, double: KubernetesDouble) -> None:
    double.statefulset("worker", "worker:2.0.0")
    double.rolled_out("worker", kind="StatefulSet")
    double.release("worker", "worker:2.1.0-bad", kind="StatefulSet")
    double.wait(
        lambda: any("bad" in pod["spec"]["containers"][0]["image"] for pod in double.pods("worker")), "a bad pod"
    )
    settings = bench.settings("statefulset", "worker", stateful_data_compatible=True)
    reader = bench.reader(settings)
    facts = await reader.observe()
    while not any(note.id == "stuck" for note in facts.notes):
        facts = await reader.observe()
    changes = await reader.plan_change(facts, at_hand(facts, "2.0.0"))
    assert [change.action for change in changes] == ["set-template", "delete-stuck-pods"]
    await bench.carry_out(bench.changer(settings), changes)
    assert all(pod["spec"]["containers"][0]["image"] == "worker:2.0.0" for pod in double.pods("worker"))


async def test_36_a_pod_made_anew_meanwhile_is_not_deleted(bench: Bench, double: KubernetesDouble) -> None:
    double.statefulset("worker", "worker:2.0.0", replicas=1)
    double.rolled_out("worker", kind="StatefulSet")
    changer = bench.changer(bench.settings("statefulset", "worker"))
    uid = double.get("StatefulSet", "worker")["metadata"]["uid"]
    params = {"uid": uid, "target": "t", "version": "v", "pods": [{"name": "worker-0", "uid": "another"}]}
    change = Change(slot="main", action="delete-stuck-pods", title="", subject="", params=params)
    await changer.act(change, KEY, bench.directory, ignore)
    assert not [one for one in double.writes("pods") if one.verb == "delete"]


@pytest.mark.parametrize("meanwhile", ["edit", "recreate", "delete"])
async def test_a_change_by_someone_else_between_plan_and_act_is_stale(
    bench: Bench, released: KubernetesDouble, meanwhile: str
) -> None:
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    if meanwhile == "edit":
        released.release("api", "registry.local/virtualqueue-api:1.4.3")
    elif meanwhile == "recreate":
        released.recreate("Deployment", "api")
    else:
        released.delete("Deployment", "api")
    with pytest.raises(Stale):
        await changer.check(changes[0])
    with pytest.raises(Stale):
        await changer.act(changes[0], KEY, bench.directory, ignore)
    assert not released.writes("deployments", "api")


async def test_32_an_edit_between_read_and_patch_is_refused_by_the_server(
    bench: Bench, released: KubernetesDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    monkeypatch.setattr(
        change_module, "crashpoint", lambda name: name.endswith("before-patch") and released.release("api", "x:9")
    )
    with pytest.raises(Stale, match="422"):
        await changer.act(changes[0], KEY, bench.directory, ignore)


@pytest.mark.parametrize("code", [429, 503])
async def test_32_a_busy_server_is_asked_again_and_the_template_applied_once(
    bench: Bench, released: KubernetesDouble, code: int
) -> None:
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    released.inject(Answer(code, retry_after=1), verb="patch", resource="deployments", dry_run=False)
    await bench.carry_out(changer, changes)
    assert len(released.writes("deployments", "api")) == 1


async def test_32_a_connection_lost_after_the_patch_is_ambiguous_and_the_probe_decides(
    bench: Bench, released: KubernetesDouble
) -> None:
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    await changer.check(changes[0])
    await changer.protect(changes[0], KEY, bench.directory)
    released.inject(Reset(applied=True), verb="patch", resource="deployments", dry_run=False)
    with pytest.raises(Ambiguous, match="may be applied"):
        await changer.act(changes[0], KEY, bench.directory, ignore)
    assert (await changer.probe(changes[0], KEY, bench.directory)).state is ProbeState.DONE
    await changer.act(changes[0], KEY, bench.directory, ignore)
    await changer.verify(changes[0], KEY, Deadline(20), ignore)
    assert len(released.writes("deployments", "api")) == 1


async def test_32_a_500_on_the_patch_is_ambiguous_and_nothing_was_done(
    bench: Bench, released: KubernetesDouble
) -> None:
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    released.inject(Answer(500), verb="patch", resource="deployments", dry_run=False)
    with pytest.raises(Ambiguous):
        await changer.act(changes[0], KEY, bench.directory, ignore)
    assert (await changer.probe(changes[0], KEY, bench.directory)).state is ProbeState.NOT_STARTED


async def test_32_watches_survive_410_and_lost_connections(bench: Bench, released: KubernetesDouble) -> None:
    reader = bench.reader(bench.settings())
    await reader.observe()
    released.compact()
    released.drop_connections()
    released.release("api", "registry.local/virtualqueue-api:1.4.3")

    async def seen() -> str:
        with contextlib.suppress(Unreachable):
            current = (await reader.observe()).current
            return current.version if current else ""
        return ""

    async with asyncio.timeout(15):
        while await seen() != "1.4.3":
            await asyncio.sleep(0.02)


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


async def test_34_a_paused_deployment_is_refused_in_planning(bench: Bench, released: KubernetesDouble) -> None:
    released.edit("Deployment", "api", {"spec": {"paused": True}})
    facts = await bench.reader(bench.settings()).observe()
    assert [note.gate for note in facts.notes if note.id == "paused"] == [Gate.FAIL]


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


async def test_35_a_viewer_is_told_the_missing_verb_before_anything_happens(
    bench: Bench, released: KubernetesDouble
) -> None:
    reader = bench.reader(bench.settings(user="viewer"))
    checks = await reader.permissions()
    assert [check.gate for check in checks] == [Gate.FAIL]
    assert "patch deployments" in checks[0].evidence
    granted = await bench.reader(bench.settings()).permissions()
    assert [check.gate for check in granted] == [Gate.PASS]


async def test_owners_and_kubectl_apply_are_said(bench: Bench, released: KubernetesDouble) -> None:
    notes = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "argocd.argoproj.io/tracking-id": "x"}
    released.edit("Deployment", "api", {"metadata": {"annotations": notes}})
    facts = await bench.reader(bench.settings()).observe()
    while not {"owner", "last-applied"} <= {note.id for note in facts.notes}:
        facts = await bench.reader(bench.settings()).observe()
    assert any("Argo CD" in note.evidence for note in facts.notes)


async def test_no_revision_to_go_back_to_is_said(bench: Bench, double: KubernetesDouble) -> None:
    double.deployment("api", "api:1.4.1")
    double.rolled_out("api")
    facts = await bench.reader(bench.settings()).observe()
    assert [note.id for note in facts.notes if note.id == "history"] == ["history"]
    gone = Artefact(version="1.4.0", reference="0" * 64)
    reader = bench.reader(bench.settings())
    assert (await reader.at_hand(gone)).gate is Gate.FAIL
    with pytest.raises(Refused, match="keeps no revision of 1.4.0"):
        await reader.plan_change(facts, gone)


@pytest.mark.parametrize(("wrong", "error"), [
    ({"context": "nowhere"}, ConfigError),
    ({"kubeconfig": Path("/nonexistent/config")}, ConfigError),
    ({"name": "no-such"}, NotThere),
    ({"kubeconfig": None, "context": None}, ConfigError),
])  # fmt: skip
async def test_a_wrong_address_is_one_clear_error(
    bench: Bench, released: KubernetesDouble, wrong: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises((error, Unreachable)) as caught:
        await bench.reader(bench.settings(**wrong)).observe()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


async def test_an_expired_token_is_named(bench: Bench, released: KubernetesDouble) -> None:
    released.access.expire("admin")
    with pytest.raises(Unreachable, match="401.*token may have expired"):
        await bench.reader(bench.settings()).observe()


async def test_a_namespace_without_rights_is_named(bench: Bench, released: KubernetesDouble) -> None:
    released.allow("guest", Rule(verbs=("get", "list", "watch"), namespaces=("elsewhere",)))
    with pytest.raises(Refused, match="deployments"):
        await bench.reader(bench.settings(user="guest")).observe()


async def test_a_lost_api_is_said_with_since_when(
    bench: Bench, released: KubernetesDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actions.clients.kubernetes_mirror.TOLERATED_SECONDS", 0.0)
    reader = bench.reader(bench.settings())
    await reader.observe()
    released.down()
    with pytest.raises(Unreachable, match=r"context 'double'.*\(for \d+ s\)"):
        async with asyncio.timeout(10):
            while True:
                await reader.observe()
                await asyncio.sleep(0.02)


async def test_a_lost_api_keeps_the_reader_alive_and_it_comes_back(bench: Bench, released: KubernetesDouble) -> None:
    reader = bench.reader(bench.settings())
    await reader.observe()
    released.down()
    released.up()
    async with asyncio.timeout(15):
        while True:
            with contextlib.suppress(Unreachable):
                if (await reader.observe()).current is not None:
                    break


class Crashed(BaseException):
    """The executor died here."""


@pytest.mark.parametrize(
    ("point", "state"),
    [("kubernetes.before-patch", ProbeState.NOT_STARTED), ("kubernetes.after-patch", ProbeState.DONE)],
)
async def test_a_crash_around_the_patch_applies_it_once(
    bench: Bench, released: KubernetesDouble, monkeypatch: pytest.MonkeyPatch, point: str, state: ProbeState
) -> None:
    _, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    await changer.protect(changes[0], KEY, bench.directory)

    def die(name: str) -> None:
        if name == point:
            raise Crashed

    monkeypatch.setattr(change_module, "crashpoint", die)
    with contextlib.suppress(Crashed):
        await changer.act(changes[0], KEY, bench.directory, ignore)
    monkeypatch.setattr(change_module, "crashpoint", lambda _: None)
    fresh = bench.changer(bench.settings())
    assert (await fresh.probe(changes[0], KEY, bench.directory)).state is state
    await fresh.act(changes[0], KEY, bench.directory, ignore)
    await fresh.verify(changes[0], KEY, Deadline(20), ignore)
    assert len(released.writes("deployments", "api")) == 1


async def test_the_plan_holds_no_value_from_the_pod_template(bench: Bench, released: KubernetesDouble) -> None:
    secret = {"spec": {"template": {"spec": {"containers": [
        {"name": "api", "env": [{"name": "PASSWORD", "value": "canary-7f3a"}]}]}}}}  # fmt: skip
    released.edit("Deployment", "api", secret)
    released.rolled_out("api")
    facts, changes, changer = await bench.planned(bench.settings(), "1.4.1")
    evidence = await changer.protect(changes[0], KEY, bench.directory)
    said = facts.model_dump_json() + json.dumps([one.model_dump(mode="json") for one in changes]) + evidence.text
    assert "canary-7f3a" not in said
    kept = bench.directory / f"kubernetes-template-{KEY}.json"
    assert "canary-7f3a" in kept.read_text() and kept.stat().st_mode & 0o077 == 0
