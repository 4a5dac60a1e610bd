"""What counts as a right answer from outside: a status of 200 alone does not."""

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
        ({"status": "strange"}, "its verdict is not understood: 'strange'"),
        ({"status": "UP", "checks": [{"name": "db", "state": "DOWN"}]}, "db"),
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


@pytest.mark.parametrize("kind", ["prove-outside", "prove-slot", "validate"])
@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        ({"version": "2.4.0-slim"}, "answers as 2.4.0"),  # a plan of before: the version is demanded
        ({"version": "2.4.0-slim", "word": "2.4.0-slim", "by_reference": False}, "answers as 2.4.0"),
        ({"version": "2.4.0-slim", "word": "2.4.0", "by_reference": True}, ""),
        ({"version": "2.4.0-slim", "word": None, "by_reference": True}, ""),
    ],
)
async def test_a_release_is_known_by_its_own_word_or_by_what_stands_there(
    access, ledger, world, tmp_path, kind, params, wrong
):
    plan = await planned(access, ledger)
    await registry["switch-traffic"].act(context(access, ledger, plan, step_of(plan, "switch-traffic"), tmp_path))
    step = step_of(plan, kind)
    before = {name: value for name, value in step.params.items() if name not in ("word", "by_reference")}
    here = context(access, ledger, plan, step.model_copy(update={"params": before | params}), tmp_path)
    if wrong:
        with pytest.raises(VerifyFailed, match=wrong):
            await registry[kind].verify(here)
        return
    await registry[kind].verify(here)
    if kind == "prove-outside":
        assert "the platform shows 1/1 of it" in (await registry[kind].verify(here)).text
        other = context(access, ledger, plan, step.model_copy(update={"params": here.step.params | ANOTHER}), tmp_path)
        with pytest.raises(VerifyFailed, match="stands in green"):
            await registry[kind].verify(other)


ANOTHER = {"reference": "ref:2.3.9"}
