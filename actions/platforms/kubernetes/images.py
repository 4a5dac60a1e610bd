"""Whether the images of an old revision are still to be had: known to the nodes that take its pods, or not known."""

from actions.clients.kubernetes_api import Json
from actions.clients.kubernetes_errors import Forbidden, NotThere
from actions.clients.kubernetes_mirror import Mirrors
from actions.model.errors import Unreachable
from actions.model.health import Check
from actions.model.text import clean
from actions.model.words import Gate
from actions.platforms.kubernetes.parts import node_part
from actions.platforms.kubernetes.revisions import Revision

NODES = "/api/v1/nodes"
COUNTED_SECONDS = 3600.0


async def image_check(mirrors: Mirrors, revision: Revision) -> Check:
    """PASS when every node has all images, INCONCLUSIVE when some would pull one or nodes cannot be listed."""
    images = images_of(revision.template)
    every = clean(", ".join(images), limit=300)
    kept = f"revision {revision.number} is kept"
    try:
        having, nodes, lacked = await _holders(mirrors, revision)
    except (Forbidden, NotThere, Unreachable):
        return Check(
            id="at-hand",
            title="revision and image",
            gate=Gate.INCONCLUSIVE,
            evidence=f"{kept}; whether nodes have {every} is not known: they cannot be listed and watched",
            advice="grant list and watch on nodes (deploy/kubernetes/viewer.yaml)",
        )
    everywhere = 0 < nodes == having
    named = clean(", ".join(lacked or images), limit=300)
    word = "image" if len(images) == 1 else f"all {len(images)} images"
    return Check(
        id="at-hand",
        title="revision and image",
        gate=Gate.PASS if everywhere else Gate.INCONCLUSIVE,
        evidence=f"{kept}; {word} on {having} of {nodes} nodes",
        advice="" if everywhere else f"the other nodes must pull {named}: make sure the registry still has it",
    )


async def _holders(mirrors: Mirrors, revision: Revision) -> tuple[int, int, tuple[str, ...]]:
    """How many of the nodes that take its pods have all images, how many those are, and which images some lack."""
    mirror = await mirrors.of(NODES, part=node_part).current()
    images, spec = images_of(revision.template), revision.template.get("spec") or {}

    async def count() -> tuple[int, int, int, tuple[str, ...]]:
        nodes = [node for node in mirror.held() if takes(node, spec)]
        having = sum(all(holds(node, image) for image in images) for node in nodes)
        lacked = tuple(image for image in images if not all(holds(node, image) for node in nodes))
        return mirror.version, having, len(nodes), lacked

    key = f"images {revision.reference}"
    version, having, nodes, lacked = await mirrors.remembered(key, COUNTED_SECONDS, count)
    if version != mirror.version:
        _, having, nodes, lacked = await mirrors.remembered(key, 0, count)
    return having, nodes, lacked


def images_of(template: Json) -> tuple[str, ...]:
    """Every image that a pod of this template needs, the ones it is prepared with included."""
    spec = template.get("spec") or {}
    containers = [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
    return tuple(dict.fromkeys(str(one.get("image", "")) for one in containers))


def takes(node: Json, spec: Json) -> bool:
    """Whether such pods may be put there: not cordoned, selected, its taints tolerated. Affinity is not read."""
    held = node.get("spec") or {}
    labels = node["metadata"].get("labels") or {}
    selected = all(labels.get(key) == value for key, value in (spec.get("nodeSelector") or {}).items())
    kept_off = [taint for taint in held.get("taints") or [] if taint.get("effect") in ("NoSchedule", "NoExecute")]
    tolerations = spec.get("tolerations") or []
    tolerated = all(any(_tolerates(one, taint) for one in tolerations) for taint in kept_off)
    return not held.get("unschedulable") and selected and tolerated


def _tolerates(toleration: Json, taint: Json) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint.get("key"))
    return (toleration.get("key"), toleration.get("value", "")) == (taint.get("key"), taint.get("value", ""))


def holds(node: Json, image: str) -> bool:
    """Whether the node lists the image, by its digest where it has one, else by its name with what is left out."""
    names = {name for one in (node.get("status") or {}).get("images") or [] for name in one.get("names") or []}
    name, _, pinned = image.partition("@")
    path, _, last = name.rpartition("/")
    bare, _, tag = last.partition(":")
    written = (f"{path}/" if path else "") + (f"{bare}@{pinned}" if pinned else f"{bare}:{tag or 'latest'}")
    return bool(names & {image, written, f"docker.io/{written}", f"docker.io/library/{written}"})
