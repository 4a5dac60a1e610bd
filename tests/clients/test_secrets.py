"""Secrets are found in every form they travel in."""

import base64
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from actions.clients.secrets import MASK, names_secret, redact

SECRET = "p+ss/w rd=9"


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"user:{SECRET}".encode()).decode(),
        base64.b64encode(f"me:{SECRET}:rest".encode()).decode(),
    ],
)
def test_known_values_in_any_form(text: str) -> None:
    shown = redact(f"before {text} after", [SecretStr(SECRET)])
    assert MASK in shown and text not in shown
    assert shown.startswith("before ") and shown.endswith(" after")


@given(st.text(min_size=6, max_size=40), st.binary(max_size=5), st.binary(max_size=5))
def test_no_known_value_survives_base64(secret: str, before: bytes, after: bytes) -> None:
    try:
        raw = secret.encode()
    except UnicodeEncodeError:
        return
    shown = redact(base64.b64encode(before + raw + after).decode(), [secret])
    assert base64.b64encode(raw).decode()[4:-4] not in shown or len(raw) < 9


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("password=hunter2!", "password="),
        ("host=db password='hun ter2' port=1", "port=1"),
        ('{"api_key": "hunter2", "port": 1}', '"port": 1'),
        ("PGPASSWORD=hunter2 psql", "psql"),
        ("Authorization: Bearer hunter2", "Authorization: Bearer "),
        ("authorization: Basic aHVudGVyMg==", "authorization: Basic "),
        ("redis://:hunter2@cache:6379/0", "@cache:6379/0"),
        ("postgresql://vq:hunter2@db/x?sslmode=require", "@db/x?sslmode=require"),
        ("https://host/?token=hunter2&page=2", "&page=2"),
    ],
)
def test_what_stands_behind_a_secret_name(text: str, kept: str) -> None:
    shown = redact(text)
    assert "hunter2" not in shown and "aHVudGVyMg" not in shown and "hun ter2" not in shown
    assert MASK in shown and kept in shown


def test_short_values_and_plain_text_stay() -> None:
    assert redact("abc token bucket of 5", ["abc"]) == "abc token bucket of 5"
    assert redact("http://127.0.0.1:8080/health 38 ms") == "http://127.0.0.1:8080/health 38 ms"


def test_names() -> None:
    assert (
        names_secret("DB_PASSWORD") and names_secret("api-key") and not names_secret("keys") and not names_secret("url")
    )


@given(st.integers(0, 60), st.sampled_from(["{}", "http://me:{}@host/", "password={} ", "token='{}'", "Bearer {}"]))
def test_a_text_that_is_cut_off_shows_no_part_of_a_secret(before: int, form: str) -> None:
    secret = "abcdefgh-IJKLMNOP-12345678-qrstuvwx"
    text = "z" * before + form.format(secret) + "z" * 400
    for limit in range(0, len(text), 3):
        shown = redact(text, [secret], limit)
        assert not any(secret[at : at + 6] in shown for at in range(len(secret) - 5))


def test_lower_letters_keep_every_place() -> None:
    """The names of secrets are looked for in small letters, and the values at the same places of the text."""
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    assert "\u0130".lower() != "i" and len(every.replace("\u0130", "I").lower()) == len(every)
    assert redact("\u0130\u0130 password=hunter2!") == f"\u0130\u0130 password={MASK}"


@pytest.mark.parametrize(
    "text", ['password="hunter2', "token='hunter2\\'", 'a "secret": "hunter2\\"2" b', "x.api-key.y : hunter2"]
)
def test_a_value_without_its_end_is_masked_too(text: str) -> None:
    assert "hunter2" not in redact(text)
