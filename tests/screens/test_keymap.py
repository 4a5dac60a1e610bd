"""A keymap is checked whole before the first frame (rule 10)."""

import pytest

from actions.model.errors import ConfigError
from screens.keymap import SCOPES, effective
from screens.registry import ACTIONS, of
from tests.fakes.desk import FakeOperator
from tests.screens.conftest import Open


def test_the_keys_as_shipped_do_not_clash() -> None:
    chosen = effective({})
    assert chosen["all.roll-back"] == "R"
    for scopes in SCOPES.values():
        keys = [action.key for action in of(*scopes) if action.key]
        assert len(keys) == len(set(keys))


def test_every_action_belongs_to_a_screen_and_has_an_id_of_its_own() -> None:
    assert {action.scope for action in ACTIONS} == {scope for scopes in SCOPES.values() for scope in scopes}
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"home.fly": "x"}, "is no action"),
        ({"all.history": "R"}, "would hide 'roll back'"),
        ({"all.palette": "escape"}, "would hide 'leave'"),
        ({"all.roll-back": "hyper+r"}, "would hide it"),
        ({"all.roll-back": "enter"}, "pressed without thought"),
        ({"run.back-out": "p"}, "would mean both"),
        ({"all.history": "ctrl+i"}, "cannot tell from tab"),
        ({"all.quit": "x"}, "is no action whose key can be moved"),
    ],
)
def test_a_bad_keymap_is_refused_with_one_clear_line(keys: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match="console.keys") as caught:
        effective(keys)
    assert words in caught.value.message and "\n" not in caught.value.message


def test_a_bad_keymap_stops_the_start() -> None:
    from screens.band import Identity
    from screens.shell import Shell

    with pytest.raises(ConfigError):
        Shell(Identity.of(FakeOperator()), FakeOperator, keys={"all.history": "R"})


async def test_a_moved_key_works_and_is_what_the_footer_says(console: Open) -> None:
    async with console(keys={"all.history": "f2", "all.roll-back": "f5"}) as running:
        assert "f2 history" in running.text and "f5 roll back" in running.text
        await running.press("H")
        assert "PRODUCTION   virtual-queue" in running.text
        await running.press("f2")
        await running.shows("PRODUCTION   history")
