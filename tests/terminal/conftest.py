"""Fixtures: the embedded stack whose rollbacks take a while, and consoles on it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from tests.terminal.session import Session, environment

Console = Callable[..., Session]


@pytest.fixture
def slow_stack(stack_up: SandboxFacts) -> SandboxFacts:
    """The stack with a bad release serving; a rollback asks for a hundred proofs, so that one can interfere."""
    text = stack_up.config.read_text()
    name = next(line for line in text.splitlines() if line.startswith("[environments.") and line.count(".") == 1)
    section = f"{name[:-1]}.policy]"
    if section in text:
        text = text.replace(section, f"{section}\nproofs = 100", 1)
    else:
        text += f"\n{section}\nproofs = 100\n"
    stack_up.config.write_text(text)
    stack.break_(stack_up.directory, "bad-release")
    return stack_up


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    """Open consoles; all of them are ended afterwards."""
    with ExitStack() as opened:

        def start(facts: SandboxFacts, *words: str, env: dict[str, str] | None = None, **more: Any) -> Session:
            given = environment(tmp_path / "home", **(env or {}))
            return opened.enter_context(Session(["--config", str(facts.config), *words], given, **more))

        yield start
