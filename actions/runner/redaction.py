"""What an executor writes passes here: journal bodies and log lines, without secrets or control characters."""

import logging
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, JsonValue, SecretStr

from actions.clients.secrets import LIMIT, MASK, names_secret, redact
from actions.config import resolve
from actions.model.environment import Environment
from actions.model.errors import ConfigError, VqError
from actions.model.text import clean
from actions.model.workloads import SecretSource

LONGEST = 1_000_000
"""Characters of a text of several lines, as a log's end or a traceback."""


class Redactor:
    """Masks the secrets of one environment by value, and others by the names beside them."""

    def __init__(self, secrets: tuple[SecretStr, ...] = ()) -> None:
        self._secrets = secrets

    def text(self, text: object, *, multiline: bool = False) -> str:
        """Safe text for the journal, the log and the screen."""
        return clean(redact(str(text), self._secrets, LONGEST if multiline else LIMIT), multiline=multiline)

    def value(self, value: JsonValue, key: str = "") -> JsonValue:
        """Safe data: every text within, and every text under a key that names a secret."""
        if isinstance(value, str):
            return MASK if names_secret(key) else self.text(value, multiline=True)
        if isinstance(value, dict):
            return {name: self.value(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.value(inner, key) for inner in value]
        return value

    def failure(self, error: BaseException) -> str:
        """One line for an error: its own words where it is one of ours, its kind and words otherwise."""
        words = error.message if isinstance(error, VqError) else f"unexpected {type(error).__name__}: {error}"
        return self.text(words)


def secrets_of(environment: Environment) -> tuple[SecretStr, ...]:
    """Every secret of the environment that can be had; one that cannot be read cannot be leaked either."""
    found: list[SecretStr] = []
    for source in _sources(environment):
        try:
            found.append(resolve(source))
        except ConfigError as error:
            logging.getLogger(__name__).info("a secret is not at hand: %s", error.message)
    return tuple(found)


def _sources(model: Any) -> Iterator[SecretSource]:
    if isinstance(model, SecretSource):
        yield model
    elif isinstance(model, BaseModel):
        for name in type(model).model_fields:
            yield from _sources(getattr(model, name))
    elif isinstance(model, dict):
        for inner in model.values():
            yield from _sources(inner)


class RedactingFormatter(logging.Formatter):
    """Log lines, tracebacks included, without secrets."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The record as safe text."""
        return self._redactor.text(super().format(record), multiline=True)
