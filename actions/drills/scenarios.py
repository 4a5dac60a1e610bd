"""The rehearsals of the first form: each breaks the embedded stack in one way that a rollback mends."""

from actions.model.errors import UnknownNameError
from actions.model.views import Scenario

ROLLBACK = "rollback"


def _scenario(identifier: str, title: str, story: str, *, detected: float = 15, decided: float = 60) -> Scenario:
    return Scenario(
        id=identifier,
        title=title,
        story=story,
        fault=identifier,
        lever=ROLLBACK,
        service="api",
        detected_seconds=detected,
        decided_seconds=decided,
        recovered_seconds=60,
    )


SCENARIOS = (
    _scenario(
        "bad-release",
        "a release that fails its health check",
        "It is 03:10. A release went out a minute ago. The first calls about errors come in.",
    ),
    _scenario(
        "slow-release",
        "a release that answers, but slowly",
        "A release went out. Nothing fails, yet people say that joining a queue takes for ever.",
        detected=20,
    ),
    _scenario(
        "errors",
        "a release that fails one request in twenty",
        "Since the last release some requests fail. Most do not, and the health check is green.",
        detected=30,
    ),
    _scenario(
        "crash-loop",
        "a release that ends again and again",
        "The release of this evening starts, answers for a moment, and is gone.",
    ),
)


def find(identifier: str) -> Scenario:
    """The scenario of that name. Raises UnknownNameError with the names that are known."""
    for scenario in SCENARIOS:
        if scenario.id == identifier:
            return scenario
    raise UnknownNameError(f"no drill '{identifier}'; there are: {', '.join(one.id for one in SCENARIOS)}")
