"""Confirmation on the command line grows with the consequence: a challenge, the release typed, Enter never enough."""

import os
import re
import select
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from actions.model.errors import ExitCode
from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from tests.conftest import Cli
from tests.forking import COMMANDS, start


class Terminal:
    """The program on a pseudo-terminal."""

    def __init__(self, cli: Cli, *words: str | Path) -> None:
        self._master, slave = os.openpty()
        call = replace(cli.call(*words, TERM="xterm-256color"), session=True)
        self.process = start(call, preload=COMMANDS, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self.text = ""

    def until(self, pattern: str, seconds: float = 60) -> re.Match[str]:
        """Read until the pattern shows."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            assert time.monotonic() < end, self.text
            assert self._read(), f"ended without {pattern!r}: {self.text}"
        return found

    def say(self, text: str) -> None:
        os.write(self._master, text.encode())

    def rest(self) -> int:
        """Read to the end; the exit code."""
        while self._read():
            pass
        os.close(self._master)
        return self.process.wait(30)

    def _read(self) -> bool:
        try:
            if select.select([self._master], [], [], 60)[0]:
                self.text += os.read(self._master, 65_536).decode(errors="replace")
                return True
        except OSError:  # the other end has gone
            pass
        return False


@pytest.fixture
def broken(stack_up: SandboxFacts) -> SandboxFacts:
    stack.break_(stack_up.directory, "bad-release")
    return stack_up


def total(cli: Cli, facts: SandboxFacts) -> int:
    return int(cli("--config", facts.config, "runs", "--json").json["total"])


def test_the_challenge_is_fresh_and_enter_or_a_wrong_word_leaves(cli: Cli, broken: SandboxFacts) -> None:
    seen = set()
    for answer in ("\n", "yes\n"):
        terminal = Terminal(cli, "--config", broken.config, "rollback", "--last-good")
        seen.add(terminal.until(r"type ([A-Z]{3}) to roll back sandbox")[1])
        terminal.say(answer)
        assert terminal.rest() == ExitCode.REFUSED
        assert terminal.text.rstrip().endswith("left; nothing was touched")
        assert "interrupted" not in terminal.text, "nobody pressed Ctrl-C"
    assert total(cli, broken) == 0

    terminal = Terminal(cli, "--config", broken.config, "rollback", "--last-good", "--wait")
    word = terminal.until(r"type ([A-Z]{3}) to roll back sandbox")[1]
    assert "switch traffic" in terminal.text, "the plan is shown before the question"
    seen.add(word)
    terminal.say(f"{word}\n")
    assert terminal.rest() == 0, terminal.text
    assert "succeeded" in terminal.text
    assert len(seen) > 1


def test_ctrl_c_at_the_question_leaves_at_once(cli: Cli, broken: SandboxFacts) -> None:
    terminal = Terminal(cli, "--config", broken.config, "rollback", "--last-good")
    terminal.until(r"type ([A-Z]{3}) to roll back sandbox")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.rest() == 130, terminal.text
    assert "vq-tui: interrupted" in terminal.text
    assert "Traceback" not in terminal.text
    assert total(cli, broken) == 0


def test_a_chosen_release_is_typed(cli: Cli, broken: SandboxFacts) -> None:
    terminal = Terminal(cli, "--config", broken.config, "rollback", "--to", "2.4.1", "--wait")
    terminal.until(r"type the release \(2\.4\.1\)")
    terminal.say("2.4.1\n")
    assert terminal.rest() == 0, terminal.text


def test_what_was_confirmed_is_what_runs(cli: Cli, broken: SandboxFacts) -> None:
    """The world moves while the question stands: nothing is touched."""
    terminal = Terminal(cli, "--config", broken.config, "rollback", "--to", "2.4.1")
    terminal.until(r"type the release \(2\.4\.1\)")
    stack.mend(broken.directory)
    terminal.say("2.4.1\n")
    assert terminal.rest() == 6, terminal.text
    assert total(cli, broken) == 0
