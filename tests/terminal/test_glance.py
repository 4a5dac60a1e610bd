"""The glance at the configuration shows what the whole reading will find, or nothing."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from actions.config import load
from actions.model.environment import Settings
from screens.desk_protocol import Viewer
from vq_tui.glance import Glance, glance

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = [
    (f"{page.name} {at}", text)
    for page in sorted((ROOT / "docs").glob("*.md"))
    for at, text in enumerate(re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL), 1)
    if "[environments." in text
]
CONFIGURATIONS = [*BLOCKS, ("starter.toml", (ROOT / "actions/config/starter.toml").read_text())]


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "vq-tui.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def read_whole(settings: Settings, name: str) -> Glance:
    """What a desk of that environment would show."""
    one = settings.environments[name]
    desk = SimpleNamespace(environment=one, settings=settings, environment_name=name, read_only=one.read_only)
    return Glance.of(cast(Viewer, desk))


def test_there_are_configurations_to_look_at() -> None:
    assert len(BLOCKS) >= 3


@pytest.mark.parametrize("text", [text for _, text in CONFIGURATIONS], ids=[name for name, _ in CONFIGURATIONS])
def test_it_equals_the_whole_reading(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    settings = load(path)
    for name in settings.environments:
        assert glance(path, name, {}) == read_whole(settings, name)
    default = settings.default_environment or (
        next(iter(settings.environments)) if len(settings.environments) == 1 else None
    )
    found = glance(path, None, {})
    assert (found.environment if found else None) == default


FULL = """
default_environment = "production"
[console]
theme = "light"
ascii = true
mouse = true
keys = { "all.history" = "f2" }
[environments.production]
product = "tickets"
band = "blue"
drill = true
read_only = true
interval = 5
[environments.staging]
"""


def test_every_value_is_taken_and_the_variable_chooses(tmp_path: Path) -> None:
    path = write(tmp_path, FULL)
    settings = load(path)
    seen = glance(path, None, {})
    assert seen == read_whole(settings, "production")
    assert seen == Glance("production", "tickets", "blue", True, True, 5.0, "light", True, {"all.history": "f2"}, True)
    chosen = glance(path, None, {"VQ_TUI_ENVIRONMENT": "staging"})
    assert chosen is not None and chosen.environment == "staging"
    assert glance(path, "production", {"VQ_TUI_ENVIRONMENT": "staging"}) == replace(seen)


@pytest.mark.parametrize(
    "text",
    [
        FULL.replace('product = "tickets"', "product = 7"),
        FULL.replace('product = "tickets"', r'product = "\u001b[2J"'),
        FULL.replace('band = "blue"', 'band = "pink"'),
        FULL.replace("interval = 5", 'interval = "5"'),
        FULL.replace("interval = 5", "interval = true"),
        FULL.replace("read_only = true", 'read_only = "yes"'),
        FULL.replace('theme = "light"', "theme = []"),
        FULL.replace('"all.history" = "f2"', '"all.history" = 2'),
        FULL.replace('keys = { "all.history" = "f2" }', 'keys = "f2"'),
        FULL.replace("[console]", "[console"),
        "environments = 1\n",
        "console = 1\n[environments.production]\n",
        "[environments]\nproduction = 1\n",
        "[environments.one]\n[environments.two]\n",
        "",
    ],
)
def test_what_is_wrong_is_left_to_the_whole_reading(tmp_path: Path, text: str) -> None:
    assert glance(write(tmp_path, text), None, {}) is None


def test_an_unknown_environment_and_a_file_that_cannot_be_read_are_left_to_it_too(tmp_path: Path) -> None:
    assert glance(write(tmp_path, FULL), "nowhere", {}) is None
    assert glance(tmp_path / "absent.toml", None, {}) is None
    (tmp_path / "large.toml").write_text(FULL + "#" * 1024 * 1024)
    assert glance(tmp_path / "large.toml", None, {}) is None
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    assert glance(tmp_path / "bytes.toml", None, {}) is None
