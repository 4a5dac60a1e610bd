"""The reading half: shares as configured and as answered, and what a switch would be."""

import asyncio
from datetime import UTC, datetime

from actions.clients.router import RouterReader
from actions.config import resolve
from actions.model.errors import Refused
from actions.model.health import Check
from actions.model.platform import Change, TrafficFacts
from actions.model.words import Gate
from actions.model.workloads import RouterTraffic, Slot
from actions.platforms.router.observe import Outside, contradiction, observed_shares

SAMPLES = 3


class RouterTrafficReader:
    """Observes one router."""

    def __init__(self, settings: RouterTraffic, slots: dict[str, Slot], outside: Outside) -> None:
        self._router = RouterReader(settings.admin, token=resolve(settings.token) if settings.token else None)
        self._slots = slots
        self._outside = outside

    async def observe(self) -> TrafficFacts:
        """Raises Unreachable when the router does not answer at its admin address."""
        state, seen = await asyncio.gather(self._router.state(), self._outside.ask(SAMPLES))
        drift = contradiction(state, seen)
        if drift:  # a switch may just have happened between the two readings: look again before crying
            state = await self._router.state()
            seen = await self._outside.ask(SAMPLES)
            drift = contradiction(state, seen)
        return TrafficFacts(
            observed_at=datetime.now(UTC),
            shares=observed_shares(state, seen),
            configured=dict(state.weights),
            generation=state.generation,
            pins={"generation": state.generation},
            in_flight=dict(state.in_flight),
            drift=drift,
        )

    async def permissions(self) -> tuple[Check, ...]:
        """Whoever can read the router's state may also change it."""
        await self._router.state()
        return (Check(id="permissions", title="router steered", gate=Gate.PASS, evidence="admin address answers"),)

    async def plan_switch(self, facts: TrafficFacts, shares: dict[str, float]) -> Change:
        """These shares, pinned to the generation in force; the step's key becomes the new generation."""
        if unknown := sorted(set(shares) - set(self._slots)):
            raise Refused(f"no slot named {', '.join(unknown)}; configured: {', '.join(self._slots)}")
        if missing := sorted(name for name, share in shares.items() if share > 0 and name not in facts.configured):
            raise Refused(f"the router knows no target for {', '.join(missing)}")
        after = max(shares, key=lambda name: shares[name])
        return Change(
            slot=after,
            action="switch",
            title="switch traffic",
            subject="traffic",
            before=shown(facts.configured),
            after=shown(shares),
            params={
                "shares": dict(shares),
                "before_shares": dict(facts.configured),
                "before_generation": facts.pins["generation"],
            },
            expected_seconds=0.2,
            budget_seconds=15,
        )

    async def in_flight(self, slot: str) -> int | None:
        """Requests given to that colour and not yet answered."""
        return (await self._router.state()).in_flight.get(slot)

    async def close(self) -> None:
        """Give the connections back."""
        await self._outside.close()


def shown(shares: dict[str, float]) -> str:
    """Shares as people read them: `blue`, or `blue 90 % green 10 %`."""
    given = {name: share for name, share in shares.items() if share > 0}
    if len(given) == 1:
        return next(iter(given))
    return " ".join(f"{name} {share * 100:.0f} %" for name, share in sorted(given.items())) or "nobody"
