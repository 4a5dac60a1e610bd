"""The architecture holds: floors and rooms, nothing heavy at start, nothing that was ruled out."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("vq_tui", "screens", "actions", "themes")
HEAVY = ("textual", "rich", "httpx", "docker", "kubernetes", "psycopg", "redis", "sqlalchemy", "pydantic", "typer")


def python(code: str) -> str:
    """What a clean interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(statement: str) -> set[str]:
    """Top-level packages that a clean interpreter has loaded after `statement`."""
    told = "print(*{name.split('.')[0] for name, module in sys.modules.items() if module is not None})"
    return set(python(f"import sys\n{statement}\n{told}").split())  # None: kept from being loaded


def sources() -> Iterator[tuple[Path, str, ast.Module]]:
    for top in PRODUCT:
        for path in sorted((ROOT / top).rglob("*.py")):
            text = path.read_text()
            yield path.relative_to(ROOT), text, ast.parse(text)


def test_imports_only_point_down() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_version_loads_nothing_heavy() -> None:
    code = (
        "sys.argv = ['vq-tui', '--version']\nfrom vq_tui.entry import main\ntry:\n    main()\nexcept SystemExit: pass"
    )
    assert not loaded_by(code) & {*HEAVY, "asyncio", "actions", "screens"}


@pytest.mark.parametrize("package", ["actions", "actions.model.run", "actions.ledger", "actions.desk"])
def test_the_action_layer_comes_without_screen_or_clients(package: str) -> None:
    heavy = {"textual", "rich", "docker", "kubernetes", "psycopg", "redis", "sqlalchemy", "httpx"}
    assert not loaded_by(f"import {package}") & heavy


def test_commands_load_no_client_before_they_need_it() -> None:
    heavy = {"textual", "docker", "kubernetes", "psycopg", "redis", "sqlalchemy", "httpx", "uvicorn", "starlette"}
    assert not loaded_by("import vq_tui.commands.program") & heavy


def test_a_desk_on_the_local_platform_loads_no_other_platforms_library() -> None:
    code = "import actions.desk.operator, actions.desk.watching, actions.desk.steering, actions.desk.watch_releases"
    assert not loaded_by(code) & {"textual", "docker", "kubernetes"}


def test_a_desk_is_made_before_anything_heavy_is_loaded() -> None:
    """The console draws its first frame while the libraries are loaded on the desk's own thread."""
    heavy = {"textual", "rich", "docker", "kubernetes", "psycopg", "redis", "sqlalchemy", "httpx"}
    assert not loaded_by("import actions.desk.operator") & heavy


def test_the_runner_loads_no_screen() -> None:
    assert not loaded_by("import actions.runner.process") & {"textual", "docker", "kubernetes"}


def test_no_exception_is_swallowed_whole() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and all(isinstance(one, ast.Pass | ast.Continue) for one in node.body)
    ]
    assert not found


def test_every_module_says_what_it_is_for() -> None:
    assert not [str(path) for path, _, tree in sources() if ast.get_docstring(tree) is None]


def test_nothing_is_left_to_do_in_the_source() -> None:
    pattern = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|# *(stub|placeholder)")
    assert not [f"{path}: {found[0]}" for path, text, _ in sources() if (found := pattern.search(text))]


def test_no_password_is_ever_an_argument_of_a_program() -> None:
    """K3: what stands in argv can be read by everybody on the machine."""
    pattern = re.compile(r"PGPASSWORD|--password|-a[\"'], *password|requirepass[\"'], ")
    assert not [f"{path}: {found[0]}" for path, text, _ in sources() if (found := pattern.search(text))]


def test_a_shell_is_never_asked() -> None:
    pattern = re.compile(r"shell=True|os\.system\(|os\.popen\(|create_subprocess_shell")
    assert not [f"{path}: {found[0]}" for path, text, _ in sources() if (found := pattern.search(text))]


def test_no_handler_calls_the_one_it_overrides() -> None:
    """Textual calls the handlers of every class of a widget itself: one called by hand does its work twice."""
    pattern = re.compile(r"super\(\)\._?on_(?!event\()\w+")
    assert not [f"{path}: {found[0]}" for path, text, _ in sources() if (found := pattern.search(text))]


ELSEWHERE = re.compile(
    r"\([A-Z]{1,2}\d{1,2}[,) -]|\b[Rr]ows? \d|\bcorrect-procedures|\bDESIGN\b|\bMISSION\b|\bseeds? \d{3}"
)


def test_the_product_refers_to_nothing_that_its_readers_do_not_have() -> None:
    """Texts only: what a reader needs stands in the text or in `docs/`."""
    found = []
    for path, _, tree in sources():
        texts = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        found += [f"{path}: {text[:100]}" for text in texts if ELSEWHERE.search(text)]
    assert not found


OWN_EVENTS = {
    "actions/model/fair_timeout.py": "is made of it",
    "actions/clients/http_streams.py": "obeys the limits that httpcore gives, of which only that of connecting is set",
    "actions/clients/kubernetes_wire.py": "ends a watch at the time that the server was asked to end it",
    "actions/clients/kubernetes_pulse.py": "waits for an event of this process",
    "actions/platforms/kubernetes/following.py": "waits for an event of this process",
    "actions/platforms/kubernetes/rollout.py": "takes what is left of a deadline that is fair itself",
    "actions/platforms/local/child.py": "waits for the end of a process of its own",
    "actions/platforms/local/supervisor.py": "waits for an event of this process",
    "actions/platforms/local/httpd.py": "is the server's side: whoever asks is not judged by it",
    "actions/health/poller.py": "waits for events of this process",
    "actions/runner/process.py": "bounds what is done after the run",
    "actions/runner/forward.py": "waits for an event of this process",
    "actions/runner/orders.py": "waits for an event of this process",
    "actions/desk/ledger_door.py": "waits for an event of this process",
    "actions/desk/rehearse.py": "waits for events of this process",
    "actions/desk/viewer.py": "gives up closing",
    "actions/keeper/keeping.py": "waits for an event of this process",
}
"""Files with plain timeouts, and why those judge nobody else."""


def test_whoever_is_waited_for_is_not_blamed_for_our_own_lateness() -> None:
    """Waits on others are `fair_timeout`s: they do not count the time in which this process could not run."""
    plain = {
        path.as_posix()
        for path, text, _ in sources()
        if path.parts[:2] != ("actions", "sandbox") and re.search(r"asyncio\.(timeout|timeout_at|wait_for)\(", text)
    }
    assert {path for path in plain if path.startswith("actions/")} == set(OWN_EVENTS)
