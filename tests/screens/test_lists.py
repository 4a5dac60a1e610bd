"""History, service, drill, palette and help."""

import pytest

from actions.drills.scenarios import SCENARIOS
from actions.model.errors import Unreachable
from actions.model.platform import InstanceState
from actions.model.record import RunPage, RunQuery
from actions.model.run import EventKind, Run
from actions.model.views import LogCounts, SlotView
from actions.model.words import RunState
from screens.detail import detail_rows, detail_text
from screens.history import parse
from screens.paged import HELD, PAGE, PagedRuns
from screens.service_rows import first_to_read
from tests.fakes import facts
from tests.fakes.desk import World
from tests.screens.conftest import Open


def many(count: int) -> tuple[Run, ...]:
    states = (RunState.SUCCEEDED, RunState.FAILED, RunState.UNDONE)
    return tuple(
        facts.run(
            states[at % 3],
            id=f"01{at:024d}",
            created_at=facts.before(minutes=at),
            seconds=float(at % 50),
            reason=f"reason {at}",
        )
        for at in range(count)
    )


async def test_history_pages_through_a_long_past(console: Open, world: World) -> None:
    world.runs = many(5_000)
    async with console() as running:
        await running.press("H")
        await running.shows("1 of 5,000", "● succeeded", "✗ failed", "↺ undone")
        await running.press(*["pagedown"] * 20)
        await running.shows("reason 320", "321 of 5,000")
        await running.press("end")
        await running.shows("5,000 of 5,000", "reason 4999")
        await running.press("home")
        await running.shows("1 of 5,000", "reason 0")


async def test_only_a_few_pages_are_held() -> None:
    everything = many(PAGE * (HELD + 5))

    last, asked = len(everything) - 1, list[RunQuery]()

    async def ask(query: RunQuery) -> RunPage:
        asked.append(query)
        start = next((at for at, run in enumerate(everything) if run.id == query.upto), 0) + query.offset
        return RunPage(runs=everything[start : start + query.limit], total=len(everything))

    async def show(first: int, last: int) -> None:
        while (page := runs.wanted(first, last)) is not None:
            await runs.read(page)

    runs = PagedRuns(ask, RunQuery())
    await show(last - 10, last)
    assert runs.get(last) == everything[last] and runs.total == len(everything)
    assert len(asked) <= 3, "the end is reached at once, not page by page"
    everything = (facts.run(id="newer"), *everything)
    for first in range(0, last, PAGE):
        await show(first, first + 10)
        assert runs.get(first) == everything[first + 1], "a place stays what it was when a new run comes"
    assert runs.get(0) is None and len(runs._pages) == HELD


async def test_history_filters(console: Open, world: World) -> None:
    world.runs = many(50)
    async with console() as running:
        await running.press("H", "slash")
        await running.until(lambda: running.app.focused is not None)
        await running.press(*"state", "colon", *"failed", "enter")
        await running.shows("1 of 17", "filter state:failed")
        assert "succeeded" not in running.text


def test_the_words_of_the_filter() -> None:
    query = parse("state:failed,undone drill:yes procedure:rollback mira 2.4.0")
    assert query == RunQuery(states=("failed", "undone"), drill=True, procedure="rollback", text="mira 2.4.0")


async def test_a_service_shows_instances_figures_and_log(console: Open) -> None:
    async with console() as running:
        await running.press("down", "enter")
        await running.shows(
            "blue    100 % ›api-blue-1", "✗ error rate", "7.2 %", "limit 1 %", "● latency", "limit 200 ms",
            "LOG api-blue-1", "all instances: error 288  performance 12  security 0  of 4,000 lines", "GET /api/queues",
        )  # fmt: skip
        await running.press("slash")
        await running.until(lambda: running.app.focused is not None)
        await running.press(*"error", "enter")
        await running.until(lambda: "INFO" not in running.text and "ERROR" in running.text)


async def test_the_log_that_opens_is_that_of_what_serves(console: Open, world: World) -> None:
    blue, green = world.slots
    world.slots = (blue.model_copy(update={"share": 0.0}), green.model_copy(update={"share": 1.0}))
    world.log = ()
    async with console() as running:
        await running.press("down", "enter")
        await running.shows("›api-green-1", "LOG api-green-1", "no lines yet in this log")


def test_where_nothing_is_known_to_serve_it_is_that_of_what_is_not_well() -> None:
    blue, green = (one.model_copy(update={"share": None}) for one in facts.slots())
    assert first_to_read((blue, green)) == ("blue", "blue-1")
    assert green.facts is not None
    first, second, third = green.facts.instances
    ill = second.model_copy(update={"state": InstanceState.RESTARTING})
    green = green.model_copy(update={"facts": green.facts.model_copy(update={"instances": (first, ill, third)})})
    assert first_to_read((blue, green)) == ("green", "green-2")
    assert first_to_read((blue.model_copy(update={"facts": None}),)) is None


async def test_a_platform_that_does_not_answer_is_said_and_the_rest_stays(console: Open, world: World) -> None:
    world.slots = (SlotView(slot="blue", share=None, facts=None, error="docker: permission denied"),)
    world.counts = LogCounts(service="api", lines=0, error=0, performance=0, security=0, unread=("api.log: no rights",))
    async with console() as running:
        await running.press("down", "enter")
        await running.shows("? docker: permission denied", "api.log: no rights", "FIGURES")


async def test_an_error_of_one_source_is_shown_where_its_data_would_be(console: Open, world: World) -> None:
    async def broken(service: str) -> tuple[SlotView, ...]:
        raise Unreachable("docker did not answer in 5 s")

    async with console() as running:
        running.desk.slots = broken  # type: ignore[method-assign]
        await running.press("down", "enter")
        await running.shows("docker did not answer in 5 s", "FIGURES", "error 288")


