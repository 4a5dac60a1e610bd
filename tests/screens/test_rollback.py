"""The emergency screen and the chosen version: what confirms, and above all what does not."""

import asyncio

import pytest
from textual import events

from actions.model.errors import Busy, Refused, Unreachable
from actions.model.identity import short_id
from actions.model.plan import Level, RollbackRequest
from actions.model.record import Submitted
from actions.model.run import Executor, RunView
from actions.model.words import RunState
from tests.fakes import facts
from tests.fakes.desk import World
from tests.screens.conftest import Console, Open

OPEN = "R"


async def opened(running: Console) -> None:
    await running.press(OPEN)
    await running.shows("to roll back production")


async def test_the_screen_shows_the_whole_decision(console: Open) -> None:
    async with console() as running:
        await opened(running)
        for words in (
            "2.4.1", "errors 7.2 % after release 2.4.1   since 22:29, 11 m", "last known good, soaked 9 d",
            "traffic blue → green", "postgres (schema 41 fits)", "about 11 s",
            "last 5: 9 s to 14 s", "budget 60 s", "● artefact  1c0a41d9be07 on 3/3", "● rights    ok 2/2",
            f"press  {running.challenge.key}  to roll back production",
        ):  # fmt: skip
            assert words in running.text, words


async def test_the_challenge_key_submits_the_plan_that_was_shown_and_attaches(console: Open) -> None:
    async with console() as running:
        await opened(running)
        await running.press(running.challenge.key.lower())
        await running.shows("executor 4121 alive", "switch traffic")
        [(name, request, digest)] = running.written
        assert name == "submit" and isinstance(request, RollbackRequest)
        assert request.level is Level.EMERGENCY and request.reason == "errors 7.2 % after release 2.4.1" and request.key
        assert digest == facts.plan().digest
        await running.press("escape")
        await running.shows("HEALTH")


async def test_nothing_else_confirms(console: Open) -> None:
    async with console() as running:
        await opened(running)
        key = running.challenge.key
        wrong = [letter for letter in "abcefgijklmnoqstuwxyz" if letter != key.lower()]
        await running.press("enter", "space", "tab", "y", *[letter for letter in wrong if letter not in "uy"])
        running.app.post_message(events.Paste(key * 3))
        await running.settle()
        assert running.written == []
        assert key in running.text


async def test_keys_of_the_first_half_second_and_held_keys_do_nothing(console: Open) -> None:
    async with console() as running:
        await opened(running)
        key = running.challenge.key
        await running.press(*[key] * 10, after=0.04)
        assert running.written == []
        assert "too early" in running.text or "repeat" in running.text
        await running.press(*[key] * 30, after=0.04)
        assert running.written == []


async def test_a_wrong_key_is_answered_and_the_question_stays(console: Open) -> None:
    async with console() as running:
        await opened(running)
        key = running.challenge.key
        wrong = next(letter for letter in "acefz" if letter != key.lower())
        await running.press(wrong)
        await running.shows(f"{wrong} is not {key}: nothing happened", f"press  {key}  to roll back production")
        await running.press("f")
        await running.shows("digest")
        assert "nothing happened" not in running.text, "a key of this page is no wrong key"
        await running.press("escape", key)
        await running.until(lambda: bool(running.written))


