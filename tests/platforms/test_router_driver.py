"""The router's driver against the real router of an embedded stack."""

import pytest

from actions.clients.router import RouterWriter
from actions.model.errors import Stale, Unreachable, VerifyFailed
from actions.model.waiting import Deadline
from actions.model.words import ProbeState
from actions.platforms.router.observe import Seen, contradiction, observed_shares

GREEN = {"blue": 0.0, "green": 1.0}


def quiet(_: str) -> None:
    return None


@pytest.fixture
async def change(access):
    reader = access.traffic("api")
    return await reader.plan_switch(await reader.observe(), GREEN)


async def test_shares_come_from_answers_and_agree_with_the_router(access):
    facts = await access.traffic("api").observe()
    assert facts.serving == "blue" and facts.shares == facts.configured and facts.drift == ""
    assert await access.traffic("api").in_flight("green") == 0


async def test_a_switch_is_proved_from_outside_and_undone(access, change, folder):
    changer = access.traffic_changer("api")
    await changer.check(change)
    await changer.protect(change, "R.4", folder)
    assert (await changer.probe(change, "R.4", folder)).state is ProbeState.NOT_STARTED
    await changer.act(change, "R.4", folder, quiet)
    evidence = await changer.verify(change, "R.4", Deadline(5), quiet)
    assert evidence.text == "green answers 5 of 5"
    assert (await changer.probe(change, "R.4", folder)).state is ProbeState.DONE
    for _ in range(2):
        assert "blue answers 5 of 5 again" in (await changer.undo(change, "R.4", folder, Deadline(5), quiet)).text
    assert (await access.traffic("api").observe()).serving == "blue"


async def test_acting_twice_under_one_key_switches_once(access, sandbox, change, folder):
    changer = access.traffic_changer("api")
    await changer.act(change, "R.5", folder, quiet)
    with pytest.raises(Stale):
        await changer.check(change)
    before = (await RouterWriter(sandbox.admin).state()).applied
    await changer.act(change, "R.5", folder, quiet)
    assert (await RouterWriter(sandbox.admin).state()).applied == before


async def test_undo_of_a_switch_that_never_happened_touches_nothing(access, sandbox, change, folder):
    before = await RouterWriter(sandbox.admin).state()
    assert (
        "never switched" in (await access.traffic_changer("api").undo(change, "R.6", folder, Deadline(5), quiet)).text
    )
    assert (await RouterWriter(sandbox.admin).state()).generation == before.generation


async def test_somebody_elses_switch_is_seen_by_check_probe_and_undo(access, sandbox, change, folder):
    changer = access.traffic_changer("api")
    await changer.act(change, "R.7", folder, quiet)
    await RouterWriter(sandbox.admin).switch({"blue": 0.5, "green": 0.5}, generation=f"else-{id(change)}")
    assert (await changer.probe(change, "R.7", folder)).state is ProbeState.UNKNOWN
    with pytest.raises(VerifyFailed, match="left alone"):
        await changer.undo(change, "R.7", folder, Deadline(5), quiet)
    with pytest.raises(VerifyFailed, match="carry generation R.7"):
        await changer.verify(change, "R.7", Deadline(0.3), quiet)
    assert (await access.traffic("api").observe()).shares == {"blue": 0.5, "green": 0.5}
    assert "weights" in " ".join(await changer.manual(change, folder))


async def test_a_lost_router_is_unreachable_not_empty(settings, sandbox, tmp_path):
    from actions.model.workloads import RouterTraffic
    from actions.platforms.access import Access

    service = settings.services["api"].model_copy(
        update={"traffic": RouterTraffic(admin=f"unix://{tmp_path}/none.sock")}
    )
    lost = Access("sandbox", settings.model_copy(update={"services": {"api": service}}))
    with pytest.raises(Unreachable):
        await lost.traffic("api").observe()
    await lost.close()


async def test_answers_that_contradict_the_router_win(sandbox):
    state = await RouterWriter(sandbox.admin).state()
    green = Seen(state.generation, "green", "200")
    assert "green answers" in contradiction(state, (green,))
    assert observed_shares(state, (green, green)) == {"blue": 0.0, "green": 1.0}
    assert "answers carry generation other" in contradiction(state, (Seen("other", "blue", "200"),))
    assert "names no generation" in contradiction(state, (Seen(None, None, "connection refused"),))
    assert contradiction(state, (Seen(state.generation, None, "502"),)) == ""
    assert contradiction(state, (Seen(None, None, "no complete answer", silent=True),)) == "", "it hangs: no drift"
