"""Row 56: a read-only session tries every action; each is refused because no writing object is ever built."""

import ast
from pathlib import Path

import pytest

from actions.desk.operator import Operator
from actions.desk.viewer import Viewer
from actions.ledger import open_writer
from actions.model.errors import ExitCode
from tests.conftest import Cli

RUN = "01M804PT6FSD7S96F1EKFGYTBK"

WRITING = [
    ["rollback", "--last-good", "--yes"],
    ["rollback", "--to", "2.4.0", "--yes"],
    ["rollback", "--to", "2.4.0", "--reason", "x", "--break-glass", "--yes"],
    ["rollback", "--to", "2.4.0", "--reason", "x", "--break-glass", "--plan"],
    ["audit", "import"],
    ["runs", "resume", RUN],
    ["runs", "abort", RUN],
    ["runs", "pause", RUN],
    ["runs", "back-out", RUN],
    ["runs", "take-over", RUN],
    ["runs", "note", RUN, "text"],
    ["runs", "close", RUN, "--reason", "mended by hand"],
    ["runs", "answer", RUN, "GATE", "yes"],
    ["releases", "clear", "2.4.1", "--reason", "x"],
    ["pin", "lift", "--yes"],
    ["keeper", "run"],
    ["keeper", "start"],
    ["keeper", "stop"],
    ["drill", "bad-release"],
    ["drill", "bad-release", "--auto"],
    ["drill", "bad-release", "--end"],
    ["sandbox", "up"],
    ["sandbox", "down"],
    ["sandbox", "break", "bad-release"],
    ["sandbox", "mend"],
    ["sandbox", "deploy", "2.4.1"],
    ["config", "init"],
    ["demo"],
    ["demo", "--headless"],
]
READING = [
    ["status"],
    ["readiness"],
    ["pin", "show"],
    ["releases"],
    ["service"],
    ["rollback", "--plan"],
    ["runs"],
    ["runs", "list"],
    ["runs", "show"],
    ["runs", "follow"],
    ["audit", "verify"],
    ["doctor"],
    ["drill", "list"],
    ["sandbox", "status"],
    ["keeper", "status"],
    ["config", "check"],
    ["config", "include"],
    ["config", "keys"],
    ["config", "schema"],
]

CONFIG = """
ledger = "{place}/ledger"
[environments.production]
interval = 1
sandbox = "{place}/stack"
drill = true
[environments.production.services.host]
kind = "host"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "vq-tui.toml"
    path.write_text(CONFIG.format(place=tmp_path))
    path.chmod(0o600)
    open_writer(tmp_path / "ledger").close()
    return path


def contents(place: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in place.rglob("*") if path.is_file() and "-shm" not in path.name}


def command_names() -> set[tuple[str, ...]]:
    """Every command the program has, by its own words."""
    import typer

    from vq_tui.commands.program import program

    found: set[tuple[str, ...]] = set()
    for name, command in typer.main.get_command(program).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found |= {(name, one) for one in inner} if inner else {(name,)}
    return found


def test_every_command_is_either_reading_or_writing() -> None:
    listed = {tuple(words[:2]) for words in WRITING + READING} | {tuple(words[:1]) for words in WRITING + READING}
    assert command_names() <= listed


@pytest.mark.parametrize("words", WRITING, ids=" ".join)
def test_a_writing_command_is_refused_and_nothing_is_written(
    cli: Cli, config: Path, tmp_path: Path, words: list[str]
) -> None:
    before = contents(tmp_path)
    said = cli("--config", config, "--read-only", *words, "--json")
    assert said.code == ExitCode.READ_ONLY, said
    assert said.json["error"]["code"] == "read-only"
    assert contents(tmp_path) == before


def test_an_environment_can_be_configured_for_looking_only(cli: Cli, config: Path) -> None:
    config.write_text(config.read_text().replace("interval = 1", "interval = 1\nread_only = true"))
    said = cli("--config", config, "rollback", "--last-good", "--yes", "--json")
    assert said.code == ExitCode.READ_ONLY
    assert cli("--config", config, "status").code == 0


def test_a_viewer_has_no_method_that_writes() -> None:
    writing = {
        "submit",
        "command",
        "answer",
        "resume",
        "take_over",
        "start_keeper",
        "start_drill",
        "end_drill",
        "writer",
    }
    assert not writing & set(dir(Viewer))
    assert writing <= set(dir(Operator))


def test_nothing_a_viewer_is_made_of_names_a_writing_client() -> None:
    """Neither the modules of the reading door nor what they import from the desk mention a writing half."""
    root = Path(__file__).resolve().parents[2] / "actions" / "desk"
    for name in ("viewer", "watching", "way_back", "look", "ledger_door", "doctor"):
        tree = ast.parse((root / f"{name}.py").read_text())
        words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        words |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
        forbidden = {"WriteAccess", "open_writer", "LedgerWriter", "HttpWriter", "SupervisorWriter", "RouterWriter"}
        assert not words & forbidden
        assert not {word for word in words if word.endswith(("Changer", "_changer"))}
