"""The executor of a whole rollback is killed around every effect on a real nginx, and gone on with."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from actions.config import load
from actions.ledger import open_writer
from actions.model.words import RunState
from actions.platforms.nginx.include import read
from actions.platforms.nginx.observe import MARKER
from tests.end_to_end.on_nginx import NginxStage, generation
from tests.end_to_end.stage import ENVIRONMENT, until
from tests.end_to_end.sweeping import Sweep
from tests.runner.journal_checker import check_journal

pytestmark = [pytest.mark.machine("nginx"), pytest.mark.timeout(300)]

RELOAD = b"(SIGHUP) received"


@dataclass(frozen=True)
class Standing:
    """What users reach, what nginx answers, and what lies in its directory."""

    version: str
    generation: str
    include: bytes
    marker: str | None
    reloads: int


class BlueGreen:
    """Two colours behind nginx; each round gives the traffic to the other one."""

    environment = ENVIRONMENT

    def __init__(self, stage: NginxStage) -> None:
        self.stage = stage
        self.config = stage.config
        self.settings = stage.nginx.settings
        configuration = self.settings.configuration
        configuration.write_text(configuration.read_text().replace("error.log;", "error.log notice;"))
        words = ["nginx", "-p", stage.nginx.directory, "-c", configuration, "-s", "reload"]
        subprocess.run(words, check=True, capture_output=True)
        self.log = stage.nginx.directory / "error.log"
        until(lambda: b"start worker process" in self.log.read_bytes(), "workers of the configuration that tells more")

    def target(self) -> str:
        (other,) = {one.version for one in self.stage.nginx.colours.values()} - {self.stage.reached()}
        return other

    def look(self) -> Standing:
        marker = self.settings.directory / MARKER
        return Standing(
            self.stage.reached(),
            generation(self.stage.nginx),
            self.settings.include.read_bytes(),
            json.loads(marker.read_text())["generation"] if marker.exists() else None,
            self.log.read_bytes().count(RELOAD),
        )

    def rolled_back(self, before: Standing, run_id: str, target: str) -> None:
        """Wholly the new one: file, answers and marker name the same step of this run, which reloaded once."""
        now = self.look()
        assert [self.stage.reached() for _ in range(5)] == [target] * 5
        assert now.generation.startswith(f"{run_id}.") and now.marker == now.generation
        found = read(now.include.decode())
        assert found.generation == now.generation and not found.edited
        assert now.reloads == before.reloads + 1
        self._tidy(run_id, before)

    def as_before(self, before: Standing, run_id: str) -> None:
        """Wholly the old one, to the byte. A way back that was cut off reloads again: a reload may not have taken."""
        now = self.look()
        assert [self.stage.reached() for _ in range(5)] == [before.version] * 5
        assert (now.generation, now.include, now.marker) == (before.generation, before.include, before.generation)
        assert now.reloads <= before.reloads + 3
        self._tidy(run_id, before)

    def _tidy(self, run_id: str, before: Standing) -> None:
        """One copy of the old include is kept, and nothing half done is left."""
        names = [path.name for path in self.settings.directory.iterdir()]
        (kept,) = [name for name in names if f".prev-{run_id}" in name]
        assert (self.settings.directory / kept).read_bytes() == before.include
        assert not [name for name in names if "candidate" in name or ".test-" in name]


async def swept(stage: NginxStage, outcome: RunState, folder: Path, *rounds: list[str]) -> None:
    """Every one of these points is died at, and every run still ends as one that nobody kills."""
    sweep = Sweep(BlueGreen(stage), outcome, folder)
    for number, points in enumerate(rounds):
        await sweep.round([f"{point}#1" for point in points], folder / f"passed-{number}")
    assert len(sweep.died) == sum(map(len, rounds)) and not sweep.missed and not sweep.otherwise, sweep
    with open_writer(load(stage.config).ledger) as ledger:
        check_journal(ledger)


@pytest.fixture
def troubled(blue_green: NginxStage) -> NginxStage:
    """Blue has the bad release and the traffic; green still stands with the good one."""
    blue_green.bad_release()
    return blue_green


async def test_the_traffic_goes_back_wholly(troubled: NginxStage, tmp_path: Path) -> None:
    before_and_after = ["nginx.before-replace", "nginx.after-replace", "nginx.after-reload"]
    await swept(troubled, RunState.SUCCEEDED, tmp_path, before_and_after, ["nginx.before-mark", "nginx.after-mark"])


async def test_the_traffic_comes_back_wholly(troubled: NginxStage, tmp_path: Path) -> None:
    """One endpoint never answers, so all is undone; the executor dies on the way back."""
    troubled.service = troubled.service | {"endpoints": ["/never"]}
    troubled.policy = {"prove_seconds": 1}
    troubled.write()
    back = ["nginx.undo-before-replace", "nginx.undo-after-replace", "nginx.undo-after-reload"]
    await swept(troubled, RunState.UNDONE, tmp_path, back)
