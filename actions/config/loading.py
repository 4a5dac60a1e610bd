"""From `vq-tui.toml` to `Settings`, strictly: whatever is not understood is an error with file, line and key."""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from actions.config.paths import absolute, with_absolute_paths
from actions.config.places import ENVIRONMENT_VARIABLE, LEDGER_VARIABLE, find_config, ledger_directory
from actions.config.problems import Problem, from_validation, line_of, not_finite, raise_for
from actions.config.secret_sources import readable_by_others, written_secrets
from actions.config.shape import nearest
from actions.config.toml_lines import KeyPath, key_lines
from actions.model.environment import Environment, Settings
from actions.model.errors import ConfigError, UnknownNameError
from actions.model.text import clean

LARGEST = 1024 * 1024
DEEPEST = 32
"""Most parts of a dotted key, and most tables inside one another: the schema needs eight."""

_POSITION = re.compile(
    r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$", re.DOTALL
)


def load(path: Path | None = None, variables: Mapping[str, str] = os.environ) -> Settings:
    """The settings in `path`, or in the file that `find_config` finds, under the environment's overrides.

    $VQ_TUI_ENVIRONMENT replaces `default_environment`, $VQ_TUI_LEDGER replaces `ledger`. Every path is absolute. Raises
    ConfigError: one line per problem with file, line and key, at most ten.
    """
    file = Path.cwd() / find_config(path, variables)
    text = _read(file)
    data = _parse(file, text)
    lines = key_lines(text)
    raise_for(file, list(not_finite(data, lines)))
    if readable_by_others(file):
        raise_for(file, list(written_secrets(data, lines)))
    settings = _validated(file, data, lines)
    settings, problems = with_absolute_paths(settings, file.parent, lines)
    raise_for(file, problems + _unknown_default(settings, lines) + _same_place(settings, lines))
    return _overridden(settings, variables)


def choose_environment(settings: Settings, name: str | None = None) -> tuple[str, Environment]:
    """The environment to work in: `name`, the default, or the only one. Raises UnknownNameError or ConfigError."""
    known = list(settings.environments)
    wanted = name or settings.default_environment or (known[0] if len(known) == 1 else None)
    if not known:
        raise ConfigError("the configuration names no environment; add one as [environments.production]")
    if wanted is None:
        raise ConfigError(f"which environment? Give --env or set default_environment; configured: {', '.join(known)}")
    if wanted not in settings.environments:
        meant = nearest(wanted, known)
        hint = f"; did you mean '{meant}'?" if meant else ""
        raise UnknownNameError(f"no environment '{clean(wanted, limit=80)}'{hint} configured: {', '.join(known)}")
    return wanted, settings.environments[wanted]


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except IsADirectoryError:
        raise ConfigError(f"{file} is a directory, not a configuration file") from None
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}; check its owner and mode") from None
    if len(raw) > LARGEST:
        raise ConfigError(f"{file} is larger than {LARGEST // 1024} KiB; this is not a configuration file")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file}:{line}: not UTF-8 text; save the file as UTF-8") from None


def _parse(file: Path, text: str) -> dict[str, Any]:
    for number, line in enumerate(text.split("\n"), 1):
        if _parts(line) > DEEPEST:
            raise ConfigError(f"{file}:{number}: a key of more than {DEEPEST} parts is too deep for a configuration")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _POSITION.match(str(error))
        what = clean(found["what"] if found else error, limit=300)
        line = found["line"] if found and found["line"] else str(text.rstrip().count("\n") + 1)
        column = f":{found['column']}" if found and found["column"] else ""
        raise ConfigError(f"{file}:{line}{column}: not valid TOML: {what[:1].lower()}{what[1:]}") from None
    except ValueError as error:  # a number longer than Python converts
        raise ConfigError(f"{file}: not valid TOML: {clean(error, limit=200)}") from None
    except RecursionError:
        raise ConfigError(f"{file}: nested too deeply to be a configuration") from None
    if _deeper_than(data, DEEPEST):
        raise ConfigError(f"{file}: nested too deeply to be a configuration")
    return data


def _parts(line: str) -> int:
    """How many parts the dotted key at the start of a line has; 0 where there is none."""
    key = line.lstrip(" \t[").partition("=")[0].partition("]")[0]
    parts = [part.strip(" \t\"'").replace("-", "").replace("_", "") for part in key.split(".")]
    return len(parts) if all(part.isalnum() for part in parts) else 0


def _deeper_than(data: Any, most: int) -> bool:
    """Whether tables and lists lie more than `most` deep inside one another; goes level by level, never recursively."""
    level = [data]
    for _ in range(most):
        inner = (one.values() if isinstance(one, dict) else one for one in level)
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
        if not level:
            return False
    return True


def _validated(file: Path, data: dict[str, Any], lines: dict[KeyPath, int]) -> Settings:
    # Strict JSON is the one mode that takes lists and paths as TOML writes them, yet no "2" for 2. Dates fit nowhere.
    document = json.dumps(data, default=lambda value: {"date or time": str(value)})
    try:
        return Settings.model_validate_json(document, strict=True)
    except ValidationError as error:
        raise_for(file, from_validation(error, data, lines))
        raise ConfigError(f"{file}: not understood") from None


def _unknown_default(settings: Settings, lines: dict[KeyPath, int]) -> list[Problem]:
    wanted, known = settings.default_environment, list(settings.environments)
    if wanted is None or wanted in known:
        return []
    path: KeyPath = ("default_environment",)
    meant = nearest(wanted, known)
    hint = f"did you mean '{meant}'?" if meant else f"configured: {', '.join(known) or 'none'}"
    return [Problem(line_of(path, lines), path, f"no environment of that name; {hint}")]


def _same_place(settings: Settings, lines: dict[KeyPath, int]) -> list[Problem]:
    """What is wrong with the ledger would be wrong with an emergency ledger inside it as well."""
    path: KeyPath = ("break_glass",)
    glass, ledger = settings.break_glass, ledger_directory(settings)
    if glass is None or not (glass.is_relative_to(ledger) or ledger.is_relative_to(glass)):
        return []
    return [Problem(line_of(path, lines), path, f"it must lie apart from the ledger ({ledger})")]


def _overridden(settings: Settings, variables: Mapping[str, str]) -> Settings:
    changes: dict[str, Any] = {}
    if variables.get(ENVIRONMENT_VARIABLE):
        changes["default_environment"] = variables[ENVIRONMENT_VARIABLE]
    if variables.get(LEDGER_VARIABLE):
        try:
            changes["ledger"] = absolute(variables[LEDGER_VARIABLE], Path.cwd())
        except ValueError as error:
            raise ConfigError(f"${LEDGER_VARIABLE}: {error}") from None
    return settings.model_copy(update=changes)
