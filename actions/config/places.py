"""Where the configuration and the ledger are looked for (precedence: command line, environment, file)."""

import hashlib
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from actions.model.errors import ConfigError

if TYPE_CHECKING:
    from actions.model.environment import Settings

CONFIG_VARIABLE = "VQ_TUI_CONFIG"
ENVIRONMENT_VARIABLE = "VQ_TUI_ENVIRONMENT"
LEDGER_VARIABLE = "VQ_TUI_LEDGER"
FILE_NAME = "vq-tui.toml"


def search_paths() -> tuple[Path, ...]:
    """Where a configuration is looked for when none is named, in this order."""
    return (
        Path.cwd() / FILE_NAME,
        Path(platformdirs.user_config_dir("vq-tui")) / FILE_NAME,
        Path("/etc/vq-tui") / FILE_NAME,
    )


def find_config(named: Path | None = None, variables: Mapping[str, str] = os.environ) -> Path:
    """The configuration to use: `named`, else $VQ_TUI_CONFIG, else the first of `search_paths` that is there.

    Raises ConfigError that lists where it looked. A file that is named but absent is never replaced by another.
    """
    if named is not None:
        return _there(named.expanduser(), "--config")
    written = variables.get(CONFIG_VARIABLE)
    if written:
        return _there(Path(written).expanduser(), f"${CONFIG_VARIABLE}")
    for path in search_paths():
        if os.path.lexists(path):
            return path
    looked = ", ".join(str(path) for path in search_paths())
    raise ConfigError(
        f"no configuration found; looked at {looked}. Write one with 'vq-tui config init', name one with --config "
        f"or ${CONFIG_VARIABLE}, or try 'vq-tui demo', which needs none"
    )


def ledger_directory(settings: "Settings") -> Path:
    """The ledger's directory: as configured, else in the user's state directory."""
    return settings.ledger or Path(platformdirs.user_state_dir("vq-tui")) / "ledger"


def break_glass_directory(settings: "Settings", config: Path) -> Path:
    """Where a rollback is recorded while the ledger refuses: as configured, else in a place of the user's own.

    That one lies on another file tree than the state directory, and there is one for each configuration file: two
    systems must not take each other's runs for their own.
    """
    if settings.break_glass is not None:
        return settings.break_glass
    name = hashlib.sha256(str(config.absolute()).encode()).hexdigest()[:12]
    return Path(f"/var/tmp/vq-tui-{os.getuid()}/break-glass/{name}")  # noqa: S108 - outlives a restart; owner is checked


def command_line(words: str, config: Path, environment: str) -> str:
    """The command as a person can give it from any directory: with the configuration and the environment it is about.

    A run that was brought in from elsewhere has no configuration here: then only the words.
    """
    if not config.is_absolute():
        return f"vq-tui {words}"
    return f"vq-tui --config {shlex.quote(str(config))} --env {shlex.quote(environment)} {words}"


def _there(path: Path, named_by: str) -> Path:
    if not os.path.lexists(path):
        raise ConfigError(f"{path} (named by {named_by}) does not exist")
    return path
