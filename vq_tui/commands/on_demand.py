"""Commands by name, each imported when it is asked for: a start pays for one command, not for all."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from _collections_abc import dict_items, dict_values

MODULES = {
    "status": "observe",
    "readiness": "observe",
    "service": "service",
    "rollback": "rollback",
    "doctor": "doctor",
    "demo": "demo",
    "drill": "drill",
    "releases": "releases",
    "pin": "pin",
    "runs": "runs",
    "audit": "audit",
    "sandbox": "sandbox",
    "config": "config",
    "keeper": "keeper",
}
"""The module of each command, in the order of the help page. A module has `add_to(program)` or a `group`."""


class Commands(dict[str, Any]):
    """The commands of the program by name; a value is made, and its module imported, at the first use."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(MODULES))

    def __getitem__(self, name: str) -> Any:
        if super().__getitem__(name) is None:
            self[name] = load(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The command of that name, imported now."""
        if name not in self:
            return default
        return self[name]

    def items(self) -> "dict_items[str, Any]":
        """Every command, all imported: what the help page needs."""
        self._load_all()
        return super().items()

    def values(self) -> "dict_values[str, Any]":
        """Every command, all imported."""
        self._load_all()
        return super().values()

    def _load_all(self) -> None:
        for name in self:
            self[name] = self[name]


class CommandsOnDemand(TyperGroup):
    """The program as a group of commands that are imported one at a time."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = Commands()

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the help page; imports nothing."""
        return list(MODULES)


def load(name: str) -> Any:
    """Import the command `name` and build it."""
    module = import_module(f"vq_tui.commands.{MODULES[name]}")
    part = typer.Typer(add_completion=False, rich_markup_mode=None)
    if hasattr(module, "add_to"):
        module.add_to(part)
    else:
        part.add_typer(module.group, name=name)
    return typer.main.get_group(part).commands[name]
