"""The writing half: pinned templates by guarded patches, stuck pods deleted by uid."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from actions.clients.kubernetes_api import Json, KubernetesWriter
from actions.clients.kubernetes_errors import NoDryRun
from actions.model.crash import crashpoint
from actions.model.errors import Ambiguous, Refused, Stale, Unreachable, VerifyFailed
from actions.model.files import write_durably
from actions.model.platform import Change, Evidence, Probe
from actions.model.waiting import Deadline
from actions.model.words import ProbeState
from actions.model.workloads import KubernetesWorkload
from actions.platforms.kubernetes.difference import changed_by_admission
from actions.platforms.kubernetes.kinds import CAUSE_ANNOTATION, RUN_ANNOTATION, Paths, kubectl
from actions.platforms.kubernetes.patches import by_hand, operations, replacing
from actions.platforms.kubernetes.patience import patiently, pause, unthrottled
from actions.platforms.kubernetes.revisions import reference
from actions.platforms.kubernetes.rollout import RolloutWatch
from actions.platforms.kubernetes.standing import Standing
from actions.platforms.kubernetes.status import available_of_template, progress, timed_out_at
from actions.platforms.kubernetes.unsticking import Unsticking
from actions.platforms.protocols import Report

PATIENCE_SECONDS = 15.0
"""How long a read before an effect, or a write that the server refused to look at, is asked again."""

BUDGET_SHARE = 0.8
"""The share of its step's budget for which a probe or a deletion asks again, so that it can say what was wrong."""