async def test_a_rollback_under_way_is_attached_to_and_asks_for_no_key(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console() as running:
        await running.press(OPEN)
        await running.shows(f"g attaches to run {short_id(facts.RUN)} of mira, which rolls back api")
        assert running.app.page is not None and running.app.page.challenge is None
        assert "to roll back production" not in running.text
        world.show(facts.ended_view())
        running.desk.touch()
        await running.shows("to roll back production")
        assert running.challenge.key
        world.show(facts.run_view())
        running.desk.touch()
        await running.shows("g attaches to run")
        await running.press("g")
        await running.shows("executor 4121 alive")
        assert running.written == []


@pytest.mark.parametrize(
    ("state", "executor"), [(RunState.RUNNING, "dead"), (RunState.QUEUED, "none"), (RunState.NEEDS_OPERATOR, "alive")]
)
async def test_a_rollback_that_nobody_carries_out_does_not_take_the_key_away(
    console: Open, world: World, state: RunState, executor: str
) -> None:
    world.show(facts.run_view(state))
    world.executor = Executor(state=executor)
    async with console() as running:
        await opened(running)
        assert running.challenge.key


async def test_a_double_press_is_one_request(console: Open) -> None:
    async with console() as running:
        await opened(running)
        key = running.challenge.key
        await running.press(key)
        await running.press(key, key)
        await running.settle()
        assert len(running.written) == 1


async def test_leaving_leaves(console: Open) -> None:
    async with console() as running:
        await opened(running)
        key = running.challenge.key
        await running.press("escape")
        await running.shows("HEALTH")
        await running.press(key)
        await running.settle()
        assert running.written == []


async def test_help_hides_the_question_and_it_is_settled_anew(console: Open) -> None:
    async with console() as running:
        await opened(running)
        key = running.challenge.key
        await running.press("question_mark")
        await running.shows("keys of rollback", "drawn")
        await running.press(key)
        assert running.written == []
        await running.press("escape")
        await running.press(key, after=0.1)
        assert running.written == []


async def test_the_reason_is_written_without_the_challenge_listening(console: Open) -> None:
    async with console() as running:
        await opened(running)
        key = running.challenge.key
        await running.press("r")
        await running.until(lambda: running.app.focused is not None)
        await running.press("ctrl+u", *key.lower(), "o", "o", "m", key)
        assert running.written == []
        await running.press("enter")
        await running.shows(f"reason   {key.lower()}oom{key}")
        await running.press(running.challenge.key)
        await running.until(lambda: bool(running.written))
        assert running.written[0][1].reason == f"{key.lower()}oom{key}"  # type: ignore[attr-defined]


async def test_no_plan_means_no_question(console: Open, world: World) -> None:
    world.offer = facts.offer(plan=None, refusal="no release is known to be good; choose one by hand")
    async with console() as running:
        await running.press(OPEN)
        await running.shows("no release is known to be good", "nothing was touched")
        assert running.app.page is not None and running.app.page.challenge is None
        await running.press(*"ABCEFGHJKMNSTWXZ")
        assert running.written == []


@pytest.mark.parametrize("failure", [Refused("the plan is stale: blue moved; look again")])
async def test_a_refusal_is_one_line_and_nothing_happened(console: Open, world: World, failure: Refused) -> None:
    world.submitted = failure
    async with console() as running:
        await opened(running)
        await running.press(running.challenge.key)
        await running.shows("the plan is stale: blue moved")


async def test_somebody_was_faster(console: Open, world: World) -> None:
    world.submitted = Submitted(run_id=facts.RUN, created=False)
    async with console() as running:
        await opened(running)
        await running.press(running.challenge.key)
        await running.shows("already under way: this screen is attached to it")


async def test_busy_names_the_way_there_stays_and_is_no_read_only_session(console: Open, world: World) -> None:
    world.submitted = Busy("another run holds production/api", run_id=facts.RUN)
    async with console() as running:
        await opened(running)
        await running.press(running.challenge.key)
        await running.shows("✗ another run holds production/api; g goes there", "u looks again and asks anew")
        world.snapshot = facts.snapshot().model_copy(update={"sequence": 8})
        running.desk.touch()
        running.clock.advance(60)
        await running.settle()
        assert "another run holds" in running.text and "READ-ONLY" not in running.text
        assert "to roll back production" not in running.text, "no key is asked for again by itself"
        world.submitted = Submitted(run_id=facts.RUN, created=True)
        await running.press("u")
        await running.shows("to roll back production")
        await running.press(running.challenge.key)
        await running.shows("executor 4121 alive")


async def test_after_a_busy_answer_a_chosen_release_can_be_typed_again(console: Open, world: World) -> None:
    world.submitted = Busy("another run holds production/api", run_id=facts.RUN)
    async with console() as running:
        await chosen(running)
        await type_the_name(running)
        await running.press(running.challenge.key)
        await running.shows("✗ another run holds production/api; g goes there", "t types 2.4.0 again")
        await type_the_name(running)
        assert running.challenge.key


async def test_a_read_only_session_is_told_so_before_and_after(console: Open) -> None:
    async with console(read_only=True) as running:
        await running.press("H", "escape")
        running.app.open("screens.rollback:RollbackPage", "api")
        await running.shows("READ-ONLY: this session cannot start it")


async def test_the_full_plan(console: Open) -> None:
    async with console() as running:
        await opened(running)
        await running.press("f")
        await running.shows("plan: roll back api", "switch traffic", "changes", "goes back", facts.plan().digest[:16])


async def test_a_release_that_is_not_known_is_said_in_whole_words(console: Open, world: World) -> None:
    world.readiness = facts.readiness(current=None, to=None)
    world.offer = facts.offer(plan=None, refusal="nobody can tell what serves", readiness=world.readiness)
    async with console() as running:
        await running.press(OPEN)
        await running.shows("nobody can tell what serves", "from     not known")


# a forward run in the way ------------------------------------------------------------
def updating() -> RunView:
    """An update of a colleague under way."""
    update = facts.run(procedure="update", operator="jo", from_version="2.4.0", to_version="2.4.1")
    return facts.fold(update, facts.plan(), facts.events())


async def test_the_emergency_key_works_while_a_forward_run_is_watched(console: Open, world: World) -> None:
    world.show(updating())
    async with console() as running:
        await running.press("g")
        await running.shows("update 7QK", "R roll back")
        await running.press("R")
        await running.shows("first    update 7QK of jo holds the environment", "to roll back production")


async def test_it_is_dead_only_while_the_run_is_a_rollback_itself(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console() as running:
        await running.press("g")
        await running.shows("rollback 7QK")
        assert "roll back" not in running.text
        await running.press("R")
        await running.shows("rollback 7QK")


async def test_waiting_says_for_whom_since_when_and_until_when_and_then_who_was_taken_over(
    console: Open, world: World
) -> None:
    world.show(updating())
    async with console() as running:
        await opened(running)
        leave = asyncio.Event()
        submit = running.desk.submit  # type: ignore[attr-defined]

        async def slow(*given: object) -> Submitted:
            await leave.wait()
            answer = await submit(*given)
            return Submitted(run_id=answer.run_id, created=True, took_over="update 7QK of jo (undone)")

        running.desk.submit = slow  # type: ignore[attr-defined]
        await running.press(running.challenge.key)
        running.clock.advance(4)
        running.app.page.repaint()  # type: ignore[union-attr]
        await running.shows("waiting for update 7QK of jo to back out", "00:04 of 02:00", "At the deadline")
        leave.set()
        await running.shows("took the environment over from update 7QK of jo (undone)", "executor 4121")


# facts that move while the screen is open --------------------------------------------------
async def test_the_evidence_follows_what_is_measured_and_the_key_stays(console: Open, world: World) -> None:
    quiet = {
        "plan": facts.plan().model_copy(update={"reason": "rollback of api"}),
        "evidence": "",
        "trouble_since": None,
    }
    world.offer = facts.offer(**quiet)
    async with console() as running:
        await opened(running)
        assert "errors up to" in running.text and "facts 2 s old" in running.text
        key = running.challenge.key
        worse = facts.plan().model_copy(update={"reason": "errors 34 % after release 2.4.1"})
        world.offer = facts.offer(plan=worse, evidence="errors 34 % after release 2.4.1")
        world.snapshot = facts.snapshot().model_copy(update={"sequence": 8})
        running.desk.touch()
        await running.shows("2.4.1     errors 34 % after release 2.4.1", "reason   errors 34 %")
        assert running.challenge.key == key and "errors up to" not in running.text
        await running.press(key)
        await running.until(lambda: bool(running.written))
        [(_, request, digest)] = running.written
        assert isinstance(request, RollbackRequest)
        assert (request.reason, digest) == ("errors 34 % after release 2.4.1", worse.digest)


async def test_what_is_not_known_yet_is_shown_and_is_no_reason(console: Open, world: World) -> None:
    note = "too few answers yet; rolled back from 2.4.5 8 s ago"
    plan = facts.plan().model_copy(update={"reason": "rollback of 2.4.1"})
    world.offer = facts.offer(plan=plan, evidence="", note=note, trouble_since=None)
    async with console() as running:
        await opened(running)
        assert note in running.text and "not in trouble" not in running.text
        await running.press(running.challenge.key)
        await running.until(lambda: bool(running.written))
        [(_, request, _)] = running.written
        assert isinstance(request, RollbackRequest) and request.reason == "rollback of 2.4.1"


async def test_a_rollback_just_made_stands_beside_the_evidence(console: Open, world: World) -> None:
    world.offer = facts.offer(note="rolled back from 2.4.5 8 s ago")
    async with console() as running:
        await opened(running)
        assert "errors 7.2 % after release 2.4.1" in running.text and "rolled back from 2.4.5 8 s ago" in running.text


async def test_another_plan_takes_another_key(console: Open, world: World) -> None:
    async with console() as running:
        await opened(running)
        key = running.challenge.key
        cold = facts.plan().model_copy(update={"moves": ("api-green 2.3.8 → 2.4.0", "traffic blue → green")})
        world.offer = facts.offer(plan=cold)
        world.snapshot = facts.snapshot().model_copy(update={"sequence": 8})
        running.desk.touch()
        await running.shows("api-green 2.3.8 → 2.4.0", "the plan changed (", "moves api-green 2.3.8", "read it")
        assert running.challenge.key != key
        await running.press(key)
        assert running.written == []
        await running.press(running.challenge.key)
        await running.until(lambda: bool(running.written))
        assert running.written[0][2] == cold.digest


async def test_a_way_back_that_closes_takes_the_key_away(console: Open, world: World) -> None:
    async with console() as running:
        await opened(running)
        world.offer = facts.offer(plan=None, refusal="2.4.0 is gone from host-b")
        world.snapshot = facts.snapshot().model_copy(update={"sequence": 8})
        running.desk.touch()
        await running.shows("✗ 2.4.0 is gone from host-b", "nothing was touched")
        assert "to roll back production" not in running.text


async def test_facts_that_cannot_be_read_again_show_their_age(console: Open, world: World) -> None:
    async with console() as running:
        await opened(running)
        world.offer = Unreachable("router http://127.0.0.1:9: no answer")
        world.snapshot = facts.snapshot().model_copy(update={"sequence": 8})
        running.clock.advance(40)
        running.desk.touch()
        await running.shows("? as of 42 s ago  router http://127.0.0.1:9: no answer", "facts 42 s old")


# another version ------------------------------------------------------------------------
async def chosen(running: Console) -> None:
    await opened(running)
    await running.press("v")
    await running.shows("● 2.4.0", "can be chosen", "✗ 2.3.9")
    [serving] = [line for line in running.text.splitlines() if "serving" in line]
    assert "2.4.1" in serving and "can be chosen" not in serving
    await running.press("down", "enter")
    await running.shows("then type 2.4.0")


async def type_the_name(running: Console) -> None:
    await running.press("t")
    await running.until(lambda: running.app.focused is not None)
    await running.press("2", "full_stop", "4", "full_stop", "0")
    await running.shows("typed.  press")


async def test_typing_the_name_and_then_the_drawn_key_submits(console: Open) -> None:
    async with console() as running:
        await chosen(running)
        assert running.app.focused is None
        await running.press("t")
        await running.until(lambda: running.app.focused is not None)
        await running.press("2", "full_stop", "4", "full_stop", "0")
        await running.shows("typed.  press")
        assert running.written == []
        await running.press("enter")
        assert running.written == []
        await running.press(running.challenge.key)
        await running.until(lambda: bool(running.written))
        request = running.written[0][1]
        assert isinstance(request, RollbackRequest) and request.level is Level.MANUAL and request.to == "2.4.0"


async def test_pasted_names_are_refused_in_every_form(console: Open) -> None:
    async with console() as running:
        await chosen(running)
        await running.press("t")
        await running.until(lambda: running.app.focused is not None)
        running.app.post_message(events.Paste("2.4.0"))
        await running.settle()
        assert "typed.  press" not in running.text
        running.app.copy_to_clipboard("2.4.0")
        await running.press("ctrl+v")
        assert "typed.  press" not in running.text
        await running.press("2", "full_stop", "4", "full_stop", "0", after=0.001)
        assert "typed.  press" not in running.text
        assert running.written == []


async def test_enter_and_a_wrong_name_do_nothing(console: Open) -> None:
    async with console() as running:
        await chosen(running)
        await running.press("enter", "t")
        await running.until(lambda: running.app.focused is not None)
        await running.press("2", "full_stop", "4", "full_stop", "1", "enter")
        assert "typed.  press" not in running.text and running.written == []


async def test_a_bad_release_cannot_be_chosen(console: Open) -> None:
    async with console() as running:
        await opened(running)
        await running.press("v")
        await running.shows("can be chosen")
        await running.press("down", "down", "enter")
        await running.shows("2.3.9 cannot be gone back to: rolled back from")
        await running.press("home", "enter")
        await running.shows("2.4.1 cannot be gone back to: it is live")
