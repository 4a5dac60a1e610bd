"""What a release calls itself, where the platform calls it otherwise: a tag `5.0.0-slim` that answers `5.0.0`. Pure."""

from collections.abc import Sequence
from datetime import datetime

from actions.model.health import ServiceHealth
from actions.model.plan import Release
from actions.model.platform import Artefact

STEADY_SECONDS = 15.0
"""What is answered and what stands must both be as they are for so long before one is taken for the other's."""


def speaks(release: Release, health: ServiceHealth, now: datetime) -> bool:
    """Whether answers are of `release`; an unknown word is taken for its own once both are steady."""
    if health.version is None or health.version in (release.version, release.answered):
        return True
    return _settled(release, now) and _steady(health, now)


def of_another(artefact: Artefact, rows: Sequence[Release], health: ServiceHealth) -> bool:
    """Whether the answers are those of another known release: then it is not `artefact` that users get."""
    kept = [one for one in rows if one.reference != artefact.reference]
    own = {artefact.version, *(one.answered for one in rows if one.reference == artefact.reference)}
    return health.version not in own and any(one.version == health.version for one in kept)


def learned(release: Release, rows: Sequence[Release], health: ServiceHealth, now: datetime) -> str | None:
    """The release's own word, once it is steadily heard while this release stands and is no other release's."""
    others = (one for one in rows if one.reference != release.reference)
    taken = {word for one in others for word in (one.version, one.answered)}
    if health.version is None or health.version in taken or not (_settled(release, now) and _steady(health, now)):
        return release.answered
    return health.version


def _settled(release: Release, now: datetime) -> bool:
    return (now - release.first_seen).total_seconds() >= STEADY_SECONDS


def _steady(health: ServiceHealth, now: datetime) -> bool:
    return health.version_since is None or (now - health.version_since).total_seconds() >= STEADY_SECONDS
