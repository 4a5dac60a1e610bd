"""What a revision's pods cannot start without, and whether it is there: ConfigMaps and their keys, Secrets, claims."""

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

from actions.clients.kubernetes_api import Json
from actions.clients.kubernetes_errors import NotThere
from actions.clients.kubernetes_mirror import Mirrors
from actions.model.base import Fact
from actions.model.errors import VqError
from actions.model.health import Check
from actions.model.patience import fair_timeout
from actions.model.text import clean
from actions.model.words import Gate
from actions.platforms.kubernetes.kinds import Paths

ASKED_SECONDS, PATIENCE_SECONDS = 15.0, 3.0
PLURALS = {"ConfigMap": "configmaps", "Secret": "secrets", "PersistentVolumeClaim": "persistentvolumeclaims"}
CONFIGURATION = ("ConfigMap", "Secret")


class Reference(Fact):
    """One object by kind and name, and which `keys` of it are needed. Pods start without one that is `optional`.

    A secret `for_images` is only needed where a node does not have the image yet.
    """

    kind: str
    name: str
    optional: bool = False
    keys: tuple[str, ...] = ()
    for_images: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class _Looked(NamedTuple):
    """What is missing of one reference, or that it is not known."""

    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def references(template: Json) -> tuple[Reference, ...]:
    """All that the template names, each once; needed ones stay needed where another place calls them optional. Pure."""
    found: dict[tuple[str, str], Reference] = {}
    for one in _named(template.get("spec") or {}):
        held = found.get((one.kind, one.name))
        if held is None:
            found[one.kind, one.name] = one
            continue
        found[one.kind, one.name] = Reference(
            kind=one.kind,
            name=one.name,
            optional=held.optional and one.optional,
            keys=tuple(sorted({*held.keys, *one.keys})),
            for_images=held.for_images and one.for_images,
        )
    return tuple(sorted(found.values(), key=str))


def configuration(template: Json) -> tuple[Reference, ...]:
    """The ConfigMaps and Secrets whose content the pods read. Pure."""
    return tuple(one for one in references(template) if one.kind in CONFIGURATION and not one.for_images)


async def reference_check(mirrors: Mirrors, paths: Paths, template: Json) -> Check | None:
    """FAIL when something is missing: the pods would never start. What may not be looked up is said.

    None when the template needs nothing. Of a Secret only its metadata is asked for.
    """
    needed = [one for one in references(template) if not one.optional]
    if not needed:
        return None
    looked = await asyncio.gather(*(_look(mirrors, paths, one) for one in needed))
    pairs = list(zip(needed, looked, strict=True))
    missing = [words for one, found in pairs if not one.for_images for words in found.missing]
    if missing:
        return Check(
            id="references",
            title="configuration there",
            gate=Gate.FAIL,
            evidence=f"its pods need {clean(', '.join(missing), limit=300)}, which is not there: they would not start",
            advice="make it again from its source before going back",
        )
    return _not_missing(pairs)


def _not_missing(pairs: list[tuple[Reference, _Looked]]) -> Check:
    """PASS, unless something that can be granted could not be seen, or images may not be pulled."""
    pull = [words for one, found in pairs if one.for_images for words in found.missing]
    unknown = [words for _, found in pairs for words in found.unknown]
    evidence, advice = "what its pods need is there", ""
    if unknown:
        evidence = f"not known whether {clean(', '.join(unknown), limit=300)} is there: it could not be looked up"
    if pull:
        evidence += f"; {clean(', '.join(pull), limit=300)} is not there: a node without the image may not get it"
        advice = "make the pull secret again"
    plurals = sorted({PLURALS[one.kind] for one, found in pairs if found.unknown and one.kind != "Secret"})
    if plurals:
        advice = f"grant get on {', '.join(plurals)} (deploy/kubernetes/viewer.yaml)"
    gate = Gate.INCONCLUSIVE if plurals or pull else Gate.PASS
    return Check(id="references", title="configuration there", gate=gate, evidence=evidence, advice=advice)


def both(image: Check, there: Check | None) -> Check:
    """One check of what an older revision needs: the worse verdict, and everything that was found. Pure."""
    if there is None:
        return image
    gates = (Gate.FAIL, Gate.INCONCLUSIVE, Gate.PASS)
    gate = min(image.gate, there.gate, key=gates.index)
    evidence = "; ".join((image.evidence, there.evidence))
    advice = "; ".join(one for one in (there.advice, image.advice) if one)
    return image.model_copy(update={"gate": gate, "evidence": evidence, "advice": advice})


async def _look(mirrors: Mirrors, paths: Paths, one: Reference) -> _Looked:
    """Whether it is there, with the keys that are needed."""
    path = f"{paths.core(PLURALS[one.kind])}/{one.name}"

    async def ask() -> frozenset[str] | bool | None:
        """The keys of a ConfigMap; of others whether they are there; None when that is not to be known."""
        try:
            async with fair_timeout(PATIENCE_SECONDS):
                if one.kind != "ConfigMap":
                    return await mirrors.client.exists(path)
                held = await mirrors.client.get(path)
                return frozenset({**(held.get("data") or {}), **(held.get("binaryData") or {})})
        except NotThere:
            return False
        except (VqError, TimeoutError):
            return None

    found = await mirrors.remembered(f"exists {path}", ASKED_SECONDS, ask)
    if found is None:
        return _Looked(unknown=(str(one),))
    if found is False:
        return _Looked(missing=(str(one),))
    keys = found if isinstance(found, frozenset) else frozenset(one.keys)
    return _Looked(missing=tuple(f"key '{key}' of {one}" for key in one.keys if key not in keys))


def _named(spec: Json) -> Iterator[Reference]:
    for volume in spec.get("volumes") or []:
        yield from _of(volume, ("configMap", "name"), ("secret", "secretName"))
        for part in (volume.get("projected") or {}).get("sources") or []:
            yield from _of(part, ("configMap", "name"), ("secret", "name"))
        if claim := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
            yield Reference(kind="PersistentVolumeClaim", name=str(claim))
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        for source in container.get("envFrom") or []:
            yield from _of(source, ("configMapRef", "name"), ("secretRef", "name"))
        for variable in container.get("env") or []:
            yield from _of(variable.get("valueFrom") or {}, ("configMapKeyRef", "name"), ("secretKeyRef", "name"))
    for pull in spec.get("imagePullSecrets") or []:
        if pull.get("name"):
            yield Reference(kind="Secret", name=str(pull["name"]), for_images=True)


def _of(thing: Json, *fields: tuple[str, str]) -> Iterator[Reference]:
    for field, key in fields:
        part = thing.get(field) or {}
        if name := part.get(key):
            kind = "ConfigMap" if field.startswith("configMap") else "Secret"
            optional = bool(part.get("optional"))
            used = [part.get("key"), *(one.get("key") for one in part.get("items") or [])]
            keys = () if optional or kind == "Secret" else tuple(str(one) for one in used if one)
            yield Reference(kind=kind, name=str(name), optional=optional, keys=keys)
