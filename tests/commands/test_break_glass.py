"""Row 10: the ledger refuses, users are hurt, and the emergency rollback works all the same; nothing of it is lost."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from actions.ledger import open_reader, open_writer
from actions.ledger.locks import lock_path, locked
from actions.ledger.place import DATABASE
from actions.model.errors import ExitCode
from actions.model.waiting import Deadline, until
from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from tests.conftest import Cli, Said
from tests.ledger.filling import past_runs

Refusing = Callable[[Path], AbstractContextManager[None]]


class Emergency:
    """The stack after a bad release, with an emergency ledger of the test's own."""

    def __init__(self, cli: Cli, facts: SandboxFacts) -> None:
        self.cli, self.facts = cli, facts
        self.ledger = facts.config.parent / "ledger"
        self.glass = facts.config.parent / "glass"
        facts.config.write_text(f'break_glass = "{self.glass}"\n' + facts.config.read_text())

    def say(self, *words: str, **more: str) -> Said:
        return self.cli("--config", self.facts.config, *words, **more)

    def breaks(self, *words: str, to: str = "2.4.1", **more: str) -> Said:
        return self.say("rollback", "--to", to, "--reason", "bad release", "--break-glass", *words, "--json", **more)

    def answers(self) -> str:
        """The version that users get, asked from outside."""
        return httpx.get(f"{self.facts.url}/health", trust_env=False).headers["X-Version"]


@pytest.fixture
def emergency(cli: Cli, stack_up: SandboxFacts) -> Emergency:
    stack.break_(stack_up.directory, "bad-release")
    return Emergency(cli, stack_up)


@contextmanager
def read_only(ledger: Path) -> Iterator[None]:
    """Also for root, whom no mode stops."""
    if os.geteuid() != 0:
        ledger.chmod(0o500)
    else:
        subprocess.run(["mount", "--bind", ledger, ledger], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", ledger], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", ledger], check=True) if os.geteuid() == 0 else ledger.chmod(0o700)


@contextmanager
def damaged(ledger: Path) -> Iterator[None]:
    kept = ledger.with_name("kept")
    ledger.rename(kept)
    ledger.mkdir(mode=0o700)
    (ledger / DATABASE).write_bytes(b"this is no database" * 500)
    (ledger / DATABASE).chmod(0o600)
    yield
    ledger.rename(ledger.with_name("damaged"))
    kept.rename(ledger)


@contextmanager
def linked(ledger: Path) -> Iterator[None]:
    kept = ledger.with_name("kept")
    ledger.rename(kept)
    ledger.symlink_to(kept)
    yield
    ledger.unlink()
    kept.rename(ledger)


@pytest.mark.parametrize(
    ("refusing", "word", "known"),
    [(read_only, "read-only", "good"), (damaged, "is damaged", "candidate"), (linked, "symbolic link", "candidate")],
)
def test_refused_as_ever_with_the_way_out_and_that_way_works(
    emergency: Emergency, refusing: Refusing, word: str, known: str
) -> None:
    with refusing(emergency.ledger):
        refused = emergency.say("rollback", "--to", "2.4.1", "--yes")
        assert refused.code == ExitCode.LEDGER and word in refused.line
        way_out = f"vq-tui --config {emergency.facts.config} rollback --to 2.4.1 --reason TEXT --break-glass"
        assert f"in an emergency: '{way_out}'" in refused.line
        assert emergency.answers() == "2.4.2"
        done = emergency.breaks("--yes", "--wait")
        assert done.code == 0, done
        assert (done.json["state"], done.json["break_glass"]) == ("succeeded", True)
        assert done.json["warnings"][0] == "no global lock: an operator on another host is not seen"
        assert word in done.json["problem"]
    assert emergency.answers() == "2.4.1"
    with open_reader(emergency.glass) as there:
        rows = {one.version: one.verdict for one in there.releases("sandbox", "api")}
        assert there.verify().intact
    assert (rows["2.4.2"], rows["2.4.1"]) == ("bad", known), "what the old record tells is known, where it can be read"
    assert "RED  sandbox/api" in (emergency.facts.directory / "notices.jsonl").read_text()


def test_a_run_under_broken_glass_is_resumed_and_comes_home(emergency: Emergency) -> None:
    with linked(emergency.ledger):
        run_id = emergency.breaks("--yes", VQ_CRASH_AT="router.after-switch").json["run"]
        assert dead(emergency, run_id) == "dead"
    status = emergency.say("status", "--json").json
    assert status["waiting"] == "1 run made under broken glass waits" and status["waiting"] in status["problems"]
    resumed = emergency.say("runs", "resume", run_id[-6:], "--wait", "--json")
    assert (resumed.code, resumed.json["state"]) == (0, "succeeded"), resumed
    assert emergency.answers() == "2.4.1"
    beside, now = past_runs(1)[0], datetime.now(UTC)
    times = {"created_at": now - timedelta(hours=1), "ended_at": now + timedelta(hours=1), "target": "sandbox"}
    with open_writer(emergency.ledger) as writer:
        writer.import_runs([(beside[0].model_copy(update=times | {"environment": "sandbox"}), beside[1])])
    brought = emergency.say("audit", "import", "--json")
    assert (brought.code, brought.json["imported"]) == (0, [run_id])
    assert ["overlaps in time" in one for one in brought.json["conflicts"]] == [True]
    assert emergency.say("audit", "import").out == "nothing to bring in\n"
    with open_reader(emergency.ledger) as reader:
        assert reader.verify().intact
    history = emergency.say("runs", "--json").json["runs"]
    assert [one["break_glass"] for one in history] == [True, False]
    again = emergency.say("rollback", "--to", "2.4.2", "--yes", "--json")
    assert again.code == ExitCode.REFUSED and "marked bad" in again.json["error"]["message"]


def dead(emergency: Emergency, run_id: str) -> str:
    """The state of the executor once it is gone."""

    async def look() -> str:
        with open_reader(emergency.glass) as reader:
            return reader.executor(run_id).state

    return asyncio.run(until(look, lambda seen: seen == "dead", Deadline(30), str))


def test_two_operators_break_the_same_glass_once(emergency: Emergency) -> None:
    with linked(emergency.ledger), ThreadPoolExecutor() as pool:
        said = list(pool.map(lambda who: emergency.breaks("--yes", "--wait", SSH_USER=who), ("mira", "jo")))
    assert [one.code for one in said] == [0, 0], said
    assert said[0].json["run"] == said[1].json["run"]
    assert sorted(one.json["created"] for one in said) == [False, True]


def test_no_glass_is_broken_without_need_or_words_or_beside_somebody(emergency: Emergency) -> None:
    works = emergency.breaks("--yes")
    assert works.code == ExitCode.REFUSED
    assert works.json["error"]["message"] == "the record works: roll back without --break-glass"
    for words in (["--break-glass", "--reason", "x"], ["--break-glass", "--to", "2.4.1"]):
        said = emergency.say("rollback", *words, "--yes")
        assert said.code == ExitCode.USAGE and "--break-glass needs" in said.line
    with locked(lock_path(emergency.ledger, "sandbox")), linked(emergency.ledger):
        busy = emergency.breaks("--yes")
    assert busy.code == ExitCode.BUSY and f"process {os.getpid()}" in busy.json["error"]["message"]
    assert not emergency.glass.exists()
    with linked(emergency.ledger):
        shown = emergency.say("rollback", "--to", "2.4.1", "--reason", "x", "--break-glass", "--plan")
    assert shown.code == 0 and "BREAKING THE GLASS" in shown.out and "no global lock" in shown.out
    assert emergency.answers() == "2.4.2"
