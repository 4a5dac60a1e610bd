"""What counts as a right answer from outside: a status of 200 alone does not (R1, R7)."""

import json
from dataclasses import replace

import pytest

from actions.model.errors import Unreachable, VerifyFailed
from actions.steps.registry import registry
from tests.hostile_http import answer, bad_server
from tests.steps.running import context, planned
from tests.steps.test_rollback_steps import step_of


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"status": "ok"}, ""),
        ({"status": "ok", "checks": {"mail": "down"}}, ""),
        ({"status": "down"}, "says 'down'"),
        ({"status": "not ready"}, "says 'not ready'"),
        ({"checks": {"database": {"status": "fail", "output": "refused"}}}, "database: refused"),
    ],
)
async def test_a_service_that_says_it_is_down_is_not_proved_by_its_status(access, ledger, tmp_path, body, wrong):
    """Home would say DOWN: a run must not say "3 of 3 in a row" about the same answer."""
    plan = await planned(access, ledger)
    here = context(access, ledger, plan, step_of(plan, "prove-outside"), tmp_path)
    async with bad_server() as server:
        server.answers["/health"] = lambda: answer(json.dumps(body).encode(), X_Version="2.4.0")
        service = access.environment.services["api"].model_copy(update={"url": server.url})
        here = replace(here, environment=access.environment.model_copy(update={"services": {"api": service}}))
        if not wrong:
            assert "3 of 3 in a row as 2.4.0" in (await registry["prove-outside"].verify(here)).text
        else:
            with pytest.raises(VerifyFailed, match=f"/health answers 200, but {wrong}"):
                await registry["prove-outside"].verify(here)


async def test_one_silent_look_at_the_platform_does_not_take_the_rollback_back(
    access, ledger, world, tmp_path, monkeypatch
):
    plan = await planned(access, ledger)
    here = context(access, ledger, plan, step_of(plan, "prove-slot"), tmp_path)
    green = access.workload("api", "green")
    original, looks = green.observe, []

    async def flaky():
        looks.append(1)
        if len(looks) == 1:
            raise Unreachable("the engine did not answer within 10 s")
        return await original()

    monkeypatch.setattr(green, "observe", flaky)
    monkeypatch.setattr(access, "workload", lambda service, slot: green)
    assert "1/1 ready on 2.4.0" in (await registry["prove-slot"].verify(here)).text
