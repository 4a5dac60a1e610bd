"""Which replicas are not there, as far as their stand-ins say; and what a stand-in stands for."""

import json
from typing import Any

import pytest

from actions.platforms.compose.vacancy import as_replica, vacant

Body = dict[str, Any]


def stand_in(number: int, *, size: int = 2, state: str = "created") -> Body:
    carried = {"vq-tui.trial": f"old{number}", "vq-tui.place": f"shop-api-{number}", "vq-tui.size": str(size)}
    return {"Id": f"t{number}", "Names": [f"/vq-tui-trial-{number}"], "State": state, "Labels": carried}


def replica(number: int, *, state: str = "running", **carried: str) -> Body:
    return {"Id": f"c{number}", "Names": [f"/shop-api-{number}"], "State": state, "Labels": carried}


def made(number: int, *, state: str = "created", label: str = "vq-tui.replaces") -> Body:
    return {**replica(number, state=state), "Labels": {label: f"old{number}"}}


@pytest.mark.parametrize(
    ("stand_ins", "listed", "expected"),
    [
        ([stand_in(1)], [replica(2)], {"t1": ""}),
        ([stand_in(1)], [replica(1), replica(2)], {}),
        ([stand_in(1)], [made(1), replica(2)], {"t1": "c1"}),
        ([stand_in(1)], [made(1, label="vq-tui.restores"), replica(2)], {"t1": "c1"}),
        ([stand_in(1)], [made(1, state="running"), replica(2)], {}),
        ([stand_in(1)], [replica(1, state="created"), replica(2)], {}),
        ([stand_in(1)], [replica(2), replica(3)], {}),
        ([stand_in(1), stand_in(2)], [], {"t1": "", "t2": ""}),
        ([stand_in(2, size=3), stand_in(1, size=3)], [made(2), replica(3)], {"t1": "", "t2": "c2"}),
        ([stand_in(1, size=1)], [], {"t1": ""}),
    ],
    ids=[
        "gone",
        "replaced",
        "made and never started",
        "on the way back",
        "started",
        "somebody else's",
        "another name took its place",
        "all are gone",
        "two of three",
        "the only one",
    ],
)
def test_which_are_vacant(stand_ins: list[Body], listed: list[Body], expected: dict[str, str]) -> None:
    assert vacant(stand_ins, listed) == expected


def test_a_stand_in_reads_as_the_replica() -> None:
    carried = {**stand_in(1)["Labels"], "vq-tui.carried": json.dumps({"com.docker.compose.service": "api"})}
    body = {"Id": "t1", "Name": "/vq-tui-trial-1", "Config": {"Labels": carried, "Env": ["A=1"]}}
    found = as_replica(body)
    assert (found["Id"], found["Name"]) == ("t1", "/shop-api-1")
    assert found["Config"] == {"Labels": {"com.docker.compose.service": "api"}, "Env": ["A=1"]}


@pytest.mark.parametrize("said", ["", "{", "[]", "7"])
def test_labels_that_are_not_ours_make_nothing_else_of_it(said: str) -> None:
    carried = {**stand_in(1)["Labels"], "vq-tui.carried": said}
    body = {"Id": "t1", "Name": "/vq-tui-trial-1", "Config": {"Labels": carried}}
    assert as_replica(body)["Config"]["Labels"] in ({}, carried)
