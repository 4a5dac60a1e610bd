"""Every configuration shown in the documents loads as it stands."""

import re
from pathlib import Path

import pytest

from actions.config import load

ROOT = Path(__file__).parents[2]
SAMPLES = [
    (path.name, block)
    for path in sorted(ROOT.glob("docs/*.md"))
    for block in re.findall(r"```toml\n(.*?)```", path.read_text(), re.DOTALL)
    if "[environments." in block
]


@pytest.mark.parametrize(("name", "block"), SAMPLES, ids=[f"{name}-{n}" for n, (name, _) in enumerate(SAMPLES)])
def test_a_documented_configuration_loads(name: str, block: str, tmp_path: Path) -> None:
    config = tmp_path / "vq-tui.toml"
    config.write_text(block)
    config.chmod(0o600)
    assert load(config).environments


def test_compose_is_documented_with_a_configuration() -> None:
    assert "compose.md" in {name for name, _ in SAMPLES}
