"""Bad input: one clear line each, the documented exit code, no traceback, and with --json one object."""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from actions.ledger import open_writer
from actions.model.errors import ExitCode
from tests.conftest import Cli, Said
from vq_tui.commands.given import GLOBAL
from vq_tui.commands.opening import console_alone

GOOD = """
ledger = "{ledger}"

[environments.production]
interval = 1

[environments.production.services.host]
kind = "host"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "vq-tui.toml"
    path.write_text(GOOD.format(ledger=tmp_path / "ledger"))
    path.chmod(0o600)
    return path


def clear(said: Said, code: ExitCode, *words: str) -> None:
    """One line for people on stderr, that names what is wrong."""
    assert said.code == code, said
    assert "Traceback" not in said.err
    assert said.line.startswith("vq-tui: ")
    for word in words:
        assert word in said.line


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["frobnicate"], ExitCode.USAGE, "frobnicate"),
        (["status", "--colour"], ExitCode.USAGE, "--colour"),
        (["rollback", "--last-good", "--to", "1"], ExitCode.USAGE, "either"),
        (["rollback", "--last-good"], ExitCode.USAGE, "--yes"),
        (["runs", "show"], ExitCode.USAGE, "ID"),
        (["runs", "list", "--limit", "many"], ExitCode.USAGE, "--limit"),
        (["runs", "list", "--state", "succeded"], ExitCode.USAGE, "succeeded"),
        (["runs", "--limit", "many"], ExitCode.USAGE, "--limit"),
        (["runs", "--state", "succeded"], ExitCode.USAGE, "succeeded"),
        (["runs", "--limit", "5", "show", "NOPE"], ExitCode.USAGE, "'show'"),
        (["drill", "--auto"], ExitCode.USAGE, "bad-release"),
        (["drill", "--end"], ExitCode.USAGE, "bad-release"),
        (["--theme", "nope", "status"], ExitCode.CONFIG, "no theme 'nope'; there are: "),
        (["sandbox", "break"], ExitCode.USAGE, "KIND"),
        (["drill", "bad-release", "--auto", "--end"], ExitCode.USAGE, "either"),
        (["--env", "nowhere", "status"], ExitCode.UNKNOWN_NAME, "production"),
        (["rollback", "--plan"], ExitCode.UNKNOWN_NAME, "workload"),
        (["readiness", "--service", "nothing"], ExitCode.UNKNOWN_NAME, "nothing"),
        (["drill", "bad-release"], ExitCode.REFUSED, "drill"),
        (["runs", "show", "NOPE"], ExitCode.LEDGER, "no ledger"),
        (["runs"], ExitCode.LEDGER, "no ledger"),
        (["audit", "verify"], ExitCode.LEDGER, "no ledger"),
    ],
)
def test_words_that_are_off(cli: Cli, config: Path, words: list[str], code: ExitCode, expected: str) -> None:
    clear(cli("--config", config, *words), code, expected)
    answer = cli("--config", config, *words, "--json")
    assert answer.code == code
    assert answer.json["error"]["exit"] == code
    assert expected in answer.json["error"]["message"]


def test_an_unknown_run_is_told_apart_from_no_ledger(cli: Cli, config: Path, tmp_path: Path) -> None:
    open_writer(tmp_path / "ledger").close()
    clear(cli("--config", config, "runs", "show", "NOPE"), ExitCode.UNKNOWN_NAME, "NOPE")
    assert cli("--config", config, "runs", "--json").json == {"runs": [], "total": 0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[environments.production]\nbnad = 'red'\n", ["vq-tui.toml:2", "bnad"]),
        ("[environments.production]\ninterval = 'often'\n", ["vq-tui.toml:2", "interval"]),
        ("[environments.production\n", ["vq-tui.toml:1"]),
        ("[environments.production.services.api]\nkind = 'http'\n", ["url"]),
        ("", ["environment"]),
    ],
)
def test_a_wrong_configuration_names_file_and_key(cli: Cli, tmp_path: Path, text: str, expected: list[str]) -> None:
    path = tmp_path / "vq-tui.toml"
    path.write_text(text)
    clear(cli("--config", path, "status"), ExitCode.CONFIG, *expected)


def test_no_configuration_says_where_it_looked_and_what_to_do(cli: Cli) -> None:
    clear(cli("status"), ExitCode.CONFIG, "looked at", "config init")
    clear(cli("--config", "/nowhere/vq-tui.toml", "status"), ExitCode.CONFIG, "/nowhere/vq-tui.toml")


@pytest.mark.parametrize(
    ("console", "words"),
    [("theme = 'nope'\n", "no theme 'nope'"), ("[console.keys]\n'all.history' = 'R'\n", "'all.roll-back'")],
)
def test_what_keeps_the_console_from_opening_is_found_before(cli: Cli, config: Path, console: str, words: str) -> None:
    config.write_text(f"{config.read_text()}\n[console]\n{console}")
    said = cli("--config", config, "config", "check", "--json")
    assert said.code == ExitCode.CONFIG
    assert words in said.json["problems"][0]
    doctor = cli("--config", config, "doctor", "--json")
    assert doctor.code == ExitCode.FAILED
    assert [words in one["evidence"] for one in doctor.json["checks"] if one["id"] == "console"] == [True]


def test_a_secret_in_a_file_that_others_may_read_is_refused(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "vq-tui.toml"
    path.write_text("[environments.a.services.db]\nkind = 'postgres'\ndsn = 'host=db password=canary-4711'\n")
    path.chmod(0o644)
    said = cli("--config", path, "config", "check")
    clear(said, ExitCode.CONFIG, "chmod 600")
    assert "canary" not in said.err + said.out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_configuration(cli: Cli, config: Path) -> None:
    config.chmod(0)
    clear(cli("--config", config, "status"), ExitCode.CONFIG, "cannot read")


def test_a_damaged_ledger_is_refused_and_left_as_it_is(cli: Cli, config: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    open_writer(ledger).close()
    path = ledger / "ledger.sqlite"
    path.write_bytes(b"this is no database at all" * 100)
    before = path.read_bytes()
    for words in (["runs"], ["audit", "verify"], ["keeper", "start"], ["runs", "note", "X", "y"]):
        clear(cli("--config", config, *words), ExitCode.LEDGER, str(ledger))
    assert path.read_bytes() == before


def test_a_ledger_of_a_newer_version_is_refused(cli: Cli, config: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    open_writer(ledger).close()
    with sqlite3.connect(ledger / "ledger.sqlite") as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE name = 'schema'")
    clear(cli("--config", config, "runs"), ExitCode.LEDGER, "newer")


def test_a_ledger_that_is_a_link_is_refused(cli: Cli, config: Path, tmp_path: Path) -> None:
    open_writer(tmp_path / "elsewhere").close()
    (tmp_path / "ledger").symlink_to(tmp_path / "elsewhere")
    clear(cli("--config", config, "runs"), ExitCode.LEDGER, "symbolic link")


def test_health_is_shown_although_there_is_no_ledger(cli: Cli, config: Path) -> None:
    said = cli("--config", config, "status", "--json")
    assert said.code == 0
    assert [one["service"] for one in said.json["services"]] == ["host"]
    assert "no ledger yet" in said.json["ledger_note"]


def test_a_dead_docker_socket_is_a_failed_check_not_a_crash(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "vq-tui.toml"
    path.write_text(
        f"ledger = '{tmp_path}/ledger'\n[environments.a]\ninterval = 1\n[environments.a.services.api]\nkind = 'http'\n"
        "url = 'http://127.0.0.1:9'\n[environments.a.services.api.workload]\ndriver = 'compose'\n"
        f"host = 'unix://{tmp_path}/no-docker.sock'\nproject = 'vq'\nservice = 'api'\n"
    )
    said = cli("--config", path, "readiness", "--json")
    assert said.json["gate"] != "pass"
    assert "no-docker.sock" in said.out
    refused = cli("--config", path, "rollback", "--last-good", "--yes")
    clear(refused, ExitCode.UNREACHABLE)
    assert not list((tmp_path / "ledger" / "runs").glob("*")) if (tmp_path / "ledger" / "runs").exists() else True


def test_the_console_needs_a_terminal(cli: Cli, config: Path) -> None:
    clear(cli("--config", config), ExitCode.TERMINAL, "terminal")


def test_output_without_utf8_is_plain(cli: Cli, config: Path) -> None:
    said = cli("--config", config, "status", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert said.code == 0
    assert said.out.isascii()


def test_ascii_on_request(cli: Cli, config: Path) -> None:
    assert cli("--ascii", "--config", config, "status").out.isascii()


def test_a_reader_that_leaves_early_is_no_error(cli: Cli, config: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "vq_tui", "config", "schema"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cli.home,
        env=cli.environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_an_internal_error_is_one_line_and_a_private_crash_file(cli: Cli, config: Path) -> None:
    code = (
        "import sys\nfrom vq_tui.commands import observe, program\n"
        "def broken(*_): raise RuntimeError('token=canary-4711')\n"
        "observe.standing = broken\nsys.exit(program.run(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--config", config, "status"],
        capture_output=True,
        text=True,
        cwd=cli.home,
        env=cli.environment(),
        timeout=60,
    )
    assert done.returncode == 70
    assert len(done.stderr.strip().splitlines()) == 1
    crash = Path(done.stderr.strip().rsplit(" ", 1)[1])
    assert crash.stat().st_mode & 0o777 == 0o600
    assert "RuntimeError" in crash.read_text()
    assert "canary" not in crash.read_text() + done.stderr


def test_version_and_help_work_without_anything(cli: Cli) -> None:
    assert cli("--version").out.startswith("vq-tui ")
    assert cli("--version", "--json").json["version"]
    assert "rollback" in cli("--help").out
    assert "--last-good" in cli("rollback", "--help").out


def test_config_init_writes_a_private_file_that_loads_and_never_overwrites(cli: Cli) -> None:
    assert cli("config", "init").code == 0
    path = cli.home / "vq-tui.toml"
    assert path.stat().st_mode & 0o777 == 0o600
    assert cli("config", "check", "--json").json["file"] == str(path)
    before = path.read_bytes()
    clear(cli("config", "init"), ExitCode.CONFIG, "exists already")
    assert path.read_bytes() == before


def test_the_schema_is_json(cli: Cli) -> None:
    assert cli("config", "schema", "--json").json["properties"]["environments"]


def test_both_readers_of_the_global_options_know_the_same(cli: Cli) -> None:
    """The console starts without the parser of commands; what this one lists, the console's own reader takes."""
    said = cli("--help").out
    listed = set(re.findall(r"^ +--([a-z-]+)", said, re.MULTILINE)) - {"json", "version"}
    assert listed == set(GLOBAL)
    for name, (takes, words) in GLOBAL.items():
        assert words.split(":")[0] in " ".join(said.split())
        assert console_alone([f"--{name}", *(["x"] if takes else [])])
        assert not console_alone([f"--{name}", *([] if takes else ["x"])])
