"""What a switch needs for its way back lies in the folder of its run, however often the run switches."""

import hashlib
import shlex

import pytest

from actions.model.errors import VerifyFailed
from actions.model.platform import Change
from actions.model.waiting import Deadline
from actions.platforms.nginx.change import KEPT
from actions.platforms.nginx.driver import traffic_changer
from tests.nginx.real import RealNginx
from tests.nginx.switching import colour, ignore, planned, switch

pytestmark = pytest.mark.machine("nginx")
CANARY = (0.01, 0.05, 0.25, 0.5, 0.75, 1.0)


async def canary(nginx: RealNginx) -> dict[str, Change]:
    """One run that gives green its share in six steps."""
    done = {}
    for number, share in enumerate(CANARY, 1):
        _, changer, change = await planned(nginx, {"blue": 1 - share, "green": share})
        done[f"01RUN.{number}"] = change
        await switch(nginx, changer, change, f"01RUN.{number}")
    return done


async def test_a_canary_of_six_steps_is_undone_step_by_step(nginx: RealNginx) -> None:
    before = nginx.settings.include.read_bytes()
    for key, change in reversed((await canary(nginx)).items()):
        fresh = traffic_changer(nginx.settings, nginx.place)  # as another process that goes on with it
        told = await fresh.undo(change, key, nginx.folder, Deadline(20), ignore)
        assert f"generation {change.params['before_generation']} answers again" in told.text
    assert nginx.settings.include.read_bytes() == before and await colour(nginx) == "blue"


async def test_the_first_of_six_steps_can_be_undone_at_once(nginx: RealNginx) -> None:
    before = nginx.settings.include.read_bytes()
    key, change = next(iter((await canary(nginx)).items()))
    await traffic_changer(nginx.settings, nginx.place).undo(change, key, nginx.folder, Deadline(20), ignore)
    assert nginx.settings.include.read_bytes() == before and await colour(nginx) == "blue"


async def test_manual_steps_name_the_include_of_before_that_very_step(nginx: RealNginx) -> None:
    changer = traffic_changer(nginx.settings, nginx.place)
    for change in (await canary(nginx)).values():
        copied = shlex.split((await changer.manual(change, nginx.folder))[0])[1]
        with open(copied, "rb") as kept:
            assert hashlib.sha256(kept.read()).hexdigest() == change.params["before_sha256"]


async def test_nothing_but_the_last_copies_for_people_stays_beside_the_include(nginx: RealNginx) -> None:
    old = nginx.settings.directory / f".{nginx.settings.include.name}.state-00RUN.1"
    old.write_text("{}")
    await canary(nginx)
    names = [path.name for path in nginx.settings.directory.iterdir()]
    assert not [name for name in names if ".state-" in name]
    assert len([name for name in names if ".prev-" in name]) == KEPT


async def test_a_process_that_goes_on_after_the_reload_proves_the_switch(nginx: RealNginx) -> None:
    """It knows the workers of before from the folder, which it is first given when asked what happened."""
    _, changer, change = await planned(nginx)
    await changer.protect(change, "01RUN.3", nginx.folder)
    workers = (await changer._client.master()).workers
    await changer.act(change, "01RUN.3", nginx.folder, ignore)
    fresh = traffic_changer(nginx.settings, nginx.place)
    await fresh.probe(change, "01RUN.3", nginx.folder)
    assert fresh._undo["01RUN.3"].old_workers() == frozenset(workers)
    assert "5 of 5" in (await fresh.verify(change, "01RUN.3", Deadline(20), ignore)).text


async def test_an_include_of_before_that_is_gone_leaves_the_traffic_where_it_is(nginx: RealNginx) -> None:
    _, changer, change = await planned(nginx)
    await switch(nginx, changer, change)
    for kept in nginx.folder.iterdir():
        kept.unlink()
    with pytest.raises(VerifyFailed, match="the include of before cannot be read"):
        await changer.undo(change, "01RUN.3", nginx.folder, Deadline(20), ignore)
    assert await colour(nginx) == "green"


async def test_a_run_of_an_earlier_version_is_undone_without_its_state(
    nginx: RealNginx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actions.platforms.nginx.proof.STEADY_SECONDS", 0.1)
    monkeypatch.setattr("actions.platforms.nginx.change.STEADY_SECONDS", 0.1)
    _, changer, change = await planned(nginx)
    await switch(nginx, changer, change)
    (nginx.folder / "nginx-state-01RUN.3.json").unlink()
    await traffic_changer(nginx.settings, nginx.place).undo(change, "01RUN.3", nginx.folder, Deadline(20), ignore)
    assert await colour(nginx) == "blue"
