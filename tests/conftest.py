"""What all tests share: real parts of the machine where they are, one embedded stack, the program as a process."""

import json
import os
import re
import shutil
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from actions.sandbox import bring_up, deployment, fault_kinds, stack
from actions.sandbox.facts import SandboxFacts
from tests import real_programs
from tests.docker import compose_versions
from tests.forking import COMMANDS, Call, Process, start

REPOSITORY = Path(__file__).resolve().parents[1]
SWEEP = os.environ.get("VQ_SWEEP", "")
"""`all`: tests marked `sweep` as well, and every crash point where others take those of the drivers."""

TRAFFIC_RATE = 10
"""Requests a second on the stacks of the tests: what every worker has keeps a tenth of a processor busy at 50."""

REAL_FOLDERS = {"end_to_end", "keeper"}
REAL_FIXTURES = {"sandbox", "cli", "postgres_server", "redis_server", "postgres_version", "redis_version"}
"""What uses these waits for real parts, or for the program in a process of its own."""

DOCKER_SOCKET = "/var/run/docker.sock"


def _docker() -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
        asked.settimeout(3)
        try:
            asked.connect(DOCKER_SOCKET)
            asked.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b"200" in asked.recv(64)
        except OSError:
            return False


PARTS: dict[str, Callable[[], bool]] = {
    "docker": _docker,
    "compose1": lambda: compose_versions.program("1") is not None,
    "compose5": lambda: compose_versions.program("5") is not None,
    "nginx": lambda: shutil.which("nginx") is not None,
    "pgbouncer": lambda: real_programs.pgbouncer() is not None,
    "postgresql": real_programs.debian_postgres,
    "registry": lambda: shutil.which("docker-registry") is not None,
    "redis": real_programs.debian_redis,
    "sshd": lambda: shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin") is not None,
    "tmux": lambda: shutil.which("tmux") is not None,
}


def _required() -> set[str]:
    return {name.strip() for name in os.environ.get("VQ_REQUIRE", "").split(",") if name.strip()}


def _machine(item: pytest.Item) -> set[str]:
    return {name for marker in item.iter_markers("machine") for name in marker.args}


def pytest_configure() -> None:
    """Signals as a login shell gives them: what nohup or a background job ignores, every program started here would."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that share something of one module stay together; each worker has an embedded stack and images of its own.

    Tests that wait for real parts are `real`, and those of the sweep are left out without VQ_SWEEP=all.
    """
    for item in items:
        if " at 0x" in item.nodeid:  # an address differs in every worker, and they have to agree on the names
            raise pytest.UsageError(f"{item.nodeid}: give this parameter an id")
        if _machine(item) or item.path.parent.name in REAL_FOLDERS or REAL_FIXTURES & set(_fixtures(item)):
            item.add_marker("real")
        if "module" in [definitions[-1].scope for definitions in _fixtures(item).values()]:
            item.add_marker(pytest.mark.xdist_group(f"{item.path.parent.name}-{item.path.stem}"))
    left = [item for item in items if SWEEP != "all" and item.get_closest_marker("sweep")]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]
    if hasattr(config, "workerinput"):
        _spread(items)


def _spread(items: list[pytest.Item]) -> None:
    """Those that wait come first, and every folder is spread over them: not all workers ask one engine at a time."""
    folders = Counter(item.path.parent for item in items)
    seen: Counter[Path] = Counter()
    order: dict[pytest.Item, tuple[bool, float]] = {}
    for item in items:
        folder = item.path.parent
        order[item] = item.get_closest_marker("real") is None, seen[folder] / folders[folder]
        seen[folder] += 1
    items.sort(key=order.__getitem__)


def _fixtures(item: pytest.Item) -> dict[str, Any]:
    """Definitions of the fixtures that it uses, by name."""
    info = getattr(item, "_fixtureinfo", None)
    return info.name2fixturedefs if info else {}


@pytest.hookimpl(trylast=True)  # once the failures are on record
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Failures are remembered by the names that tests have without groups, so that `--last-failed` finds them alone."""
    cache = getattr(session.config, "cache", None)  # there is none with -p no:cacheprovider
    if cache is not None and not hasattr(session.config, "workerinput"):
        failed = cache.get("cache/lastfailed", {})
        cache.set("cache/lastfailed", {re.sub(r"@[^@\]]+$", "", name): True for name in failed})


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A long text names its test by its length: names go to every worker, and into the environment of every program."""
    return f"{argname}-of-{len(val)}" if isinstance(val, str | bytes) and len(val) > 200 else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot carry and say which part is missing; where it is required that is a failure."""
    missing = sorted(name for name in _machine(item) if not PARTS[name]())
    if missing:
        needed = _required().intersection(missing)
        if needed:
            pytest.fail(
                f"required on this machine (VQ_REQUIRE) and missing: {', '.join(sorted(needed))}", pytrace=False
            )
        pytest.skip(f"missing on this machine: {', '.join(missing)}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A skip of a required part is a failure, wherever the skip was decided."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and not hasattr(report, "wasxfail") and _machine(item) & _required():
        report.outcome = "failed"
        report.longrepr = f"required on this machine (VQ_REQUIRE) and skipped: {report.longrepr}"


@dataclass(frozen=True)
class Said:
    """What one call of the program answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    @property
    def line(self) -> str:
        """The one line on stderr."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


class Cli:
    """Calls the real program, each time in a process of its own (see `forking`), with a home directory of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(exist_ok=True)

    def environment(self, **more: str) -> dict[str, str]:
        """The variables the program gets: nothing of the tester's own configuration."""
        hidden = ("VQ_TUI_", "XDG_", "SSH_", "SUDO_", "NO_COLOR")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        return kept | {"HOME": str(self.home), "TMPDIR": str(self.home)} | more

    def start(self, *words: str | Path, **more: str) -> Process:
        """The program, running, with pipes for its output."""
        return start(self.call(*words, **more), preload=COMMANDS)

    def call(self, *words: str | Path, **more: str) -> Call:
        """Those words to the program."""
        return Call("vq_tui", [*map(str, words)], self.environment(**more), str(self.home))

    def __call__(self, *words: str | Path, timeout: float = 90, **more: str) -> Said:
        with self.start(*words, **more) as process:
            out, err = process.communicate(timeout=timeout)
        return Said(process.returncode, out, err)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The real program in a subprocess."""
    return Cli(tmp_path / "home")


@pytest.fixture(autouse=True, scope="session")
def _calm_stacks() -> Iterator[None]:
    """Little traffic, and patience: a busy machine is no failure of a stack."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bring_up, "RATE", TRAFFIC_RATE)
        patch.setattr(bring_up, "UP_SECONDS", 120.0)
        patch.setattr(deployment, "READY_SECONDS", 120.0)
        patch.setattr(fault_kinds, "SEEN_SECONDS", 120.0)
        yield


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxFacts]:
    """One embedded stack for all tests of this worker. Use `stack_up` where a test breaks or changes it."""
    pytest.importorskip("uvicorn", reason="the sandbox extra is not installed")
    directory = tmp_path_factory.mktemp("stack")
    try:
        yield stack.up(directory)
    finally:
        stack.down(directory)


@pytest.fixture
def stack_up(sandbox: SandboxFacts, tmp_path: Path) -> Iterator[SandboxFacts]:
    """The embedded stack with a ledger of its own that knows only the stack's past; mended afterwards."""
    from tests.stack import own_ledger

    yield own_ledger(sandbox, tmp_path)
    stack.mend(sandbox.directory)
