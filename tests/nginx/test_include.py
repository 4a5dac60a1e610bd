"""The generated include: laws of rendering and reading, and noticing edits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.model.errors import Refused
from actions.platforms.nginx.include import read, render, server_weights, sha256, weights

ADDRESSES = {"blue": ("127.0.0.1:8001",), "green": ("127.0.0.1:8002", "127.0.0.1:8003")}


@given(st.integers(0, 100))
def test_what_is_rendered_reads_back(percent: int) -> None:
    shares = {"blue": percent / 100, "green": 1 - percent / 100}
    found = read(render("vq_active", "7QK.3", shares, ADDRESSES))
    assert (found.generation, found.shares, found.edited) == ("7QK.3", shares, False)


@given(st.integers(0, 2_000))
def test_any_edit_is_noticed_wherever_it_is(place: int) -> None:
    text = render("vq_active", "7QK.3", {"blue": 1.0}, ADDRESSES)
    at = place % len(text)
    edited = text[:at] + ("x" if text[at] != "x" else "y") + text[at + 1 :]
    assert read(edited).edited
    assert read(text[:at] + "\n" + text[at:]).edited and read(text[:at] + text[at + 1 :]).edited


def test_lines_above_the_seal_are_noticed() -> None:
    text = render("vq_active", "7QK.3", {"blue": 1.0}, ADDRESSES)
    assert read("# mira: keep\nlimit_conn_zone $binary_remote_addr zone=x:1m;\n" + text).edited


def test_a_seal_that_says_something_else_than_nginx_answers_is_noticed() -> None:
    """Whoever computes the checksum anew still has two places that must agree."""
    text = render("vq_active", "7QK.3", {"blue": 1.0}, ADDRESSES)
    header, seal, body = text.split("\n", 2)
    other = body.replace("7QK.3", "7QK.4")
    assert read(f"{header}\n{seal.replace(sha256(body), sha256(other))}\n{other}").edited
    assert read(f"{header}\n{seal.replace('7QK.3', '7QK.4')}\n{body}").edited


@pytest.mark.parametrize("text", ["", "upstream vq_active { server a:1; }", "# sealed {} sha256:" + "0" * 64 + "\n"])
def test_a_file_written_by_somebody_else_counts_as_edited(text: str) -> None:
    assert read(text).edited


def test_a_slot_without_a_share_gets_no_server() -> None:
    text = render("vq_active", "g", {"blue": 0.0, "green": 1.0}, ADDRESSES)
    assert "server 127.0.0.1:8001" not in text
    assert text.count("    server ") == 2


def test_a_share_is_split_among_the_addresses_of_its_slot() -> None:
    three = {"blue": ("a:1", "a:2", "a:3"), "green": ("b:1", "b:2")}
    shares = {"blue": 0.75, "green": 0.25}
    each = server_weights(shares, three)
    total = sum(weight * len(three[slot]) for slot, weight in each.items())
    assert {slot: weight * len(three[slot]) / total for slot, weight in each.items()} == shares
    text = render("vq_active", "g", shares, three)
    assert [text.count(f"server {one} weight={each[slot]} ") for slot in three for one in three[slot]] == [1] * 5
    assert server_weights({"blue": 1.0}, three) == {"blue": 1}


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
