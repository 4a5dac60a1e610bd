"""A world of files that steps change, with a line for every effect that really happened, by its key.

Slots hold the value and the key of whoever wrote it last, so that a probe is exact, as real drivers write their key
into the effect itself.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from actions.model.crash import crashpoint
from actions.model.errors import Ambiguous, Refused, Stale, Unreachable, VerifyFailed
from actions.model.platform import Evidence, Probe
from actions.model.waiting import until
from actions.model.words import ProbeState
from actions.steps.contract import NoUndo, Step, StepContext

OLD, NEW = "old", "new"


class World:
    """One directory: `slots/N` hold values, `effects` a line for each thing that happened."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "slots").mkdir(parents=True, exist_ok=True)

    def get(self, slot: int) -> dict[str, str]:
        path = self.directory / "slots" / str(slot)
        return json.loads(path.read_text()) if path.exists() else {"value": OLD, "key": ""}

    def put(self, slot: int, value: str, key: str) -> None:
        path = self.directory / "slots" / str(slot)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps({"value": value, "key": key}))
        os.replace(temporary, path)

    def count(self, what: str, key: str) -> None:
        with (self.directory / "effects").open("a") as file:
            file.write(f"{what} {key}\n")

    def effects(self) -> list[tuple[str, str]]:
        path = self.directory / "effects"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(line.split(" ")[0], line.split(" ")[1]) for line in lines]

    def values(self, slots: tuple[int, ...]) -> set[str]:
        return {self.get(slot)["value"] for slot in slots}

    def flag(self, name: str) -> Path:
        return self.directory / name


class Effect(Step):
    """Changes its slot in one go. `params.fail` names the part that fails, while the file `mended` is absent."""

    kind = "effect"

    def __init__(self, world: World) -> None:
        self.world = world

    def fails(self, context: StepContext, part: str) -> bool:
        return context.step.params.get("fail") == part and not self.world.flag("mended").exists()

    async def check(self, context: StepContext) -> Evidence:
        if self.fails(context, "check"):
            raise Stale("the world moved since planning")
        if self.fails(context, "nobody there") and not self.world.flag("asked").exists():
            self.world.flag("asked").touch()
            raise Unreachable("nobody answers at the platform")
        return Evidence(text=f"slot is {self.world.get(context.step.id)['value']}")

    async def protect(self, context: StepContext) -> Evidence | None:
        path = context.folder / f"{context.step.id}.json"
        path.write_text(json.dumps(self.world.get(context.step.id)))
        return Evidence(text=f"kept {path.name}")

    async def act(self, context: StepContext) -> Evidence:
        if self.fails(context, "act"):
            raise Refused("the platform refused")
        if self.fails(context, "crash"):
            raise ZeroDivisionError("password=hunter2hunter2")
        if self.fails(context, "key"):
            raise KeyError("shares")
        if self.fails(context, "lost"):
            self.world.count("sent", context.key)
            raise Ambiguous("the request was lost on its way")
        if self.fails(context, "lost once") and ("sent", context.key) not in self.world.effects():
            self.world.count("sent", context.key)
            raise Ambiguous("the request was lost on its way")
        crashpoint(f"effect.{context.step.id}.before")
        self.world.put(context.step.id, NEW, context.key)
        self.world.count("do", context.key)  # called twice, it happens twice: the runner has to know better
        crashpoint(f"effect.{context.step.id}.after")
        if self.fails(context, "ambiguous"):
            raise Ambiguous("the answer was lost")
        if self.fails(context, "hang"):
            await asyncio.Event().wait()
        return Evidence(text="slot written")

    async def verify(self, context: StepContext) -> Evidence:
        if self.fails(context, "verify"):
            raise VerifyFailed("the slot does not answer")
        seen = self.world.get(context.step.id)
        if seen != {"value": NEW, "key": context.key}:
            raise VerifyFailed(f"the slot holds {seen}")
        return Evidence(text="slot holds the new value", data={"moved": True})

    async def undo(self, context: StepContext) -> Evidence:
        if self.fails(context, "undo") or context.step.params.get("undo") == "fails":
            raise NoUndo("the old one does not start any more")
        if context.step.params.get("undo") == "hangs" and not self.world.flag("mended").exists():
            await asyncio.Event().wait()
        crashpoint(f"restore.{context.step.id}.before")
        if self.world.get(context.step.id)["key"] == context.key:
            kept = json.loads((context.folder / f"{context.step.id}.json").read_text())
            self.world.put(context.step.id, kept["value"], kept["key"])
            self.world.count("undo", context.key)
        crashpoint(f"restore.{context.step.id}.after")
        return Evidence(text="slot holds the old value again")

    async def probe(self, context: StepContext) -> Probe:
        if context.step.params.get("probe") == "away" and not self.world.flag("probed").exists():
            self.world.flag("probed").touch()
            raise Unreachable("the platform does not answer")
        if context.step.params.get("probe") == "unknown" and not self.world.flag("mended").exists():
            return Probe(state=ProbeState.UNKNOWN, evidence="the platform does not answer")
        done = self.world.get(context.step.id)["key"] == context.key
        return Probe(state=ProbeState.DONE if done else ProbeState.NOT_STARTED, evidence=f"key there: {done}")

    async def manual(self, context: StepContext) -> tuple[str, ...]:
        return (f"write '{OLD}' into slot {context.step.id}",)


