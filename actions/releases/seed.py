"""Past evidence brought into the ledger, labelled as imported, so that a new ledger does not forget what was good."""

from datetime import datetime, timedelta

from actions.model.plan import Release
from actions.model.platform import Artefact
from actions.model.words import Verdict
from actions.releases.store import ReleaseWriter


def seed_history(
    ledger: ReleaseWriter,
    environment: str,
    service: str,
    artefact: Artefact,
    *,
    soaked_seconds: float,
    samples: int,
    last_seen: datetime,
    source: str,
) -> Release:
    """Record that `artefact` served healthily for `soaked_seconds` until `last_seen`, as `source` says.

    The verdict is good and names its source. A release the ledger knows already is left as it is: what was observed
    here is worth more than what is imported. Returns the row in force. Blocking.
    """
    known = {release.reference: release for release in ledger.releases(environment, service)}
    if artefact.reference in known:
        return known[artefact.reference]
    release = Release(
        environment=environment,
        service=service,
        version=artefact.version,
        reference=artefact.reference,
        verdict=Verdict.GOOD,
        first_seen=last_seen - timedelta(seconds=soaked_seconds),
        last_seen=last_seen,
        soaked_seconds=soaked_seconds,
        samples=samples,
        verdict_reason=f"imported from {source}: healthy for {soaked_seconds:.0f} s in {samples} samples",
        verdict_at=last_seen,
        seen_by=f"imported from {source}",
        artefact=artefact.model_dump(mode="json"),
    )
    ledger.save_release(release)
    return release
