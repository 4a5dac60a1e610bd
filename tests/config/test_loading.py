"""A configuration is read strictly; each problem names file, line, key and what to do."""

import json
import os
import tomllib
from pathlib import Path

import pytest

from actions.config import choose_environment, find_config, ledger_directory, load, schema, search_paths, template
from actions.config.toml_lines import key_lines
from actions.model.environment import Settings
from actions.model.errors import ConfigError, ExitCode, UnknownNameError
from actions.model.services import HttpService
from actions.model.workloads import ComposeWorkload

GOOD = """
default_environment = "production"
[environments.production]
interval = 2
[environments.production.services.api]
kind = "http"
url = "http://127.0.0.1:8080"
workload = { driver = "compose", service = "api", pin_file = "pins/api.json" }
logs = ["logs/api.log", "/var/log/api.log"]
[environments.production.services.postgres]
kind = "postgres"
dsn = "postgresql://vq@127.0.0.1/vq"
password = { file = "secrets/pg" }
"""


def write(directory: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path = directory / "vq-tui.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def failure(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert caught.value.code is ExitCode.CONFIG
    return caught.value.message


def test_a_good_file_becomes_settings_with_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGS", "/srv/logs")
    monkeypatch.setenv("HOME", "/home/mira")
    text = (
        GOOD.replace("logs/api.log", "$LOGS/api.log")
        .replace('"/var/log', '"~/log')
        .replace("[environments.production]\n", "[environments.production]\nsandbox = '../stack'\n", 1)
    )
    settings = load(write(tmp_path, text), {})
    services = settings.environments["production"].services
    api = services["api"]
    assert isinstance(api, HttpService) and isinstance(api.workload, ComposeWorkload)
    assert api.workload.pin_file == tmp_path / "pins/api.json"
    assert api.logs == (Path("/srv/logs/api.log"), Path("/home/mira/log/api.log"))
    assert services["postgres"].password.file == tmp_path / "secrets/pg"  # type: ignore[union-attr]
    assert settings.environments["production"].sandbox == tmp_path.parent / "stack"


SERVICE = "[environments.a.services.b]\nkind = 'http'\nurl = 'http://h'\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("ledgre = 'x'", 1, "ledgre: unknown key; did you mean 'ledger'?"),
        ("\n[console]\nxyzzy = 1", 3, "console.xyzzy: unknown key; known here: ascii, keys, mouse, theme"),
        ("[console]\nmouse = 'yes'", 2, "console.mouse: must be true or false, not text"),
        ("[console]\nmouse = 1", 2, "console.mouse: must be true or false, not a whole number"),
        ("[environments.a]\ninterval = '2'", 2, "environments.a.interval: must be a number, not text"),
        ("[environments.a]\ninterval = 0", 2, "environments.a.interval: must be greater than 0"),
        ("[environments.a]\ninterval = inf", 2, "environments.a.interval: must be a finite number"),
        ("[environments.a]\ninterval = 2026-01-01", 2, "environments.a.interval: must be a number, not a date or time"),
        ("[environments.a]\nband = 'pink'", 2, "environments.a.band: must be 'red', 'amber'"),
        ("[environments.a]\nservices = 3", 2, "environments.a.services: must be a table, not a whole number"),
        ("[environments.Prod]", 1, "environments.Prod: this is not a name"),
        ("[environments.a.services.b]\nurl = 'x'", 1, "b: the key 'kind' is missing; it is one of http,"),
        (
            "[environments.a.services.b]\nkind = 'htpp'",
            1,
            "'kind' must be one of http, postgres, redis, host, certificate; did you mean 'http'?",
        ),
        ("[environments.a.services.b]\nkind = 'http'", 1, "b.url: this key is missing"),
        (SERVICE + "timeot = 3", 4, "b.timeot: unknown key; did you mean 'timeout'?"),
        (SERVICE + "health = 'health'", 4, "b.health: must be a path that begins with one '/'"),
        (
            "[environments.a.services.b]\nkind = 'http'\nurl = 'ftp://h'\n",
            3,
            "b.url: must be an address such as http://host:port",
        ),
        (
            "[environments.a.services.b]\nkind = 'http'\nurl = 'http://u:hunter22@h'\n",
            3,
            "b.url: must hold no user or password",
        ),
        (SERVICE + "endpoints = ['/a', '/b',\n 'c']", 5, "b.endpoints[3]: must be a path"),
        (SERVICE + "endpoints = '/a'", 4, "b.endpoints: must be a list"),
        (SERVICE + "logs = [1]", 4, "b.logs[1]: must be text in quotes, not a whole number"),
        (
            SERVICE + "workload = { driver = 'compse' }",
            4,
            "b.workload: 'driver' must be one of local, compose, kubernetes, address; did you mean 'compose'?",
        ),
        (SERVICE + "workload = { driver = 'compose' }", 4, "b.workload.service: this key is missing"),
        (
            SERVICE
            + "workload.driver = 'kubernetes'\nworkload.namespace = 'n'\nworkload.name = 'x'\nworkload.kind = 'job'",
            7,
            "b.workload.kind: must be 'deployment'",
        ),
        (SERVICE + "thresholds.latncy_ms = 3", 4, "b.thresholds.latncy_ms: unknown key; did you mean 'latency_ms'?"),
        (
            SERVICE + "[environments.a.services.b.headers]\nAuthorization = 'Bearer hunter22'",
            5,
            "b.headers.Authorization: must be a table, not text; secrets are never written here",
        ),
        (
            SERVICE + "prometheus = { url = 'http://p', token = {} }",
            4,
            "b.prometheus.token: give exactly one of 'file' and 'env'",
        ),
        (
            SERVICE + "[environments.a.services.b.slots.blue]\nworkload = { driver = 'address', url = 'http://b' }",
            1,
            "b: 'slots' need a 'traffic' driver",
        ),
        (
            "[environments.a.services.b]\nkind='postgres'\ndsn='postgresql://h/d'\npassword='hunter22'",
            4,
            "b.password: must be a table, not text; secrets are never written here",
        ),
        ("[environments.a.services.b]\nkind='redis'\nurl='localhost:6379'", 3, "b.url: must be redis://host:port/0"),
        (
            "default_environment = 'prod'\n[environments.production]",
            1,
            "default_environment: no environment of that name; did you mean 'production'?",
        ),
        (
            SERVICE + "tls.ca = '$NOT_SET_ANYWHERE/ca.pem'",
            4,
            "b.tls.ca: the variable $NOT_SET_ANYWHERE in this path is not set",
        ),
    ],
)
def test_one_problem_names_line_and_key(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = write(tmp_path, text)
    message = failure(path)
    assert message.splitlines()[0].startswith(f"{path}:{line}: "), message
    assert words in message.splitlines()[0]
    assert "hunter22" not in message


def test_all_problems_are_listed_in_order_and_at_most_ten(tmp_path: Path) -> None:
    text = "".join(f"unknown_{number} = 1\n" for number in range(14))
    lines = failure(write(tmp_path, text)).splitlines()
    assert len(lines) == 11 and lines[-1] == "… and 4 more"
    assert [line.split(":")[1] for line in lines[:10]] == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = 1\nb = = 2\n", ":2:5: not valid TOML: invalid value"),
        ("a = 'open\n", ":1: not valid TOML"),
        ("a = 1\na = 2\n", ":2:6: not valid TOML: cannot overwrite a value"),
        ("a = [1,\n\n", ":1: not valid TOML"),
        (b"a = 1\nb = '\xff'\n", ":2: not UTF-8 text; save the file as UTF-8"),
        ("a = " + "[" * 5_000, "nested too deeply"),
        (b"#" * 1_100_000, "larger than 1024 KiB"),
    ],
)
def test_a_file_that_is_no_toml(tmp_path: Path, text: str | bytes, words: str) -> None:
    message = failure(write(tmp_path, text))
    assert words in message and "\n" not in message


