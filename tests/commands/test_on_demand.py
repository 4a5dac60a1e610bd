"""Commands are imported when they are asked for, and the table of their modules is the truth."""

import subprocess
import sys
from importlib import import_module

import typer

from vq_tui.commands.on_demand import MODULES, Commands

LOADED = """
import sys
from vq_tui.commands.program import run
code = run({words!r})
loaded = sorted(name for name in sys.modules if name.startswith("vq_tui.commands."))
print(code, *loaded, file=sys.stderr)
"""


def _modules_after(*words: str) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", LOADED.format(words=list(words))], capture_output=True, text=True, timeout=60, check=True
    )
    return ended.stderr.splitlines()[-1].split()[1:]


def test_every_name_is_a_command_of_its_module() -> None:
    commands = Commands()
    assert [name for name, command in commands.items() if command.name == name] == list(MODULES)


def test_no_command_of_a_module_is_missing_in_the_table() -> None:
    for module_name in set(MODULES.values()):
        module = import_module(f"vq_tui.commands.{module_name}")
        if hasattr(module, "add_to"):
            program = typer.Typer()
            module.add_to(program)
            assert {name for name, owner in MODULES.items() if owner == module_name} == set(
                typer.main.get_group(program).commands
            )


def test_one_command_loads_no_other() -> None:
    loaded = _modules_after("config", "check", "--config", "/nowhere/vq-tui.toml")
    assert "vq_tui.commands.config" in loaded
    assert not {f"vq_tui.commands.{one}" for one in ("demo", "drill", "rollback", "keeper", "audit")} & set(loaded)
