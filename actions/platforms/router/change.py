"""The writing half: one switch under the step contract; the step's key becomes the router's generation."""

import asyncio
import json
from pathlib import Path

from pydantic import TypeAdapter

from actions.clients.router import RouterState, RouterWriter
from actions.config import resolve
from actions.model.crash import crashpoint
from actions.model.errors import Stale, VerifyFailed
from actions.model.files import write_durably
from actions.model.platform import Change, Evidence, Probe
from actions.model.waiting import Deadline, until
from actions.model.words import ProbeState
from actions.model.workloads import RouterTraffic
from actions.platforms.protocols import Report
from actions.platforms.router.observe import Outside, Seen

SHARES = TypeAdapter(dict[str, float])
PROOFS = 5
EVERY = 0.03


class RouterChanger:
    """Carries out one switch."""

    def __init__(self, settings: RouterTraffic, outside: Outside) -> None:
        self._admin = settings.admin
        self._router = RouterWriter(settings.admin, token=resolve(settings.token) if settings.token else None)
        self._outside = outside

    async def check(self, change: Change) -> Evidence:
        """Raises Stale when another generation than the planned one is in force."""
        state, planned = await self._router.state(), str(change.params["before_generation"])
        if state.generation != planned:
            raise Stale(f"the router is at generation {state.generation} by now, planned was {planned}: plan again")
        return Evidence(text=f"generation {planned} in force")

    async def protect(self, change: Change, key: str, folder: Path) -> Evidence:
        """Keep the shares that were in force in the run's folder."""
        before = SHARES.validate_python(change.params["before_shares"])
        content = json.dumps({"weights": before, "generation": change.params["before_generation"]}).encode()
        await asyncio.to_thread(write_durably, _kept(folder, key), content)
        return Evidence(text=f"kept the shares in {_kept(folder, key).name}")

    async def act(self, change: Change, key: str, folder: Path, report: Report) -> Evidence:
        """Put the shares in force under the generation `key`. Raises Ambiguous when the answer was lost."""
        crashpoint("router.before-switch")
        shares, before = SHARES.validate_python(change.params["shares"]), str(change.params["before_generation"])
        await self._router.switch(shares, generation=key, expected=before)
        crashpoint("router.after-switch")
        return Evidence(text=f"{change.before} → {change.after}")

    async def verify(self, change: Change, key: str, deadline: Deadline, report: Report) -> Evidence:
        """Fresh connections agree on the new generation, and whoever answers is a slot that was given a share."""
        given = {name for name, share in SHARES.validate_python(change.params["shares"]).items() if share > 0}
        seen = await self._proved(key, given, deadline)
        return Evidence(
            text=f"{change.after} answers {len(seen)} of {len(seen)}", data={"answers": len(seen), "generation": key}
        )

    async def undo(self, change: Change, key: str, folder: Path, deadline: Deadline, report: Report) -> Evidence:
        """Put the shares that were in force back, under a generation of its own, and see them answered."""
        state, back = await self._router.state(), f"{key}.undo"
        before = SHARES.validate_python(change.params["before_shares"])
        if state.generation == key:
            crashpoint("router.before-undo")
            await self._router.switch(before, generation=back, expected=key)
            crashpoint("router.after-undo")
        elif key not in state.applied and state.generation == change.params["before_generation"]:
            return Evidence(text="traffic was never switched")
        elif state.generation != back:
            raise VerifyFailed(f"somebody else switched traffic to generation {state.generation}; it is left alone")
        seen = await self._proved(back, {name for name, share in before.items() if share > 0}, deadline)
        return Evidence(text=f"{change.before} answers {len(seen)} of {len(seen)} again")

    async def probe(self, change: Change, key: str, folder: Path) -> Probe:
        """The generation in force decides."""
        return _judged(await self._router.state(), key, str(change.params["before_generation"]))

    async def manual(self, change: Change, folder: Path) -> tuple[str, ...]:
        """What a person types to give the traffic back."""
        weights = json.dumps(SHARES.validate_python(change.params["before_shares"]))
        body = f'{{"weights": {weights}, "generation": "by-hand-1"}}'
        address = self._admin
        where = f"--unix-socket {address.removeprefix('unix://')} http://local" if "unix://" in address else address
        return (
            f"curl -s {where}/state   # what is in force now",
            f"curl -s -X PUT -H 'Content-Type: application/json' -d '{body}' {where}/state",
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._outside.close()

    async def _proved(self, generation: str, colours: set[str], deadline: Deadline) -> tuple[Seen, ...]:
        def right(one: Seen) -> bool:
            return one.generation == generation and (one.colour is None or one.colour in colours)

        def describe(seen: tuple[Seen, ...]) -> str:
            wrong = next((one for one in seen if not right(one)), None)
            said = f"; one says {wrong.generation or wrong.words}" if wrong else ""
            return f"{sum(map(right, seen))} of {len(seen)} fresh connections carry generation {generation}{said}"

        return await until(
            lambda: self._outside.ask(PROOFS), lambda seen: all(map(right, seen)), deadline, describe, every=EVERY
        )


def _judged(state: RouterState, key: str, before: str) -> Probe:
    told = f"generation {state.generation} in force"
    if state.generation == key:
        return Probe(state=ProbeState.DONE, evidence=told)
    if key not in state.applied and state.generation == before:
        return Probe(state=ProbeState.NOT_STARTED, evidence=told)
    return Probe(state=ProbeState.UNKNOWN, evidence=f"{told}, neither the planned one nor the new one")


def _kept(folder: Path, key: str) -> Path:
    return folder / f"router-{key}.json"
