"""How steps ask a service from the outside, as users reach it, and what counts as a right answer."""

from dataclasses import dataclass
from typing import NamedTuple

from actions.clients.health_body import not_well
from actions.clients.http import HttpReader, Trouble
from actions.clients.versions import version_of
from actions.config import resolve
from actions.model.plan import PlannedStep
from actions.model.services import HttpService


@dataclass(frozen=True)
class Judged:
    """One answer judged: right, or what was wrong with it. `version` None means the answer does not say.

    `silent`: nothing came in the time allowed, which says nothing about what would have come.
    """

    right: bool
    text: str
    version: str | None = None
    seconds: float = 0.0
    silent: bool = False


def reader(service: HttpService, url: str | None = None, *, connections: int = 4) -> HttpReader:
    """A reader of the service's outside address, or of `url` (one slot). Raises ConfigError for a missing secret."""
    headers = {name: resolve(source) for name, source in service.headers.items()}
    address = url or service.url
    return HttpReader(address, headers=headers, tls=service.tls, timeout=service.timeout, connections=connections)


class Expected(NamedTuple):
    """What right answers name (see `actions.releases.known_by`): `word`; where that is None, any but `others`."""

    word: str | None
    others: frozenset[str] = frozenset()

    def refuses(self, version: str | None) -> bool:
        """Whether an answer that names `version` is of another release."""
        if version is None:
            return False
        return version in self.others if self.word is None else version != self.word


def expected_word(step: PlannedStep) -> Expected:
    """What the plan demands of answers."""
    word = step.params.get("word", step.params["version"])  # plans of before `word` demand the version
    listed = step.params.get("others")
    others = frozenset(map(str, listed)) if isinstance(listed, list) else frozenset[str]()
    return Expected(None if word is None else str(word), others)


async def ask_health(http: HttpReader, service: HttpService, expected: Expected) -> Judged:
    """One health answer over a fresh connection: right means well by status and body, and by the word it names."""
    answer = await http.get(service.health, fresh=True)
    found = version_of(answer, service)
    if wrong := not_well(answer, service):
        silent = answer.trouble is Trouble.TIMEOUT
        return Judged(False, f"{service.health} {wrong}", found, answer.seconds, silent)
    if expected.refuses(found):
        return Judged(False, f"{service.health} answers as {found}", found, answer.seconds)
    return Judged(True, f"{service.health} {answer.status}, {answer.milliseconds:.0f} ms", found, answer.seconds)
