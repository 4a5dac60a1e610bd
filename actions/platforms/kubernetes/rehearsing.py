"""The dry run of a change while it is planned, so that what the cluster refuses is known before anybody confirms."""

from actions.clients.kubernetes_api import Json
from actions.clients.kubernetes_errors import Forbidden
from actions.clients.kubernetes_mirror import Mirrors
from actions.model.errors import Refused, Stale, VqError
from actions.model.patience import fair_timeout
from actions.model.platform import Change
from actions.platforms.kubernetes.difference import changed_by_admission
from actions.platforms.kubernetes.kinds import Paths
from actions.platforms.kubernetes.patches import operations
from actions.platforms.kubernetes.revisions import Revision

KEPT_SECONDS, PATIENCE_SECONDS = 30.0, 3.0


async def rehearsed(mirrors: Mirrors, paths: Paths, change: Change, workload: Json, revision: Revision) -> None:
    """Raise Denied or Refused where admission, or the server itself, would not take the template as it is.

    Where the right to change it is missing, or nobody answers in time, nothing is said here: the rights are a check of
    their own, and the run makes the dry run again before it acts.
    """
    patch = operations(change, workload, revision.template, "dry-run")

    async def ask() -> str | Refused:
        try:
            async with fair_timeout(PATIENCE_SECONDS):
                answer = await mirrors.client.rehearse(paths.workload, patch)
        except (Forbidden, Stale, TimeoutError):
            return ""
        except Refused as refused:
            return refused
        except VqError:
            return ""
        return changed_by_admission(answer, revision.template)

    meta = workload["metadata"]
    key = f"rehearsed {paths.workload} {meta['uid']} {meta['generation']} {revision.reference}"
    said = await mirrors.remembered(key, KEPT_SECONDS, ask)
    if isinstance(said, Refused):
        raise said
    if said:
        raise Refused(f"admission changes the template: {said}; what is planned could not be set as it was")
