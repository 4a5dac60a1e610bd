"""`vq-tui.toml`: found, read strictly, and turned into the models of `actions.model.environment`."""

from actions.config.documents import schema, template
from actions.config.loading import choose_environment, load
from actions.config.places import find_config, ledger_directory, search_paths
from actions.config.secret_sources import resolve, secret_problems

__all__ = [
    "choose_environment",
    "find_config",
    "ledger_directory",
    "load",
    "resolve",
    "schema",
    "search_paths",
    "secret_problems",
    "template",
]
