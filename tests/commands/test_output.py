"""Commands and console draw the same state with the same mark, and say the same span in the same words."""

import re
import shlex
from datetime import UTC, datetime, timedelta

import pytest

from actions.desk.viewer import Viewer
from actions.model.errors import UsageError, VqError
from actions.model.words import Gate, HealthState, RunState, StepState, Verdict
from actions.sandbox.facts import SandboxFacts
from screens import glyphs
from screens.words import ago as screen_ago
from tests.conftest import Cli
from vq_tui.commands.given import Session
from vq_tui.commands.output import Output, glyph
from vq_tui.commands.words import ago


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        (glyphs.HEALTH, HealthState),
        (glyphs.GATE, Gate),
        (glyphs.RUN, RunState),
        (glyphs.STEP, StepState),
        (glyphs.VERDICT, Verdict),
    ],
)
def test_every_state_has_the_mark_it_has_in_the_console(table: dict[str, tuple[str, str]], kind: type) -> None:
    assert {state: glyph(state) for state in kind} == {state: look[0] for state, look in table.items()}


def test_a_state_nobody_knows_is_unknown() -> None:
    assert glyph("no such state") == "?"


@pytest.mark.parametrize("seconds", [0, 59, 61, 3_599, 90_000, 200_000])
def test_an_age_is_the_same_in_both(seconds: float) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert ago(now - timedelta(seconds=seconds), now) == f"{screen_ago(seconds)} ago"
    assert ago(None, now) == "never"


def test_on_request_everything_is_ascii_and_every_line_keeps_its_width(cli: Cli, stack_up: SandboxFacts) -> None:
    words = ("--config", stack_up.config, "rollback", "--plan", "--reason", "Übertragung – langsam")
    plain, ascii_only = cli(*words).out, cli("--ascii", *words).out
    assert ascii_only.isascii()
    steps = re.compile(r"^  \d+\. .*$", re.MULTILINE)
    assert [len(line) for line in steps.findall(plain)] == [len(line) for line in steps.findall(ascii_only)]


def test_commands_that_are_named_can_be_pasted(capsys: pytest.CaptureFixture[str]) -> None:
    session = Session.of(Output(), {"config": "/srv/night watch/vq-tui.toml", "env": "production"})
    told = session.output.program
    assert shlex.split(told) == ["vq-tui", "--config", "/srv/night watch/vq-tui.toml", "--env", "production"]
    session.output.error("no run '7QK'; 'vq-tui runs' lists them", 4)
    assert f"'{told} runs' lists them" in capsys.readouterr().err
    assert Session.of(Output(), {}).output.program == "vq-tui"


async def test_a_desk_that_does_not_close_hides_no_error(
    sandbox: SandboxFacts, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Viewer.close

    async def failing(desk: Viewer) -> None:
        await whole(desk)
        raise VqError("the ledger is gone")

    monkeypatch.setattr(Viewer, "close", failing)
    with pytest.raises(UsageError, match="no such service"):
        async with Session(Output(), sandbox.config).viewing():
            raise UsageError("no such service")
    assert "not closed cleanly: the ledger is gone" in capsys.readouterr().err
