"""nginx: a flip from the write to its proof, against a bare `nginx -s reload` until the new colour answers.

Both on the same real nginx with two colours behind it. Ours: the switch-traffic step of a run by command (check, undo
material, two tests, replace, reload, every old worker gone from the listener, five fresh connections), and the whole
run from the confirmed request to health proved from outside. Lost requests are counted at 200 a second.
"""

import json
import statistics
import subprocess
import sys
import time
import urllib.request
from typing import Any

from benchmarks.place import Place
from benchmarks.rollback import took
from benchmarks.table import Figure
from tests.conftest import Cli
from tests.end_to_end.on_nginx import NginxStage, flip, on_addresses
from tests.end_to_end.stage import BAD, GOOD, until
from tests.end_to_end.test_nginx_faults import LOAD

ROUNDS, RATE = 5, 200


def bare(stage: NginxStage, colour: str) -> float:
    """Seconds until the flip by hand answers once."""
    wanted = stage.nginx.colours[colour].version
    began = time.perf_counter()
    flip(stage.nginx, colour)
    while True:
        with urllib.request.urlopen(stage.service["url"] + "/", timeout=5) as answer:
            if answer.headers["X-Version"] == wanted:
                return time.perf_counter() - began


def under_load(stage: NginxStage) -> tuple[dict[str, Any], dict[str, int]]:
    """A rollback while users ask, and what they got."""
    words = [sys.executable, str(LOAD), stage.service["url"] + "/", str(RATE)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
        run = stage.roll_back("--to", GOOD, "--reason", "measured")
        out, _ = load.communicate(timeout=120)
    return run, json.loads(out)


def measure(place: Place) -> list[Figure]:
    """Flips from blue to green, in turn with bare ones."""
    folder = place.directory / "nginx"
    folder.mkdir()
    with on_addresses(folder, Cli(folder / "home")) as stage:
        stage.bad_release()
        steps, runs, bares, lost, asked = [], [], [], 0, 0
        for number in range(ROUNDS):
            stage.nginx.colours["blue"].version = f"{BAD}-{number}"  # a release that was left is never offered again
            flip(stage.nginx, "blue")
            until(lambda number=number: stage.reached() == f"{BAD}-{number}", "blue serves")
            run, counted = under_load(stage)
            steps += [step["seconds"] for step in run["steps"] if step["kind"] == "switch-traffic"]
            runs.append(took(run))
            asked += counted.pop("200")
            lost += sum(counted.values()) - counted["rate"]
            bares.append(bare(stage, "blue"))
    return [
        Figure("nginx: flip to proved", statistics.median(steps), "s", 1, statistics.median(bares),
               note="baseline: bare reload until one answer"),
        Figure("nginx: confirm to verified", statistics.median(runs), "s", note=f"under {RATE} requests a second"),
        Figure(f"nginx: requests lost at {RATE} a second", lost, "", 0, note=f"of {asked}"),
    ]  # fmt: skip
