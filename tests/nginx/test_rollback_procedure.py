"""The one rollback procedure over a real nginx with plain addresses as colours."""

from datetime import UTC, datetime, timedelta

import pytest

from actions.model.environment import Environment, Policy
from actions.model.services import HttpService
from actions.model.words import Verdict
from actions.platforms.access import WriteAccess
from actions.procedures.offer import offer
from actions.releases.gather import gather
from tests.nginx.real import RealNginx
from tests.platforms.fake import FakeLedger
from tests.releases.making import release
from tests.releases.making import request as wanted
from tests.steps.running import planned, run

pytestmark = pytest.mark.machine("nginx")


@pytest.fixture
async def access(nginx: RealNginx):
    service = HttpService(url=nginx.settings.url, slots=nginx.slots, traffic=nginx.settings)
    policy = Policy(prove_seconds=3, drain_seconds=3)
    opened = WriteAccess("production", Environment(services={"api": service}, policy=policy))
    yield opened
    await opened.close()


@pytest.fixture
def ledger(tmp_path):
    book, now = FakeLedger(tmp_path), datetime.now(UTC)
    book.save_release(release("2.4.1", Verdict.CANDIDATE, reference="version:2.4.1", last_seen=now))
    book.save_release(release("2.4.0", reference="version:2.4.0", last_seen=now - timedelta(hours=1)))
    return book


async def test_the_flip_is_planned_proved_drained_and_not_reversible_to_the_bad_one(access, ledger, nginx):
    plan = await planned(access, ledger)
    assert [step.kind for step in plan.steps if step.changes] == ["switch-traffic"]
    outcome = await run(access, ledger, plan, nginx.folder)
    assert outcome.error is None and outcome.warnings == {}
    assert outcome.evidence["prove-outside"].data == {"recovered": True, "versions": ["2.4.0"]}
    again = offer(wanted(service="api"), await gather(access, ledger, request=wanted(service="api")))
    assert again.plan is None and "2.4.0 is live" in again.refusal


async def test_a_target_that_turns_ill_after_the_flip_gives_the_traffic_back(access, ledger, nginx, monkeypatch):
    from actions.steps.registry import registry

    plan = await planned(access, ledger)
    prove = registry["prove-outside"]
    original = prove.act

    async def turning(context):
        nginx.colours["green"].version = "9.9.9"
        return await original(context)

    monkeypatch.setattr(prove, "act", turning)
    outcome = await run(access, ledger, plan, nginx.folder)
    assert outcome.error is not None and "answers as 9.9.9" in outcome.error.message
    assert outcome.undo_error is None and "switch-traffic" in outcome.undone
    assert (await access.traffic("api").observe()).serving == "blue"