async def test_a_drill_is_started_ended_and_scored(console: Open) -> None:
    async with console() as running:
        await running.press("D")
        await running.shows("bad-release", "a crash loop", "score 92", "recovered after 41 s", "injected")
        await running.press("down", "s")
        drawn = running.challenge.key
        await running.press("enter")
        await running.shows(f"enter is not {drawn}: nothing happened", f"press  {drawn}  breaks")
        assert running.written == []
        await running.press(drawn)
        await running.shows("HEALTH", "drill slow-release has begun", "slow-release is under way")
        await running.press("D", "x")
        await running.press(running.challenge.key)
        await running.shows("the drill has ended; LAST DRILL shows its score", "score 80")
        assert running.text.index("LAST DRILL") < running.text.index("score 80") < running.text.index("score 92")
        assert running.written == [("start_drill", "slow-release"), ("end_drill", "D3")]


async def test_the_palette_runs_and_jumps_only_to_what_is_allowed_now(console: Open) -> None:
    async with console() as running:
        await running.press("colon")
        await running.shows("roll back", "service api", "releases api")
        assert "attach" not in running.text and "back out" not in running.text
        await running.press(*"hist", "enter")
        await running.shows("PRODUCTION   history")
        await running.press("colon", *"service", "space", *"red", "enter")
        await running.shows("PRODUCTION   redis")
        await running.press("colon", *"theme", "space", *"light", "enter")
        await running.until(lambda: running.app.theme == "vq-light")
        await running.press("colon", *"home", "enter")
        await running.shows("ROLLBACK READINESS")


async def test_help_lists_what_works_here_and_now(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console() as running:
        await running.press("g", "question_mark")
        await running.shows("keys of run", "run.back-out", "undo what was done")
        assert "run.abort" not in running.text and "rollback.reason" not in running.text


@pytest.mark.parametrize("size", [(20, 5), (79, 24), (80, 23)])
async def test_a_small_window_says_what_it_needs_and_recovers(console: Open, size: tuple[int, int]) -> None:
    async with console() as running:
        await running.press("R")
        await running.shows("to roll back production")
        key = running.challenge.key
        await running.pilot.resize_terminal(*size)
        await running.until(lambda: f"have {size[0]}x{size[1]}" in " ".join(running.text.split()))
        assert "window too small: need 80x24" in " ".join(running.text.split())
        assert "ctrl+q leaves" in running.text
        await running.press(key, "escape", "D")
        assert running.written == []
        await running.pilot.resize_terminal(80, 24)
        await running.shows("to roll back production")


async def test_the_clock_of_a_drill_under_way_follows_its_run(console: Open, world: World) -> None:
    started = facts.before(seconds=60)
    points = {"injected": started, "detected": facts.before(seconds=50), "decided": facts.before(seconds=40)}
    drill = facts.drills()[0].model_copy(
        update={"id": "D9", "started_at": started, "ended_at": None, "run_id": facts.RUN, "points": points}
    )
    world.drills = (drill, *facts.drills())
    clock = {"moved": facts.before(seconds=3), "recovered": facts.before(seconds=1)}
    world.show(facts.ended_view().model_copy(update={"clock": clock}))
    async with console() as running:
        await running.press("D")
        await running.shows("CLOCK", "10 s", "20 s", "52 s", "57 s", "59 s")
        assert "not yet" not in running.text


async def test_a_filter_that_means_nothing_is_said_and_hides_no_run(console: Open) -> None:
    async with console() as running:
        await running.press("H")
        await running.shows("1 of 1")
        for typed, said in (("drill:maybe", "drill is yes or no"), ("state:succeded", "no state 'succeded'")):
            await running.press("slash")
            await running.until(lambda: running.app.focused is not None)
            await running.press(*[{":": "colon"}.get(char, char) for char in typed], "enter")
            await running.shows(said, "succeeded")
            assert "no run matches" not in running.text


def test_the_detail_of_a_run_loses_no_word_of_its_journal() -> None:
    words = "green answers 0 of 20: " + " ".join(f"word-{at}" for at in range(80)) + " THE-END"
    view = facts.run_view(extra=(facts.event(20, 6.2, EventKind.FAILED, 4, error=words),))
    rows = detail_rows(view, facts.NOW, 76, "BROKEN at 7: " + "a" * 200)
    assert max(one.width for one in rows) <= 76
    text = " ".join(" ".join(one.plain.split()) for one in rows)
    assert words in text and "a" * 200 in text.replace(" ", "")
    for line in detail_text(view, facts.NOW).splitlines():
        assert len(line) <= 200 and not line.endswith("…")
    assert words in " ".join(detail_text(view, facts.NOW).split())


async def test_a_drill_that_failed_shows_its_score_and_the_earlier_ones_scroll(console: Open, world: World) -> None:
    world.scenarios = SCENARIOS
    failed = facts.drills()[1].model_copy(
        update={"id": "D9", "started_at": facts.before(seconds=90), "score": 15, "remarks": ("x " * 60,) * 8}
    )
    world.drills = (
        failed,
        *(
            failed.model_copy(update={"id": f"E{at}", "score": at, "started_at": facts.before(days=at)})
            for at in range(30, 60)
        ),
    )
    async with console() as running:
        await running.press("D")
        await running.shows(
            "crash-loop  by jo   1 m ago   failed   score 15", "more", "EARLIER DRILLS  1 to 2 of 31; pgdn"
        )
        await running.press("pagedown")
        await running.shows("EARLIER DRILLS  3 to 4 of 31", "score 31")
        await running.press(*["pagedown"] * 20)
        await running.shows("30 to 31 of 31", "score 59")
        await running.press("pageup")
        await running.shows("28 to 29 of 31")
