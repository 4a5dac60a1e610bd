"""`status` on a ledger that cannot be read: health all the same, and nothing called empty, free or well."""

from pathlib import Path

import pytest

from actions.ledger import open_writer
from actions.model.errors import ExitCode
from tests.conftest import Cli

CONFIG = """
ledger = "{ledger}"
[environments.production]
interval = 0.5
[environments.production.services.api]
kind = "http"
url = "http://127.0.0.1:9"
"""


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    open_writer(tmp_path / "ledger").close()
    (tmp_path / "ledger" / "ledger.sqlite").write_bytes(b"this is no database at all" * 100)
    path = tmp_path / "vq-tui.toml"
    path.write_text(CONFIG.format(ledger=tmp_path / "ledger"))
    return path


def test_health_is_shown_and_the_record_is_called_not_known(cli: Cli, damaged: Path, tmp_path: Path) -> None:
    said = cli("--config", damaged, "status")
    assert said.code == ExitCode.OK
    assert "api" in said.out and "what ran and what changed is not known" in said.out
    assert "nothing" not in said.out and str(tmp_path / "ledger") in said.out


def test_a_check_fails_and_json_says_why(cli: Cli, damaged: Path, tmp_path: Path) -> None:
    said = cli("--config", damaged, "status", "--check", "--json")
    assert said.code == ExitCode.FAILED
    assert said.json["ok"] is False and said.json["keeper"] is None and said.json["last"] is None
    assert str(tmp_path / "ledger") in said.json["ledger_note"]
