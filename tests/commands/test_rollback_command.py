"""The main job by commands, on the embedded stack: see it, roll it back, trust it."""

import asyncio
import json
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from actions.ledger import open_reader
from actions.model.errors import ExitCode
from actions.model.waiting import Deadline, until
from actions.model.words import RunState
from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from tests.conftest import Cli, Said

GONE = 137


@pytest.fixture
def broken(stack_up: SandboxFacts) -> SandboxFacts:
    """The stack after a release that fails its health check."""
    stack.break_(stack_up.directory, "bad-release")
    return stack_up


def ledger_of(facts: SandboxFacts) -> Path:
    return facts.config.parent / "ledger"


def roll_back(cli: Cli, facts: SandboxFacts, *words: str, timeout: float = 90, **more: str) -> Said:
    return cli("--config", facts.config, "rollback", "--last-good", "--yes", *words, "--json", timeout=timeout, **more)


async def executor_ends(facts: SandboxFacts, run_id: str) -> str:
    """The state of the executor once it is no longer at work."""

    async def look() -> str:
        with open_reader(ledger_of(facts)) as reader:
            begun = reader.run(run_id).state is not RunState.QUEUED
            return reader.executor(run_id).state if begun else "not begun"

    return await until(look, lambda seen: seen not in ("alive", "slow", "not begun"), Deadline(30), str)


def serving(facts: SandboxFacts) -> str | None:
    return stack.status(facts.directory).version


def effects(run: dict[str, Any]) -> list[str]:
    """Titles of the steps that were done."""
    return [step["title"] for step in run["steps"] if step["state"] == "done"]


def run_events(cli: Cli, facts: SandboxFacts, run_id: str) -> list[dict[str, Any]]:
    return list(cli("--config", facts.config, "runs", "show", run_id, "--json").json["events"])


def test_from_a_bad_release_back_to_the_last_good_one(cli: Cli, broken: SandboxFacts) -> None:
    said = roll_back(cli, broken, "--wait")
    assert said.code == 0, said
    run = said.json
    assert (run["state"], run["from"], run["to"]) == ("succeeded", "2.4.2", "2.4.1")
    assert run["lost_writes"] == 0
    assert run["failed_requests"] is not None
    told = [event["body"].get("text", "") for event in run_events(cli, broken, run["run"]) if event["kind"] == "note"]
    unknown = [text for text in told if text.startswith("not measured: how long requests were lost")]
    assert (run["downtime_seconds"] is None) == bool(unknown), "where no probe saw the few that were lost, it says so"
    assert run["seconds"] > 0
    assert {step["state"] for step in run["steps"]} == {"done"}
    assert all(step["seconds"] is not None for step in run["steps"])
    assert all({"id", "kind", "title", "state", "seconds", "text"} <= step.keys() for step in run["steps"])
    assert serving(broken) == "2.4.1"

    after = cli("--config", broken.config, "readiness", "--json").json
    assert (after["to"] or {}).get("version") != "2.4.2", "the bad release is never offered again"
    listed = cli("--config", broken.config, "releases", "--json").json["releases"]
    assert {one["version"]: one["verdict"] for one in listed}["2.4.2"] == "bad"
    refused = cli("--config", broken.config, "rollback", "--to", "2.4.2", "--yes", "--json")
    assert refused.code == ExitCode.REFUSED
    assert "bad" in refused.json["error"]["message"]

    history = cli("--config", broken.config, "runs", "--json").json
    assert [one["run"] for one in history["runs"]] == [run["run"]]
    shown = cli("--config", broken.config, "runs", "show", run["run"][-6:], "--json").json
    assert shown["executor"]["state"] == "none"
    assert [event["kind"] for event in shown["events"]][:2] == ["planned", "approved"]
    cleared = cli("--config", broken.config, "releases", "clear", "2.4.2", "--reason", "it was the cache", "--json")
    assert (cleared.code, cleared.json["release"]["verdict"]) == (0, "candidate"), cleared
    assert cli("--config", broken.config, "audit", "verify", "--json").json["intact"] is True


def test_a_plan_touches_nothing_and_is_what_runs(cli: Cli, broken: SandboxFacts) -> None:
    planned = cli("--config", broken.config, "rollback", "--to", "2.4.1", "--plan", "--reason", "drill", "--json")
    assert planned.code == 0, planned
    assert serving(broken) == "2.4.2"
    assert cli("--config", broken.config, "runs", "--json").json["total"] == 0
    words = ("rollback", "--to", "2.4.1", "--reason", "drill", "--yes", "--wait", "--json")
    run = cli("--config", broken.config, *words).json
    assert run["state"] == "succeeded"
    titles = [step["title"] for phase in planned.json["plan"]["phases"] for step in phase["steps"]]
    assert [step["title"] for step in run["steps"]] == titles


