"""The embedded stack by commands, and the demo that leaves nothing behind."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from actions.model.errors import ExitCode
from tests.conftest import Cli

pytestmark = pytest.mark.xdist_group("stack-demo")


def processes_of(place: Path) -> list[str]:
    """Command lines of processes that have to do with a directory."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "cwd"]):
        words = [*(process.info["cmdline"] or []), process.info["cwd"] or ""]
        if process.info["pid"] != os.getpid() and any(str(place) in word for word in words):
            found.append(" ".join(process.info["cmdline"] or []))
    return found


def test_the_demo_proves_itself_and_leaves_nothing(cli: Cli, tmp_path: Path) -> None:
    said = cli("demo", "--headless", "--for", "3", "--json", timeout=150)
    assert said.code == 0, said
    found = said.json
    assert {one["service"] for one in found["health"]} >= {"api", "postgres", "redis"}
    api = next(one for one in found["health"] if one["service"] == "api")
    assert api["state"] in ("ok", "degraded"), "it answers, on a busy machine perhaps slowly"
    assert api["version"] == "2.4.1"
    assert found["readiness"]["to"]["version"] == "2.4.0"
    assert found["readiness"]["ready"] is True, found["readiness"]
    assert processes_of(tmp_path) == []
    left = [path for path in cli.home.rglob("*") if path.is_file()]
    assert left == []


def test_the_demo_in_a_directory_of_its_own_keeps_to_it(cli: Cli, tmp_path: Path) -> None:
    place = tmp_path / "here"
    said = cli("demo", "--headless", "--for", "0", "--dir", place, "--json", timeout=150)
    assert said.code == 0, said
    assert (place / "vq-tui.toml").is_file()
    assert processes_of(tmp_path) == []
    assert [path for path in cli.home.rglob("*") if path.is_file()] == []


def test_a_demo_that_is_told_to_end_takes_its_stack_along(cli: Cli, tmp_path: Path) -> None:
    with cli.start("demo", "--headless", "--for", "600") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("up in"):
                break
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
    assert process.returncode == 143
    assert "Traceback" not in rest
    assert processes_of(tmp_path) == []


def test_up_break_status_mend_down(cli: Cli, tmp_path: Path) -> None:
    place = tmp_path / "stack"
    up = cli("sandbox", "up", "--dir", place, "--json", timeout=150)
    assert up.code == 0, up
    assert Path(up.json["config"]).is_file()
    try:
        assert cli("--config", up.json["config"], "config", "check").code == 0
        assert cli("sandbox", "status", "--dir", place, "--json").json["state"] == "up"

        unknown = cli("sandbox", "break", "nothing", "--dir", place, "--json")
        assert unknown.code == ExitCode.UNKNOWN_NAME
        assert "bad-release" in unknown.json["error"]["message"]

        broken = cli("sandbox", "break", "dead-redis", "--dir", place, "--json")
        assert broken.json["kind"] == "dead-redis"
        status = cli("--config", up.json["config"], "status", "--check", "--json")
        assert status.code == ExitCode.FAILED
        redis = next(one for one in status.json["services"] if one["service"] == "redis")
        assert redis["state"] == "down"
        assert cli("sandbox", "mend", "--dir", place, "--json").json["mended"] == ["dead-redis"]
        keeper = cli("--config", up.json["config"], "keeper", "start", "--json")
        assert keeper.json["alive"] is True
    finally:
        down = cli("sandbox", "down", "--dir", place, "--json")
    assert down.json["state"] == "down"
    assert not place.exists()
    assert processes_of(tmp_path) == []
    assert cli("sandbox", "status", "--dir", place, "--json").code == ExitCode.FAILED


def test_another_directory_is_never_taken_for_a_stack(cli: Cli, tmp_path: Path) -> None:
    place = tmp_path / "photos"
    place.mkdir()
    (place / "holiday.jpg").write_bytes(b"precious")
    for words in (["up"], ["down"], ["mend"], ["break", "bad-release"]):
        said = cli("sandbox", *words, "--dir", place, "--json")
        assert said.code == ExitCode.REFUSED, said
    assert (place / "holiday.jpg").read_bytes() == b"precious"
