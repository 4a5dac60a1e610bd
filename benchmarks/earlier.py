"""The program as it was at an earlier commit, and the present one: each as a process, each with a home of its own."""

import io
import subprocess
import sys
import tarfile
import time
from pathlib import Path

from tests.conftest import Cli

COMMIT = "f801edf"
ROOT = Path(__file__).resolve().parents[1]
EARNED = Path(__file__).with_name("earned.py")


class Program(Cli):
    """The program of the source tree at `root`; `more` are variables it always gets."""

    def __init__(self, root: Path, home: Path, **more: str) -> None:
        super().__init__(home)
        self.more = {"PYTHONPATH": str(root), "PYTHONPYCACHEPREFIX": str(home / "pyc"), **more}

    def environment(self, **more: str) -> dict[str, str]:
        found = super().environment(**self.more, **more)
        found.pop("PYTHONDONTWRITEBYTECODE", None)
        return found

    def start(self, *words: str | Path, **more: str) -> "subprocess.Popen[str]":  # type: ignore[override]
        """The program as a shell starts it: of this tree, its start being a part of what is measured."""
        call = self.call(*words, **more)
        return subprocess.Popen(
            [sys.executable, "-m", call.module, *call.words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=call.environment,
            cwd=call.cwd,
        )

    def seconds(self, *words: str | Path) -> float:
        """Seconds of the wall of one call. Raises RuntimeError unless it ends with 0."""
        began = time.perf_counter()
        said = self(*words, timeout=180)
        took = time.perf_counter() - began
        if said.code != 0:
            raise RuntimeError(
                f"{' '.join(map(str, words))} ended with {said.code}: {said.err[-500:]}{said.out[-500:]}"
            )
        return took

    def watch(self, config: Path, environment: str, version: str, verdict: str = "") -> None:
        """Look on with this tree's desk until the release was seen serving, or has that verdict."""
        words = [sys.executable, "-P", str(EARNED), str(config), environment, "api", version, verdict]
        subprocess.run(words, env=self.environment(), check=True, timeout=120, stdout=subprocess.DEVNULL)


def programs(directory: Path, **more: str) -> dict[str, Program]:
    """Both: `before` is unpacked from the repository's history into `directory`."""
    tree = directory / "before"
    if not tree.exists():
        archive = subprocess.run(["git", "archive", COMMIT], cwd=ROOT, check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(tree, filter="data")
    made = {}
    for name, root in (("before", tree), ("now", ROOT)):
        made[name] = Program(root, directory / f"home-{name}", **more)
    return made
