"""`keeper stop` says what it ended, and when there was nothing to end."""

from pathlib import Path

from tests.conftest import Cli


def test_stop_names_what_it_stopped(cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "vq-tui.toml"
    config.write_text(f'ledger = "{tmp_path / "ledger"}"\n[environments.production.services.host]\nkind = "host"\n')
    config.chmod(0o600)
    words = ("--config", config, "keeper")
    pid = cli(*words, "start", "--json").json["pid"]
    stopped = cli(*words, "stop")
    assert (stopped.code, stopped.out.split(" ", 1)[1].strip()) == (0, f"stopped process {pid}")
    again = cli(*words, "stop")
    assert again.code == 0
    assert "was not running" in again.out
    pid = cli(*words, "start", "--json").json["pid"]
    assert cli(*words, "stop", "--json").json["stopped"] == pid
    assert cli(*words, "stop", "--json").json["stopped"] is None
