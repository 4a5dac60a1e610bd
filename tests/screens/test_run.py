"""A run, live: evidence, steering, questions, and what a person must do by hand."""

import pytest

from actions.model.errors import Refused
from actions.model.record import GateRow
from actions.model.run import EventKind, Executor
from actions.model.words import Command, HealthState, RunState
from tests.fakes import facts
from tests.fakes.desk import World
from tests.screens.conftest import Console, Open


async def attached(running: Console) -> None:
    await running.press("g")
    await running.shows("executor 4121", "prove health")


async def test_steps_show_evidence_and_time_and_what_users_feel(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console() as running:
        await attached(running)
        for words in (
            "00:07 of 01:00",
            "usual 38 s",
            "● 2  check the conditions",
            "0.3 s  1c0a41d9be07 on 3/3 hosts",
            "► 4  switch traffic",
            "green answers 18 of 20",
            "· 8  drain blue",
            "▲ api  errors  38 ms",
            "errors 7.2 % rising",
            "downtime so far 0.0 s",
            "requests lost 3",
            "writes lost 0",
            "include replaced, nginx -t ok, reload",
            "executor 4121 alive",
        ):
            assert words in running.text, words


async def test_it_follows_the_journal_to_the_end(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console() as running:
        await attached(running)
        world.show(facts.ended_view())
        running.desk.touch()
        await running.shows("OUTCOME", "● succeeded in 11 s   inside the budget of 60 s", "3 of 3 in a row as 2.4.0")
        assert "pause" not in running.text and "back out" not in running.text


async def test_pause_is_one_key_and_the_same_key_takes_it_back(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console() as running:
        await attached(running)
        await running.press("p")
        await running.shows("told: it pauses before its next step; p takes that back")
        assert "p pause" in running.text
        world.show(facts.run_view(RunState.PAUSED))
        running.desk.touch()
        await running.shows("paused before its next step; nothing is under way", "p go on")
        assert "told:" not in running.text and "p pause" not in running.text
        await running.press("p")
        await running.shows("told: it goes on")
        world.show(facts.run_view())
        running.desk.touch()
        await running.shows("p pause")
        assert "told:" not in running.text
        await running.settle()
        assert [call[2] for call in running.written] == [Command.PAUSE, Command.RESUME]


@pytest.mark.parametrize(("key", "command"), [("b", Command.BACK_OUT), ("t", Command.TAKE_OVER)])
async def test_what_reaches_far_asks_by_a_drawn_key(console: Open, world: World, key: str, command: Command) -> None:
    world.operator = "ana"
    world.show(facts.run_view())
    async with console() as running:
        await attached(running)
        await running.press(key)
        drawn = running.challenge.key
        assert f"press  {drawn} " in running.text
        assert running.text.count("leave") == 1, "the footer says it, once"
        await running.press("enter", key, "p", "y")
        assert running.written == []
        await running.press(drawn)
        await running.until(lambda: bool(running.written))
        assert running.written == [("command", facts.RUN, command, "")]


async def test_escape_takes_the_question_back(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console() as running:
        await attached(running)
        await running.press("b")
        drawn = running.challenge.key
        await running.press("escape", drawn)
        assert running.written == [] and "executor 4121" in running.text


async def test_abort_is_offered_only_while_nothing_was_changed(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console() as running:
        await attached(running)
        assert "abort" not in running.text
        await running.press("a")
        assert running.app.page is not None and running.app.page.challenge is None
    early = tuple(event for event in facts.events() if event.step in (None, 1))
    world.show(facts.fold(facts.run(), facts.plan(), early))
    async with console() as running:
        await attached(running)
        assert "a abort" in running.text
        await running.press("a")
        await running.press(running.challenge.key)
        await running.until(lambda: bool(running.written))
        assert running.written[0][2] is Command.ABORT


async def test_a_note_goes_into_the_journal(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console() as running:
        await attached(running)
        await running.press("n")
        await running.until(lambda: running.app.focused is not None)
        await running.press("h", "i", "enter")
        await running.shows("noted")
        assert running.written == [("command", facts.RUN, Command.NOTE, "hi")]


async def test_a_dead_executor_is_said_and_carried_on(console: Open, world: World) -> None:
    world.show(facts.run_view())
    world.executor = Executor(state="dead", pid=4121)
    async with console() as running:
        await attached(running)
        await running.shows("executor 4121 dead", "its executor is dead; c carries on", "c carry on")
        await running.press("c")
        await running.press(running.challenge.key)
        await running.until(lambda: bool(running.written))
        assert running.written == [("resume", facts.RUN)]


@pytest.mark.parametrize(
    ("state", "detail"), [("stopped", "its process is stopped (SIGSTOP)"), ("slow", "no heartbeat for 40 s")]
)
async def test_an_executor_that_does_not_move_is_ended_from_here(
    console: Open, world: World, state: str, detail: str
) -> None:
    """Also of one's own run: there is no other way to finish it from the console."""
    world.show(facts.run_view())
    world.executor = Executor(state=state, pid=4121, detail=detail)
    async with console() as running:
        await running.press("g")
        await running.shows(f"its executor is {state}; T ends it and carries on", detail[:14], "T end executor")
        assert "carry on" not in running.text, "carrying on would be refused"
        await running.press("T")
        await running.shows("ends the executor (process 4121) and carries on")
        assert running.written == []
        await running.press(running.challenge.key)
        await running.until(lambda: bool(running.written))
        assert running.written == [("take_over", facts.RUN, True)]
        await running.shows("that executor was ended; another carries on")


async def test_a_run_that_was_put_right_by_hand_is_closed_with_words_and_a_key(console: Open, world: World) -> None:
    world.show(facts.stuck_view())
    async with console() as running:
        await attached(running)
        await running.shows("x close", "x closes it as put right")
        await running.press("x")
        await running.until(lambda: running.app.focused is not None)
        await running.press("enter")
        await running.shows("not closed: say what was done by hand")
        await running.press("x")
        await running.until(lambda: running.app.focused is not None)
        await running.press("b", "l", "u", "e", "enter")
        await running.shows("ends this run as it stands now")
        assert running.written == []
        await running.press(running.challenge.key)
        await running.until(lambda: bool(running.written))
        assert running.written == [("close_run", facts.RUN, "blue")]


async def test_a_refusal_is_shown_whole_with_its_advice(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console() as running:
        await attached(running)

        async def refused(*_: object) -> None:
            raise Refused(
                "the executor of run XFCZBA holds its target and does not move (process 4121 on 'bastion-1': no "
                "heartbeat for 40 s); take it over with --stop to end it first"
            )

        running.desk.command = refused  # type: ignore[attr-defined]
        await running.press("p")
        await running.shows("holds its target and does not move", "to end it first")


async def test_needs_operator_shows_the_exact_steps_even_when_they_are_many(console: Open, world: World) -> None:
    world.show(facts.stuck_view())
    async with console() as running:
        await attached(running)
        for words in (
            "DO THIS NOW, BY HAND",
            "1   curl -s http://127.0.0.1:9901/weights",
            "3   then press c here",
            "needs an operator",
        ):
            assert words in running.text, words
    many = [f"step number {at}: do this and then that, and look at what it says before going on" for at in range(1, 31)]
    world.show(facts.run_view(RunState.NEEDS_OPERATOR, (facts.event(40, 6.5, EventKind.MANUAL, None, steps=many),)))
    async with console() as running:
        await attached(running)
        assert "step number 1:" in running.text
        await running.press(*["pagedown"] * 3)
        await running.shows("step number 30:")


async def test_a_question_of_the_run_is_answered_by_number_and_drawn_key(console: Open, world: World) -> None:
    world.show(facts.run_view())
    gate = GateRow(
        id="G1",
        run_id=facts.RUN,
        step=4,
        question="Traffic is at half. Go on?",
        choices=("go on", "back out"),
        opened_at=facts.NOW,
    )
    world.gates = (gate,)
    async with console() as running:
        await attached(running)
        await running.shows("THIS RUN ASKS", "Traffic is at half. Go on?", "1 go on   2 back out")
        await running.press("2")
        assert "answers: back out" in running.text and running.written == []
        await running.press(running.challenge.key)
        await running.until(lambda: bool(running.written))
        assert running.written == [("answer", facts.RUN, "G1", "back out")]


async def test_detaching_leaves_the_run_alone(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console() as running:
        await attached(running)
        await running.press("d")
        await running.shows("detached; the run goes on", "RUNNING ►")
        assert running.written == []


async def test_detail_holds_everything_and_the_audit(console: Open, world: World) -> None:
    world.show(facts.ended_view())
    async with console() as running:
        await running.press("H")
        await running.shows("7QK")
        await running.press("enter")
        await running.shows("audit    intact, 1,204 events", "STEPS", "mira   ssh 192.0.2.7")
        page = running.app.page
        assert page is not None
        for words in ("users affected", "lost writes", "green answers 20 of 20", "JOURNAL", "include replaced"):
            assert words in page.plain(), words


async def test_figures_of_a_source_that_is_lost_are_not_shown_as_of_now(console: Open, world: World) -> None:
    lost = facts.health(
        "api", HealthState.DOWN, "down", "", error="connection refused", latency_ms=11.6,
        errors=(0.0,) * 8, observed_at=facts.before(seconds=30), attempted_at=facts.before(seconds=1),
    )  # fmt: skip
    world.snapshot = facts.snapshot().model_copy(update={"services": (lost,)})
    world.show(facts.run_view())
    async with console() as running:
        await attached(running)
        await running.shows("✗ api  down  connection refused   last answer 30 s ago")
        assert "11.6 ms" not in running.text and "errors 0 %" not in running.text
    silent = lost.model_copy(update={"attempted_at": facts.before(seconds=30), "state": HealthState.OK})
    world.snapshot = facts.snapshot().model_copy(update={"services": (silent,)})
    async with console() as running:
        await attached(running)
        await running.shows("? api  no data   last seen 30 s ago")
        assert "11.6 ms" not in running.text


async def test_an_executor_on_its_way_is_no_alarm_and_one_that_does_not_come_is(console: Open, world: World) -> None:
    queued = facts.run(RunState.QUEUED, created_at=facts.before(seconds=1), started_at=None)
    world.show(facts.fold(queued, facts.plan(), facts.events()[:2]))
    world.executor = Executor(state="none")
    async with console() as running:
        await running.press("g")
        await running.shows("executor starts", "its executor starts")
        assert "carry on" not in running.text and "▲ its executor" not in running.text
        running.clock.advance(20)
        running.app.page.repaint()  # type: ignore[union-attr]
        await running.shows("▲ its executor is none; c carries on")


async def test_leaving_an_ended_run_never_shows_an_earlier_one(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console() as running:
        running.app.open("screens.run:RunPage", "01JEARLIERRUN0000000000FAIL")
        await running.settle()
        await attached(running)
        await running.press("d")
        await running.until(lambda: running.app.page is not None and running.app.page.SCOPE == "home")
