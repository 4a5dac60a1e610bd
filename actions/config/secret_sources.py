"""Secrets: read when needed, from a file that others cannot read or from an environment variable."""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from actions.config.problems import Problem, line_of
from actions.config.toml_lines import KeyPath
from actions.model.errors import ConfigError
from actions.model.workloads import SecretSource

LARGEST = 64 * 1024

_IN_ADDRESS = re.compile(r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*+://[^\s/?#@:]*+:[^\s/?#@]++@", re.IGNORECASE)
_IN_WORDS = re.compile(r"(?:^|[\s?&;])password\s*=\s*[^\s&;]", re.IGNORECASE)


def resolve(source: SecretSource, variables: Mapping[str, str] = os.environ) -> SecretStr:
    """The secret itself. Raises ConfigError that names the file or variable, never the value."""
    if source.env is not None:
        value = variables.get(source.env, "")
        if not value:
            raise ConfigError(f"the secret in ${source.env} is not set; export it before starting")
        return SecretStr(value)
    assert source.file is not None
    return SecretStr(_read(source.file))


def readable_by_others(path: Path) -> bool:
    """Whether group or others may read `path`. Raises OSError."""
    return bool(stat.S_IMODE(path.stat().st_mode) & (stat.S_IRGRP | stat.S_IROTH))


def secret_problems(model: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Every secret under `model` that cannot be had now, with its key and the reason, for `config check` and doctor."""
    if isinstance(model, SecretSource):
        try:
            resolve(model)
        except ConfigError as error:
            yield path, error.message
    elif isinstance(model, BaseModel):
        for name in type(model).model_fields:
            yield from secret_problems(getattr(model, name), (*path, name))
    elif isinstance(model, dict):
        for name, inner in model.items():
            yield from secret_problems(inner, (*path, name))


def written_secrets(data: Any, lines: dict[KeyPath, int], path: KeyPath = ()) -> Iterator[Problem]:
    """A problem for every password that stands in the file itself; the caller knows that others may read the file."""
    if isinstance(data, str) and (_IN_ADDRESS.search(data) or _IN_WORDS.search(data)):
        advice = "give password = { file = … } or { env = … } instead, or let only the owner read this file (chmod 600)"
        yield Problem(line_of(path, lines), path, f"holds a password, and others may read this file; {advice}")
    members = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, inner in members:
        yield from written_secrets(inner, lines, (*path, key))


def _read(file: Path) -> str:
    try:
        if readable_by_others(file):
            raise ConfigError(f"the secret in {file} may be read by others; run: chmod 600 {file}")
        with file.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"cannot read the secret in {file}: {error.strerror}") from None
    if len(raw) > LARGEST:
        raise ConfigError(f"the secret in {file} is larger than {LARGEST // 1024} KiB; is this the right file?")
    try:
        value = raw.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError(f"the secret in {file} is not UTF-8 text") from None
    if not value:
        raise ConfigError(f"the secret in {file} is empty")
    return value