def test_a_byte_order_mark_and_windows_lines_are_fine(tmp_path: Path) -> None:
    settings = load(write(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()), {})
    assert list(settings.environments) == ["production"]


def test_a_directory_and_an_unreadable_file(tmp_path: Path) -> None:
    assert "is a directory" in failure(tmp_path)
    path = write(tmp_path, GOOD)
    path.unlink()
    path.symlink_to(tmp_path / "gone")
    assert "cannot read" in failure(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_rights(tmp_path: Path) -> None:
    assert "Permission denied" in failure(write(tmp_path, GOOD, 0o000))


@pytest.mark.parametrize(
    "service",
    [
        "kind = 'postgres'\ndsn = 'postgresql://vq:hunter22@db/vq'",
        "kind = 'postgres'\ndsn = 'host=db password=hunter22'",
        "kind = 'postgres'\ndsn = 'postgresql://db/vq?password=hunter22'",
        "kind = 'redis'\nurl = 'redis://:hunter22@cache:6379/0'",
    ],
)
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_a_password_in_the_file_needs_a_private_file(tmp_path: Path, service: str, mode: int) -> None:
    path = write(tmp_path, f"[environments.a.services.b]\n{service}\n", mode)
    if mode == 0o600:
        assert "a" in load(path, {}).environments
        return
    message = failure(path)
    assert f"{path}:3: " in message and "others may read this file" in message and "chmod 600" in message
    assert "hunter22" not in message


def test_where_a_file_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with pytest.raises(ConfigError, match="no configuration found; looked at") as caught:
        find_config(None, {})
    for place in search_paths():
        assert str(place) in caught.value.message
    (tmp_path / "config/vq-tui").mkdir(parents=True)
    user = tmp_path / "config/vq-tui/vq-tui.toml"
    user.write_text("")
    assert find_config(None, {}) == user
    here = write(tmp_path, GOOD)
    assert find_config(None, {}) == here
    with pytest.raises(ConfigError, match=r"other\.toml \(named by \$VQ_TUI_CONFIG\) does not exist"):
        find_config(None, {"VQ_TUI_CONFIG": str(tmp_path / "other.toml")})
    with pytest.raises(ConfigError, match=r"named by --config"):
        find_config(tmp_path / "none.toml", {"VQ_TUI_CONFIG": str(here)})
    assert find_config(user, {"VQ_TUI_CONFIG": str(here)}) == user


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + "[environments.staging]\n")
    settings = load(path, {"VQ_TUI_ENVIRONMENT": "staging", "VQ_TUI_LEDGER": str(tmp_path / "elsewhere")})
    assert choose_environment(settings)[0] == "staging"
    assert choose_environment(settings, "production")[0] == "production"
    assert ledger_directory(settings) == tmp_path / "elsewhere"
    assert ledger_directory(load(path, {})).name == "ledger"


