"""Secrets come from private files or the environment, and never show in an error."""

from pathlib import Path

import pytest

from actions.config import load, resolve, secret_problems
from actions.model.errors import ConfigError
from actions.model.workloads import SecretSource


def written(directory: Path, content: bytes, mode: int = 0o600) -> SecretSource:
    path = directory / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return SecretSource(file=path)


def test_a_file_and_a_variable(tmp_path: Path) -> None:
    assert resolve(written(tmp_path, b"c4nary\n")).get_secret_value() == "c4nary"
    assert resolve(SecretSource(env="PW"), {"PW": "c4nary"}).get_secret_value() == "c4nary"
    assert "c4nary" not in repr(resolve(SecretSource(env="PW"), {"PW": "c4nary"}))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigError, match="may be read by others; run: chmod 600") as caught:
        resolve(written(tmp_path, b"c4nary", mode))
    assert "c4nary" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"\n", "empty"), (b"c4nary\xff", "not UTF-8"), (b"c4nary" * 20_000, "larger")],
)
def test_content_that_cannot_be_a_secret(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        resolve(written(tmp_path, content))
    assert "c4nary" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        resolve(SecretSource(file=tmp_path / "none"))
    for variables in ({}, {"PW": ""}):
        with pytest.raises(ConfigError, match=r"\$PW is not set"):
            resolve(SecretSource(env="PW"), variables)


def test_every_missing_secret_of_a_configuration_is_named(tmp_path: Path) -> None:
    config = tmp_path / "vq-tui.toml"
    config.write_text(
        "[environments.a.services.b]\nkind='http'\nurl='http://h'\n"
        "headers = { Authorization = { file = 'none' } }\n"
        "[environments.a.services.c]\nkind='redis'\nurl='redis://h'\npassword = { env = 'NOT_SET_ANYWHERE' }\n"
    )
    found = dict(secret_problems(load(config, {})))
    assert set(found) == {
        ("environments", "a", "services", "b", "headers", "Authorization"),
        ("environments", "a", "services", "c", "password"),
    }
    assert str(tmp_path / "none") in found["environments", "a", "services", "b", "headers", "Authorization"]
