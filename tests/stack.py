"""Helpers around the embedded stack: a configuration and ledger of a test's own on the shared stack."""

from pathlib import Path

from actions.sandbox.facts import SandboxFacts
from actions.sandbox.history import remember


def own_ledger(sandbox: SandboxFacts, place: Path) -> SandboxFacts:
    """`sandbox` under a configuration in `place` whose ledger is new and holds the stack's past."""
    ledger = place / "ledger"
    text = sandbox.config.read_text()
    config = place / "vq-tui.toml"
    config.write_text(text.replace(str(sandbox.directory / "ledger"), str(ledger)))
    config.chmod(0o600)
    remember(sandbox, ledger)
    return sandbox.model_copy(update={"config": config})
