"""The supervisor as its clients see it: durable, guarded, and nothing left behind."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from actions.clients.processes import ProcessFacts, ProcessSpec, ProcessState, RestartPolicy
from actions.clients.supervisor import SupervisorWriter
from actions.model.errors import Refused, Stale, UnknownNameError, Unreachable, VqError
from actions.model.waiting import Deadline, until
from actions.platforms.local.starting import end_supervisor, serving, start_supervisor

FOREVER = (sys.executable, "-c", "import signal; signal.pause()")


def spec(name: str = "one", *argv: str, **more: object) -> ProcessSpec:
    return ProcessSpec.model_validate({"name": name, "argv": argv or FOREVER, "backoff_seconds": 0.05, **more})


DEEP = pytest.mark.parametrize("directory", ["deep"], indirect=True)


@pytest.fixture
async def directory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Path]:
    """A state directory with a supervisor; a deep one has a longer path than a unix socket may have."""
    path = tmp_path / ("a b" if getattr(request, "param", "") != "deep" else "d" * 120) / "state"
    path.mkdir(parents=True)
    await asyncio.to_thread(start_supervisor, path)
    yield path
    await asyncio.to_thread(end_supervisor, path)
    assert not serving(path)


@pytest.fixture
def supervisor(directory: Path) -> SupervisorWriter:
    return SupervisorWriter(directory)


async def reach(supervisor: SupervisorWriter, name: str, state: ProcessState) -> ProcessFacts:
    return await until(lambda: supervisor.process(name), lambda facts: facts.state is state, Deadline(10), str)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def until_gone(pid: int) -> None:
    async def look() -> bool:
        return gone(pid)

    await until(look, bool, Deadline(10), lambda _: f"{pid} lives")


@DEEP
async def test_a_process_runs_and_says_what_it_is(supervisor: SupervisorWriter) -> None:
    facts = await supervisor.replace(spec(labels={"service": "api"}, ports={"http": 1}), key="k", expected=0)
    assert (facts.state, facts.generation, facts.keys) == (ProcessState.RUNNING, 1, ("k",))
    assert facts.pid is not None and psutil.Process(facts.pid).create_time() == facts.started_at
    listed, single = (await supervisor.list()).process("one"), await supervisor.process("one")
    assert listed is not None and listed.pid == single.pid == facts.pid
    assert listed.memory_bytes and listed.usage_age is not None and facts.labels == {"service": "api"}


async def test_the_same_key_changes_nothing_and_another_generation_is_refused(supervisor: SupervisorWriter) -> None:
    first = await supervisor.replace(spec(), key="k1")
    again = await supervisor.replace(spec("one", "false"), key="k1")
    assert (again.pid, again.generation) == (first.pid, 1)
    with pytest.raises(Stale, match="generation 1"):
        await supervisor.replace(spec(), key="k2", expected=7)
    second = await supervisor.replace(spec(), key="k2", expected=1)
    assert second.generation == 2 and second.pid != first.pid and second.keys == ("k1", "k2")
    assert gone(first.pid or 0)


async def test_a_crashing_process_is_restarted_with_back_off_and_called_so(supervisor: SupervisorWriter) -> None:
    await supervisor.replace(spec("one", "sh", "-c", "echo dying >&2; exit 3"), key="k")
    facts = await reach(supervisor, "one", ProcessState.CRASH_LOOPING)
    assert facts.restarts >= 2 and facts.exit_code == 3 and "code 3" in facts.reason
    assert "dying" in await supervisor.log_tail("one", 5)


async def test_the_restart_policy_is_kept(supervisor: SupervisorWriter) -> None:
    await supervisor.replace(spec("never", "sh", "-c", "exit 1", restart=RestartPolicy.NEVER), key="k")
    await supervisor.replace(spec("failure", "true", restart=RestartPolicy.ON_FAILURE), key="k")
    for name, code in (("never", 1), ("failure", 0)):
        facts = await reach(supervisor, name, ProcessState.EXITED)
        assert (facts.exit_code, facts.restarts) == (code, 0)


async def test_stop_is_graceful_then_not_and_stays(supervisor: SupervisorWriter, directory: Path) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)\n"
    await supervisor.replace(spec("one", sys.executable, "-c", stubborn + "while True: time.sleep(1)"), key="k")
    await until(lambda: supervisor.log_tail("one"), lambda lines: "deaf" in lines, Deadline(10), str)
    facts = await supervisor.stop("one", key="s", seconds=0.2)
    assert (facts.state, facts.pid, facts.exit_code, facts.wanted) == (ProcessState.STOPPED, None, -9, False)
    await kill_supervisor(supervisor, directory)
    await asyncio.to_thread(start_supervisor, directory)
    assert (await supervisor.process("one")).state is ProcessState.STOPPED
    assert (await supervisor.start("one", key="t")).state is ProcessState.RUNNING


async def kill_supervisor(supervisor: SupervisorWriter, directory: Path) -> None:
    pid = (await supervisor.list()).pid
    os.kill(pid, signal.SIGKILL)

    async def look() -> bool:
        return serving(directory)

    await until(look, lambda alive: not alive, Deadline(10), lambda _: "the supervisor lives")


@DEEP
async def test_children_die_with_a_killed_supervisor_and_run_again_under_the_next(
    supervisor: SupervisorWriter, directory: Path
) -> None:
    first = await supervisor.replace(spec(), key="k")
    await kill_supervisor(supervisor, directory)
    await until_gone(first.pid or 0)
    with pytest.raises(Unreachable):
        await supervisor.list()
    await asyncio.to_thread(start_supervisor, directory)
    second = await reach(supervisor, "one", ProcessState.RUNNING)
    assert second.pid != first.pid and (second.generation, second.keys) == (1, ("k",))


async def test_grandchildren_of_a_killed_supervisor_are_found_and_ended(
    supervisor: SupervisorWriter, directory: Path
) -> None:
    await supervisor.replace(spec("one", "sh", "-c", "sleep 1000 & echo $!; wait"), key="k")
    lines = await until(lambda: supervisor.log_tail("one"), bool, Deadline(10), str)
    await kill_supervisor(supervisor, directory)
    await asyncio.to_thread(start_supervisor, directory)
    await until_gone(int(lines[-1]))


async def test_stopping_takes_the_whole_group_along(supervisor: SupervisorWriter) -> None:
    await supervisor.replace(spec("one", "sh", "-c", "sleep 1000 & echo $!; wait"), key="k")
    lines = await until(lambda: supervisor.log_tail("one"), bool, Deadline(10), str)
    await supervisor.remove("one", key="r")
    await until_gone(int(lines[-1]))
    with pytest.raises(UnknownNameError, match="known: none"):
        await supervisor.process("one")


async def test_a_release_that_is_not_there_is_refused_and_nothing_is_stopped(
    supervisor: SupervisorWriter, tmp_path: Path
) -> None:
    (tmp_path / "releases" / "1.0").mkdir(parents=True)
    (tmp_path / "releases" / "1.0" / "manifest.json").write_text("{}")
    released = spec(
        "one", "sh", "-c", "echo {release} {release_dir}; sleep 1000", releases=tmp_path / "releases", release="1.0"
    )
    first = await supervisor.replace(released, key="k1")
    assert first.artefact_at_hand is True
    with pytest.raises(Refused, match=r"release 2\.0 is not on this host"):
        await supervisor.replace(released.model_copy(update={"release": "2.0"}), key="k2")
    now = await supervisor.process("one")
    assert (now.pid, now.release, now.keys) == (first.pid, "1.0", ("k1",))
    lines = await until(lambda: supervisor.log_tail("one"), bool, Deadline(10), str)
    assert lines == (f"1.0 {tmp_path}/releases/1.0",)


async def test_a_program_that_does_not_exist_is_a_fact_not_a_crash(supervisor: SupervisorWriter) -> None:
    facts = await supervisor.replace(spec("one", "/no/such/program", restart=RestartPolicy.NEVER), key="k")
    assert facts.state is ProcessState.EXITED and "could not be started" in facts.reason


async def test_control_characters_in_a_log_do_not_come_through(supervisor: SupervisorWriter) -> None:
    await supervisor.replace(spec("one", "printf", "\\033]52;c;x\\007red\\n", restart=RestartPolicy.NEVER), key="k")
    lines = await until(lambda: supervisor.log_tail("one"), bool, Deadline(10), str)
    assert "red" in lines[0] and not any(ord(character) < 32 for character in lines[0])


async def test_only_the_owner_may_reach_it_and_the_operator_s_environment_stays_outside(
    supervisor: SupervisorWriter, directory: Path
) -> None:
    assert (directory / "supervisor.sock").stat().st_mode & 0o777 == 0o600
    await supervisor.replace(spec("one", "env", restart=RestartPolicy.NEVER), key="k")
    lines = await until(lambda: supervisor.log_tail("one"), bool, Deadline(10), str)
    assert not any(line.startswith("PYTEST_CURRENT_TEST") for line in lines)


async def test_a_damaged_record_is_named(supervisor: SupervisorWriter, directory: Path) -> None:
    await supervisor.replace(spec(), key="k")
    await kill_supervisor(supervisor, directory)
    record = directory / "specs" / "one.json"
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "generation": "many"}))
    with pytest.raises(VqError, match=r"specs/one\.json is damaged"):
        await asyncio.to_thread(start_supervisor, directory)


async def test_two_supervisors_of_one_directory_are_one(supervisor: SupervisorWriter, directory: Path) -> None:
    before = (await supervisor.list()).pid
    await asyncio.gather(*(asyncio.to_thread(start_supervisor, directory) for _ in range(3)))
    assert (await supervisor.list()).pid == before
