"""The reference of the configuration: complete, as the page has it, and found by words."""

import tomllib
from pathlib import Path

import pytest

from actions.config import template
from actions.config.keys import NAME, markdown, matching, tables
from tests.conftest import Cli

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"


def test_the_page_is_what_the_program_says() -> None:
    assert PAGE.read_text() == markdown(), "python -m actions.config.keys > docs/configuration.md"


def test_every_key_has_a_text_of_its_own_and_every_table_one() -> None:
    for table in tables():
        assert table.text and table.keys
        assert all(key.text.endswith(".") for key in table.keys)


def test_every_key_of_the_file_to_start_from_is_there() -> None:
    known = {(table.path, key.name) for table in tables() for key in table.keys}
    data = tomllib.loads(template())
    for name, service in data["environments"]["production"]["services"].items():
        for key in service:
            assert (f"environments.{NAME}.services.{NAME}", key) in known, (name, key)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["keep_releases"], {"keep_releases"}),
        (["policy", "proofs"], {"proofs"}),
        (["wraparound"], {"wraparound_age"}),
        (["no such key"], set()),
    ],
)
def test_words_find_keys(words: list[str], found: set[str]) -> None:
    assert {key.name for table in matching(words) for key in table.keys} == found


def test_the_command_prints_them_and_names_what_is_not_there(cli: Cli) -> None:
    said = cli("config", "keys", "keep_releases", "--json")
    assert said.code == 0
    (table,) = said.json["tables"]
    assert [(key["name"], key["default"]) for key in table["keys"]] == [("keep_releases", "3")]
    assert "keep_releases" in cli("config", "keys", "keep_releases").out
    lost = cli("config", "keys", "no-such-key", "--json")
    assert lost.code == 4 and lost.json["error"]["code"] == "unknown-name"
