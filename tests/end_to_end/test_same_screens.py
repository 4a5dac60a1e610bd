"""The very same screens and keys roll back every platform: the console in a terminal, as an operator presses it."""

import re
import time

import pytest

from tests.end_to_end.stage import BAD, GOOD, Stage, until
from tests.terminal.session import Session, environment

pytestmark = pytest.mark.timeout(600)
PATIENCE = 280.0
"""On a busy machine Compose takes a minute for what it does in five seconds."""

CHALLENGE = re.compile(r"press\s+([A-Z2-9])\s+to roll back")


def test_the_console_rolls_back(stage: Stage) -> None:
    stage.bad_release()
    with Session(["--config", str(stage.config)], environment(stage.folder / "home")) as console:
        console.until(BAD)
        console.until("READY")
        console.keys("R")
        found = CHALLENGE.search(console.until(lambda text: CHALLENGE.search(text) is not None))
        assert found
        time.sleep(0.6)  # keys of the first half second are dropped: the clock itself is the condition here
        console.keys(found[1])
        shown = console.until("record the verdict", PATIENCE)
        assert GOOD in shown
        console.until("succeeded in ", PATIENCE)
    until(lambda: stage.serves(GOOD), f"{GOOD} serves")
    runs = stage.json("runs")["runs"]
    assert [(one["state"], one["from"], one["to"]) for one in runs] == [("succeeded", BAD, GOOD)]
