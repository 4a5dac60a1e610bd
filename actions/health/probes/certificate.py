"""The probe of a TLS certificate."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from actions.clients.certificate import CertificateFacts, CertificateReader
from actions.health.judge import at_least, holds, plain
from actions.health.reading import Reading, no_data
from actions.model.errors import Unreachable
from actions.model.health import Figure
from actions.model.services import CertificateService
from actions.model.words import Gate, HealthState


class CertificateProbe:
    """Looks at the certificate one server shows."""

    def __init__(
        self, row: str, settings: CertificateService, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Raises ConfigError."""
        self._reader = CertificateReader(
            settings.host,
            settings.port,
            tls=settings.tls,
            server_name=settings.server_name,
            timeout=settings.timeout,
        )
        self._row = row
        self._warn_days = settings.warn_days
        self._clock = clock

    async def look(self) -> Mapping[str, Reading]:
        """One handshake."""
        try:
            facts = await self._reader.look()
        except Unreachable as error:
            return {self._row: no_data(error.message)}
        return {self._row: certificate_reading(facts, self._warn_days, self._clock())}

    async def close(self) -> None:
        """Nothing is held open."""


def certificate_reading(facts: CertificateFacts, warn_days: float, now: datetime) -> Reading:
    """The verdict at `now`. Pure."""
    days = (facts.not_after - now).total_seconds() / 86_400
    figures: tuple[Figure, ...] = (
        at_least("days left", round(days, 1), warn_days, "d", f"until {facts.not_after:%Y-%m-%d %H:%M}Z"),
        holds("trust", not facts.problem, facts.problem or "accepted"),
        plain("subject", facts.subject),
        plain("issuer", facts.issuer),
    )
    left = f"{int(days)} d left" if days >= 2 else f"{max(0, int(days * 24))} h left"
    if days <= 0:
        return Reading(HealthState.DOWN, "expired", f"since {facts.not_after:%Y-%m-%d}", figures, plotted=0.0)
    if now < facts.not_before or facts.problem:
        return Reading(HealthState.DOWN, "failing", facts.problem or "not valid yet", figures, plotted=days)
    if figures[0].gate is Gate.FAIL:
        return Reading(HealthState.DEGRADED, "expires", left, figures, plotted=days)
    return Reading(HealthState.OK, "ok", left, figures, plotted=days)
