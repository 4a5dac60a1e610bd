"""How steps ask a service from the outside, as users reach it, and what counts as a right answer (R1, R7)."""

from dataclasses import dataclass

from actions.clients.health_body import not_well
from actions.clients.http import HttpReader
from actions.clients.versions import version_of
from actions.config import resolve
from actions.model.environment import HttpService
from actions.model.plan import PlannedStep


@dataclass(frozen=True)
class Judged:
    """One answer judged: right, or what was wrong with it. `version` None means the answer does not say."""

    right: bool
    text: str
    version: str | None = None
    seconds: float = 0.0


def reader(service: HttpService, url: str | None = None, *, connections: int = 4) -> HttpReader:
    """A reader of the service's outside address, or of `url` (one slot). Raises ConfigError for a missing secret."""
    headers = {name: resolve(source) for name, source in service.headers.items()}
    address = url or service.url
    return HttpReader(address, headers=headers, tls=service.tls, timeout=service.timeout, connections=connections)


def expected_word(step: PlannedStep) -> str | None:
    """What right answers name (see `actions.releases.known_by`); None when any will do."""
    word = step.params.get("word", step.params["version"])  # plans of before `word` demand the version
    return None if word is None else str(word)


async def ask_health(http: HttpReader, service: HttpService, word: str | None) -> Judged:
    """One health answer over a fresh connection: right means well by status and body, and by the word it names."""
    answer = await http.get(service.health, fresh=True)
    found = version_of(answer, service)
    if wrong := not_well(answer, service):
        return Judged(False, f"{service.health} {wrong}", found, answer.seconds)
    if word is not None and found is not None and found != word:
        return Judged(False, f"{service.health} answers as {found}", found, answer.seconds)
    return Judged(True, f"{service.health} {answer.status}, {answer.milliseconds:.0f} ms", found, answer.seconds)
