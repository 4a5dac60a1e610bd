"""Who would take a rollback back is said in planning, by every sign there is."""

from collections.abc import Callable
from typing import Any

import pytest

from actions.clients.kubernetes_api import KubernetesReader
from actions.clients.kubernetes_mirror import unmanaged
from actions.clients.kubernetes_selectors import ALL, Selected
from actions.model.words import Gate
from actions.platforms.kubernetes.owners import owners
from tests.kubernetes.bench import Bench
from tests.kubernetes.double import KubernetesDouble

INSTANCE = {"app.kubernetes.io/instance": "shop"}
HELM = {"app.kubernetes.io/managed-by": "Helm"}


def managed(*names: str) -> dict[str, Any]:
    return {"managedFields": [{"manager": name} for name in names]}


def controlled(**more: Any) -> dict[str, Any]:
    return {"ownerReferences": [{"kind": "Shop", "name": "front", "uid": "u", **more}]}


@pytest.mark.parametrize(("metadata", "named"), [
    ({"annotations": {"argocd.argoproj.io/tracking-id": "x"}}, ["Argo CD"]),
    ({"labels": {"argocd.argoproj.io/instance": "x"}}, ["Argo CD"]),
    ({"labels": INSTANCE}, ["Argo CD"]),
    ({"labels": INSTANCE} | managed("argocd-controller"), ["Argo CD"]),
    ({"labels": INSTANCE} | managed("kubectl-client-side-apply", "kube-controller-manager"), []),
    (managed("argocd-application-controller"), ["Argo CD"]),
    (managed("kustomize-controller"), ["Flux"]),
    ({"labels": {"kustomize.toolkit.fluxcd.io/name": "x"}} | managed("kustomize-controller"), ["Flux"]),
    (managed("helm-controller", "kube-controller-manager"), ["Flux"]),
    ({"labels": HELM | INSTANCE, "annotations": {"meta.helm.sh/release-name": "shop"}}, ["Helm release shop"]),
    ({"labels": HELM} | managed("argocd-controller"), ["Argo CD", "Helm"]),
    (controlled(controller=True), ["Shop front"]),
    (controlled(), []),
    ({"labels": {"app": "x"}} | managed("kubectl"), []),
])  # fmt: skip
def test_every_sign_of_an_owner_counts(metadata: dict[str, Any], named: list[str]) -> None:
    assert [owner.name for owner in owners({"metadata": metadata})] == named


def test_what_helps_is_said_of_each() -> None:
    (release,) = owners({"metadata": {"labels": HELM, "annotations": {"meta.helm.sh/release-name": "shop\x1b"}}})
    assert "next upgrade" in release.does and release.advice and "\x1b" not in release.name
    (perhaps,) = owners({"metadata": {"labels": INSTANCE}})
    assert "before version 3" in perhaps.does and perhaps.advice.startswith("if Argo CD")


async def test_field_managers_reach_planning_and_nothing_else_of_managed_fields(
    bench: Bench, released: KubernetesDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = KubernetesReader.collection

    async def listed(
        self: KubernetesReader,
        path: str,
        selected: Selected = ALL,
        part: Callable[[dict[str, Any]], dict[str, Any]] = unmanaged,
    ) -> tuple[list[dict[str, Any]], str]:
        def managed(thing: dict[str, Any]) -> dict[str, Any]:
            thing["metadata"]["managedFields"] = [{"manager": "argocd-controller", "fieldsV1": {"f:spec": {}}}]
            return part(thing)

        return await real(self, path, selected, managed)

    monkeypatch.setattr(KubernetesReader, "collection", listed)
    reader = bench.reader(bench.settings())
    (note,) = [note for note in (await reader.observe()).notes if note.id == "owner"]
    assert note.gate is Gate.INCONCLUSIVE and "Argo CD" in note.evidence and "suspend the sync" in note.advice
    seen = await reader._look()
    (manager,) = seen.workload["metadata"]["managedFields"]
    assert manager == {"manager": "argocd-controller", "operation": None, "template": False}
    assert not [pod for pod in seen.pods if "managedFields" in pod["metadata"]], "what a controller owns stays small"
