"""Which colour gets the next request: weights under a generation, durable, and the counters that show what happened."""

import json
import os
import re
import time
from pathlib import Path
from typing import Any

from actions.model.files import write_durably
from actions.platforms.local.httpd import HttpError

KEPT_GENERATIONS = 64
GENERATION = re.compile(r"[A-Za-z0-9._:/-]{1,200}")


def first_table(targets: dict[str, str], serving: str) -> dict[str, Any]:
    """The table of a new router: everything to one colour."""
    weights = {colour: 1.0 if colour == serving else 0.0 for colour in targets}
    return {
        "generation": "first",
        "applied": ["first"],
        "weights": weights,
        "targets": targets,
        "changed_at": time.time(),
    }


def save_table(path: Path, table: dict[str, Any]) -> None:
    """Make a table durable."""
    write_durably(path, json.dumps(table, indent=1).encode())


def move_targets(path: Path, targets: dict[str, str]) -> None:
    """Other addresses for the colours, for a router that is started again."""
    save_table(path, {**json.loads(path.read_bytes()), "targets": targets})


class RouterTable:
    """The table in force, and the counters of this process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._table: dict[str, Any] = json.loads(path.read_bytes())
        self._credit = dict.fromkeys(self.targets, 0.0)
        self.started_at = time.time()
        self.in_flight = dict.fromkeys(self.targets, 0)
        self.requests = dict.fromkeys(self.targets, 0)
        self.errors = dict.fromkeys(self.targets, 0)
        self.seconds = dict.fromkeys(self.targets, 0.0)

    @property
    def targets(self) -> dict[str, str]:
        """host:port of each colour."""
        targets: dict[str, str] = self._table["targets"]
        return targets

    @property
    def generation(self) -> str:
        """Name of the change in force."""
        return str(self._table["generation"])

    def choose(self) -> str:
        """The colour of the next request; over many requests each gets exactly its share."""
        weights: dict[str, float] = self._table["weights"]
        for colour, weight in weights.items():
            self._credit[colour] += weight
        chosen = max((colour for colour in weights if weights[colour] > 0), key=self._credit.__getitem__)
        self._credit[chosen] -= 1.0
        return chosen

    def change(self, body: Any) -> None:
        """Put other weights in force, durably first. Raises HttpError 409 or 422."""
        generation = str(body.get("generation", "")) if isinstance(body, dict) else ""
        if not GENERATION.fullmatch(generation):
            raise HttpError(422, "a change needs 'weights' and a 'generation' of 1 to 200 letters, digits or ._:/-")
        if generation == self.generation:
            return
        if generation in self._table["applied"]:
            raise HttpError(409, f"generation {generation} was in force before and has been replaced")
        expected = body.get("expected_generation")
        if expected is not None and expected != self.generation:
            raise HttpError(409, f"generation {self.generation} is in force, the change expected {expected}")
        weights = self._checked(body.get("weights"))
        applied = [*self._table["applied"], generation][-KEPT_GENERATIONS:]
        table = {
            **self._table,
            "generation": generation,
            "applied": applied,
            "weights": weights,
            "changed_at": time.time(),
        }
        save_table(self._path, table)
        self._table = table
        self._credit = dict.fromkeys(self.targets, 0.0)

    def _checked(self, weights: Any) -> dict[str, float]:
        if not isinstance(weights, dict) or not set(weights) <= set(self.targets):
            raise HttpError(422, f"'weights' must map colours of {', '.join(self.targets)} to shares")
        if not all(isinstance(share, int | float) and 0 <= share <= 1 for share in weights.values()):
            raise HttpError(422, "each share must be a number from 0 to 1")
        total = sum(weights.values())
        if abs(total - 1) > 0.001:
            raise HttpError(422, f"the shares must sum to 1, not {total:g}")
        return {colour: weights.get(colour, 0) / total for colour in self.targets}

    def state(self) -> dict[str, Any]:
        """Everything, in the shape of `actions.clients.router.RouterState`."""
        return {
            "pid": os.getpid(),
            "started_at": self.started_at,
            **self._table,
            "in_flight": self.in_flight,
            "requests": self.requests,
            "errors": self.errors,
            "seconds": {colour: round(value, 3) for colour, value in self.seconds.items()},
        }
