"""A Compose that does not answer leaves a risk open; it does not end the rollback before it began."""

import tempfile
from pathlib import Path

import pytest

from actions.model.platform import Change
from actions.model.waiting import Deadline
from actions.model.workloads import ComposeWorkload
from actions.platforms.compose import pin_change
from actions.platforms.compose.compose_cli import ComposeCli
from actions.platforms.compose.params import PIN, Pin, Question
from actions.platforms.compose.pin_plan import SLOW, judged
from actions.platforms.compose.planning import PIN_SECONDS

CONTENT = "services: {api: {image: shop/api:1.0.0}}\n"


class SilentCompose:
    """Is waited for in vain, for as long as the caller has patience."""

    patience = 0.0

    def __init__(self, settings: ComposeWorkload) -> None:
        del settings

    async def hashes(self, question: Question, seconds: float) -> None:
        SilentCompose.patience = seconds

    async def close(self) -> None:
        """Holds nothing."""


def planned(tmp_path: Path) -> Change:
    """A pin whose hash is still to be asked for."""
    path = str(tmp_path / "docker-compose.override.yml")
    question = Question(
        directory=str(tmp_path),
        project="shop",
        version="1.29",
        read=(),
        pin=path,
        content=CONTENT,
        present="x",
        known=(),
    )
    pin = Pin(path=path, content=CONTENT, before=None, files={}, risks=(SLOW,), question=question)
    return Change(slot="main", action=PIN, title="pin", subject="api", params=pin.model_dump(mode="json"))


async def test_a_full_temporary_directory_costs_a_risk_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
    change, folder = planned(tmp_path), tmp_path / "undo"
    question = Pin.model_validate(change.params).question
    assert question is not None
    cli = ComposeCli(ComposeWorkload(project="shop", service="api"))
    wanted, risk = judged(await cli.hashes(question, 5), question)  # as planning asks
    assert wanted is None and f"cannot write to {tmp_path / 'full'}: No such file" in risk
    folder.mkdir()
    pinner = pin_change.Pinner(ComposeWorkload(project="shop", service="api"))
    await pinner.protect(change, "RUN.3", folder)
    await pinner.act(change, "RUN.3", folder, lambda _: None)
    assert "cannot write to" in (await pinner.verify(change, "RUN.3", Deadline(5), lambda _: None)).text


async def test_a_silent_compose_costs_a_risk_and_not_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pin_change, "ComposeCli", SilentCompose)
    change, path = planned(tmp_path), tmp_path / "docker-compose.override.yml"
    pinner = pin_change.Pinner(ComposeWorkload(project="shop", service="api"))
    folder = tmp_path / "undo"
    folder.mkdir()
    await pinner.protect(change, "RUN.3", folder)
    assert SilentCompose.patience <= PIN_SECONDS * 2 / 3, "the step's own budget would end it first"
    await pinner.act(change, "RUN.3", folder, lambda _: None)
    seen = await pinner.verify(change, "RUN.3", Deadline(5), lambda _: None)
    assert "has not answered yet" in seen.text and "1.0.0" in path.read_text()
