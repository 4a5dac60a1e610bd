"""The generated include: laws of rendering and reading, and noticing edits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.model.errors import Refused
from actions.platforms.nginx.include import read, render, weights

ADDRESSES = {"blue": ("127.0.0.1:8001",), "green": ("127.0.0.1:8002", "127.0.0.1:8003")}


@given(st.integers(0, 100))
def test_what_is_rendered_reads_back(percent: int) -> None:
    shares = {"blue": percent / 100, "green": 1 - percent / 100}
    found = read(render("vq_active", "7QK.3", shares, ADDRESSES))
    assert (found.generation, found.shares, found.edited) == ("7QK.3", shares, False)


@given(st.integers(0, 2_000))
def test_any_edit_of_the_body_is_noticed(place: int) -> None:
    text = render("vq_active", "7QK.3", {"blue": 1.0}, ADDRESSES)
    start = text.index("upstream")
    at = start + place % (len(text) - start)
    edited = text[:at] + ("x" if text[at] != "x" else "y") + text[at + 1 :]
    assert read(edited).edited


@pytest.mark.parametrize("text", ["", "upstream vq_active { server a:1; }", "# sealed {} sha256:" + "0" * 64 + "\n"])
def test_a_file_written_by_somebody_else_counts_as_edited(text: str) -> None:
    assert read(text).edited


def test_a_slot_without_a_share_gets_no_server() -> None:
    text = render("vq_active", "g", {"blue": 0.0, "green": 1.0}, ADDRESSES)
    assert "server 127.0.0.1:8001" not in text
    assert text.count("    server ") == 2


def test_weights_keep_the_proportion() -> None:
    assert weights({"blue": 0.95, "green": 0.05}) == {"blue": 19, "green": 1}


@pytest.mark.parametrize("shares", [{"blue": 0.5}, {"blue": 1.5, "green": -0.5}, {}])
def test_shares_that_are_not_a_split_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(Refused, match="sum to 1"):
        weights(shares)


@pytest.mark.parametrize("address", ["127.0.0.1:80; } http {", "host", "a b:80", "host:80\nserver evil:1"])
def test_an_address_cannot_smuggle_configuration(address: str) -> None:
    with pytest.raises(Refused, match="not host:port"):
        render("vq_active", "g", {"blue": 1.0}, {"blue": (address,)})
