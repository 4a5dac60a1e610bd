"""The configuration of a run is broken between its crash and its resume: a person is told what to do, everywhere."""

import asyncio

from actions.model.environment import Environment, Notices, Webhook
from actions.model.errors import ConfigError
from actions.model.record import EVERY
from actions.model.words import RunState
from actions.notices.outbox import deliver
from actions.runner.session import hold
from actions.runner.unconfigured import cannot_begin
from tests.runner.carrying import Bench
from tests.runner.journal_checker import check_journal
from vq_tui.commands.follow import verdict_lines

BROKEN = ConfigError("/none line 2: unknown key 'no_such_key'; remove it")


def resumed(bench: Bench, run_id: str) -> RunState:
    """What an executor does that cannot read the configuration."""
    with hold(bench.ledger, run_id) as token:
        return cannot_begin(bench.ledger, run_id, token, BROKEN)


def test_with_an_effect_standing_a_person_gets_the_steps_the_reason_and_an_alarm(bench: Bench) -> None:
    run_id = bench.submit()
    assert bench.crash(run_id, lambda _, name: name == "effect.2.after")
    assert resumed(bench, run_id) is RunState.NEEDS_OPERATOR
    view, name = bench.ledger.view(run_id), run_id[-6:]
    assert view.manual[0] == f"mend /none: {BROKEN.message}"
    assert view.manual[1].startswith("then: vq-tui") and f"runs resume {name}" in view.manual[1]
    assert "step 2" in view.manual[2]
    said = "\n".join(verdict_lines(view, "none", "vq-tui"))
    assert f"  {BROKEN.message}\n  a person must act now:\n  1. mend /none" in said
    (notice,) = bench.ledger.notices()
    assert notice.channel == EVERY and f"run {name} needs-operator: {BROKEN.message}" in notice.text
    assert resumed(bench, run_id) is RunState.NEEDS_OPERATOR, "told again, it is no other run"
    assert len(bench.ledger.notices()) == 1
    check_journal(bench.ledger, bench.world)


def test_with_nothing_touched_it_has_failed_and_says_why(bench: Bench) -> None:
    run_id = bench.submit()
    assert resumed(bench, run_id) is RunState.FAILED
    view = bench.ledger.view(run_id)
    assert view.manual == ()
    assert f"  {BROKEN.message}; nothing was touched" in verdict_lines(view, "none", "vq-tui")


def test_the_alarm_goes_to_every_channel_once_the_configuration_can_be_read(bench: Bench) -> None:
    run_id = bench.submit()
    resumed(bench, run_id)
    asyncio.run(deliver(bench.ledger, {}))
    assert [one.channel for one in bench.ledger.notices(unsent_only=True)] == [EVERY], "it waits, and is not lost"
    hooks = {name: Webhook(url="http://127.0.0.1:9/x") for name in ("desk", "phone")}
    mended = {"demo": Environment(notices=Notices(webhooks=hooks))}
    for _ in range(2):
        asyncio.run(deliver(bench.ledger, mended))
    waiting = bench.ledger.notices(unsent_only=True)
    assert sorted(one.channel for one in waiting) == ["desk", "phone"]
    assert {one.text for one in waiting} == {bench.ledger.notices()[0].text}