class KubernetesChanger:
    """Carries out the changes of one workload under the step contract."""

    def __init__(self, settings: KubernetesWorkload, client: KubernetesWriter) -> None:
        self._settings, self._client = settings, client
        self._paths = Paths.of(settings)
        self._left_over: dict[str, str] = {}
        self._set: dict[str, str] = {}

    async def check(self, change: Change) -> Evidence:
        """Uid, generation and revision as planned; then a dry run that the server's admission sees.

        Raises Stale, or Refused where the rollout could not be proved afterwards.
        """
        deadline = Deadline(PATIENCE_SECONDS)
        standing = self._standing(change, deadline)
        workload = await standing.workload()
        if change.action == "delete-stuck-pods":
            if reference(workload["spec"]["template"]) != change.params["target"]:
                raise Stale(f"{self._settings.name} does not ask for {change.params['version']} any more; plan again")
            return Evidence(text=f"{self._settings.name} is the planned one")
        generation = workload["metadata"]["generation"]
        if generation != change.params["generation"]:
            raise Stale(f"{self._settings.name} was changed since planning (generation {generation}); plan again")
        revision, _ = await asyncio.gather(standing.revision(workload), standing.service())
        patch = operations(change, workload, revision.template, "dry-run")
        path = self._paths.workload
        try:
            answer = await patiently(lambda: self._client.rehearse(path, patch), deadline, lambda _: None)
        except NoDryRun as none:
            return Evidence(text=f"generation {generation} as planned; no dry run: {none.message}")
        if changed := changed_by_admission(answer, revision.template):
            raise Refused(f"admission changes the template: {changed}; what was planned cannot be set as it was")
        return Evidence(text=f"generation {generation} as planned, dry run accepted")

    async def protect(self, change: Change, key: str, folder: Path) -> Evidence:
        """Keep the template as it is now, readable by its owner only: it may hold secret values."""
        workload = await self._standing(change, Deadline(PATIENCE_SECONDS)).workload()
        kept = {"template": workload["spec"]["template"], "annotations": _causes(workload)}
        kept["timed_out"] = timed_out_at(workload)
        kept["whole"] = progress(self._paths.kind.name, workload).done
        content = json.dumps(kept, sort_keys=True).encode()
        hand = by_hand(workload["metadata"]["uid"], workload["spec"]["template"])
        for path, words in ((self._kept(key, folder), content), (_patch_file(change, folder), hand)):
            if not path.exists():
                await asyncio.to_thread(write_durably, path, words)
        return Evidence(text=f"undo material {len(content)} bytes, template {reference(kept['template'])[:12]}")

    async def act(self, change: Change, key: str, folder: Path, report: Report) -> Evidence:
        """Set the pinned template if uid and generation are still the planned ones; or delete the planned pods."""
        if change.action == "delete-stuck-pods":
            return await self._unstick(change, report)
        deadline = Deadline(PATIENCE_SECONDS)
        standing = self._standing(change, deadline, report)
        workload = await standing.workload()
        await self._remember(key, folder)
        if reference(workload["spec"]["template"]) == change.params["target"]:
            return Evidence(text=f"the template is already that of {change.params['version']}")
        revision = await standing.revision(workload)
        patch = operations(change, workload, revision.template, key)
        crashpoint("kubernetes.before-patch")
        patched = await unthrottled(lambda: self._client.patch(self._paths.workload, patch), deadline)
        crashpoint("kubernetes.after-patch")
        self._left_over[key] = timed_out_at(patched)
        self._set[key] = reference(patched["spec"]["template"])
        if changed := changed_by_admission(patched, revision.template):
            raise VerifyFailed(f"admission changed the template while it was set: {changed}")
        generation = patched["metadata"]["generation"]
        return Evidence(
            text=f"template of revision {revision.number} set, generation {generation}", data={"generation": generation}
        )

    async def verify(self, change: Change, key: str, deadline: Deadline, report: Report) -> Evidence:
        """The rollout is complete by kubectl's rules, with the planned template and ready endpoints."""
        watch = self._watch(change, str(change.params["target"]), self._left_over.get(key, ""))
        if change.action == "set-template" and not change.params["wait_for_rollout"]:
            return await watch.observed(deadline)
        return await watch.complete(deadline, report)

    async def undo(self, change: Change, key: str, folder: Path, deadline: Deadline, report: Report) -> Evidence:
        """Set the template from before, if the one in place is ours. Readiness is not demanded of what was bad."""
        if change.action == "delete-stuck-pods":
            return Evidence(text="pods are made again by the controller; nothing to undo")
        before = str(change.params["before"])
        workload = await self._standing(change, deadline, report).workload()
        if reference(workload["spec"]["template"]) == before:
            return Evidence(text="the template is as before")
        if said := self._not_ours(change, key, workload):
            return Evidence(text=said)
        kept = await self._material(key, folder)
        await self._ask_first(change, key, folder, workload, kept)
        crashpoint("kubernetes.before-undo-patch")
        patched = await self._put_back(change, key, workload, kept, deadline, report)
        crashpoint("kubernetes.after-undo-patch")
        expected = reference(patched["spec"]["template"])
        seen = await self._watch(change, expected).observed(deadline)
        changed = changed_by_admission(patched, kept["template"])  # a way back must not end there, but it is said
        return Evidence(text=f"{seen.text}; admission changed it: {changed}") if changed else seen

    async def _ask_first(self, change: Change, key: str, folder: Path, workload: Json, kept: Json) -> None:
        """Leave it to a person, once, to put a release back that was not whole while the one set here is coming up.

        Raises Refused. Who has the run go on after that has decided.
        """
        up = available_of_template(workload)
        asked = folder / f"kubernetes-asked-{key}"
        if kept.get("whole", True) or not up or asked.exists():
            return
        await asyncio.to_thread(write_durably, asked, b"")
        version = change.params["version"]
        raise Refused(
            f"{self._settings.name} is not put back by itself: what stood before {version} was never whole, and "
            f"{version} has {up} pods available; resume the run to put back what stood before all the same"
        )

    async def _put_back(
        self, change: Change, key: str, workload: Json, kept: Json, deadline: Deadline, report: Report
    ) -> Json:
        """The workload with the kept template. What stands decides after every answer that was lost or refused.

        A repeat is safe: the patch tests uid and generation, so a late first one makes it fail and the other way round.
        """
        refused, said = -1, ""
        while True:
            try:
                return await self._client.patch(
                    self._paths.workload, replacing(workload, kept["template"], kept["annotations"])
                )
            except Stale as moved:
                if workload["metadata"]["generation"] == refused:
                    raise  # it has not moved since: refused for another reason
                refused = workload["metadata"]["generation"]
                trouble: Stale | Ambiguous | Unreachable = moved
            except (Ambiguous, Unreachable) as lost:
                trouble = lost
            if trouble.message != said:
                report(said := trouble.message)
            await pause(trouble, deadline)
            try:
                workload = await self._standing(change, deadline, report).workload()
            except Unreachable:
                raise trouble from None
            if reference(workload["spec"]["template"]) == change.params["before"]:
                return workload
            if other := self._not_ours(change, key, workload):
                raise Refused(other)

    async def probe(self, change: Change, key: str, folder: Path) -> Probe:
        """The template in place decides; for pods, whether those of the planned uids are gone."""
        deadline = Deadline(BUDGET_SHARE * change.budget_seconds)
        standing = self._standing(change, deadline)
        try:
            workload = await standing.workload()
            await self._remember(key, folder)
        except Stale as error:
            return Probe(state=ProbeState.UNKNOWN, evidence=error.message)
        if change.action == "delete-stuck-pods":
            left = await Unsticking(self._client, self._settings, standing, deadline).left(change)
            state = ProbeState.DONE if not left else ProbeState.PARTIAL
            return Probe(state=state, evidence=f"still there: {', '.join(left)}" if left else "the stuck pods are gone")
        now = reference(workload["spec"]["template"])
        if now == change.params["target"]:
            mark = (workload["metadata"].get("annotations") or {}).get(RUN_ANNOTATION, "nobody")
            return Probe(state=ProbeState.DONE, evidence=f"template of {change.params['version']}, set by {mark}")
        if now == change.params["before"]:
            return Probe(state=ProbeState.NOT_STARTED, evidence="the template is as before")
        return Probe(state=ProbeState.UNKNOWN, evidence=f"a third template {now[:12]}: somebody else changed it")

    async def manual(self, change: Change, folder: Path) -> tuple[str, ...]:
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

    async def _unstick(self, change: Change, report: Report) -> Evidence:
        """Once the controller makes pods of the target: only then can those of others be told."""
        deadline = Deadline(BUDGET_SHARE * change.budget_seconds)
        await self._watch(change, str(change.params["target"])).observed(deadline)
        standing = self._standing(change, deadline, report)
        return await Unsticking(self._client, self._settings, standing, deadline).delete(change, report)

    def _standing(self, change: Change, deadline: Deadline, lost: Callable[[str], None] = lambda _: None) -> Standing:
        return Standing(self._client, self._settings, change, deadline, lost)

    def _watch(self, change: Change, target: str, left_over: str = "") -> RolloutWatch:
        return RolloutWatch(self._client, self._settings, str(change.params["uid"]), target, left_over)

    def _not_ours(self, change: Change, key: str, workload: Json) -> str:
        """Why there is nothing to put back, empty when our template stands. Raises Refused where it was mixed in."""
        if reference(workload["spec"]["template"]) in (change.params["target"], self._set.get(key)):
            return ""
        if (workload["metadata"].get("annotations") or {}).get(RUN_ANNOTATION) != key:
            return f"nothing of this run stands; {self._settings.name} was changed by someone else"
        raise Refused(f"{self._settings.name} was changed by someone else meanwhile; decide by hand")

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


def _patch_file(change: Change, folder: Path) -> Path:
    """One for each workload of a run: the first step on it writes down how it was."""
    return folder / f"kubernetes-patch-{change.params['uid']}.json"


def _causes(workload: Json) -> dict[str, str | None]:
    held = workload["metadata"].get("annotations") or {}
    return {name: held.get(name) for name in (RUN_ANNOTATION, CAUSE_ANNOTATION)}
