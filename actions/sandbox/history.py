"""The past that a new stack ships with: which releases served well, labelled as imported, not as observed here."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from actions.ledger import open_writer
from actions.platforms.local.artefacts import read_artefact
from actions.releases.seed import seed_history
from actions.sandbox.config_file import ENVIRONMENT
from actions.sandbox.facts import SandboxFacts
from actions.sandbox.layout import Layout
from actions.sandbox.release_files import GOOD_VERSIONS

_DAY = 86_400.0
_SAMPLE_SECONDS = 60.0
_PAST = {"2.3.8": (30.0, 16.0), "2.3.9": (16.0, 7.0), "2.4.0": (9.0, 0.02), "2.4.1": (0.02, 0.0)}
"""Version to days it served, and how many days ago it last did."""


def remember(facts: SandboxFacts, directory: Path | None = None) -> None:
    """Write the past into the stack's ledger, or into another one; a release it knows stays as it is. Blocking."""
    at = datetime.now(UTC)
    ledger = open_writer(directory or Layout(facts.directory).ledger)
    try:
        for version in GOOD_VERSIONS:
            artefact, _ = read_artefact(facts.releases / version)
            if artefact is None or version not in _PAST:
                continue
            served, ago = _PAST[version]
            seed_history(
                ledger,
                ENVIRONMENT,
                "api",
                artefact,
                soaked_seconds=served * _DAY,
                samples=int(served * _DAY / _SAMPLE_SECONDS),
                last_seen=at - timedelta(days=ago),
                source="the stack's own past",
            )
    finally:
        ledger.close()
