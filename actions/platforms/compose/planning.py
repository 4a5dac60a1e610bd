"""From what stands and a target image to the changes that bring it back, or one clear refusal."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from actions.clients.docker.errors import Missing
from actions.clients.docker.reader import DockerReader
from actions.model.errors import Refused, Stale
from actions.model.platform import ANSWERED, NEVER_OBSERVED, Artefact, Change, WorkloadFacts
from actions.model.text import clean
from actions.model.words import Gate
from actions.model.workloads import ComposeWorkload
from actions.platforms.access import Place
from actions.platforms.compose import artefacts, labels
from actions.platforms.compose.address import Questions
from actions.platforms.compose.compose_cli import ComposeCli
from actions.platforms.compose.hooks import unrun_hooks
from actions.platforms.compose.observe import Scene, pinned_start, pins_of
from actions.platforms.compose.params import PIN, RECREATE, SEVERAL, Recreate, Several
from actions.platforms.compose.pin_plan import PinPlan, plan_pin

PIN_SECONDS = 15.0

Body = dict[str, Any]


class Planner:
    """Plans changes of one service."""

    def __init__(self, docker: DockerReader, settings: ComposeWorkload, place: Place) -> None:
        self._docker = docker
        self._settings = settings
        self._place = place
        self._cli = ComposeCli(settings)
        self._questions = Questions(place, docker.host)

    async def close(self) -> None:
        """Close kept connections, end what is still being asked."""
        await self._cli.close()
        await self._questions.close()

    async def plan(self, facts: WorkloadFacts, scene: Scene, to: Artefact) -> tuple[Change, ...]:
        """Pin first, then one change a replica. Raises Refused and Stale."""
        _still_there(facts, scene)
        image = await self._image(to)
        self._comparable(scene, image)
        moving = [
            one for one in scene.containers if one["Image"] != to.reference or one["State"]["Status"] != "running"
        ]
        if not moving and self._place.has_traffic:
            return ()  # it only has to get ready, or be refused for not doing so, before users are sent there
        if not moving:
            raise Refused(f"every container of {self._settings.service} runs {to.version} already")
        await self._alone(moving)
        for one in moving:
            self._provable(one, image, len(scene.containers))
        name = artefacts.shown_name(image, to.version)
        pinned, same_words = await asyncio.gather(
            plan_pin(self._settings, self._cli, scene, artefacts.pin_name(image), to.version),
            asyncio.gather(*(self._same_words(one, facts, to) for one in moving)),
        )
        carried = labels.labels_of(scene.containers[0])
        hooks = await asyncio.to_thread(unrun_hooks, carried, self._settings.service)
        replicas = [
            self._replica(one, scene, to, name, pinned, same) for one, same in zip(moving, same_words, strict=True)
        ]
        versions = {one.id: one.version or "" for one in facts.instances}
        changes = list(self._steps(replicas, versions))
        changes[0] = changes[0].model_copy(update={"details": hooks})
        return (*((self._pin(pinned, name, to),) if pinned.pin else ()), *changes)

    async def _image(self, to: Artefact) -> Body:
        try:
            return await self._docker.image(to.reference)
        except Missing:
            pass
        names = to.detail.get("names")
        for name in names if isinstance(names, list) else []:
            try:
                now = await self._docker.image(str(name))
            except Missing:
                continue
            raise Refused(
                f"{clean(name)} is another image now ({artefacts.short(now['Id'])}); the release was "
                f"{artefacts.short(to.reference)}, which is gone: load that image again"
            )
        raise Refused(
            f"the image of {to.version} ({artefacts.short(to.reference)}) is not on this engine: load it first"
        )

    def _comparable(self, scene: Scene, image: Body) -> None:
        for container in scene.containers:
            now = scene.image_of(container)
            for field in ("Os", "Architecture"):
                if now and now.get(field) != image.get(field):
                    said = f"{clean(image.get(field))}, this service runs {clean(now.get(field))}"
                    raise Refused(f"the image was built for {said}")

    async def _alone(self, moving: list[Body]) -> None:
        """Nobody may live in the namespaces of a container that is replaced: it would hold on to the old id."""
        ids = {one["Id"] for one in moving}
        names = {labels.name_of(one) for one in moving}
        others = [
            one["Id"] for one in await self._docker.containers() if one["Id"] not in ids and one["State"] == "running"
        ]
        for body in await asyncio.gather(*(self._inspect(one) for one in others)):
            host = (body or {}).get("HostConfig", {})
            for field in ("NetworkMode", "IpcMode", "PidMode"):
                kind, _, target = str(host.get(field) or "").partition(":")
                if body and kind == "container" and (target in ids or target in names):
                    who = clean(labels.name_of(body), limit=100)
                    raise Refused(
                        f"{who} shares the {field[:-4].lower()} of a container that would go: stop {who} first"
                    )

    async def _inspect(self, identifier: str) -> Body | None:
        try:
            return await self._docker.container(identifier)
        except Missing:
            return None

    def _provable(self, container: Body, image: Body, replicas: int) -> None:
        """Without a healthcheck and without an address nobody could ever say that it is healthy."""
        own = (container["Config"].get("Healthcheck") or {}).get("Test")
        check = own or (image.get("Config", {}).get("Healthcheck") or {}).get("Test")
        if (check and check != ["NONE"]) or self._questions.address(container, sole=replicas == 1):
            return
        name = clean(labels.name_of(container), limit=100)
        raise Refused(
            f"{name} has no healthcheck and no address to ask: nobody could prove it; give the service a 'url'"
        )

    async def _same_words(self, container: Body, facts: WorkloadFacts, to: Artefact) -> bool:
        """Whether the service names itself as the platform names its image: only then its word is held to it.

        A release that nobody has observed may name itself otherwise: its image proves it.
        """
        if to.detail.get(NEVER_OBSERVED):
            return False
        known = next((one.version for one in facts.instances if one.id == container["Id"]), None)
        said = await self._questions.version(container, sole=len(facts.instances) == 1)
        return said is not None and said == known

    def _pin(self, pinned: PinPlan, name: str, to: Artefact) -> Change:
        assert pinned.pin is not None
        return self._change(
            PIN,
            f"pin {self._settings.service} to {to.version} for Compose",
            subject=f"{self._settings.service} in {pinned.pin.path.rpartition('/')[2]}",
            before="pinned elsewhere" if pinned.pin.before else "unpinned",
            after=clean(name, limit=200),
            details=tuple(clean(risk, limit=600) for risk in pinned.risks),
            params=pinned.pin.model_dump(mode="json"),
            expected_seconds=0.1,
            budget_seconds=PIN_SECONDS,
        )

    def _replica(self, old: Body, scene: Scene, to: Artefact, name: str, pinned: PinPlan, same_words: bool) -> Recreate:
        carried = labels.labels_of(old)
        changed = {labels.CONFIG_HASH: pinned.config_hash} if pinned.config_hash else {}
        if labels.COMPOSE_IMAGE in carried:
            changed[labels.COMPOSE_IMAGE] = to.reference
        policy, running = _before(old, scene.unfinished.get(old["Id"]))
        return Recreate(
            old=old["Id"],
            name=labels.place_name(old),
            old_image=old["Image"],
            image=to.reference,
            version=to.version,
            image_name=name,
            started_at=pinned_start(old),
            running=running,
            policy=policy,
            stop_seconds=float(old["Config"].get("StopTimeout") or self._settings.stop_timeout),
            members=tuple(one["Id"] for one in scene.containers),
            sole=len(scene.containers) == 1,
            same_words=same_words,
            word=word if isinstance(word := to.detail.get(ANSWERED), str) else None,
            labels=changed,
            project=carried.get(labels.PROJECT, "") if labels.SERVICE in carried else "",
            service=carried.get(labels.SERVICE, ""),
            places=tuple(labels.place_name(one) for one in scene.containers),
            keep_image=self._settings.keep_old_hours > 0,
            half_made=scene.vacant.get(old["Id"], ""),
        )

    def _steps(self, replicas: list[Recreate], versions: Mapping[str, str]) -> Iterator[Change]:
        """One change for the first replica, which shows whether the release is well; then several at a time."""
        for done, together in widening(replicas, self._settings.at_once):
            shown = ", ".join(clean(one.name, limit=100) for one in together)
            single = len(together) == 1
            params = together[0] if single else Several(members=tuple(together))
            several = (
                f"{len(together)} at the same time, once {done} of {len(replicas)} {'is' if done == 1 else 'are'} well"
            )
            yield self._change(
                RECREATE if single else SEVERAL,
                f"bring {shown} back to {together[0].version}",
                subject=shown,
                before=", ".join(dict.fromkeys(found for one in together if (found := versions.get(one.old)))),
                after=together[0].version,
                details=() if single else (several,),
                params=params.model_dump(mode="json"),
                expected_seconds=1.5,
                budget_seconds=self._budget(together),
            )

    def _budget(self, together: Sequence[Recreate]) -> float:
        """An engine that does several things at a time needs longer for each."""
        slowest = max(one.stop_seconds for one in together)
        return slowest + self._place.settings.policy.prove_seconds + 15 + 5 * len(together)

    def _change(self, action: str, title: str, **details: Any) -> Change:
        return Change(slot=self._place.slot, action=action, title=title, **details)


def widening(replicas: Sequence[Recreate], most: int | None = None) -> Iterator[tuple[int, Sequence[Recreate]]]:
    """How many are proved by then, and who is next: one, two, four and so on, never more than `most` at a time.

    So at most one more is away than has been proved before: what is proved carries the users meanwhile.
    """
    done, size = 0, 1
    while done < len(replicas):
        together = replicas[done : done + min(size, most or size)]
        yield done, together
        done, size = done + len(together), size * 2


def _still_there(facts: WorkloadFacts, scene: Scene) -> None:
    for note in facts.notes:
        if note.gate is Gate.FAIL:
            raise Refused(f"{note.evidence}: {note.advice}")
    now = pins_of(scene.containers)
    if now != facts.pins:
        moved = sorted(name for name in {**now, **facts.pins} if now.get(name) != facts.pins.get(name))
        raise Stale(f"containers changed while this was planned ({', '.join(moved)}): plan again")


def _before(old: Body, unfinished: Body | None) -> tuple[dict[str, JsonValue], bool]:
    """Restart policy and whether it ran: as it is, or as it was before a replacement that was never finished."""
    policy, running = _policy(old), old["State"]["Status"] in ("running", "restarting")
    if unfinished is None or _policy(unfinished) == policy:
        return policy, running
    return _policy(unfinished), True  # it was disarmed to be stopped, so it ran


def _policy(body: Body) -> dict[str, JsonValue]:
    policy = body["HostConfig"].get("RestartPolicy") or {}
    known = re.fullmatch(r"no|always|unless-stopped|on-failure", str(policy.get("Name") or "no"))
    return {"Name": known[0] if known else "no", "MaximumRetryCount": int(policy.get("MaximumRetryCount") or 0)}
