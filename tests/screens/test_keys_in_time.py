"""Keys at the wrong moment: before a page has settled, before a line to type into is open, on a page that has gone."""

import random
import re
from pathlib import Path

import pytest
from textual import events

from actions.model.errors import ConfigError
from actions.model.words import RunState
from screens.decision import SETTLE_SECONDS, Challenge
from screens.foot import foot
from screens.keymap import effective, single_keys
from screens.registry import ACTIONS, Level, find, of
from tests.fakes import facts
from tests.fakes.desk import FixedClock, World
from tests.screens.conftest import Console, Open

NAMED = {":": ("colon", ":"), "enter": ("enter", "\r"), "escape": ("escape", "\x1b"), ".": ("full_stop", ".")}
SCREENS = Path(__file__).resolve().parents[2] / "screens"


# a page that takes the place of another --------------------------------------------------------
@pytest.mark.parametrize("scope", ["rollback", "chosen"])
def test_no_key_of_a_decision_acts_at_once_on_the_run_that_follows(scope: str) -> None:
    keys = effective({})
    acts = {keys[one.id] for one in of("run") if one.writes and one.level is Level.REVERSIBLE}
    assert {"p", "n"} <= acts
    assert not acts & {keys[one.id] for one in of(scope)}
    drawn = {Challenge(FixedClock(), single_keys(scope, keys), random.Random(seed)).key for seed in range(300)}
    assert not {key.upper() for key in acts} & drawn


def test_a_keymap_that_would_bring_that_about_is_refused() -> None:
    with pytest.raises(ConfigError, match="'p' is 'rollback.plan' on one page and 'run.pause' on the one that takes"):
        effective({"rollback.plan": "p"})


async def test_keys_of_the_first_half_second_of_a_run_that_came_by_itself_are_dropped_with_a_word(
    console: Open,
) -> None:
    async with console() as running:
        await running.press("R")
        await running.shows("to roll back production")
        await running.press(running.challenge.key)
        await running.shows("switch traffic")
        asked = len(running.written)
        await running.press("p", after=SETTLE_SECONDS / 2)
        await running.shows("too early: this page has only just come")
        assert len(running.written) == asked
        await running.press("p", after=SETTLE_SECONDS)
        await running.until(lambda: len(running.written) == asked + 1)


async def test_the_way_out_works_at_once(console: Open) -> None:
    async with console() as running:
        await running.press("R")
        await running.shows("to roll back production")
        await running.press(running.challenge.key)
        await running.shows("switch traffic")
        await running.press("escape", after=0.0)
        await running.shows("HEALTH")


# typed faster than a line opens ----------------------------------------------------------------
def burst(running: Console, *keys: str) -> None:
    """Keys as one read from a terminal brings them."""
    for key in keys:
        running.app.post_message(events.Key(*NAMED.get(key, (key, key))))


async def test_a_name_typed_in_one_go_with_the_palette_is_all_there(console: Open) -> None:
    async with console() as running:
        burst(running, ":", *"history", "enter")
        await running.shows("PRODUCTION   history")
        burst(running, "escape")
        await running.shows("HEALTH")
        burst(running, ":", *"drill")
        await running.shows(": › drill")


async def test_words_typed_in_one_go_with_the_key_that_asks_for_them_are_all_there(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console() as running:
        await running.press("g")
        await running.shows("executor 4121")
        running.clock.pass_seconds(1)
        for words in ("blue", "pale green"):
            burst(running, "n", *words.replace(" ", "_"), "enter")
            await running.shows("noted")
            running.app.page.unsay()  # type: ignore[union-attr]
        assert [call[3] for call in running.written] == ["blue", "pale_green"], "and no letter acted as a key"


async def test_a_name_that_must_be_typed_is_refused_in_one_go_with_a_word(console: Open) -> None:
    async with console() as running:
        await running.press("R")
        await running.shows("to roll back production")
        await running.press("v")
        await running.shows("can be chosen")
        await running.press("down", "enter")
        await running.shows("then type 2.4.0")
        running.clock.pass_seconds(1)
        burst(running, "t", *"2.4.0")
        await running.shows("pasted text is refused here: type it", "type 2.4.0 ›")
        assert "typed.  press" not in running.text


async def test_a_refused_paste_is_said_while_the_line_stands(console: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with console() as running:
        await running.press("R")
        await running.shows("to roll back production")
        await running.press("v")
        await running.shows("can be chosen")
        await running.press("down", "enter")
        await running.shows("then type 2.4.0")
        await running.press("t")
        await running.until(lambda: running.app.focused is not None)
        assert running.app.page is not None and not running.app.page.has_class("-said")
        monkeypatch.setattr(running.app.page, "tick", lambda: None)  # it is not the next tick that shows it
        running.app.post_message(events.Paste("2.4.0"))
        await running.shows("pasted text is refused here: type it", "type 2.4.0 ›")


# the footer ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "own", [[one.id for one in of(scope) if one.foot] for scope in ("run", "service", "history", "releases")]
)
def test_the_emergency_and_the_ways_out_stay_in_the_narrowest_footer(own: list[str]) -> None:
    names = ["all.leave", *own, "all.attach", "all.roll-back", "all.palette", "all.help"]
    said = foot([find(name) for name in names], effective({}), 44).plain
    assert "R roll back" in said and "? keys" in said and "esc leave" in said
    assert not any(words in said for words in ("filter", "figures", "note"))


async def test_home_names_the_key_of_its_letters(console: Open) -> None:
    async with console() as running:
        await running.shows("f jump", "R roll back", "? keys")


# keys that were moved --------------------------------------------------------------------------
def test_no_page_writes_a_key_of_the_registry_as_a_letter() -> None:
    """Words as `esc leaves` are true only until a key is moved: they are made from the keymap."""
    named = "|".join({"esc", "enter", "pgdn", "pgup", "end", "tab"})
    verbs = "leaves|goes|chooses|shows|writes|opens|looks|starts|attaches|takes|ends|carries|closes|types"
    letters = "|".join(re.escape(one.key) for one in ACTIONS if len(one.key) == 1 and one.key.isalnum())
    written = re.compile(rf"(?<!\w )(?<!\+)\b(?:{named}|{letters}) (?:{verbs})\b")
    part = re.compile(rf"\(\"(?:{letters}|{named})\", \"key\"\)")
    found = [
        f"{path.name}: {line.strip()}"
        for path in sorted(SCREENS.glob("*.py"))
        for line in path.read_text().splitlines()
        if path.name not in ("registry.py", "small.py") and '"' in line and "`" not in line and '"""' not in line
        if written.search(re.sub(r"\{[^}]*\}", "0", line)) or part.search(line)
    ]
    assert found == []


async def test_moved_keys_are_what_the_pages_say(console: Open, world: World) -> None:
    moved = {
        "chosen.reason": "f6", "all.leave": "f7", "all.drill": "f8", "list.page-down": "f9", "list.open": "f10",
    }  # fmt: skip
    world.drills, world.offer = (), facts.offer(evidence="")
    async with console(keys=moved) as running:
        running.app.open("screens.chosen:ChosenPage", "api", "2.4.0")
        await running.shows("f6 writes the reason first")
        await running.press("f7")
        await running.press("R", "v")
        await running.shows("f10 chooses; its name is then typed")
        await running.press("f7", "f7", "f8", "s")
        await running.press(running.challenge.key)
        await running.shows("f8 shows the clock")
        world.show(facts.run_view(RunState.NEEDS_OPERATOR))
        running.app.open("screens.run:RunPage", facts.RUN)
        await running.shows("f9 shows more")
