"""The ready-made roles grant exactly what the driver asks for."""

from pathlib import Path

import pytest
import yaml

from actions.model.environment import KubernetesWorkload
from actions.platforms.kubernetes.rights import needed

MANIFESTS = Path(__file__).parents[2] / "deploy" / "kubernetes"
WRITING = {"create", "update", "patch", "delete", "deletecollection", "*"}


def granted(*files: str) -> set[tuple[str, str, str]]:
    """Every (verb, group, resource) that the manifests grant."""
    rules = [
        rule for file in files for role in yaml.safe_load_all((MANIFESTS / file).read_text()) for rule in role["rules"]
    ]
    return {
        (verb, group, resource)
        for rule in rules
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


@pytest.mark.parametrize("kind", ["deployment", "statefulset", "daemonset"])
def test_an_operator_has_every_right_a_rollback_needs(kind: str) -> None:
    settings = KubernetesWorkload.model_validate({"namespace": "vq", "kind": kind, "name": "api"})
    assert set(needed(settings)) <= granted("viewer.yaml", "operator.yaml")


def test_a_viewer_may_change_nothing() -> None:
    assert not [right for right in granted("viewer.yaml") if right[0] in WRITING]


def test_an_operator_may_change_no_more_than_needed() -> None:
    kinds = ("deployment", "statefulset", "daemonset")
    settings = [KubernetesWorkload.model_validate({"namespace": "vq", "kind": kind, "name": "api"}) for kind in kinds]
    used = {right for one in settings for right in needed(one) if right[0] in WRITING}
    assert {right for right in granted("operator.yaml") if right[0] in WRITING} == used
