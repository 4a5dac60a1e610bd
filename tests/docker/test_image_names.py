"""What images are called: the most exact tag, never a label that came with the base image. No engine."""

from typing import Any

import pytest

from actions.platforms.compose.artefacts import artefact_of, exact_tag, may_be_image, neighbours, shown_name
from actions.platforms.compose.tags import exactness

Body = dict[str, Any]
LABEL = "org.opencontainers.image.version"


def image(number: str, *names: str, label: str | None = None, env: tuple[str, ...] = ()) -> Body:
    config = {"Labels": {LABEL: label} if label else {}, "Env": list(env)}
    return {"Id": f"sha256:{number * 64}"[:71], "RepoTags": list(names), "RepoDigests": [], "Config": config}


def versions(*images: Body) -> list[str]:
    around = neighbours(images, LABEL, {"shop/api"})
    return [artefact_of(one, LABEL, around).version for one in images]


@pytest.mark.parametrize(
    ("tags", "exact"),
    [
        (["3", "3.0", "3.0.1", "stable", "latest"], "3.0.1"),
        (["latest", "3.1", "3"], "3.1"),
        (["v2", "v2.4.0", "prod"], "v2.4.0"),
        (["stable", "3", "a1b2c3d"], "a1b2c3d"),
        (["3", "20260102"], "20260102"),
        (["latest", "3"], "3"),
        (["3.0.1-alpine", "3.0.1", "3-alpine"], "3.0.1"),
        (["latest", "stable"], "stable"),
        (["latest"], ""),
        ([], ""),
    ],
)
def test_the_most_exact_tag_names_an_image(tags: list[str], exact: str) -> None:
    for order in (tags, tags[::-1]):
        assert exact_tag(image("1", *(f"shop/api:{tag}" for tag in order))) == exact


def test_every_tag_has_a_place_of_its_own_in_the_order() -> None:
    tags = ["3.0.1", "3.1", "20260102", "build-7", "3", "stable", "latest"]
    assert sorted(set(tags), key=exactness) == tags


def test_a_label_that_different_releases_share_came_with_their_base() -> None:
    found = [image(number, f"shop/api:{tag}", label="24.04") for number, tag in (("1", "blue-7"), ("2", "blue-8"))]
    assert versions(*found) == ["blue-7", "blue-8"]


@pytest.mark.parametrize(
    ("tag", "label", "version"),
    [
        ("2.4.0", "24.04", "2.4.0"),  # alone on the engine, but its own number contradicts the label
        ("2.4.0-slim", "2.4.0", "2.4.0"),
        ("v2.4.0", "2.4.0", "2.4.0"),
        ("2.4", "2.4.0", "2.4.0"),
        ("stable", "2.4.0", "2.4.0"),
        ("a1b2c3d", "2.4.0", "2.4.0"),
        ("2.4.0", "2.4.01", "2.4.0"),
    ],
)
def test_label_beside_a_tag(tag: str, label: str, version: str) -> None:
    assert versions(image("1", f"shop/api:{tag}", label=label)) == [version]


def test_variants_of_one_release_are_called_by_their_tags() -> None:
    slim, full = image("1", "shop/api:5.0.0-slim", label="5.0.0"), image("2", "shop/api:5.0.0", label="5.0.0")
    assert versions(slim, full) == ["5.0.0-slim", "5.0.0"]


def test_images_that_only_share_a_label_are_told_apart() -> None:
    rebuilt, before = image("1", "shop/api:latest", label="24.04"), image("2", label="24.04")
    assert versions(rebuilt, before) == ["24.04@11111111", "24.04@22222222"]
    assert versions(image("1", "shop/api:latest"), image("2")) == ["1" * 12, "2" * 12]
    assert versions(image("1", "shop/api:latest", env=("APP_VERSION=3.1",))) == ["3.1"]


def test_tags_of_another_repository_say_nothing() -> None:
    assert versions(image("1", "mirror/other:9.9.9", "shop/api:2.4.0")) == ["2.4.0"]


def test_people_are_shown_the_tag_of_the_version() -> None:
    one = image("1", "shop/api:3", "shop/api:3.0.1", "shop/api:stable")
    assert shown_name(one, "3.0.1") == "shop/api:3.0.1"
    assert shown_name({**one, "RepoTags": ["shop/api:latest"], "RepoDigests": ["shop/api@sha256:2"]}, "x") == (
        "shop/api@sha256:2"
    )
    assert shown_name(image("1", "shop/api:latest"), "x") == image("1")["Id"]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("shop/api:2.4.0", True),
        ("sha256:" + "a" * 64, True),
        ("a1b2c3d4e5f6", True),
        ("shop/api@sha256:" + "a" * 64, True),
        ("2.4.0", False),
        ("latest", False),
        ("../../etc:1", False),
        ("api:1?x=1", False),
    ],
)
def test_only_what_can_be_an_image_is_asked_for(text: str, asked: bool) -> None:
    assert may_be_image(text) is asked