def test_plain_text_shows_the_same(cli: Cli, broken: SandboxFacts) -> None:
    said = cli("--config", broken.config, "rollback", "--yes", "--wait")
    assert said.code == 0, said
    assert "switch traffic" in said.out
    assert "succeeded" in said.out
    assert "lost writes 0" in said.out
    assert "\x1b" not in said.out + said.err


def test_two_operators_at_once_are_one_run(cli: Cli, broken: SandboxFacts) -> None:
    with ThreadPoolExecutor() as pool:
        said = list(pool.map(lambda who: roll_back(cli, broken, "--wait", SSH_USER=who), ("mira", "jo")))
    assert [one.code for one in said] == [0, 0], said
    runs = [one.json for one in said]
    assert runs[0]["run"] == runs[1]["run"]
    assert sorted(one["created"] for one in runs) == [False, True]
    assert cli("--config", broken.config, "runs", "--json").json["total"] == 1


def test_the_same_key_is_the_same_run(cli: Cli, broken: SandboxFacts) -> None:
    first = roll_back(cli, broken, "--wait", "--key", "press-1").json
    again = roll_back(cli, broken, "--wait", "--key", "press-1").json
    assert again["run"] == first["run"]
    assert (first["created"], again["created"]) == (True, False)


@pytest.mark.parametrize("point", [3, 9, 15])
async def test_a_killed_executor_is_resumed_and_each_effect_happens_once(
    cli: Cli, broken: SandboxFacts, point: int
) -> None:
    begun = roll_back(cli, broken, VQ_CRASH_AT=str(point))
    assert begun.code == 0, begun
    run_id = begun.json["run"]
    assert await executor_ends(broken, run_id) in ("dead", "none")
    resumed = cli("--config", broken.config, "runs", "resume", run_id, "--wait", "--json")
    assert resumed.json["state"] == "succeeded", resumed
    assert resumed.code == 0
    assert await asyncio.to_thread(serving, broken) == "2.4.1"
    with open_reader(ledger_of(broken)) as reader:
        done = [event.step for event in reader.events(run_id) if event.kind == "done"]
        assert len(done) == len(set(done))
        assert reader.verify().intact


async def test_losing_the_command_does_not_lose_the_run(cli: Cli, broken: SandboxFacts) -> None:
    with cli.start("--config", broken.config, "rollback", "--last-good", "--yes", "--wait") as process:
        reader_of = ledger_of(broken)

        async def active() -> str | None:
            with open_reader(reader_of) as reader:
                found = reader.active("sandbox")
                return found.id if found and found.state is not RunState.QUEUED else None

        run_id = await until(active, bool, Deadline(60), lambda _: "no executor has it", every=0.01)
        os.kill(process.pid, signal.SIGKILL)
    assert run_id
    said = cli("--config", broken.config, "runs", "follow", run_id, "--json")
    assert (said.code, said.json["state"]) == (0, "succeeded")


def test_ctrl_c_leaves_the_run_alone_and_says_how_to_follow_it(cli: Cli, broken: SandboxFacts) -> None:
    with cli.start("--config", broken.config, "rollback", "--last-good", "--yes", "--wait") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()  # the first step has ended, so there is a run
        process.send_signal(signal.SIGINT)
        said, asked = process.stdout.read(), process.stderr.read()
    if process.returncode != 0:  # otherwise the run was faster than the signal
        assert process.returncode == 130
        assert "runs follow" in asked
        assert "Traceback" not in asked + said
    runs = cli("--config", broken.config, "runs", "--json").json["runs"]
    assert len(runs) == 1
    assert cli("--config", broken.config, "runs", "follow", runs[0]["run"], "--json").json["state"] == "succeeded"


def test_a_note_stands_in_the_journal_with_who_wrote_it(cli: Cli, broken: SandboxFacts) -> None:
    run = roll_back(cli, broken, "--wait").json
    words = ("--config", broken.config, "runs", "note", run["run"], "told the customers")
    assert cli(*words, SSH_USER="jo").code == 0
    events = cli("--config", broken.config, "runs", "show", run["run"], "--json").json["events"]
    noted = [(event["actor"], event["body"]["text"]) for event in events if event["kind"] == "note"]
    assert [one for one in noted if one[0] != "executor"] == [("jo", "told the customers")]


