"""`vq-tui.toml`: found, read strictly, and turned into the models of `actions.model.environment`.

Names are loaded when first used: finding the file must not wait for the models of what is in it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actions.config.documents import schema, template
    from actions.config.loading import choose_environment, load
    from actions.config.places import break_glass_directory, command_line, find_config, ledger_directory, search_paths
    from actions.config.secret_sources import resolve, secret_problems

__all__ = [
    "break_glass_directory",
    "choose_environment",
    "command_line",
    "find_config",
    "ledger_directory",
    "load",
    "resolve",
    "schema",
    "search_paths",
    "secret_problems",
    "template",
]

_HOMES = {
    "documents": ("schema", "template"),
    "loading": ("choose_environment", "load"),
    "places": ("break_glass_directory", "command_line", "find_config", "ledger_directory", "search_paths"),
    "secret_sources": ("resolve", "secret_problems"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"actions.config.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
