"""Who else sets the template of a workload, and would take a rollback back. Pure."""

from collections.abc import Iterator

from actions.clients.kubernetes_api import Json
from actions.model.base import Fact
from actions.model.text import clean

ARGO, FLUX = "Argo CD", "Flux"
TRACKED = {
    "argocd.argoproj.io/tracking-id": ARGO,
    "argocd.argoproj.io/instance": ARGO,
    "kustomize.toolkit.fluxcd.io/name": FLUX,
    "helm.toolkit.fluxcd.io/name": FLUX,
}
"""Labels and annotations that only this owner writes."""

MANAGERS = {"argocd": ARGO, "kustomize-controller": FLUX, "helm-controller": FLUX}
"""How the field managers of an owner begin: it has written this very object."""

INSTANCE, MANAGED_BY = "app.kubernetes.io/instance", "app.kubernetes.io/managed-by"
HELM_RELEASE = "meta.helm.sh/release-name"


class Owner(Fact):
    """One owner: what it does to a rollback, and what helps."""

    name: str
    does: str
    advice: str


def owners(workload: Json) -> tuple[Owner, ...]:
    """Every owner there is a sign of, the surest first."""
    return (*_controllers(workload), *_syncing(workload), *_helm(workload))


def _controllers(workload: Json) -> Iterator[Owner]:
    for reference in workload["metadata"].get("ownerReferences") or []:
        if reference.get("controller"):
            name = clean(f"{reference.get('kind')} {reference.get('name')}", limit=200)
            does = "controls this workload: its operator may undo a rollback at once"
            yield Owner(name=name, does=does, advice=f"set the version in {name}, or pause its operator")


def _syncing(workload: Json) -> Iterator[Owner]:
    marks, managers = _marks(workload), _managers(workload)
    sure = {owner for mark, owner in TRACKED.items() if mark in marks}
    sure |= {owner for begin, owner in MANAGERS.items() if any(name.startswith(begin) for name in managers)}
    for name in sorted(sure):
        does = "owns this workload and would undo a rollback at its next sync"
        yield Owner(name=name, does=does, advice=f"suspend the sync in {name}")
    if ARGO not in sure and INSTANCE in marks and HELM_RELEASE not in marks and not managers:
        does = f"before version 3 tracks by the label {INSTANCE}, which this workload has: it may undo a rollback"
        yield Owner(name=ARGO, does=does, advice=f"if {ARGO} deploys it, suspend the sync there")


def _helm(workload: Json) -> Iterator[Owner]:
    marks = _marks(workload)
    if marks.get(MANAGED_BY) == "Helm" or HELM_RELEASE in marks:
        release = f" release {clean(marks[HELM_RELEASE], limit=100)}" if HELM_RELEASE in marks else ""
        does = "made this workload: its next upgrade deploys the newer release again"
        yield Owner(name=f"Helm{release}", does=does, advice="tell who runs helm upgrade")


def _marks(workload: Json) -> dict[str, str]:
    meta = workload["metadata"]
    return {**(meta.get("labels") or {}), **(meta.get("annotations") or {})}


def _managers(workload: Json) -> set[str]:
    return {str(one.get("manager")) for one in workload["metadata"].get("managedFields") or []}
