"""Which paths one look asks: health always, the others in turn, failing ones again at once. Thin on the wire."""

from collections.abc import Mapping

from actions.clients.health_body import health_of
from actions.clients.http import Answer
from actions.model.services import HttpService
from actions.model.words import HealthState


class Rounds:
    """Remembers the last answer of every path and chooses what to ask next."""

    def __init__(self, settings: HttpService) -> None:
        self._settings = settings
        self._health = settings.health
        listed = [settings.ready, settings.live, *settings.endpoints]
        own = {settings.health, settings.queues}
        self.others = [path for path in dict.fromkeys(listed) if path is not None and path not in own]
        self._next = 0
        self.last: dict[str, Answer] = {}
        self._wrong: dict[str, str] = {}

    def paths(self, *, everything: bool = False) -> list[str]:
        """Health, up to two failing paths, and the next one in turn; all of them when `everything`."""
        if everything:
            return [self._health, *self.others]
        chosen = [self._health, *[path for path in self.others if self._wrong.get(path)][:2]]
        if self.others:
            chosen.append(self.others[self._next % len(self.others)])
            self._next += 1
        return list(dict.fromkeys(chosen))

    def remember(self, path: str, answer: Answer) -> None:
        """Keep the answer of one path."""
        self.last[path] = answer
        self._wrong[path] = self._judged(path, answer)

    def forget(self, but: Mapping[str, Answer]) -> None:
        """Another version serves: what its predecessor answered says nothing about it. The answers in `but` stay."""
        self.last = {path: one for path, one in self.last.items() if path in but}
        self._wrong = {path: one for path, one in self._wrong.items() if path in but}

    def failing(self) -> dict[str, str]:
        """Paths other than health whose last answer was not good, with the reason."""
        return {path: why for path, why in self._wrong.items() if path != self._health and why}

    def _judged(self, path: str, answer: Answer) -> str:
        """What is wrong with an answer: its status, or what the body of a readiness or liveness check says."""
        if not answer.good:
            return answer.reason
        if path not in (self._settings.ready, self._settings.live):
            return ""
        verdict = health_of(answer, self._settings)
        return verdict.detail if verdict.state is HealthState.DOWN else ""
