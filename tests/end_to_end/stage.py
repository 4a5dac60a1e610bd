"""One service on one platform, its `vq-tui.toml`, and the real program called on it.

A stage knows how somebody else brings a release there (`release`) and what users reach (`reached`). All else is asked
through the program, in the same words on every platform.
"""

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from actions.config import load
from actions.desk import open_operator
from actions.keeper import release_watch
from actions.model.words import Verdict
from tests.conftest import Cli, Said
from tests.end_to_end.toml import toml

ENVIRONMENT = "production"
GOOD, BAD = "2.4.0", "2.4.1"
POLICY = {"soak_seconds": 0.5, "soak_samples": 2, "prove_seconds": 8, "drain_seconds": 5}


@dataclass
class Stage:
    """`service` is the table of the service `api`; `release(version)` deploys without this program's help."""

    name: str
    cli: Cli
    folder: Path
    service: dict[str, Any]
    release: Callable[[str], None]
    policy: dict[str, Any] = field(default_factory=dict)
    interval: float = 0.2
    more: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.config = self.folder / "vq-tui.toml"
        self.ledger = self.folder / "ledger"
        self.write()

    def write(self) -> None:
        """Write the configuration anew, as an editor would."""
        environment = {
            "band": "red",
            "interval": self.interval,
            "policy": POLICY | self.policy,
            "services": {"api": {"kind": "http", **self.service}, **self.more},
        }
        self.config.write_text(toml({"ledger": self.ledger, "environments": {ENVIRONMENT: environment}}))
        self.config.chmod(0o600)

    def __call__(self, *words: str | Path, timeout: float = 150, **variables: str) -> Said:
        """The program with this stage's configuration."""
        return self.cli("--config", self.config, *words, timeout=timeout, **variables)

    def json(self, *words: str | Path, code: int = 0, **variables: str) -> dict[str, Any]:
        """Its one JSON object, when it ends with `code`."""
        said = self(*words, "--json", **variables)
        assert said.code == code, (said.code, said.out, said.err)
        return said.json

    def refused(self, *words: str | Path, code: int = 6) -> str:
        """The one line it ends with."""
        said = self(*words)
        assert said.code == code, (said.code, said.out, said.err)
        return said.line

    def roll_back(self, *words: str, code: int = 0, **variables: str) -> dict[str, Any]:
        """`rollback --yes --wait --json` with these words."""
        return self.json("rollback", *(words or ("--last-good",)), "--yes", "--wait", code=code, **variables)

    def reached(self) -> str:
        """The version that a user's request on a connection of its own is answered by."""
        with urllib.request.urlopen(self.service["url"] + "/health", timeout=5) as answer:
            return str(answer.headers["X-Version"] or json.load(answer)["version"])

    def serves(self, version: str) -> bool:
        """Whether a user's request is answered by this version; a stage that is still changing may answer nothing."""
        try:
            return self.reached() == version
        except OSError:
            return False

    def soaked(self, version: str, seconds: float = 60) -> None:
        """Watch with an open console's desk until this release has earned 'good'."""
        self._watch(lambda rows: rows.get(version) == Verdict.GOOD, f"{version} good", seconds)

    def seen(self, version: str, seconds: float = 60) -> None:
        """Watch until this release was seen serving."""
        self._watch(lambda rows: version in rows, f"{version} seen", seconds)

    def _watch(self, enough: Callable[[dict[str, Verdict]], bool], what: str, seconds: float) -> None:
        async def watch() -> None:
            desk = open_operator(load(self.config), self.config, ENVIRONMENT)
            try:
                await desk.start()
                async with asyncio.timeout(seconds):
                    async for _ in desk.snapshots():
                        if enough({one.version: one.verdict for one in await desk.releases("api")}):
                            return
            except TimeoutError:
                raise AssertionError(f"not {what} within {seconds} s: {await desk.releases('api')}") from None
            finally:
                await desk.close()

        with pytest.MonkeyPatch.context() as patch:
            for pace in ("LOOK_SECONDS", "REST_SECONDS"):  # soaking is counted in samples here
                patch.setattr(release_watch, pace, self.interval / 2)
            asyncio.run(watch())

    def bad_release(self) -> None:
        """2.4.0 has earned 'good', then 2.4.1 was deployed and is seen serving."""
        self.soaked(GOOD)
        self.release(BAD)
        until(lambda: self.serves(BAD), f"{BAD} serves")
        self.seen(BAD)


def until(held: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait until `held()`. Raises AssertionError at the deadline."""
    end = time.monotonic() + seconds
    while not held():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.02)
