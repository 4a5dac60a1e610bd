"""The first frame waits for no model: what is imported before the desk is open is light."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("environment", "record", "run", "plan", "health", "platform")


@pytest.mark.parametrize("modules", ["screens.shell, screens.home, vq_tui.console", "vq_tui.app, vq_tui.glance"])
def test_what_the_first_frame_needs_imports_no_model(modules: str) -> None:
    code = f"import sys, {modules}\nprint(*(name for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "screens.cells" in loaded or "vq_tui.glance" in loaded
    assert "pydantic" not in loaded
    assert not loaded & {f"actions.model.{name}" for name in HEAVY}
