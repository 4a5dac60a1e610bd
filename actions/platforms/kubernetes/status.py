"""Whether a rollout is complete, by kubectl's own rules and a little more. Pure."""

from actions.clients.kubernetes_api import Json
from actions.model.base import Fact
from actions.model.text import clean


class Progress(Fact):
    """How far a rollout is. `failed` says why it will not complete; else `done`, or `text` says what is missing.

    `given_up` is the controller's verdict on one that is not complete; it may take that back.
    """

    done: bool
    text: str
    failed: str = ""
    given_up: str = ""


def progress(kind: str, thing: Json, left_over: str = "") -> Progress:
    """The rollout's progress, as `kubectl rollout status` judges it for this kind.

    `left_over` is when an earlier rollout timed out. The controller drops that verdict only once the new rollout has
    moved, so the first status it writes for our change may still carry it: exactly that one says nothing about ours.
    """
    status, wanted = thing.get("status") or {}, thing["metadata"].get("generation", 0)
    if deleted := being_deleted(thing):
        return Progress(done=False, text=deleted, failed=deleted)
    if status.get("observedGeneration", 0) < wanted:
        return Progress(done=False, text="the controller has not seen the change yet")
    if kind == "Deployment":
        return _deployment(thing, status, left_over)
    return {"StatefulSet": _stateful_set, "DaemonSet": _daemon_set}[kind](thing, status)


def _deployment(thing: Json, status: Json, left_over: str) -> Progress:
    counted = _counted(thing, status)
    reason = deadline_exceeded(thing)
    if counted.done or not reason or timed_out_at(thing) == left_over:
        return counted
    return counted.model_copy(update={"text": f"{counted.text}, {reason}", "given_up": reason})


def _counted(thing: Json, status: Json) -> Progress:
    replicas, updated = thing["spec"].get("replicas", 1), status.get("updatedReplicas", 0)
    total, available = status.get("replicas", 0), status.get("availableReplicas", 0)
    if updated < replicas:
        return Progress(done=False, text=f"{updated} of {replicas} updated")
    if total > updated:
        return Progress(done=False, text=f"{total - updated} old still ending")
    if available < updated:
        return Progress(done=False, text=f"{available} of {updated} available")
    if thing["spec"].get("paused"):
        return Progress(done=False, text="paused", failed="the rollout is paused; resume it")
    ending = status.get("terminatingReplicas", 0)
    also = f", {ending} older still ending" if ending else ""
    return Progress(done=True, text=f"{available} of {replicas} updated and available{also}")


def _stateful_set(thing: Json, status: Json) -> Progress:
    replicas, ready = thing["spec"].get("replicas", 1), status.get("readyReplicas", 0)
    strategy = thing["spec"].get("updateStrategy") or {}
    partition = (strategy.get("rollingUpdate") or {}).get("partition", 0) or 0
    updated = status.get("updatedReplicas", 0)
    if updated < replicas - partition:
        return Progress(done=False, text=f"{updated} of {replicas - partition} updated")
    if ready < replicas:
        return Progress(done=False, text=f"{ready} of {replicas} ready")
    if partition == 0 and status.get("updateRevision") != status.get("currentRevision"):
        return Progress(done=False, text="the new revision is not current yet")
    return Progress(done=True, text=f"{ready} of {replicas} updated and ready")


def _daemon_set(thing: Json, status: Json) -> Progress:
    wanted, updated = status.get("desiredNumberScheduled", 0), status.get("updatedNumberScheduled", 0)
    available = status.get("numberAvailable", 0)
    if updated < wanted:
        return Progress(done=False, text=f"{updated} of {wanted} updated")
    if available < wanted:
        return Progress(done=False, text=f"{available} of {wanted} available")
    return Progress(done=True, text=f"{available} of {wanted} updated and available")


def being_deleted(thing: Json) -> str:
    """Since when the workload is being deleted; empty when it is not."""
    since = thing["metadata"].get("deletionTimestamp")
    return f"it is being deleted since {clean(since, limit=40)}" if since else ""


def available_of_template(thing: Json) -> int:
    """How many available pods are of the template in place for certain, once the controller has seen that one."""
    status = thing.get("status") or {}
    if status.get("observedGeneration", 0) < thing["metadata"].get("generation", 0):
        return 0
    total = status.get("replicas", status.get("desiredNumberScheduled", 0))
    updated = status.get("updatedReplicas", status.get("updatedNumberScheduled", 0))
    available = status.get("availableReplicas", status.get("numberAvailable", 0))
    return max(0, int(available) - (int(total) - int(updated)))


def deadline_exceeded(thing: Json) -> str:
    """Why the controller gave up, or nothing. It only reports: the old pods go on serving."""
    found = _timed_out(thing)
    return f"ProgressDeadlineExceeded: {found.get('message', '')}" if found else ""


def timed_out_at(thing: Json) -> str:
    """When the controller gave up, by its own clock; empty when it has not. It stays as long as that verdict stands."""
    return str(_timed_out(thing).get("lastUpdateTime", ""))


def _timed_out(thing: Json) -> Json:
    for condition in (thing.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            return dict(condition)
    return {}
