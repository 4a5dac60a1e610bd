"""The ConfigMaps and Secrets that a revision's pods cannot start without, and whether they are there."""

import asyncio
from collections.abc import Iterator

from actions.clients.kubernetes_api import Json
from actions.clients.kubernetes_mirror import Mirrors
from actions.model.base import Fact
from actions.model.errors import VqError
from actions.model.health import Check
from actions.model.text import clean
from actions.model.words import Gate
from actions.platforms.kubernetes.kinds import Paths

ASKED_SECONDS, PATIENCE_SECONDS = 15.0, 3.0
PLURALS = {"ConfigMap": "configmaps", "Secret": "secrets"}


class Reference(Fact):
    """One object by kind and name. Pods start without one that is `optional`."""

    kind: str
    name: str
    optional: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def references(template: Json) -> tuple[Reference, ...]:
    """All that the template names, each once; needed ones stay needed where another place calls them optional. Pure."""
    found: dict[tuple[str, str], Reference] = {}
    for one in _named(template.get("spec") or {}):
        held = found.get((one.kind, one.name))
        if held is None or held.optional:
            found[one.kind, one.name] = one
    return tuple(sorted(found.values(), key=str))


async def reference_check(mirrors: Mirrors, paths: Paths, template: Json) -> Check | None:
    """FAIL when one is missing: the pods would never start. What may not be looked up is said.

    None when the template needs none. Of a Secret only its metadata is asked for.
    """
    needed = [one for one in references(template) if not one.optional]
    if not needed:
        return None
    looked = await asyncio.gather(*(_there(mirrors, paths, one) for one in needed))
    missing = [str(one) for one, there in zip(needed, looked, strict=True) if there is False]
    unknown = [one for one, there in zip(needed, looked, strict=True) if there is None]
    if missing:
        return Check(
            id="references",
            title="configuration there",
            gate=Gate.FAIL,
            evidence=f"its pods need {clean(', '.join(missing), limit=300)}, which is not there: they would not start",
            advice="make it again from its source before going back",
        )
    evidence = "the ConfigMaps and Secrets its pods need are there"
    if unknown:
        named = clean(", ".join(map(str, unknown)), limit=300)
        evidence = f"not known whether {named} is there: it could not be looked up"
    maps = any(one.kind == "ConfigMap" for one in unknown)
    return Check(
        id="references",
        title="configuration there",
        gate=Gate.INCONCLUSIVE if maps else Gate.PASS,
        evidence=evidence,
        advice="grant get on configmaps (deploy/kubernetes/viewer.yaml)" if maps else "",
    )


def both(image: Check, there: Check | None) -> Check:
    """One check of what an older revision needs: the worse verdict, and everything that was found. Pure."""
    if there is None:
        return image
    gates = (Gate.FAIL, Gate.INCONCLUSIVE, Gate.PASS)
    gate = min(image.gate, there.gate, key=gates.index)
    evidence = "; ".join((image.evidence, there.evidence))
    advice = "; ".join(one for one in (there.advice, image.advice) if one)
    return image.model_copy(update={"gate": gate, "evidence": evidence, "advice": advice})


async def _there(mirrors: Mirrors, paths: Paths, one: Reference) -> bool | None:
    """Whether it is there, None when that is not to be known."""
    path = f"{paths.core(PLURALS[one.kind])}/{one.name}"

    async def ask() -> bool | None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await mirrors.client.exists(path)
        except (VqError, TimeoutError):
            return None

    return await mirrors.remembered(f"exists {path}", ASKED_SECONDS, ask)


def _named(spec: Json) -> Iterator[Reference]:
    for volume in spec.get("volumes") or []:
        yield from _of(volume, ("configMap", "name"), ("secret", "secretName"))
        for part in (volume.get("projected") or {}).get("sources") or []:
            yield from _of(part, ("configMap", "name"), ("secret", "name"))
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        for source in container.get("envFrom") or []:
            yield from _of(source, ("configMapRef", "name"), ("secretRef", "name"))
        for variable in container.get("env") or []:
            yield from _of(variable.get("valueFrom") or {}, ("configMapKeyRef", "name"), ("secretKeyRef", "name"))


def _of(thing: Json, *fields: tuple[str, str]) -> Iterator[Reference]:
    for field, key in fields:
        part = thing.get(field) or {}
        if name := part.get(key):
            kind = "ConfigMap" if field.startswith("configMap") else "Secret"
            yield Reference(kind=kind, name=str(name), optional=bool(part.get("optional")))
