"""The writing half: pinned templates by guarded patches, stuck pods deleted by uid (correct-procedures 2.4, 2.5)."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from actions.clients.kubernetes_api import Json, KubernetesWriter
from actions.clients.kubernetes_errors import NotThere, Throttled
from actions.model.crash import crashpoint
from actions.model.environment import KubernetesWorkload
from actions.model.errors import Refused, Stale, VerifyFailed
from actions.model.files import write_durably
from actions.model.platform import Change, Evidence, Probe
from actions.model.waiting import Deadline
from actions.model.words import ProbeState
from actions.platforms.kubernetes.kinds import CAUSE_ANNOTATION, RUN_ANNOTATION, Paths, kubectl
from actions.platforms.kubernetes.pods import ending, ready
from actions.platforms.kubernetes.revisions import Revision, history, reference
from actions.platforms.kubernetes.rollout import RolloutWatch
from actions.platforms.kubernetes.status import timed_out_at
from actions.platforms.protocols import Report

THROTTLED_TRIES = 4
_POINTER = str.maketrans({"~": "~0", "/": "~1"})


class KubernetesChanger:
    """Carries out the changes of one workload under the step contract."""

    def __init__(self, settings: KubernetesWorkload, client: KubernetesWriter) -> None:
        self._settings, self._client = settings, client
        self._paths = Paths.of(settings)
        self._left_over: dict[str, str] = {}

    async def check(self, change: Change) -> Evidence:
        """Uid, generation and revision as planned; then a dry run that the server's admission sees. Raises Stale."""
        workload = await self._workload(change)
        if change.action == "delete-stuck-pods":
            return Evidence(text=f"{self._settings.name} is the planned one")
        generation = workload["metadata"]["generation"]
        if generation != change.params["generation"]:
            raise Stale(f"{self._settings.name} was changed since planning (generation {generation}); plan again")
        revision = await self._revision(change, workload)
        await self._client.patch(
            self._paths.workload, operations(change, workload, revision.template, "dry-run"), dry_run=True
        )
        return Evidence(text=f"generation {generation} as planned, dry run accepted")

    async def protect(self, change: Change, key: str, folder: Path) -> Evidence:
        """Keep the template as it is now, readable by its owner only: it may hold secret values."""
        workload = await self._workload(change)
        kept = {"template": workload["spec"]["template"], "annotations": _causes(workload)}
        kept["timed_out"] = timed_out_at(workload)
        content = json.dumps(kept, sort_keys=True).encode()
        by_hand = _template_patch(workload["metadata"]["uid"], workload["spec"]["template"])
        for path, words in ((self._kept(key, folder), content), (_patch_file(change, folder), by_hand)):
            if not path.exists():
                await asyncio.to_thread(write_durably, path, words)
        return Evidence(text=f"undo material {len(content)} bytes, template {reference(kept['template'])[:12]}")

    async def act(self, change: Change, key: str, folder: Path, report: Report) -> Evidence:
        """Set the pinned template if uid and generation are still the planned ones; or delete the planned pods."""
        if change.action == "delete-stuck-pods":
            return await self._delete_pods(change, report)
        workload = await self._workload(change)
        await self._remember(key, folder)
        if reference(workload["spec"]["template"]) == change.params["target"]:
            return Evidence(text=f"the template is already that of {change.params['version']}")
        revision = await self._revision(change, workload)
        crashpoint("kubernetes.before-patch")
        patched = await self._patch(operations(change, workload, revision.template, key))
        crashpoint("kubernetes.after-patch")
        self._left_over[key] = timed_out_at(patched)
        generation = patched["metadata"]["generation"]
        return Evidence(
            text=f"template of revision {revision.number} set, generation {generation}", data={"generation": generation}
        )

    async def verify(self, change: Change, key: str, deadline: Deadline, report: Report) -> Evidence:
        """The rollout is complete by kubectl's rules, with the planned template and ready endpoints."""
        uid, target = str(change.params["uid"]), str(change.params["target"])
        watch = RolloutWatch(self._client, self._settings, uid, target, self._left_over.get(key, ""))
        if change.action == "set-template" and not change.params["wait_for_rollout"]:
            return await watch.observed(deadline)
        return await watch.complete(deadline, report)

    async def undo(self, change: Change, key: str, folder: Path, deadline: Deadline, report: Report) -> Evidence:
        """Set the template from before, if the one in place is ours. Readiness is not demanded of what was bad."""
        if change.action == "delete-stuck-pods":
            return Evidence(text="pods are made again by the controller; nothing to undo")
        workload = await self._workload(change)
        now = reference(workload["spec"]["template"])
        if now == change.params["before"]:
            return Evidence(text="the template is as before")
        mark = (workload["metadata"].get("annotations") or {}).get(RUN_ANNOTATION)
        if now != change.params["target"] and mark != key:
            return Evidence(text=f"nothing of this run stands; {self._settings.name} was changed by someone else")
        if now != change.params["target"]:
            raise Refused(f"{self._settings.name} was changed by someone else meanwhile; decide by hand")
        kept = await self._material(key, folder)
        crashpoint("kubernetes.before-undo-patch")
        await self._patch(_replace(workload, kept["template"], kept["annotations"]))
        crashpoint("kubernetes.after-undo-patch")
        watch = RolloutWatch(self._client, self._settings, str(change.params["uid"]), str(change.params["before"]))
        return await watch.observed(deadline)

    async def probe(self, change: Change, key: str, folder: Path) -> Probe:
        """The template in place decides; for pods, whether those of the planned uids are gone."""
        try:
            workload = await self._workload(change)
            await self._remember(key, folder)
        except Stale as error:
            return Probe(state=ProbeState.UNKNOWN, evidence=error.message)
        if change.action == "delete-stuck-pods":
            left = await self._left(change)
            state = ProbeState.DONE if not left else ProbeState.PARTIAL
            return Probe(state=state, evidence=f"still there: {', '.join(left)}" if left else "the stuck pods are gone")
        now = reference(workload["spec"]["template"])
        if now == change.params["target"]:
            mark = (workload["metadata"].get("annotations") or {}).get(RUN_ANNOTATION, "nobody")
            return Probe(state=ProbeState.DONE, evidence=f"template of {change.params['version']}, set by {mark}")
        if now == change.params["before"]:
            return Probe(state=ProbeState.NOT_STARTED, evidence="the template is as before")
        return Probe(state=ProbeState.UNKNOWN, evidence=f"a third template {now[:12]}: somebody else changed it")

    def manual(self, change: Change, folder: Path) -> tuple[str, ...]:
        """What a person types to get the template back. It is in a file: it may hold secrets, and argv is no secret."""
        settings, name = self._settings, f"{self._settings.kind}/{self._settings.name}"
        return (
            kubectl(settings, "rollout", "history", name),
            kubectl(settings, "patch", name, "--type=json", "--patch-file", str(_patch_file(change, folder))),
            kubectl(settings, "rollout", "status", name),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _workload(self, change: Change) -> Json:
        try:
            workload = await self._client.get(self._paths.workload)
        except NotThere:
            raise Stale(f"{self._settings.kind} {self._settings.name} was deleted; plan again") from None
        if workload["metadata"]["uid"] != change.params["uid"]:
            raise Stale(f"{self._settings.kind} {self._settings.name} was deleted and made anew; plan again")
        return workload

    async def _revision(self, change: Change, workload: Json) -> Revision:
        """The object that keeps the target template, with exactly the planned content."""
        path = f"{self._paths.apps(self._paths.kind.history)}/{change.params['source']}"
        try:
            kept = await self._client.get(path)
        except NotThere:
            raise Stale(f"revision {change.params['source']} is not kept any more; plan again") from None
        found = history(self._paths.kind, workload, [kept])
        if not found or found[0].reference != change.params["target"]:
            raise Stale(f"revision {change.params['source']} is not the planned one any more; plan again")
        return found[0]

    async def _patch(self, patch: list[Json]) -> Json:
        """One patch; repeated only while the server says it refused to look at it. Its tests make a repeat harmless."""
        for left in range(THROTTLED_TRIES - 1, -1, -1):
            try:
                return await self._client.patch(self._paths.workload, patch)
            except Throttled as busy:
                if left == 0:
                    raise
                await asyncio.sleep(min(busy.after, 5.0))
        raise AssertionError("unreachable")

    async def _delete_pods(self, change: Change, report: Report) -> Evidence:
        """Each planned pod that is still the planned one and still not ready; others need no help."""
        gone = 0
        for planned in _pods(change):
            crashpoint("kubernetes.before-delete")
            pod = await self._pod(planned["name"])
            if pod is None or pod["metadata"]["uid"] != planned["uid"]:
                continue
            if ready(pod):
                report(f"{planned['name']} turned ready by itself and stays")
                continue
            with suppress(NotThere):
                await self._client.delete(f"{self._paths.core('pods')}/{planned['name']}", planned["uid"])
            report(f"deleted {planned['name']}")
            gone += 1
        return Evidence(text=f"{gone} stuck pods deleted")

    async def _pod(self, name: str) -> Json | None:
        """The pod of that name, unless it is gone or going."""
        try:
            pod = await self._client.get(f"{self._paths.core('pods')}/{name}")
        except NotThere:
            return None
        return None if ending(pod) else pod

    async def _left(self, change: Change) -> list[str]:
        """Names of the planned pods that still stand in the way."""
        found = [(planned, await self._pod(planned["name"])) for planned in _pods(change)]
        return [
            planned["name"]
            for planned, pod in found
            if pod is not None and pod["metadata"]["uid"] == planned["uid"] and not ready(pod)
        ]

    async def _remember(self, key: str, folder: Path) -> None:
        """The verdict on an earlier rollout that stood before ours, also after a crash: `verify` is given no folder."""
        if key not in self._left_over and self._kept(key, folder).exists():
            self._left_over[key] = str((await self._material(key, folder)).get("timed_out", ""))

    async def _material(self, key: str, folder: Path) -> Json:
        """What `protect` kept."""
        kept: Json = json.loads(await asyncio.to_thread(self._kept(key, folder).read_text))
        return kept

    def _kept(self, key: str, folder: Path) -> Path:
        return folder / f"kubernetes-template-{key}.json"


def operations(change: Change, workload: Json, template: Json, key: str) -> list[Json]:
    """The guarded JSON patch that sets `template`: nothing happens unless uid and generation are the planned ones."""
    cause = f"vq-tui run {key.partition('.')[0]}: back to {change.params['version']}"
    guarded = {**workload, "metadata": {**workload["metadata"], "generation": change.params["generation"]}}
    return _replace(guarded, template, {RUN_ANNOTATION: key, CAUSE_ANNOTATION: cause})


def _replace(workload: Json, template: Json, annotations: dict[str, str | None]) -> list[Json]:
    meta = workload["metadata"]
    patch: list[Json] = [
        {"op": "test", "path": "/metadata/uid", "value": meta["uid"]},
        {"op": "test", "path": "/metadata/generation", "value": meta["generation"]},
        {"op": "replace", "path": "/spec/template", "value": template},
    ]
    held: dict[str, Any] = meta.get("annotations") or {}
    if not held and any(value is not None for value in annotations.values()):
        patch.append({"op": "add", "path": "/metadata/annotations", "value": {}})
    for name, value in annotations.items():
        path = f"/metadata/annotations/{name.translate(_POINTER)}"
        if value is not None:
            patch.append({"op": "add", "path": path, "value": value})
        elif name in held:
            patch.append({"op": "remove", "path": path})
    return patch


def _template_patch(uid: str, template: Json) -> bytes:
    """The way back by hand as a JSON patch. It does not ask for a generation: that has moved on by then."""
    patch = [
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "replace", "path": "/spec/template", "value": template},
    ]
    return json.dumps(patch, sort_keys=True).encode()


def _patch_file(change: Change, folder: Path) -> Path:
    """One for each workload of a run: the first step on it writes down how it was."""
    return folder / f"kubernetes-patch-{change.params['uid']}.json"


def _causes(workload: Json) -> dict[str, str | None]:
    held = workload["metadata"].get("annotations") or {}
    return {name: held.get(name) for name in (RUN_ANNOTATION, CAUSE_ANNOTATION)}


def _pods(change: Change) -> list[dict[str, str]]:
    pods = change.params["pods"]
    if not isinstance(pods, list):
        raise VerifyFailed("the plan names no pods")
    return cast("list[dict[str, str]]", pods)
