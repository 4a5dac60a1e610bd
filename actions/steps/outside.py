"""How steps ask a service from the outside, as users reach it, and what counts as a right answer (R1, R7)."""

from dataclasses import dataclass

from actions.clients.http import Answer, HttpReader
from actions.config import resolve
from actions.model.environment import HttpService
from actions.model.text import clean


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


def version_of(answer: Answer, service: HttpService) -> str | None:
    """The version that answered, by header or by field of the body; None when it does not say."""
    named = answer.header(service.version_header)
    if named is None:
        content = answer.json()
        value = content.get(service.version_field) if isinstance(content, dict) else None
        named = value if isinstance(value, str) else None
    return clean(named, limit=100) if named else None


async def ask_health(http: HttpReader, service: HttpService, version: str) -> Judged:
    """One health answer over a fresh connection: right means 2xx and, where it names a version, the expected one."""
    answer = await http.get(service.health, fresh=True)
    found = version_of(answer, service) if answer.reached else None
    if not answer.good:
        return Judged(False, f"{service.health} {answer.reason}", found, answer.seconds)
    if found is not None and found != version:
        return Judged(False, f"{service.health} answers as {found}", found, answer.seconds)
    return Judged(True, f"{service.health} {answer.status}, {answer.milliseconds:.0f} ms", found, answer.seconds)
