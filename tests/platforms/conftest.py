"""One embedded stack for the tests of the local and router drivers; each test leaves it as it found it."""

import asyncio
from pathlib import Path

import pytest

from actions.config import load
from actions.model.environment import Environment
from actions.platforms.access import WriteAccess
from actions.sandbox.facts import SandboxFacts


@pytest.fixture
def settings(sandbox: SandboxFacts) -> Environment:
    return load(sandbox.config).environments["sandbox"]


@pytest.fixture
async def access(settings: Environment):
    opened = WriteAccess("sandbox", settings)
    yield opened
    await opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "undo"
    place.mkdir(mode=0o700)
    return place


@pytest.fixture(autouse=True)
def as_before(request: pytest.FixtureRequest):
    """Blue serves 2.4.1 and green stands by with 2.4.0, before and after."""
    shared = request.getfixturevalue("sandbox") if "sandbox" in request.fixturenames else None
    if shared is not None:
        asyncio.run(_restore(shared))  # tests of other folders may have used it before
    yield
    if shared is not None:
        asyncio.run(_restore(shared))


async def _restore(facts: SandboxFacts) -> None:
    from actions.sandbox.deployment import Deployment
    from actions.sandbox.layout import Layout

    deployment = Deployment(Layout(facts.directory))
    releases = await deployment.releases()
    for colour, version in (("blue", "2.4.1"), ("green", "2.4.0")):
        if releases[colour] != version:
            await deployment.place(colour, version)
        await deployment.ready(colour)
    await deployment.switch("blue")
