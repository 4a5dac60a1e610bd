"""Instances beside the health of a service: how many of the serving slot are ready. Pure."""

from actions.health.judge import holds, plain
from actions.health.side import Seen, SideFacts
from actions.model.health import ServiceHealth
from actions.model.platform import WorkloadFacts
from actions.model.words import HealthState


def with_instances(health: ServiceHealth, side: SideFacts, now: float, oldest: float) -> ServiceHealth:
    """`health` with the figures `instances` and `restarts`; fewer ready than wanted is never ok.

    Facts older than `oldest` seconds are shown as not known.
    """
    serving = _serving(side)
    if not serving:
        return health
    name = ", ".join(serving) if len(side.slots) > 1 else ""
    fresh = [seen.facts for seen in serving.values() if seen.facts is not None and now - seen.at <= oldest]
    if len(fresh) < len(serving):
        reason = next((seen.error for seen in serving.values() if seen.error), "not seen lately")
        return health.model_copy(update={"figures": (*health.figures, holds("instances", None, "", reason))})
    ready, desired = sum(_ready(facts) for facts in fresh), sum(facts.desired for facts in fresh)
    restarts = [one.restarts for facts in fresh for one in facts.instances if one.restarts is not None]
    figures = (
        holds("instances", ready >= desired, f"{ready}/{desired}", name),
        plain("restarts", sum(restarts) if restarts else None),
    )
    changes: dict[str, object] = {"figures": (*health.figures, *figures)}
    if health.kind == "http" or ready < desired:
        changes["summary"] = f"{ready}/{desired}  {health.summary}"
    if ready < desired and health.state is HealthState.OK:
        changes |= {"state": HealthState.DEGRADED, "word": "partial"}
    return health.model_copy(update=changes)


def _serving(side: SideFacts) -> dict[str, Seen]:
    shares = side.traffic.shares if side.traffic is not None else {}
    return {slot: seen for slot, seen in side.slots.items() if not shares or shares.get(slot, 0) > 0}


def _ready(facts: WorkloadFacts) -> int:
    return facts.ready_count