class TwoParts(Effect):
    """Changes its slot in two moves with a crash point between; acting again goes on from there."""

    kind = "two-parts"

    async def act(self, context: StepContext) -> Evidence:
        if self.world.get(context.step.id)["key"] != context.key:
            self.world.put(context.step.id, "half", context.key)
            self.world.count("half", context.key)
        crashpoint(f"effect.{context.step.id}.middle")
        if self.fails(context, "away") and not self.world.flag("went").exists():
            self.world.flag("went").touch()
            raise Unreachable("nobody answers at the platform")
        if self.world.get(context.step.id)["value"] == "half":
            self.world.put(context.step.id, NEW, context.key)
            self.world.count("do", context.key)
        return Evidence(text="slot written in two moves")

    async def probe(self, context: StepContext) -> Probe:
        seen = self.world.get(context.step.id)
        if seen["key"] == context.key and seen["value"] == "half":
            return Probe(state=ProbeState.PARTIAL, evidence="half of it is there")
        return await super().probe(context)


class Observe(Effect):
    """Only looks; waits for the file `go` when `params.wait` is set."""

    kind = "observe"

    async def check(self, context: StepContext) -> Evidence:
        return Evidence(text="")

    async def protect(self, context: StepContext) -> Evidence | None:
        return None

    async def act(self, context: StepContext) -> Evidence:
        self.world.flag(f"began-{context.step.id}").touch()
        context.report("looking")
        return Evidence(text="")

    async def verify(self, context: StepContext) -> Evidence:
        if self.fails(context, "verify"):
            raise VerifyFailed("not proved from outside")
        if context.step.params.get("wait"):

            async def there() -> bool:
                return self.world.flag("go").exists()

            await until(there, bool, context.deadline(), lambda _: "nobody said go", every=0.02)
        return Evidence(text="seen", data={"recovered": True})

    async def probe(self, context: StepContext) -> Probe:
        return await Step.probe(self, context)

    async def manual(self, context: StepContext) -> tuple[str, ...]:
        return ()


class Record(Observe):
    """Writes something down that is not true any more once the run is undone."""

    kind = "record"
    records = True

    async def undo(self, context: StepContext) -> Evidence:
        self.world.flag("taken-back").touch()
        return Evidence(text="taken back")


def steps_of(world: World) -> dict[str, Step]:
    """The registry of the fakes."""
    return {kind.kind: kind(world) for kind in (Effect, TwoParts, Observe, Record)}


class FakeMeasures:
    """Counts nothing, and says so."""

    def __init__(self, fail: bool = False) -> None:
        self.fail = fail
        self.problems: list[str] = []

    async def start(self) -> None:
        if self.fail:
            raise OSError("no socket left")

    async def so_far(self) -> dict[str, Any]:
        return {"downtime_seconds": 0.0, "failed_requests": 0}

    async def stop(self) -> dict[str, Any]:
        return {"downtime_seconds": 0.0, "lost_writes": None}
