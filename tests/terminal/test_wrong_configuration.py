"""A configuration that is wrong where the first frame does not look ends the console with its one clear line."""

import re
from pathlib import Path

from actions.model.errors import ExitCode
from tests.terminal.session import Session, environment
from vq_tui.glance import glance

WRONG = """
[environments.production]
product = "virtual-queue"
[environments.production.services.api]
kind = "http"
url = "http://127.0.0.1:9"
urll = "a slip of the finger"
"""


def test_it_ends_with_that_line_alone_and_the_terminal_restored(tmp_path: Path) -> None:
    path = tmp_path / "vq-tui.toml"
    path.write_text(WRONG)
    assert glance(path, None, {}) is not None, "the first frame is drawn before anything is known to be wrong"
    with Session(["--config", str(path)], environment(tmp_path / "home")) as console:
        assert console.ended() == ExitCode.CONFIG
        assert console.restored()
        after = bytes(console.raw).rpartition(b"\x1b[?1049l")[2].decode()
        lines = [line for line in re.sub(r"\x1b\[[0-9;?<>=]*[a-zA-Z]", "", after).splitlines() if line.strip()]
        [line] = lines
        assert str(path) in line and "urll" in line
        assert "Traceback" not in console.raw.decode(errors="replace")