def test_commands_to_a_run_that_has_ended_are_refused(cli: Cli, broken: SandboxFacts) -> None:
    run_id = roll_back(cli, broken, "--wait").json["run"]
    for command in ("resume", "abort", "pause", "back-out", "take-over"):
        said = cli("--config", broken.config, "runs", command, run_id, "--json")
        assert said.code == ExitCode.REFUSED, (command, said)
        assert "ended" in said.json["error"]["message"]
    closed = cli("--config", broken.config, "runs", "close", run_id, "--reason", "put right by hand", "--json")
    assert closed.code == ExitCode.REFUSED, closed
    assert "ended" in closed.json["error"]["message"]


def test_the_list_is_narrowed_with_and_without_its_name(cli: Cli, broken: SandboxFacts) -> None:
    run_id = roll_back(cli, broken, "--wait").json["run"]
    for words in (["runs"], ["runs", "list"]):
        found = cli("--config", broken.config, *words, "--limit", "1", "--state", "succeeded", "--json").json
        assert [one["run"] for one in found["runs"]] == [run_id]
        assert cli("--config", broken.config, *words, "--text", "no such words", "--json").json["total"] == 0
        assert cli("--config", broken.config, *words, "--before", run_id, "--json").json["runs"] == []


def test_a_service_that_is_well_needs_no_reason_to_be_made_up(cli: Cli, stack_up: SandboxFacts) -> None:
    plan = cli("--config", stack_up.config, "rollback", "--plan", "--json").json["plan"]
    assert (plan["from_version"], plan["to_version"]) == ("2.4.1", "2.4.0")
    assert "errors" not in plan["reason"]


def test_a_dead_notice_channel_changes_no_verdict(cli: Cli, broken: SandboxFacts) -> None:
    """Row 55: the run succeeds as fast, and the notice waits in the outbox with the reason."""
    text = broken.config.read_text().replace(broken.notices, "http://127.0.0.1:9/hook")
    broken.config.write_text(text)
    run = roll_back(cli, broken, "--wait")
    assert (run.code, run.json["state"]) == (0, "succeeded")

    with open_reader(ledger_of(broken)) as reader:
        waiting = reader.notices(unsent_only=True)
    assert waiting
    assert {one.run_id for one in waiting} == {run.json["run"]}


async def test_a_notice_of_the_run_arrives_with_its_measures(cli: Cli, broken: SandboxFacts) -> None:
    run_id = roll_back(cli, broken, "--wait").json["run"]

    async def arrived() -> list[str]:
        with open_reader(ledger_of(broken)) as reader:
            return [one.text for one in reader.notices() if one.run_id == run_id and one.sent_at]

    await until(arrived, bool, Deadline(20), lambda _: "nothing was delivered")
    caught = [json.loads(line) for line in (broken.directory / "notices.jsonl").read_text().splitlines()]
    mine = [one for one in caught if run_id in json.dumps(one)]
    assert len(mine) == 1
    assert "lost writes 0" in json.dumps(mine[0])


@contextmanager
def arguments_of_all() -> Iterator[set[bytes]]:
    """The arguments that any process of this machine had at any time within the block; also one that soon ended."""
    seen: set[bytes] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.01):
            for place in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):  # it has ended since
                    seen.add(place.read_bytes())

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield seen
    finally:
        ended.set()
        watch.join()


def test_no_secret_of_the_stack_is_in_what_a_run_wrote(cli: Cli, broken: SandboxFacts) -> None:
    """Row 54: the stack's own passwords are the canaries."""
    canaries = [path.read_text().strip() for path in broken.passwords.values()]
    with arguments_of_all() as argv:
        said = [roll_back(cli, broken, "--wait")]
        for words in (["status"], ["doctor"], ["runs", "show", said[0].json["run"]], ["rollback", "--plan"]):
            said.append(cli("--config", broken.config, *words, "--json"))
    written = [path.read_bytes() for path in ledger_of(broken).rglob("*") if path.is_file()]
    written += [(one.out + one.err).encode() for one in said]
    written += [(broken.directory / "notices.jsonl").read_bytes(), broken.config.read_bytes()]
    assert len(canaries) >= 4
    assert any(b"actions.runner.executor" in one and str(ledger_of(broken)).encode() in one for one in argv)
    for canary in canaries:
        assert len(canary) > 12
        assert not [1 for text in (*written, *argv) if canary.encode() in text]
