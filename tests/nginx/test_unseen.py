"""nginx whose processes cannot be looked at from here: what was not counted is not called nothing."""

import os

import pytest

from actions.clients.nginx_pid import Running
from actions.clients.nginx_runners import LocalRunner
from actions.model.errors import VerifyFailed
from actions.model.waiting import Deadline
from actions.platforms.nginx import proof
from actions.platforms.nginx.generation import Answer
from actions.platforms.nginx.observe import Seen
from tests.nginx.real import RealNginx
from tests.nginx.switching import KEY, colour, ignore, planned, switch

pytestmark = pytest.mark.machine("nginx")


@pytest.fixture
def unseen(nginx: RealNginx, monkeypatch: pytest.MonkeyPatch) -> RealNginx:
    """An engine elsewhere names the master by a number that is another process here."""

    async def elsewhere(self: LocalRunner) -> Running:
        return Running(pid=os.getpid())

    monkeypatch.setattr(LocalRunner, "master_pid", elsewhere)
    monkeypatch.setattr(proof, "STEADY_SECONDS", 0.4)
    return nginx


async def test_requests_under_way_are_unknown_where_no_process_can_be_seen(unseen: RealNginx) -> None:
    reader, changer, change = await planned(unseen)
    await switch(unseen, changer, change)
    assert await colour(unseen) == "green"
    assert await reader.in_flight("blue") is None


async def test_requests_under_way_are_unknown_once_nginx_has_died(nginx: RealNginx) -> None:
    reader, _, _ = await planned(nginx)
    assert await reader.in_flight("blue") == 0
    nginx.kill()
    assert await reader.in_flight("blue") is None


async def test_an_old_worker_that_still_accepts_is_found_by_its_answers(
    unseen: RealNginx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first fresh connections may all meet new workers: unseen, only right answers for a while prove the switch."""
    _, changer, change = await planned(unseen)
    await changer.protect(change, KEY, unseen.folder)
    await changer.act(change, KEY, unseen.folder, ignore)
    looks: list[Seen] = []
    real = proof.look

    async def sometimes_old(*given: object) -> Seen:
        seen = await real(*given)  # type: ignore[arg-type]
        right = all(one.generation == KEY for one in seen.answers)
        looks.append(seen)
        old = Answer(generation="first", shares={"blue": 1.0})
        return seen.model_copy(update={"answers": (old, *seen.answers[1:])}) if right and len(looks) % 3 == 0 else seen

    monkeypatch.setattr(proof, "look", sometimes_old)
    monkeypatch.setattr(proof, "STEADY_SECONDS", 60.0)
    with pytest.raises(VerifyFailed, match="fresh connections answer generation .* its workers cannot be seen"):
        await changer.verify(change, KEY, Deadline(1), ignore)
