"""Images as artefacts: what they are called, which database they fit, and which of them belong to a service. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from actions.model.platform import Artefact
from actions.model.text import clean
from actions.platforms.compose import labels
from actions.platforms.compose.tags import exactness, is_floating, is_release_number, tells_the_same

Body = dict[str, Any]

MINIMUM_SCHEMA = "vq.min-schema"
MAXIMUM_SCHEMA = "vq.max-schema"
TITLE = "org.opencontainers.image.title"
_VERSION_VARIABLES = ("APP_VERSION", "VERSION")
_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")


@dataclass(frozen=True)
class Neighbours:
    """What the other images of a service tell about one of them.

    `repositories` are those whose tags count, all where there are none. `inherited` are values of the version label
    that images of different tags share: they came with a base image. `repeated` are those that several images carry.
    """

    repositories: frozenset[str] = frozenset()
    inherited: frozenset[str] = frozenset()
    repeated: frozenset[str] = frozenset()


def neighbours(images: Iterable[Body], version_label: str, repositories: Iterable[str] = ()) -> Neighbours:
    """What those images tell about each other."""
    wanted, tags, ids = frozenset(repositories), dict[str, set[str]](), dict[str, set[str]]()
    for image in images:
        label = labels.labels_of(image).get(version_label)
        if not label:
            continue
        ids.setdefault(label, set()).add(str(image["Id"]))
        if (tag := exact_tag(image, wanted)) and not is_floating(tag):
            tags.setdefault(label, set()).add(tag)
    return Neighbours(
        wanted,
        frozenset(label for label, found in tags.items() if len(found) > 1),
        frozenset(label for label, found in ids.items() if len(found) > 1),
    )


def artefact_of(image: Body, version_label: str, beside: Neighbours = Neighbours()) -> Artefact:
    """An inspected image as an artefact."""
    config = image.get("Config") or {}
    carried = config.get("Labels") or {}
    names = usable_names(image)
    detail: dict[str, JsonValue] = {
        "id": image["Id"],
        "names": [clean(name, limit=300) for name in names],
        "digests": [clean(digest, limit=300) for digest in image.get("RepoDigests") or [] if "<none>" not in digest],
        "platform": clean(f"{image.get('Os', '')}/{image.get('Architecture', '')}", limit=60),
        "created": clean(image.get("Created", ""), limit=40),
        "healthcheck": bool((config.get("Healthcheck") or {}).get("Test")),
    }
    return Artefact(
        version=clean(_version(image, version_label, beside), limit=100),
        reference=str(image["Id"]),
        detail=detail,
        minimum_schema=_number(carried.get(MINIMUM_SCHEMA)),
        maximum_schema=_number(carried.get(MAXIMUM_SCHEMA)),
    )


def _version(image: Body, version_label: str, beside: Neighbours) -> str:
    """What people call it: by its label, else its most exact tag, else its environment, else the start of its id.

    A label that came with the base image names no release: one that several releases share, or that a release number
    among the tags contradicts.
    """
    config = image.get("Config") or {}
    label = str((config.get("Labels") or {}).get(version_label) or "")
    tag = exact_tag(image, beside.repositories)
    if label and label not in beside.inherited and not (is_release_number(tag) and not tells_the_same(label, tag)):
        known = not tag and label in beside.repeated
        return f"{label}@{short(image['Id'])[:8]}" if known else label
    return tag or _variable(config) or short(image["Id"])


def exact_tag(image: Body, repositories: Iterable[str] = ()) -> str:
    """The tag that says most: `3.0.1` rather than `3.0`, `3` or `stable`; empty where only `latest` is left."""
    names, wanted = usable_names(image), set(repositories)
    own = [name for name in names if repository_of(name) in wanted] or (names if not wanted else [])
    tags = sorted((tag_of(name) for name in own), key=exactness)
    return tags[0] if tags and tags[0] != "latest" else ""


def belonging(images: list[Body], containers: list[Body], project: str | None, service: str) -> list[str]:
    """Ids of the images that are versions of a service, newest first.

    They share a repository with what its containers were made from, or were built for it by Compose, or have lost their
    names but bear its title, or a container of it (a kept one too) refers to them.
    """
    used = {str(one.get("ImageID") or one.get("Image")) for one in containers}
    repositories = repositories_of(images, containers)
    titles = {labels.labels_of(image).get(TITLE) for image in images if image["Id"] in used} - {None}
    found = []
    for image in sorted(images, key=lambda one: -int(one.get("Created") or 0)):
        carried = labels.labels_of(image)
        if labels.EVIDENCE in carried:
            continue
        built = (
            project is not None and carried.get(labels.PROJECT) == project and carried.get(labels.SERVICE) == service
        )
        names = usable_names(image)
        shares = any(repository_of(name) in repositories for name in names)
        if image["Id"] in used or built or shares or (not names and carried.get(TITLE) in titles):
            found.append(str(image["Id"]))
    return found


def repositories_of(images: list[Body], containers: list[Body]) -> set[str]:
    """Repositories of the images that containers were made from, by the names they were made with and carry now."""
    by_id = {image["Id"]: image for image in images}
    names: set[str] = set()
    for container in containers:
        names.add(labels.labels_of(container).get(labels.IMAGE_NAME, ""))
        config = container.get("Config")
        names.add(str(config.get("Image", "") if isinstance(config, dict) else container.get("Image", "")))
        names.update(usable_names(by_id.get(container.get("ImageID") or container.get("Image"), {})))
    return {repository_of(name) for name in names if name and not _DIGEST.match(name)} - {""}


def usable_names(image: Body) -> list[str]:
    """Names of an image (`repository:tag`) that people gave it."""
    ours = (f"{labels.KEEP_REPOSITORY}:", f"{labels.KEEP_REPOSITORY}/", f"{labels.EVIDENCE_REPOSITORY}:")
    return [name for name in image.get("RepoTags") or [] if not name.startswith(ours) and name != "<none>:<none>"]


def shown_name(image: Body, version: str) -> str:
    """What people call it: the tag of that version, else the most exact one, else a digest, else the id."""
    names = sorted(usable_names(image), key=lambda name: (tag_of(name) != version, *exactness(tag_of(name)), name))
    lasting = [name for name in names if tag_of(name) != "latest"]
    return str(next(iter([*lasting, *_digests(image)]), image["Id"]))


def pin_name(image: Body) -> str:
    """The name that a pin uses: repository digest, else the id. A tag may mean another image at the next build."""
    return str(next(iter(_digests(image)), image["Id"]))


def _digests(image: Body) -> list[str]:
    return [name for name in image.get("RepoDigests") or [] if not name.startswith("<none>")]


def repository_of(name: str) -> str:
    """`host:5000/shop/api` of `host:5000/shop/api:1.2@sha256:…`."""
    bare = name.partition("@")[0]
    head, colon, tag = bare.rpartition(":")
    return head if colon and "/" not in tag else bare


def tag_of(name: str) -> str:
    """`1.2` of `shop/api:1.2`; `latest` where none is written."""
    bare = name.partition("@")[0]
    _, colon, tag = bare.rpartition(":")
    return tag if colon and "/" not in tag else "latest"


def may_be_image(name: str) -> bool:
    """Whether a text can be asked for as an image: a bare word would be taken for a repository of that name."""
    plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{2,299}", name) is not None
    return plain and (":" in name or "@" in name or re.fullmatch(r"[0-9a-f]{7,64}", name) is not None)


def short(identifier: str) -> str:
    """The first twelve characters of an id, as Docker shows it."""
    return identifier.removeprefix("sha256:")[:12]


def _variable(config: Body) -> str | None:
    pairs = [entry.partition("=") for entry in config.get("Env") or []]
    return next((value for wanted in _VERSION_VARIABLES for name, _, value in pairs if name == wanted and value), None)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 16 else None
