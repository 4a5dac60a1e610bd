"""A release is chosen by any of its names: version, reference, tag, digest, id; what it still lacks is said."""

import pytest

from actions.health.readiness import readiness
from actions.model.environment import Policy
from actions.model.errors import ExitCode
from actions.model.platform import Artefact
from actions.model.services import HttpService
from actions.model.words import Verdict
from actions.model.workloads import AddressWorkload
from actions.procedures.rollback import plan_rollback
from actions.releases.choice import choose
from actions.releases.known_by import expected
from tests.releases.making import ILL, artefact, facts, release, request, slot

ID = "sha256:" + "4f2a" * 16
DIGEST = "sha256:" + "beef" * 16
TARGET = Artefact(
    version="2.4.0",
    reference=ID,
    detail={"names": ["shop/api:2.4.0", "shop/api:stable"], "digests": [f"shop/api@{DIGEST}"]},
)
LATER = Artefact(version="2.3.0", reference="sha256:" + "1" * 64, detail={"names": ["shop/api:2.3.0"]})


def world(*at_hand: Artefact, **more):
    one = slot("main", "2.4.1")
    assert one.workload is not None
    workload = one.workload.model_copy(update={"at_hand": at_hand})
    return facts(one.model_copy(update={"workload": workload}), **{"releases": (), **more})


@pytest.mark.parametrize(
    "name",
    ["2.4.0", ID, ID[7:], ID[7:19], "stable", "shop/api:stable", "shop/api:2.4.0", DIGEST, f"shop/api@{DIGEST}"],
)
def test_any_name_of_an_image_chooses_it(name):
    choice = choose(world(TARGET, LATER), name)
    assert choice.to is not None and choice.to.reference == ID and not choice.refusal


@pytest.mark.parametrize("name", ["api", "shop/api", "4f2", "sha256", "2.4", ""])
def test_a_part_of_a_name_is_no_name(name):
    assert not name or choose(world(TARGET, LATER), name).unknown


def test_a_version_is_meant_before_a_tag_of_another_release():
    floating = TARGET.model_copy(update={"detail": {"names": ["shop/api:2.3.0"]}})
    choice = choose(world(floating, LATER), "2.3.0")
    assert choice.to is not None and choice.to.reference == LATER.reference


def test_a_release_is_chosen_by_its_own_word():
    row = release("5.0.0-slim", answered="5.0.0")
    choice = choose(world(artefact("5.0.0-slim"), releases=(row,)), "5.0.0")
    assert choice.to is not None and choice.to.version == "5.0.0-slim"


def test_a_release_that_nobody_has_seen_is_known_by_reference_and_not_by_its_tag():
    current = release("2.4.1", Verdict.CANDIDATE, days=0, answered="2.4.1")
    health = ILL.model_copy(update={"version": "2.4.1"})
    slim = TARGET.model_copy(update={"version": "2.4.0-slim"})
    seen = world(slim, releases=(current,), health=health, wanted="2.4.0-slim")
    assert expected(seen).word is None and expected(seen).by_reference
    steps = [one for one in plan_rollback(request("2.4.0-slim"), seen).steps if "word" in one.params]
    assert steps and all(one.params["others"] == ["2.4.1"] for one in steps), "the release that is left proves nothing"


@pytest.mark.parametrize(
    ("seconds", "samples", "words"),
    [
        (40, 30, ("soaked 40 s of 600 s",)),
        (20, 3, ("soaked 20 s of 600 s", "3 of 30 healthy samples, 27 are missing")),
        (700, 3, ("soaked 700 s but", "3 of 30 healthy samples, 27 are missing")),
    ],
)
def test_what_a_soak_is_missing_is_said(seconds, samples, words):
    policy = Policy(soak_seconds=600, soak_samples=30)
    row = release("2.4.1", Verdict.CANDIDATE, days=0, soaked_seconds=seconds, samples=samples)
    refusal = choose(world(releases=(row,), policy=policy)).refusal
    assert all(one in refusal for one in words)
    assert ("missing" in refusal) is (samples < 30)


def test_a_lone_address_is_not_advised_to_soak():
    settings = HttpService(url="http://127.0.0.1:1", workload=AddressWorkload(url="http://127.0.0.1:2"))
    seen = world(settings=settings)
    (good,) = [one for one in readiness(seen).checks if one.id == "good"]
    assert "managed elsewhere" in good.evidence and "soak" not in f"{good.evidence} {good.advice}"
    assert good.advice and seen.choice.code is ExitCode.CONFIG
