"""The very same screens and keys roll back every platform: the console in a terminal, as an operator presses it."""

import contextlib
import re
import time

import pytest

from tests.end_to_end.stage import BAD, GOOD, Stage, until
from tests.terminal.session import Session, environment

pytestmark = pytest.mark.timeout(600)
PATIENCE = 280.0
"""On a busy machine Compose takes a minute for what it does in five seconds."""

CHALLENGE = re.compile(r"press\s+([A-Z2-9])\s+to roll back")


def _begin(console: Session) -> str:
    """Press the key that is drawn until the run is shown: keys of the first half second are dropped, old ones too."""
    while True:
        text = console.until(lambda text: "record the verdict" in text or CHALLENGE.search(text) is not None, PATIENCE)
        found = CHALLENGE.search(text)
        if found is None:
            return text
        time.sleep(0.6)  # the clock itself is the condition here
        console.keys(found[1])
        drawn = found[0]
        with contextlib.suppress(AssertionError):
            console.until(lambda text: drawn not in text, 5)  # noqa: B023 - asked before the next key is found


def test_the_console_rolls_back(stage: Stage) -> None:
    stage.bad_release()
    with Session(["--config", str(stage.config)], environment(stage.folder / "home")) as console:
        console.until(BAD)
        console.until("READY")
        console.keys("R")
        shown = _begin(console)
        assert GOOD in shown
        console.until("succeeded in ", PATIENCE)
    until(lambda: stage.serves(GOOD), f"{GOOD} serves")
    runs = stage.json("runs")["runs"]
    assert [(one["state"], one["from"], one["to"]) for one in runs] == [("succeeded", BAD, GOOD)]
