"""Runs are signed with the person's login, also under sudo."""

from actions.desk.identity import identify


def test_the_ssh_user_is_the_operator_and_the_far_end_the_origin() -> None:
    found = identify({"SSH_USER": "mira", "SSH_CONNECTION": "203.0.113.9 51514 10.0.0.4 22"})
    assert found.operator == "mira"
    assert found.origin.startswith("ssh 203.0.113.9 port 51514")


def test_sudo_does_not_hide_who_it_was() -> None:
    found = identify({"SUDO_USER": "jo", "USER": "root"})
    assert found.operator == "jo"
    assert " as " in found.origin


def test_control_characters_in_the_environment_do_not_pass() -> None:
    found = identify({"SUDO_USER": "jo\x1b]0;owned\x07"})
    assert "\x1b" not in found.operator
    assert "\x07" not in found.operator


def test_there_is_always_an_operator_and_a_host() -> None:
    found = identify({})
    assert found.operator
    assert found.host
    assert found.origin
