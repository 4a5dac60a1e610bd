"""One webhook: Slack, Teams or any HTTP endpoint that takes JSON with a `text`."""

import json
from typing import Any, Protocol

from actions.model.environment import Webhook
from actions.model.errors import Ambiguous, ConfigError, Unreachable, VqError


class Channel(Protocol):
    """Delivers one message, or raises VqError; the error never holds the channel's address."""

    async def deliver(self, message: dict[str, Any]) -> None:
        """One attempt, bounded in time."""
        ...


class WebhookChannel:
    """Posts to a configured address. The address may be a secret, so no error quotes it."""

    def __init__(self, name: str, settings: Webhook) -> None:
        self.name = name
        self._settings = settings

    async def deliver(self, message: dict[str, Any]) -> None:
        """POST once. Raises VqError saying what happened."""
        from actions.clients.http import HttpWriter

        content = json.dumps(message, ensure_ascii=False).encode()
        try:
            address = self._address()
            answer = await HttpWriter(address, timeout=self._settings.timeout).post(address, content)
        except Unreachable:
            raise Unreachable(f"channel '{self.name}' cannot be reached") from None
        except Ambiguous:
            raise Ambiguous(f"channel '{self.name}' did not answer in {self._settings.timeout:g} s") from None
        except ConfigError:
            raise ConfigError(f"channel '{self.name}' has no usable address: check its 'url' or 'secret_url'") from None
        if answer.status is None or not 200 <= answer.status < 300:
            raise VqError(f"channel '{self.name}' answered {answer.status}")

    def _address(self) -> str:
        if self._settings.secret_url is not None:
            from actions.config import resolve

            return resolve(self._settings.secret_url).get_secret_value()
        if self._settings.url is None:
            raise ConfigError(f"channel '{self.name}' has neither 'url' nor 'secret_url'")
        return self._settings.url
