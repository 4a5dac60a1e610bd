"""The history a workload can go back to, read from the objects it owns. Pure.

A revision is known by the sha256 of its pod template without the labels that controllers add: numbers change with
every rollback and are only shown.
"""

import copy

from actions.clients.kubernetes_api import Json
from actions.model.base import Fact
from actions.model.identity import digest
from actions.model.platform import Artefact
from actions.model.text import clean
from actions.platforms.kubernetes.kinds import HASH_LABEL, REVISION_ANNOTATION, Kind, owned

VERSION_LABEL = "app.kubernetes.io/version"
MINIMUM_SCHEMA = "vq-tui/minimum-schema"
MAXIMUM_SCHEMA = "vq-tui/maximum-schema"


class Revision(Fact):
    """One remembered pod template. `source` names the object that holds it."""

    number: int
    source: str
    uid: str
    template: Json
    reference: str
    cause: str


def history(kind: Kind, workload: Json, kept: list[Json]) -> tuple[Revision, ...]:
    """Revisions of the workload, newest first, from those of `kept` that it controls."""
    mine = [one for one in kept if owned(one, workload["metadata"]["uid"])]
    found = [_replica_set(one) if kind.history == "replicasets" else _controller_revision(one) for one in mine]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.number, reverse=True))


def plain(template: Json) -> Json:
    """The template as a person wrote it: without the hash label, patch directives and empty time stamps."""
    made = copy.deepcopy(template)
    made.pop("$patch", None)
    metadata = made.setdefault("metadata", {})
    labels = metadata.get("labels") or {}
    labels.pop(HASH_LABEL, None)
    if metadata.get("creationTimestamp", "") is None:
        del metadata["creationTimestamp"]
    return made


def reference(template: Json) -> str:
    """sha256 of the plain template."""
    return digest(plain(template))


def image_of(template: Json, container: str | None) -> str:
    """The image of the named container, or of the first one."""
    containers = template.get("spec", {}).get("containers") or [{}]
    chosen = next((one for one in containers if one.get("name") == container), containers[0])
    return clean(chosen.get("image", ""), limit=500)


def version_of(template: Json, container: str | None) -> str:
    """What people call it: the version label of the template, else the image's tag, else its digest."""
    labels = template.get("metadata", {}).get("labels") or {}
    if labels.get(VERSION_LABEL):
        return clean(labels[VERSION_LABEL], limit=100)
    image = image_of(template, container)
    name, _, pinned = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag or pinned.removeprefix("sha256:")[:12] or "latest"


def artefact(template: Json, container: str | None, revision: Revision | None = None) -> Artefact:
    """The template in the words of all platforms. Holds no environment values: those may be secrets."""
    notes = template.get("metadata", {}).get("annotations") or {}
    detail = {"image": image_of(template, container)}
    if revision is not None:
        detail |= {"source": revision.source, "revision": str(revision.number), "cause": revision.cause}
    return Artefact(
        version=version_of(template, container),
        reference=reference(template),
        detail=dict(detail),
        minimum_schema=_number(notes.get(MINIMUM_SCHEMA)),
        maximum_schema=_number(notes.get(MAXIMUM_SCHEMA)),
    )


def _replica_set(thing: Json) -> Revision | None:
    notes = thing["metadata"].get("annotations") or {}
    template = (thing.get("spec") or {}).get("template")
    number = _number(notes.get(REVISION_ANNOTATION))
    return _revision(thing, number, template, notes.get("kubernetes.io/change-cause", ""))


def _controller_revision(thing: Json) -> Revision | None:
    template = ((thing.get("data") or {}).get("spec") or {}).get("template")
    notes = thing["metadata"].get("annotations") or {}
    return _revision(thing, thing.get("revision"), template, notes.get("kubernetes.io/change-cause", ""))


def _revision(thing: Json, number: int | None, template: Json | None, cause: object) -> Revision | None:
    if number is None or template is None:
        return None
    return Revision(
        number=number,
        source=thing["metadata"]["name"],
        uid=thing["metadata"]["uid"],
        template=plain(template),
        reference=reference(template),
        cause=clean(cause, limit=200),
    )


def _number(text: object) -> int | None:
    return int(text) if isinstance(text, str) and text.isdecimal() else None
