"""Whether the image of an old revision is still to be had: known to the nodes, or not known at all."""

from actions.clients.kubernetes_api import Json
from actions.clients.kubernetes_errors import Forbidden, NotThere
from actions.clients.kubernetes_mirror import Mirrors
from actions.model.health import Check
from actions.model.words import Gate
from actions.platforms.kubernetes.revisions import Revision, image_of

NODES = "/api/v1/nodes"
COUNTED_SECONDS = 3600.0


async def image_check(mirrors: Mirrors, revision: Revision, container: str | None) -> Check:
    """PASS when every node has the image, INCONCLUSIVE when some would have to pull it or nodes may not be listed."""
    image = image_of(revision.template, container)
    kept = f"revision {revision.number} is kept"
    try:
        having, nodes = await _holders(mirrors, image)
    except (Forbidden, NotThere):
        return Check(
            id="at-hand",
            title="revision and image",
            gate=Gate.INCONCLUSIVE,
            evidence=f"{kept}; whether nodes have {image} is not known: no right to list nodes",
            advice="grant list and watch on nodes (deploy/kubernetes/viewer.yaml)",
        )
    everywhere = 0 < nodes == having
    return Check(
        id="at-hand",
        title="revision and image",
        gate=Gate.PASS if everywhere else Gate.INCONCLUSIVE,
        evidence=f"{kept}; image on {having} of {nodes} nodes",
        advice="" if everywhere else f"the other nodes must pull {image}: make sure the registry still has it",
    )


async def _holders(mirrors: Mirrors, image: str) -> tuple[int, int]:
    """How many of the nodes that take pods have the image, and how many those are; counted again when one changes."""
    mirror = await mirrors.of(NODES).current()

    async def count() -> tuple[int, int, int]:
        nodes = [node for node in await mirror.objects() if not (node.get("spec") or {}).get("unschedulable")]
        return mirror.version, sum(holds(node, image) for node in nodes), len(nodes)

    version, having, nodes = await mirrors.remembered(f"image {image}", COUNTED_SECONDS, count)
    if version != mirror.version:
        version, having, nodes = await mirrors.remembered(f"image {image}", 0, count)
    return having, nodes


def holds(node: Json, image: str) -> bool:
    """Whether the node lists the image, under the name given or with the registry and tag written out."""
    names = {name for one in (node.get("status") or {}).get("images") or [] for name in one.get("names") or []}
    wanted = {image, f"docker.io/{image}", f"docker.io/library/{image}"}
    if ":" not in image.rpartition("/")[2] and "@" not in image:
        wanted |= {f"{one}:latest" for one in set(wanted)}
    return bool(names & wanted)
