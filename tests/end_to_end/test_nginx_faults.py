"""A blue-green pair by command: what users lose, a target that dies, hands in the include."""

import json
import os
import re
import shlex
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from actions.platforms.nginx.observe import MARKER
from tests.end_to_end.on_nginx import LocalStage, NginxStage, flip, generation
from tests.end_to_end.stage import BAD, GOOD, until

pytestmark = [pytest.mark.machine("nginx"), pytest.mark.timeout(600)]
LOAD = Path(__file__).with_name("load.py")


@pytest.fixture
def troubled(blue_green: NginxStage) -> NginxStage:
    """Blue has the bad release and the traffic; green still stands with the good one."""
    blue_green.bad_release()
    return blue_green


def marker(stage: NginxStage) -> str:
    return str(json.loads((stage.nginx.settings.directory / MARKER).read_text())["generation"])


def test_a_flip_under_200_requests_a_second_loses_none(troubled: NginxStage) -> None:
    words = [sys.executable, str(LOAD), troubled.service["url"] + "/", "200"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
        run = troubled.roll_back()
        out, _ = load.communicate(timeout=120)
    counted = json.loads(out)
    assert run["state"] == "succeeded" and run["failed_requests"] == 0
    assert set(counted) == {"200", "rate"} and counted["200"] > 200, counted
    assert troubled.reached() == GOOD and marker(troubled) == generation(troubled.nginx)


def test_30_a_target_that_dies_after_the_flip_gives_the_traffic_back(troubled: NginxStage) -> None:
    troubled.policy = {"prove_seconds": 10, "proofs": 100}  # the proof is still under way when the target dies
    troubled.write()
    before = generation(troubled.nginx)

    def dies_after_the_flip() -> None:
        until(lambda: generation(troubled.nginx) != before, "the flip", 120)
        troubled.nginx.colours["green"].stop()

    death = threading.Thread(target=dies_after_the_flip)
    death.start()
    run = troubled.roll_back(code=1)
    death.join()
    assert run["state"] == "undone"
    undone = next(step for step in run["steps"] if step["kind"] == "switch-traffic")
    assert undone["state"] == "undone"
    assert run["failure"]["step"] in [step["id"] for step in run["steps"] if step["failure"]] and run["failure"]["text"]
    assert [troubled.reached() for _ in range(5)] == [BAD] * 5
    assert marker(troubled) == generation(troubled.nginx) == before
    verdicts = {one["version"]: one["verdict"] for one in troubled.json("releases")["releases"]}
    assert verdicts == {GOOD: "good", BAD: "candidate"}


def test_29_an_executor_that_dies_amid_the_flip_is_resumed_by_command(troubled: NginxStage) -> None:
    """Around every other effect it dies in `test_nginx_sweep`."""
    run = troubled.json("rollback", "--last-good", "--yes", VQ_CRASH_AT="nginx.after-replace")["run"]
    until(lambda: troubled.json("runs", "show", run)["executor"]["state"] == "dead", "the executor died")
    ended = troubled.json("runs", "resume", run, "--wait")
    assert ended["state"] == "succeeded" and ended["metrics"]["executors"] == 2
    assert troubled.reached() == GOOD and marker(troubled) == generation(troubled.nginx)
    assert troubled.json("runs")["total"] == 1


def test_an_executor_that_died_after_the_flip_can_be_backed_out(troubled: NginxStage) -> None:
    before = generation(troubled.nginx)
    run = troubled.json("rollback", "--last-good", "--yes", VQ_CRASH_AT="nginx.after-reload")["run"]
    until(lambda: troubled.json("runs", "show", run)["executor"]["state"] == "dead", "the executor died")
    assert troubled.json("runs", "back-out", run, "--wait", code=1)["state"] == "undone"
    assert troubled.reached() == BAD and generation(troubled.nginx) == before


def test_31_observed_truth_wins_over_a_wrong_marker(troubled: NginxStage) -> None:
    (troubled.nginx.settings.directory / MARKER).write_text('{"generation": "made-up"}')
    said = [one for one in troubled.json("readiness")["checks"] if one["id"] == "marker"]
    assert "made-up" in said[0]["evidence"]
    assert troubled.roll_back()["state"] == "succeeded"
    assert marker(troubled) == generation(troubled.nginx)


def test_an_include_edited_by_hand_is_refused_until_the_drift_is_accepted(troubled: NginxStage) -> None:
    include = troubled.nginx.settings.include
    include.write_text(include.read_text() + "# a quick fix\n")
    said = troubled.refused("rollback", "--last-good", "--yes", "--wait")
    (command,) = re.findall(r"'vq-tui (.+)'$", said)
    assert "edited by hand" in said and str(troubled.config) in command
    assert any("edited by hand" in str(one) for one in troubled.json("status")["services"])
    assert include.read_text().endswith("# a quick fix\n") and troubled.reached() == BAD
    run = troubled.cli(*shlex.split(command), "--yes", "--wait", "--json").json
    assert run["state"] == "succeeded" and troubled.reached() == GOOD
    assert "quick fix" not in include.read_text()


def test_an_include_outside_the_allowed_directory_is_a_configuration_error(troubled: NginxStage) -> None:
    elsewhere = troubled.folder / "elsewhere.conf"
    os.link(troubled.nginx.settings.include, elsewhere)
    table = troubled.service["traffic"] | {"include": elsewhere}
    troubled.service = troubled.service | {"traffic": table}
    troubled.write()
    line = troubled.refused("rollback", "--last-good", "--yes", "--wait", code=3)
    assert "outside the allowed directory" in line
    assert troubled.reached() == BAD


def test_a_server_block_without_the_generation_says_the_line(troubled: NginxStage) -> None:
    settings = troubled.nginx.settings
    text = settings.configuration.read_text()
    settings.configuration.write_text(text.replace("return 200 $vq_active;", "return 204;"))
    subprocess.run(["nginx", "-p", troubled.nginx.directory, "-c", settings.configuration, "-s", "reload"], check=True)
    until(lambda: b"204" in _status(troubled), "the reload")
    line = "location = /__gen { default_type application/json; return 200 $vq_active; }"
    assert line in troubled.refused("rollback", "--last-good", "--yes", "--wait")
    assert any(line in one["evidence"] for one in troubled.json("doctor", code=1)["checks"])


def _status(stage: NginxStage) -> bytes:
    settings = stage.nginx.settings
    with urllib.request.urlopen(settings.url + settings.generation_path, timeout=5) as answer:
        return str(answer.status).encode()


def test_a_standby_that_was_given_another_release_gets_the_good_one_first(processes: LocalStage) -> None:
    processes.bad_release()
    processes.processes.place("green", "2.3.9")
    planned = processes.json("rollback", "--plan", "--last-good")
    kinds = [step["kind"] for phase in planned["plan"]["phases"] for step in phase["steps"] if step["changes"]]
    assert kinds == ["change-workload", "switch-traffic"]
    assert processes.roll_back()["state"] == "succeeded" and processes.reached() == GOOD


def test_a_flip_by_someone_else_after_planning_is_stale(troubled: NginxStage) -> None:
    run = troubled.json("rollback", "--last-good", "--yes", VQ_CRASH_AT="protect.4.before")["run"]
    until(lambda: troubled.json("runs", "show", run)["executor"]["state"] == "dead", "the executor died")
    flip(troubled.nginx, "green")
    flip(troubled.nginx, "blue")
    until(lambda: generation(troubled.nginx) not in ("", "first"), "the flips")
    ended = troubled.json("runs", "resume", run, "--wait", code=1)
    assert ended["state"] == "failed" and "changed since planning" in str(ended["steps"])


def test_a_dead_target_is_refused_before_anything_moves(troubled: NginxStage) -> None:
    before = generation(troubled.nginx)
    troubled.nginx.colours["green"].stop()
    line = troubled.refused("rollback", "--last-good", "--yes", "--wait")
    assert f"{GOOD} earned 'good' but is not at hand" in line
    assert troubled.reached() == BAD and generation(troubled.nginx) == before


def test_a_slow_request_keeps_its_old_worker_and_is_answered(troubled: NginxStage) -> None:
    """The drain ends with a warning at its deadline; the request goes on and gets its answer from the old colour."""
    troubled.policy = {"drain_seconds": 1}
    troubled.write()
    answers: list[str] = []

    def slow() -> None:
        with urllib.request.urlopen(troubled.service["url"] + "/slow", timeout=60) as answer:
            answers.append(str(answer.headers["X-Version"]))

    request = threading.Thread(target=slow)
    request.start()
    until(troubled.nginx.colours["blue"].entered.is_set, "the slow request is under way")
    run = troubled.roll_back()
    drained = next(step for step in run["steps"] if step["kind"] == "drain")
    assert run["state"] == "succeeded" and drained["state"] == "failed" and "still answers" in drained["text"]
    assert troubled.reached() == GOOD and answers == []
    troubled.nginx.colours["blue"].release.set()
    request.join(30)
    assert answers == [BAD]
