"""The door that all remote text passes: nothing that steers a terminal comes through, however it is cut."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.model.text import clean
from tests.conftest import Cli
from tests.hostile_http import HOSTILE, answer, bad_server

CORPUS = {
    "colour": "\x1b[31mred\x1b[0m",
    "clear, unterminated": "x\x1b[2",
    "title": "\x1b]0;owned\x07",
    "clipboard": "\x1b]52;c;ZWNobyBvd25lZA==\x1b\\",
    "link, unterminated": "\x1b]8;;file:///etc/passwd",
    "device control": "\x1bP1$q\x1b\\",
    "eight bit": "\x9b31m \x9d52;c;x\x9c \x90q\x9c",
    "overwriting": "good\rbad\x08\x08\x7f",
    "right to left": "user\u202egnp.exe\u2066x\u2069",
    "invisible": "a\u200bb\ufeffc\u2060d",
    "tags": "a\U000e0041b",
    "surrogate": "a\udcffb",
    "markup": "[/] [@click=app.quit]x[/] [link=file:///x]y[/link]",
    "one line of 1 MB": "A" * 1_000_000,
    "1 MB of escapes": "\x1b[31m" * 200_000,
    "bytes": b"\xff\xfe\x1b[31m\x00ok",
}


def harmless(text: str, lines: int = 1) -> bool:
    """No character of it does anything to a terminal, but the ends of so many lines."""
    return text.count("\n") < lines and all(
        char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in text
    )


@pytest.mark.parametrize("hostile", CORPUS.values(), ids=CORPUS)
def test_nothing_of_the_corpus_comes_through(hostile: str | bytes) -> None:
    assert harmless(clean(hostile)) and len(clean(hostile)) <= 4_000
    assert harmless(clean(hostile, multiline=True, limit=50, lines=3), lines=3)


def test_what_was_taken_out_leaves_a_mark_and_the_rest_stays() -> None:
    assert clean("a\x1b[31mb\x07c") == "a\ufffdb\ufffdc"
    assert clean("[/] [INFO] caf\u00e9 5 \u20ac") == "[/] [INFO] caf\u00e9 5 \u20ac"
    assert clean("\x1b]52;c;c2VjcmV0\x07") == "\ufffd", "the payload goes with its sequence"
    assert clean("x" * 9, limit=5) == "xxxx\u2026"


PIECES = st.sampled_from(
    ["\x1b", "[", "]", "\x9b", "\x9d", "\x07", "\\", "52;c;", "31m", "\u202e", "\n", "\r", "a", "é"]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=30).map("".join)), st.integers(1, 40))
def test_no_text_however_cut_comes_through(text: str, limit: int) -> None:
    once = clean(text, limit=limit)
    assert harmless(once) and len(once) <= limit and clean(once, limit=limit) == once
    assert harmless(clean(text, multiline=True, limit=limit, lines=4), lines=5)


CONFIG = """
ledger = "{place}/ledger"
[environments.production.services.api]
kind = "http"
url = "{url}"
ready = "/hostile"
"""


async def test_a_command_prints_what_a_hostile_service_says_harmlessly(cli: Cli, tmp_path: Path) -> None:
    import asyncio

    async with bad_server() as server:
        said = HOSTILE.replace("\x00", "").encode().decode("latin-1")
        body = b'{"status":"down\\u001b[2J","version":"1\\u202e\\u009b31m","checks":{"\\u001b]0;x\\u0007":"down"}}'
        server.answers["/health"] = lambda: answer(body, "500 \x1b[31mOops", X_Version=said)
        config = tmp_path / "vq-tui.toml"
        config.write_text(CONFIG.format(place=tmp_path, url=server.url))
        config.chmod(0o600)
        for words in (["status"], ["status", "--json"]):
            shown = await asyncio.to_thread(cli, "--config", config, *words)
            assert "api" in shown.out
            assert harmless(shown.out + shown.err, lines=1_000), shown
            assert "\\u001b" not in shown.out and "\\u202e" not in shown.out
