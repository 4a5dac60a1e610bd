"""Procedures and screens carry every platform, so they name none (three platforms, one procedure)."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = re.compile(
    r"""\b(docker|kubernetes|k8s|kubectl|nginx|router)s?\b | \bcompose\b(?!\() | ["']local["']""",
    re.IGNORECASE | re.VERBOSE,
)
"""`compose(` is how every Textual widget names its parts."""


def sources():
    for folder in ("actions/procedures", "screens"):
        yield from (ROOT / folder).rglob("*.py")


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_platform_is_named(path):
    found = [line.strip() for line in path.read_text().splitlines() if NAMES.search(line)]
    assert not found, found


def test_the_rule_would_notice_a_name():
    assert all(map(NAMES.search, ('if driver == "docker":', "a Compose project", "== 'local'", "nginx")))
    assert not any(map(NAMES.search, ("def compose(self) -> ComposeResult:", "locale", "local time")))