def test_which_environment() -> None:
    one = Settings.model_validate({"environments": {"only": {}}})
    assert choose_environment(one)[0] == "only"
    two = Settings.model_validate({"environments": {"production": {}, "staging": {}}})
    with pytest.raises(ConfigError, match="--env or set default_environment; configured: production, staging"):
        choose_environment(two)
    with pytest.raises(UnknownNameError, match="did you mean 'staging'"):
        choose_environment(two, "stagng")
    with pytest.raises(ConfigError, match="names no environment"):
        choose_environment(Settings())


def test_the_starter_file_loads_also_with_every_comment_taken_away(tmp_path: Path) -> None:
    assert isinstance(load(write(tmp_path, template()), {}).environments["production"].services["api"], HttpService)
    assert "CHANGE" not in template()


def test_the_schema_describes_the_starter_file() -> None:
    found = json.loads(json.dumps(schema()))
    assert set(tomllib.loads(template())) <= set(found["properties"])
    assert found["additionalProperties"] is False


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a." * 20_000 + "b = 1\n", "vq-tui.toml:1"),
        ("[" + "a." * 20_000 + "b]\n", "vq-tui.toml:1"),
        ("interval = " + "9" * 10_000 + "\n", "vq-tui.toml"),
        ("a = " + "[" * 200 + "]" * 200 + "\n", "nested too deeply"),
        ("a = " + "{b = " * 60 + "1" + "}" * 60 + "\n", "nested too deeply"),
    ],
    ids=["dotted key", "dotted table", "huge number", "deep lists", "deep tables"],
)
def test_odd_but_short_texts_end_in_one_error(tmp_path: Path, text: str, place: str) -> None:
    message = failure(write(tmp_path, text))
    assert place in message and "\n" not in message


def test_the_lines_of_a_long_file_are_found_in_one_pass() -> None:
    """The work grows with the length of the text: characters are counted once, whatever asks for their line."""

    class Counting(str):
        counted = 0

        def count(self, what: str, start: int = 0, end: int = 0) -> int:  # type: ignore[override]
            Counting.counted += end - start
            return super().count(what, start, end)

    text = Counting("".join(f"key_{number} = [{number}, {number}]\n" for number in range(2_000)))
    lines = key_lines(text)
    assert lines["key_1999", 1] == 2_000
    assert Counting.counted <= len(text)
